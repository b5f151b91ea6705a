"""What a plan of one host waits for, over each way to a host: the time in which neither the controller nor the host is at work.

All other parts count CPU, which does not see a side that waits for the other one's acknowledgement: with Nagle's algorithm, some
40 ms a message (RFC 1122 4.2.3.2 allows 500). Hosts are planned one after the other; told is the least of the rounds, as others
on the same cores are waited for too.
"""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from process_tree import children

from .measure import Line, Skipped
from .project import lab, worker, write
from .wire import WAYS

HOSTS, MOST = 10, 15.0  # ms: less than half of what one acknowledgement that is put off costs


def run() -> Iterator[Line | Skipped]:
    if not Path("/proc/self/stat").exists():
        yield Skipped("waiting", "that needs Linux")
        return
    for way, (_, options) in WAYS.items():
        if way == "local":  # a PowerShell is begun for each read: what that takes is no waiting for a network
            continue
        with tempfile.TemporaryDirectory() as folder, lab(Path(folder), HOSTS, *options) as inventory:
            write(Path(folder), inventory)
            (server,) = children(os.getpid())
            found = worker("waiting", folder, str(server))
        assert found["states"] == {"differs": HOSTS * found["rounds"]}, found
        yield Line(f"{way}: a plan of one host waits", found["waiting"] * 1000, "ms", MOST,
                   against=f"of {found['wall'] * 1000:.0f} ms")
