"""ringfence lab: simulated Windows hosts to try everything on."""

import contextlib
import signal
import threading
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import yaml

from ringfence.cli.command import usage_error
from ringfence.cli.console import Console
from ringfence.cli.options import flag
from ringfence.formats.data import encode
from ringfence.lab import Machine, machine
from ringfence.views.format import count

HELP = "Simulated Windows hosts on this machine, for trying and testing."
EXAMPLES = """
ringfence lab up --hosts 5                                            print the inventory, run until Ctrl-C
ringfence lab up --hosts 3 --transport ssh --inventory inventory/lab.yml
"""


class LabTransport(StrEnum):
    """How the hosts are reached."""

    psrp = "psrp"
    ssh = "ssh"
    mixed = "mixed"


def machines(number: int) -> list[Machine]:
    """Hosts web1, pc2, web3 …: servers and workstations in turn, as they are after their installation."""
    return [machine(f"web{n}" if n % 2 else f"pc{n}", "server2022" if n % 2 else "windows11",
                    address=f"10.99.{n // 250}.{n % 250 + 2}/16") for n in range(1, number + 1)]


def groups(hosts: list[Machine]) -> dict[str, list[str]]:
    """Groups for the inventory."""
    found = {"servers": [h.name for h in hosts if h.system.product == "server"],
             "workstations": [h.name for h in hosts if h.system.product == "workstation"]}
    return {name: members for name, members in found.items() if members}


def simulation(hosts: list[Machine], transport: LabTransport) -> Any:
    """The hosts as servers. Raises InputError where what only they need is not installed."""
    try:
        from ringfence.lab.simulated_fleet import SimulatedFleet
    except ModuleNotFoundError as error:
        raise usage_error(f"the lab needs {error.name}, which is not installed: pip install 'ringfence[lab]'") from error
    return SimulatedFleet(hosts, transport=transport.value, groups=groups(hosts))


def up(console: Console,
       hosts: Annotated[int, flag("--hosts", metavar="N", min=1, max=1000, help="How many. Default: 3.")] = 3,
       transport: Annotated[LabTransport, flag("--transport", help="WinRM (psrp), SSH, or one host in two each. Default: mixed.")
                            ] = LabTransport.mixed,
       inventory: Annotated[str, flag("--inventory", metavar="FILE", help="Write the inventory to a file instead of standard "
                                      "output; it is removed at the end.")] = "") -> int:
    """Start simulated hosts on free ports of 127.0.0.1, print their inventory, and run until Ctrl-C.

    They imitate how Windows keeps and checks firewall policy; they are no Windows.
    """
    file = Path(inventory) if inventory else None
    if file and file.exists():
        raise usage_error(f"{file} exists already", "remove it, or name another file: nothing is overwritten")
    with _ended() as ended, simulation(machines(hosts), transport) as lab:
        shown = lab.inventory()
        if not console.for_people:  # JSON is YAML too
            shown = encode(yaml.safe_load(shown)) + "\n"
        if file:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.touch(0o600)
            file.write_text(shown, encoding="utf-8")
        else:
            console.write(shown)
        try:
            console.say(f"{count(hosts, 'host')} up; Ctrl-C ends them")
            ended.wait()
        finally:
            if file:
                file.unlink(missing_ok=True)
    return 0


@contextlib.contextmanager
def _ended() -> Any:
    """An event that Ctrl-C or a polite kill sets."""
    event = threading.Event()
    before = {number: signal.signal(number, lambda *_: event.set()) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield event
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
