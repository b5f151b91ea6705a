"""The reference of kinds for a terminal of any width: a kind as a list, one property with everything that the tables say."""

import heapq
import itertools
import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ringfence.diagnostics import Finding
from ringfence.model.narrowing import never
from ringfence.model.plain import plain_data
from ringfence.model.resource import Kind, Property, Resource
from ringfence.views import reference
from ringfence.views.format import Style, unstyled

NARROWEST, WIDEST = 40, 200  # columns of a terminal to which text is fitted
_TRIES = 100  # of values beside a property, until an example of it is right
_LONG = 60  # characters of the name of a type that are shown in a list


@dataclass(frozen=True, slots=True)
class PropertyDoc:
    """A property, and the tables in which it stands. outer: the property of `kind` whose proposals have it."""

    kind: Kind
    entry: Property
    outer: Property | None = None

    @property
    def table(self) -> Kind:
        """The table that has it: of the kind, or of its proposals."""
        return self.outer.proposal.kind if self.outer and self.outer.proposal else self.kind

    @property
    def name(self) -> str:
        return f"{self.outer.name}.{self.entry.name}" if self.outer else self.entry.name


def documented(kind: Kind) -> dict[str, PropertyDoc]:
    """Every property of a kind by the name that `ringfence doc` takes; those of proposals behind a dot."""
    found: dict[str, PropertyDoc] = {}
    for p in kind.properties.values():
        made = [PropertyDoc(kind, p)]
        made += [PropertyDoc(kind, inner, p) for inner in p.proposal.kind.properties.values()] if p.proposal else []
        found |= {doc.name: doc for doc in made}
    return found


def wrapped(text: str, width: int, indent: str = "", others: str | None = None) -> list[str]:
    """Lines that end between words alone: no address, path or name is cut, however narrow the terminal. others: the indentation
    of all lines but the first, where it is not the same."""
    return textwrap.wrap(text, max(NARROWEST, min(width, WIDEST)), initial_indent=indent, break_long_words=False,
                         subsequent_indent=indent if others is None else others, break_on_hyphens=False)


def overview(kinds: Mapping[str, Kind], width: int) -> str:
    """All kinds: a line each, where the terminal is wide enough."""
    longest = max(map(len, kinds)) + 2
    hanging = " " * (longest if width >= 2 * longest else 4)
    return "".join(f"{line}\n" for name, kind in sorted(kinds.items())
                   for line in wrapped(f"{name.ljust(longest)}{kind.doc.split('. ')[0].rstrip('.')}", width, "", hanging))


def kind_text(kind: Kind, width: int, style: Style = unstyled) -> str:
    """A kind: what it is, an example, and its properties, a line or two each."""
    whole = "" if kind.whole else " Only what is mentioned is managed."
    lines = [*wrapped(f"{kind.name}: {kind.doc}{whole}", width), *wrapped(kind.storage.describe().replace("`", ""), width), "",
             style("Example", "strong"), "", *reference.example(kind).splitlines(), "", style("Properties", "strong")]
    lines += wrapped("* has to be said · + is told of whatever a plan makes or removes · `ringfence doc "
                     f"{kind.name} PROPERTY` tells everything of one", width, "  ")
    lines.append("")
    docs = documented(kind)
    for row in reference.rows(kind):
        doc = docs.get(row.name.replace("[].", "."))
        lines += _row(row, doc, width, style)
    return "\n".join(lines) + "\n"


def _row(row: reference.ReferenceRow, doc: PropertyDoc | None, width: int, style: Style) -> Iterator[str]:
    mark = "*" if row.default == "required" else "+" if doc and _is_always_told(doc.entry) else " "
    default = f"; default {row.default}" if row.default not in ("", "required") else ""
    name = doc.name if doc else row.name
    first, *others = wrapped(f"{name}  {_short_type(row.type, doc)}{default}", width, f"{mark} ", "      ")
    yield first.replace(name, style(name, "strong"), 1)
    yield from (*others, *wrapped(row.meaning, width, "      "))


def _short_type(name: str, doc: PropertyDoc | None) -> str:
    """The name of a type; of one with many words, how many there are."""
    if doc and doc.entry.proposal:
        return "list of mappings"
    head, comma, words = name.partition(", or ")
    return f"{head}, or {len(words.split())} keywords" if comma and len(name) > _LONG else name


