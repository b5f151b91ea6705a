"""ringfence lab: simulated Windows hosts to try everything on."""

import contextlib
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import yaml

from ringfence.cli.command import usage_error
from ringfence.cli.console import Console
from ringfence.cli.options import Argument, flag
from ringfence.errors import ExitCode
from ringfence.files import MAX_DOCUMENT, read_bytes
from ringfence.formats.data import encode
from ringfence.lab import Machine, machine
from ringfence.lab.console import channel
from ringfence.lab.console.host_console import CmdletError, HostConsole, NotUnderstood
from ringfence.project import settings
from ringfence.run.interruption import SIGNALS, handled
from ringfence.views.format import columns, count, escaped, value

HELP = "Simulated Windows hosts on this machine, for trying and testing."
EXAMPLES = r"""
ringfence lab up --hosts 5                                            print the inventory, run until Ctrl-C
ringfence lab up --hosts 3 --transport ssh --inventory inventory/lab.yml
ringfence lab up --groups web=3,db=2 --port 15985                     names, groups and ports of one's own
ringfence lab show web1                                               what somebody changed on it, services, adapters
ringfence lab run web1 "Set-NetFirewallRule -Name corp-rdp -RemoteAddress Any"     be the colleague
ringfence lab run web1 "Stop-Service mpssvc"
ringfence lab run web1 "Test-Flow -Protocol TCP -RemoteAddress 10.0.0.1 -LocalPort 443"     would it pass?
ringfence lab run web1 "Restart-Computer -Seconds 20"                 or Restart-NetAdapter, Disable-NetAdapter, Set-Date
ringfence lab run web1 "netsh advfirewall export C:\p.wfw"            or schtasks, reg, dir, a line of cmd.exe; Get-ScheduledTask
ringfence lab clock web1 10m                                          ten minutes pass: what its tasks have to do is done
"""
MOST_SECONDS = 31 * 86400  # that pass at once: a task may be due each minute
MARK = "# simulated hosts of `ringfence lab up`"
Host = Annotated[str, Argument(metavar="HOST", help="One of the hosts of a lab that runs.")]
OfInventory = Annotated[str, flag("--inventory", metavar="FILE", help="The lab that wrote its inventory there. Default: one "
                                   "that did in this project, or else the last one that was started.")]
Groups = Annotated[str, flag("--groups", metavar="NAME=N,…", help="Groups with so many hosts each: web=3,db=2. Their hosts are "
                             "web1, web2 …; those of pc, client or workstation are workstations.")]
Port = Annotated[int, flag("--port", metavar="N", minimum=0, maximum=64_000, help="The port of the first host; the others have "
                           "those that follow. Default: free ones.")]


class LabTransport(StrEnum):
    """How the hosts are reached."""

    psrp = "psrp"
    ssh = "ssh"
    mixed = "mixed"


def machines(number: int) -> list[Machine]:
    """Hosts web1, pc2, web3 …: servers and workstations in turn, as they are after their installation."""
    return [_machine(f"web{n}" if n % 2 else f"pc{n}", n) for n in range(1, number + 1)]


def _machine(name: str, number: int) -> Machine:
    system = "windows11" if name.startswith(("pc", "client", "workstation")) else "server2022"
    return machine(name, system, address=f"10.99.{number // 250}.{number % 250 + 2}/16")  # type: ignore[arg-type]


def groups(hosts: list[Machine]) -> dict[str, list[str]]:
    """Groups for the inventory."""
    found = {"servers": [h.name for h in hosts if h.system.product == "server"],
             "workstations": [h.name for h in hosts if h.system.product == "workstation"]}
    return {name: members for name, members in found.items() if members}


def _named_groups(said: str) -> dict[str, list[str]]:
    """`web=3,db=2` -> the hosts of each group. Raises InputError."""
    found: dict[str, list[str]] = {}
    for part in said.split(","):
        match = re.fullmatch(r"\s*([a-z][a-z0-9_]{0,30}[a-z_]|[a-z])=(\d{1,4})\s*", part)
        if not match or not 1 <= int(match[2]) <= 1000 or match[1] in (*found, "all", "ungrouped"):
            raise usage_error(f"--groups: {part!r} is no group with a number of hosts",
                              "for example: web=3,db=2; a name begins and ends with a letter, and stands there once")
        found[match[1]] = [f"{match[1]}{n}" for n in range(1, int(match[2]) + 1)]
    if sum(map(len, found.values())) > 1000:
        raise usage_error("--groups: a lab has 1,000 hosts at the most")
    return found


