"""Distinct rule strings to values, first seen and seen before, against the least that makes a mapping of them."""

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from ringfence import kinds
from ringfence.types import network, network_sets

from .measure import Line, Skipped, best_ms, best_ratio
from .policy import strings

FIRST, AGAIN, RATIO = 25.0, 2.0, 4.0
Texts = list[tuple[str, str]]


def run() -> Iterator[Line | Skipped]:
    made_up = strings()
    assert len({text for _, text in made_up}) == 1000
    yield Line("1,000 distinct rule strings to values", best_ms(reading(made_up), before=forget), "ms", FIRST,
               against="made up: hardly a list of ports or addresses stands there twice")
    yield Line("the same 1,000, seen before", best_ms(reading(made_up)), "ms", AGAIN)
    if not (real := of_real_machines()):
        yield Skipped("rule strings of real machines", "RINGFENCE_CORPUS names no folder with strings/*.tsv")
        return
    ours, least = best_ratio(reading(real), lambda: mapped(real), forget)
    yield Line(f"{len(real):,} of real machines, against a split into mappings", ours / least, "×", RATIO,
               against=f"{ours / len(real) * 1000:.1f} and {least / len(real) * 1000:.1f} ms per 1,000")


def reading(texts: Texts) -> Callable[[], None]:
    rule = kinds.load()["firewall_rule"]

    def read() -> None:
        one = rule.read_string
        for name, text in texts:
            one(name, text)

    return read


def forget() -> None:
    """What a new process knows: nothing."""
    rule = kinds.load()["firewall_rule"]
    vars(rule).pop("read_string", None)
    vars(rule).pop("codec", None)
    for remembered in (network.address, network.port, network_sets.interval):
        remembered.cache_clear()
    rule.read_string("", "v2.31|")


def mapped(texts: Texts) -> None:
    """Each string split into {token: data}."""
    for _, text in texts:
        found = {}
        for piece in text.split("|"):
            token, _, data = piece.partition("=")
            found[token] = data


def of_real_machines() -> Texts:
    """The distinct rule strings of the corpus."""
    found: dict[str, str] = {}
    for file in sorted(Path(os.environ.get("RINGFENCE_CORPUS", "no-corpus")).glob("strings/*.tsv")):
        for line in file.read_text(encoding="utf-8").splitlines():
            name, _, text = line.partition("\t")[2].partition("\t")
            if re.match(r"v[0-9.]+\|", text, re.I):
                found.setdefault(text, name)
    return [(name, text) for text, name in found.items()]
