"""Mappings of files in the names that count today."""

from ringfence.deprecations import NamedIn, deprecated, in_current_names
from ringfence.diagnostics import Problems
from ringfence.documents.yaml import Map


def current_names(of: NamedIn, node: Map, problems: Problems) -> Map:
    """The same mapping with new names in place of those that were given up, which are told in `problems`."""
    if not any(row.old in node for row in deprecated(of)):
        return node
    values, told = in_current_names(of, node, node.at)
    problems.extend(told)
    moved = {row.new: node.at(row.old) for row in deprecated(of) if row.old in node and row.new not in node}
    return Map(values, node.where, {**node.locations, **moved})
