"""A lab whose hosts are reached one way, until it is told to end.

    python -m tests.bench.serve INVENTORY HOSTS [TRANSPORT [AUTH [https]]]
"""

import shutil
import signal
import sys
import threading
from pathlib import Path
from typing import Any

from ringfence.lab import machine
from ringfence.lab.simulated_fleet import SimulatedFleet


def main(inventory: str, hosts: str, transport: Any = "psrp", auth: Any = "basic", scheme: str = "http") -> None:
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    machines = [machine(f"srv{i:03}", address=f"10.99.{i // 250}.{i % 250 + 2}/16") for i in range(int(hosts))]
    pwsh = shutil.which("pwsh") if transport == "local" else None
    with SimulatedFleet(machines, transport=transport, auth=auth, https=scheme == "https", pwsh=pwsh) as lab:
        file = Path(inventory)
        half = file.with_suffix(".half")
        half.write_text(lab.inventory(), encoding="utf-8")
        half.replace(file)
        ended.wait()


if __name__ == "__main__":
    main(*sys.argv[1:])