def property_text(doc: PropertyDoc, width: int, style: Style = unstyled) -> str:
    """One property: everything that the tables say of it, what goes with it, and an example."""
    p = doc.entry
    kind, comma, words = p.type.name.partition(", or ")
    facts = {
        "type": "list of mappings" if p.proposal else kind if comma else p.type.name,
        "keywords": words if comma else "",
        "members": ", ".join(p.proposal.kind.properties) if p.proposal else "",
        "default": reference.default_of(p, doc.table) or "none: it stays as it is on the host",
        "cmdlet": _cmdlet(doc),
        "registry": _registry(doc),
        "Windows": reference.since(p.since) if p.since != reference.OLDEST else "",
        "unset": f"Windows does as with {plain_data(p.unset)} where nothing is stored" if p.unset is not None else "",
        "names": f"one of kind {p.references}" if p.references else "",
        "stores": "of policies alone: Windows does not take it from the local store" if p.policy_only else
                  f"{plain_data(p.wins)} is in force wherever one store has it" if p.wins is not None else "",
        "in plans": "told of whatever is made or removed, the default too" if _is_always_told(p) else "",
        "narrows": _narrows(p),
        "goes with": _goes_with(doc),
        "see also": ", ".join(other.name for other in _beside(doc) if _names_it(doc, _goes_with(other))),
    }
    lines = [*wrapped(f"{doc.kind.name} {doc.name}", width), "", *wrapped(p.doc, width, "  "), ""]
    lines[0] = style(lines[0], "strong")
    for label, text in facts.items():
        head = f"  {label.ljust(9)} "
        lines += [line.replace(label, style(label, "quiet"), 1) if line.startswith(head) else line
                  for line in wrapped(text, width, head, " " * len(head))]
    return "\n".join([*lines, "", style("Example", "strong"), "", example_of(doc)])


def row_text(kind: Kind, row: reference.ReferenceRow, width: int, style: Style = unstyled) -> str:
    """What names a resource, and whether it is there: properties of no table."""
    facts = {"type": row.type, "default": row.default, "cmdlet": row.parameter}
    lines = [style(f"{kind.name} {row.name}", "strong"), "", *wrapped(row.meaning, width, "  "), ""]
    lines += [line for label, text in facts.items() for line in wrapped(text, width, f"  {label.ljust(9)} ", " " * 12)]
    return "\n".join([*lines, "", style("Example", "strong"), "", reference.task(kind, {} if row.name == kind.key else
                                                                             {row.name: "absent" if kind.storage.removable
                                                                              else "default"})])


def _cmdlet(doc: PropertyDoc) -> str:
    p, noun = doc.entry, doc.table.noun
    if not p.parameter:
        return "none sets it: it is read"
    if doc.outer or not doc.table.storage.removable:
        return f"-{p.set_parameter} of {'New' if doc.outer else 'Set'}-{noun}"
    if p.parameter == p.set_parameter:
        return f"-{p.parameter} of New- and Set-{noun}"
    return f"-{p.parameter} of New-{noun}, -{p.set_parameter} of Set-{noun}"


def _registry(doc: PropertyDoc) -> str:
    stored = reference.registry(doc.entry)
    return f"{stored} ({doc.kind.storage.describe().rstrip('.').replace('`', '')})" if stored else ""


def _is_always_told(p: Property) -> bool:
    """Whether a plan tells it of what is made or removed, the default too."""
    return p.phrase is not None and p.phrase.always


def _narrows(p: Property) -> str:
    if not p.narrows or p.narrows.counts is never:
        return ""
    return (f"a rule{f' of direction {p.narrows.direction}' if p.narrows.direction else ''} needs a condition that does not mean "
            "all, or the word any; this is one")


def sample(p: Property) -> Any:
    """A value as people write one, other than the default."""
    if p.example is not None or p.type.sample is not None:
        return p.example if p.example is not None else p.type.sample
    schema = p.type.schema
    if schema.get("type") == "boolean":
        return not p.default
    if words := _words(schema):
        found = next(word for word in words if word not in (p.default, "any", "none", "not_configured", "default"))
        return [found] if "anyOf" in schema else found
    return next(n for n in (60, 3600, 10, schema["maximum"]) if n != p.default and _holds(p, n))


def _holds(p: Property, content: Any) -> bool:
    try:
        p.type.parse(content)
    except ValueError:
        return False
    return True