def simulation(hosts: list[Machine], transport: LabTransport, named: Mapping[str, Sequence[str]] | None = None,
               port: int = 0) -> Any:
    """The hosts as servers. Raises InputError where what only they need is not installed."""
    try:
        from ringfence.lab.simulated_fleet import SimulatedFleet
    except ModuleNotFoundError as error:
        raise usage_error(f"the lab needs {error.name}, which is not installed: pip install 'ringfence[lab]'") from error
    return SimulatedFleet(hosts, transport=transport.value, groups={**groups(hosts), **(named or {})}, first_port=port)


def up(console: Console,
       hosts: Annotated[int, flag("--hosts", metavar="N", minimum=1, maximum=1000, help="How many. Default: 3.")] = 3,
       transport: Annotated[LabTransport, flag("--transport", help="WinRM (psrp), SSH, or one host in two each. Default: mixed.")
                            ] = LabTransport.mixed,
       groups: Groups = "", port: Port = 0,
       inventory: Annotated[str, flag("--inventory", metavar="FILE", help="Write the inventory to a file instead of standard "
                                      "output; it is removed at the end.")] = "") -> int:
    """Start simulated hosts on ports of 127.0.0.1, print their inventory, and run until Ctrl-C.

    They imitate how Windows keeps and checks firewall policy; they are no Windows. `lab run` and `lab show` are their consoles.
    """
    named = _named_groups(groups) if groups else {}
    found = [_machine(name, n) for n, name in enumerate((h for names in named.values() for h in names), 1)] or machines(hosts)
    file = _new_inventory(inventory) if inventory else None
    try:
        with _ended() as ended, simulation(found, transport, named, port) as lab, _console_of(lab, found, inventory):
            _run(console, lab, file, ended, len(found))
    except OSError as error:
        advice = f"Is a port from {port} on in use?" if port else ""
        raise usage_error(f"the lab cannot start: {error.strerror or error}", advice) from error
    return 0


def _run(console: Console, lab: Any, file: Path | None, ended: threading.Event, number: int) -> None:
    shown = lab.inventory()
    if not console.for_people:  # JSON is YAML too
        shown = encode(yaml.safe_load(shown)) + "\n"
    if file:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch(0o600)
        file.write_text((f"{MARK}; it goes when they end\n" if console.for_people else "") + shown, encoding="utf-8")
    else:
        console.write(shown)
    try:
        console.say(f"{count(number, 'host')} up; Ctrl-C ends them")
        ended.wait()
    finally:
        if file:
            file.unlink(missing_ok=True)


def _new_inventory(path: str) -> Path:
    """The file for the inventory. One that a lab left that was killed is replaced; nothing else is. Raises InputError."""
    file = Path(path)
    if not file.exists():
        return file
    try:
        beginning = read_bytes(file, MAX_DOCUMENT)[:len(MARK)].decode(errors="replace")
    except (OSError, ValueError):
        beginning = ""
    if beginning == MARK and not any(Path(lab.inventory) == file.resolve() for lab in channel.labs()):
        return file
    raise usage_error(f"{file} exists already", "remove it, or name another file: nothing is overwritten"
                      + ("; its lab runs" if beginning == MARK else ""))


@contextlib.contextmanager
def _console_of(lab: Any, hosts: Sequence[Machine], inventory: str) -> Iterator[None]:
    """Others can show and change the hosts, as long as it lasts."""
    consoles = {host.name: HostConsole(host, lambda name=host.name: lab.drop(name)) for host in hosts}  # type: ignore[misc]

    def answer(question: Mapping[str, Any]) -> dict[str, Any]:
        one = consoles.get(str(question.get("host")))
        if one is None:
            return {"ok": question.get("do") == "ping"}
        try:
            if question.get("do") == "show":
                return {"ok": True, "shown": one.show(str(question.get("pattern") or ""))}
            if question.get("do") == "clock":
                return {"ok": True, "said": one.pass_time(float(question.get("seconds") or 0))}
            return {"ok": True, "said": one.run(str(question.get("line")))}
        except NotUnderstood as error:
            return {"ok": False, "error": str(error)}
        except CmdletError as error:
            return {"ok": False, "error": f"{error.id}: {error.message}"}

    with channel.announced(tuple(consoles), str(Path(inventory).resolve()) if inventory else "", answer):
        yield


def run(console: Console, host: Host,
        line: Annotated[str, Argument(metavar="COMMAND", help="What to type there: a cmdlet of NetSecurity with its "
                                      "parameters, Start-Service, Stop-Service, Get-Service, Restart-Computer, Set-Date, "
                                      "Restart-NetAdapter, Disable-NetAdapter, Enable-NetAdapter, Test-Flow, "
                                      "Get-ScheduledTask and its like, or a line for cmd.exe: netsh, schtasks, reg, "
                                      "dir.")],
        inventory: OfInventory = "") -> ExitCode:
    """Run a command on a simulated host, as somebody does who sits at it; without ringfence, and without its knowing."""
    answer = _asked(host, inventory, do="run", line=line)
    console.show({"host": host, "said": answer.get("said")}, escaped_lines(str(answer.get("said") or "")))
    return ExitCode.IN_SYNC


