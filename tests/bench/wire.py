"""Bytes, round trips and the controller's CPU per host: a read, and 100 changes, over each way to a host."""

import shutil
import statistics
import tempfile
from collections.abc import Iterator
from pathlib import Path

from .measure import Line, Skipped
from .policy import RULES
from .project import lab, worker, write

RUNS, CHANGES = 3, 100
MOST = {"psrp": 38, "ssh": 24}  # kB of a read to a host
WAYS = {"psrp, basic over http": (10, ("psrp", "basic")), "psrp, ntlm over http": (10, ("psrp", "ntlm")),
        "psrp, basic over https": (10, ("psrp", "basic", "https")), "ssh": (10, ("ssh",)), "local": (2, ("local",))}


def run() -> Iterator[Line | Skipped]:
    for way, (hosts, options) in WAYS.items():
        if way == "local" and shutil.which("pwsh") is None:
            yield Skipped(way, "there is no pwsh on the PATH")
        else:
            yield from _way(way, hosts, options)


def _way(way: str, hosts: int, options: tuple[str, ...]) -> Iterator[Line]:
    with tempfile.TemporaryDirectory() as folder, lab(Path(folder), hosts, *options) as inventory:
        write(Path(folder), inventory)
        made = worker("wire", folder, "apply")
        assert made["states"] == {"changed": hosts}, made
        reads = [worker("wire", folder, "plan") for _ in range(RUNS)]
        write(Path(folder), inventory, changed=CHANGES)
        changes = worker("wire", folder, "apply")
    assert reads[0]["states"] == {"in_sync": hosts}, reads[0]
    assert changes["states"] == {"changed": hosts}, changes
    for what, cost, trips, most in ((f"read of {RULES} rules", reads[0], 1, MOST.get(options[0])),
                                    (f"{CHANGES} changes and their proof", changes, 3, None)):
        yield Line(f"{way}: {what}: round trips", cost["round_trips"] / hosts, "", trips)
        yield Line(f"{way}: {what}: to the host", cost["bytes_sent"] / hosts / 1000, "kB", most)
        yield Line(f"{way}: {what}: from the host", cost["bytes_received"] / hosts / 1000, "kB")
    yield Line(f"{way}: CPU of a read per host", statistics.median(r["cpu"] for r in reads) / hosts * 1000, "ms")
    yield Line(f"{way}: CPU of {CHANGES} changes per host", changes["cpu"] / hosts * 1000, "ms")
