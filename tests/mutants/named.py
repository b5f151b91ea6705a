"""Faults with names: each one text of one file in place of another (named.yml)."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

from .mutate import Mutant

NAMED = Path(__file__).with_name("named.yml")


@dataclass(frozen=True)
class NamedMutant:
    """A fault. file: where · mutant: what it is there."""

    name: str
    file: str
    mutant: Mutant


def named_mutants(root: Path) -> Iterator[NamedMutant]:
    """Every one. Raises ValueError for one whose text is not there once: it has moved, or the code was changed."""
    for one in yaml.safe_load(NAMED.read_text(encoding="utf-8")):
        source, old, new = (root / one["file"]).read_text(encoding="utf-8"), one["from"].rstrip("\n"), one["to"].rstrip("\n")
        if source.count(old) != 1:
            raise ValueError(f"{one['name']}: its text is {source.count(old)} times in {one['file']}")
        start, line = len(source.partition(old)[0].encode()), source.partition(old)[0].count("\n") + 1
        where = (line, line + old.count("\n"))
        yield NamedMutant(one["name"], one["file"], Mutant(where, old, new, start, start + len(old.encode()), new))
