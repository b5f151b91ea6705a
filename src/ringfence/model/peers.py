"""What is asked of the other side where IPsec secures: a setting that it has to meet, or it gets no association."""

from typing import Any, Literal, NamedTuple


class ForPeers(NamedTuple):
    """loosest: the value of the setting that every peer meets; ...: there is none, each is met by others · mode: that of the
    rules for which it is; empty: of all."""

    loosest: Any = ...
    mode: Literal["", "transport", "tunnel"] = ""