def _words(schema: Mapping[str, Any]) -> Sequence[Any]:
    """The words that a value or a member of a list may be."""
    if "anyOf" in schema:
        return next((one["enum"] for one in schema["anyOf"] if "enum" in one), ())
    found: Sequence[Any] = schema.get("enum", ())
    return found


def example_of(doc: PropertyDoc) -> str:
    """A task with the property in it, and with what the checks of the kind name where it stands alone; where they cannot be
    satisfied by what the tables know, the property alone."""
    p = doc.entry
    said = _put_right(doc, {**_required(doc.table), p.name: sample(p)})
    said = {name: said[name] for name in doc.table.properties if name in said}
    if _mistakes(doc, said):
        return "".join(f"{line}\n" for line in reference.yaml_of(p.name, sample(p), "    "))
    return reference.task(doc.kind, {doc.outer.name: [said]} if doc.outer else said)


def _put_right(doc: PropertyDoc, said: dict[str, Any]) -> dict[str, Any]:
    """The same, with what the kind's own checks ask for beside the property: of what they name that is tried first which leaves
    the fewest mistakes. As it was where that leads nowhere."""
    wrong = _mistakes(doc, said)
    number = itertools.count()  # of equals the first
    waiting = [(len(wrong), len(said), next(number), said, wrong)]
    seen: list[dict[str, Any]] = []
    while waiting and len(seen) < _TRIES:
        mistakes, _, _, tried, wrong = heapq.heappop(waiting)
        if not mistakes:
            return tried
        if tried in seen:
            continue
        seen.append(tried)
        for name, content in _named_in(wrong, doc.table):
            if name == doc.entry.name:
                continue
            for one in ({**tried, name: content}, {n: v for n, v in tried.items() if n != name}):
                wrong = _mistakes(doc, one)
                heapq.heappush(waiting, (len(wrong), len(one), next(number), one, wrong))
    return said


def _named_in(wrong: Iterable[Finding], table: Kind) -> Iterator[tuple[str, Any]]:
    """The properties that findings name, or words of theirs, with values that may put it right; those with an example first."""
    words = {word for found in wrong for word in re.findall(r"\w+", f"{found.reason} {found.advice}")}
    words |= {word.removesuffix("s") for word in words}
    for q in sorted(table.properties.values(), key=lambda q: q.example is None):
        known = [word for word in (*_words(q.type.schema), *q.type.name.split(" | ")) if word in words and _holds(q, word)]
        if q.name in words:
            yield q.name, sample(q)
        yield from ((q.name, [word] if "anyOf" in q.type.schema else word) for word in known)


def _goes_with(doc: PropertyDoc) -> str:
    """What is wrong with the property where nothing else is said: what it needs beside it."""
    p, alone = doc.entry, _required(doc.table)
    said = {**alone, p.name: sample(p)}
    found = [f for f in _checked(doc.table, said) if f.property == p.name and f not in _checked(doc.table, alone)]
    if doc.outer:  # what the set says of it, beside what its proposal does
        found += [f for f in _mistakes(doc, said) if p.name in f.reason.split() and not f.reason.startswith("proposal ")]
    return "; ".join(dict.fromkeys(f"{f.reason}: {f.advice}" if f.advice else f.reason for f in found))


def _beside(doc: PropertyDoc) -> list[PropertyDoc]:
    """The other properties of its table."""
    return [PropertyDoc(doc.kind, q, doc.outer) for q in doc.table.properties.values() if q is not doc.entry]


def _names_it(doc: PropertyDoc, text: str) -> bool:
    return doc.entry.name in re.findall(r"\w+", text)


def _required(table: Kind) -> dict[str, Any]:
    """Examples of what has to be said."""
    return {p.name: sample(p) for p in table.properties.values() if p.required}


def _mistakes(doc: PropertyDoc, said: Mapping[str, Any]) -> list[Finding]:
    """What is wrong with a task that says this; of a property of proposals, with a task that has one such proposal."""
    if not doc.outer:
        return _checked(doc.kind, said)
    return _checked(doc.kind, {**_required(doc.kind), doc.outer.name: [dict(said)]})


def _checked(table: Kind, said: Mapping[str, Any]) -> list[Finding]:
    """What a kind finds wrong with values, as far as that is known without a host."""
    try:
        values = {name: table.properties[name].type.parse(content) for name, content in said.items()}
    except ValueError as error:
        return [Finding("", str(error))]
    made: Resource = table.create("example", values)
    return [f for f in (*made.check(), *made.check_mentioned(said.keys())) if f.severity == "error"]