def clock(console: Console, host: Host,
          by: Annotated[str, Argument(metavar="DURATION", help="How much time passes: 90s, 10m, 2h, 1d.")],
          inventory: OfInventory = "") -> ExitCode:
    """Move the clock of a simulated host ahead: what is due there by then is done, at once and in its order."""
    found = re.fullmatch(r"\+?(\d{1,7})([smhd])", by)
    seconds = int(found[1]) * {"s": 1, "m": 60, "h": 3600, "d": 86400}[found[2]] if found else 0
    if not 0 < seconds <= MOST_SECONDS:
        raise usage_error(f"'{by}' is no time that passes", "90s, 10m, 2h or 1d; at most 31d")
    answer = _asked(host, inventory, do="clock", seconds=seconds)
    console.show({"host": host, "said": answer.get("said")}, escaped_lines(str(answer.get("said") or "")))
    return ExitCode.IN_SYNC


def show(console: Console, host: Host,
         name: Annotated[str, flag("--name", metavar="PATTERN", help="Objects of such a name, * and ?. Default: those that are "
                                   "not as they were when the lab began.")] = "",
         inventory: OfInventory = "") -> ExitCode:
    """Show what a simulated host has: services, adapters, profiles, and rules and sets as its registry holds them."""
    shown = _asked(host, inventory, do="show", pattern=name).get("shown") or {}
    console.show(shown, "".join(f"{line}\n" for line in _lines(shown)))
    return ExitCode.IN_SYNC


def _asked(host: str, inventory: str, **question: Any) -> Mapping[str, Any]:
    """The answer of the lab that has the host. Raises InputError."""
    try:
        running = _labs(inventory)
        found = next((lab for lab in running if host in lab.hosts), None)
        if found is None:
            known = ", ".join(name for lab in running for name in lab.hosts[:20])
            raise usage_error(f"no lab that runs has a host {host}" if running else "no lab runs", f"hosts: {known}" if known else
                              "`ringfence lab up` starts one")
        answer = found.ask({"host": host, **question})
    except (OSError, ValueError) as error:
        raise usage_error(f"the lab does not answer: {error}") from None
    if not answer.get("ok"):
        raise usage_error(f"{host}: {escaped(str(answer.get('error')))}")
    return answer


def _labs(inventory: str) -> list[channel.RunningLab]:
    """The labs that are asked: the one of an inventory, or those of this project before others. Raises OSError, InputError."""
    running = channel.labs()
    if inventory:
        found = [lab for lab in running if lab.inventory == str(Path(inventory).resolve())]
        if not found:
            written = ", ".join(lab.inventory for lab in running if lab.inventory)
            raise usage_error(f"no lab that runs has written {inventory}", f"labs that run wrote: {written}" if written else "")
        return found
    project = settings.find()
    home = project.parent.resolve() if project else Path.cwd()
    return sorted(running, key=lambda lab: not Path(lab.inventory).is_relative_to(home))


def escaped_lines(text: str) -> str:
    """Lines of a host; nothing in them commands a terminal."""
    return "".join(f"{escaped(line)}\n" for line in text.splitlines())


def _lines(shown: Mapping[str, Any]) -> Iterator[str]:
    yield f"{escaped(str(shown.get('host')))}: {escaped(str(shown.get('system')))}"
    if offset := shown.get("clock_offset"):
        yield f" clock: {offset:+g} s"
    for one in shown.get("tasks") or ():
        yield f" task {escaped(one['path'])}: {escaped(one['state'])}, last result 0x{one['result']:x}"
    services = ", ".join(f"{name} {state}" for name, state in (shown.get("services") or {}).items())
    yield f" services: {escaped(services)}"
    for one in shown.get("adapters") or ():
        told = ", ".join([one["status"], one["profile"] or "no profile", *one["addresses"]])
        yield f" adapter {escaped(one['alias'])}: {escaped(told)}"
    for profile, values in (shown.get("profiles") or {}).items():
        yield f" {profile}: " + ", ".join(f"{escaped(name)} {value(data)}" for name, data in values.items())
    for name in shown.get("removed") or ():
        yield f" removed since the lab began: {escaped(name)}"
    for noun, objects in (shown.get("objects") or {}).items():
        yield f" {noun} ({len(objects)}):"
        yield from (f"  {line}" for line in columns([(escaped(name), escaped(text)) for name, text in objects.items()]))


@contextlib.contextmanager
def _ended() -> Any:
    """An event that Ctrl-C or a polite kill sets."""
    event = threading.Event()
    with handled(SIGNALS, lambda *_: event.set()):
        yield event
