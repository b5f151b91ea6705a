"""Everything that matches what a host says against a pattern, fed a MB of what the pattern begins with.

As a program it does that and ends; where one of them takes time with the square of the length, that is in hours.
"""

import contextlib
import sys
import time
from collections.abc import Callable

from ringfence.batch import Batch, Failure
from ringfence.errors import HostError
from ringfence.transports import failures, process
from ringfence.types import network, sddl

LONG = 1_000_000  # characters


def _decoded(text: str) -> object:
    return Batch({}).decode(text.encode())


def _noise(text: str) -> object:
    return process.parse_reply(Batch({}), b"", text.encode(), 1, "powershell.exe", "here", 1000)


def _call(text: str) -> object:
    return failures.kind_from_call(Failure("x", text, text))


POWERSHELL = ("Invoke-RingfenceBatch ", "CommandNotFound ", "cannot find the ", "maximum number of ", "The term '", "service ",
              " At x:1", " At line:", " + CategoryInfo ", "<S S=\"Error\">", "<S S=\"", "#< CLIXML ", "#< CLIXML <Objs ",
              "#< CLIXML\n<Objs></Objs>",
              "#< CLIXML <S S=\"Error\">_x000", "\x1b[1", "\x1b[", "&", "&#x", "_x0041_", " ", "\\", ">>", "<<ringfence")
PATTERNS: dict[Callable[[str], object], tuple[str, ...]] = {
    _decoded: ("<<ringfence-fatal:", "<<ringfence-fatal:a:", "<<ringfence:", "<<ringfence:AAAA", ">>", "<<ringfence:>>", "<"),
    failures.kind_from_text: POWERSHELL,
    _call: POWERSHELL,
    _noise: POWERSHELL,
    lambda text: process.error_text(text.encode()): POWERSHELL,
    sddl.parse: ("O:", "O:a", "D:(", "D:A", "D:(A;;CC;;;", "D:(A)", "(", "<", "a,"),
    lambda text: sddl.canonical("D:" + text): ("(A;;CC;;;WD)", "(XA;;CC;;;WD;(", "()", "( "),
    sddl.host_names: ("<", ";<a", ";<a>"),
    network.address: ("1.", "1.1.1.1-", "1.1.1.1/", "::", "1:", "1::-", " "),
    network.port: ("1", "1-", "1 "),
    network.icmp_type: ("1", "1:"),
    network.protocol: ("1", "tcp"),
    network.platform: ("1", "1."),
}


def slowest(length: int) -> tuple[float, str]:
    """CPU seconds of the slowest, and which it is."""
    costs = []
    for function, beginnings in PATTERNS.items():
        for beginning in beginnings:
            text = beginning * (length // len(beginning))
            start = time.process_time()
            with contextlib.suppress(ValueError, HostError):
                function(text)
            costs.append((time.process_time() - start, f"{getattr(function, '__name__', function)}({beginning!r}…)"))
    return max(costs)


if __name__ == "__main__":
    sys.stdout.write(f"{slowest(LONG)}\n")
