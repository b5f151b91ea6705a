"""1,000 distinct rule strings to values, first seen and seen before."""

from collections.abc import Iterator

from ringfence import kinds
from ringfence.types import network

from .measure import Line, best_ms
from .policy import strings

FIRST, AGAIN = 25.0, 2.0


def run() -> Iterator[Line]:
    rule = kinds.load()["firewall_rule"]
    texts = strings()
    assert len({text for _, text in texts}) == 1000

    def read() -> None:
        one = rule.read_string
        for name, text in texts:
            one(name, text)

    def forget() -> None:  # what a new process knows: nothing
        vars(rule).pop("read_string", None)
        vars(rule).pop("codec", None)
        network.address.cache_clear()
        network.port.cache_clear()
        rule.read_string("", "v2.31|")

    yield Line("1,000 distinct rule strings to values", best_ms(read, before=forget), "ms", FIRST)
    yield Line("the same 1,000, seen before", best_ms(read), "ms", AGAIN)
