"""A store of the registry as the engine reads it, wherever the bytes came from."""

from collections.abc import Iterable
from typing import Any


class Tree(dict[str, dict[str, tuple[str, Any]]]):
    """One store: {key path below the root, lower case: {value name: (type, data)}}; the root itself is "".

    `spelled` has each path as it was written: the name of a key is the name of a set.
    """

    def __init__(self) -> None:
        super().__init__()
        self.spelled: dict[str, str] = {}


def tree_of(rows: Iterable[Any]) -> Tree:
    """A store of a Policy.Read: [[path, [[name, type, data], …]], …]. Rows of another shape are passed over."""
    tree = Tree()
    for row in rows:
        if isinstance(row, list) and len(row) == 2 and isinstance(row[0], str) and isinstance(row[1], list):
            path = row[0].lower()
            tree.spelled.setdefault(path, row[0])
            values = tree.setdefault(path, {})
            values.update((v[0], (v[1], v[2])) for v in row[1] if isinstance(v, list) and len(v) == 3 and isinstance(v[0], str))
    return tree
