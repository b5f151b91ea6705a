"""What is typed on a simulated host: cmdlets of NetSecurity, the few of Windows that a lesson needs, and lines for cmd.exe."""

import re
import threading
from collections.abc import Callable
from fnmatch import fnmatchcase
from typing import Any

from ringfence.lab.console import flow_question
from ringfence.lab.console.command_line import NotUnderstood, TypedCommand, parse
from ringfence.lab.console.task_cmdlets import TASK_CMDLETS, task_cmdlet
from ringfence.lab.console.typed_line import TYPED_PROGRAMS, is_for_cmd, typed_line
from ringfence.lab.machine.machine import Machine
from ringfence.lab.netsecurity import dispatch
from ringfence.lab.netsecurity.change_events import logged
from ringfence.lab.netsecurity.cmdlet_errors import CmdletError, system_error
from ringfence.lab.netsecurity.objects import NOUNS
from ringfence.lab.netsecurity.parameter_binding import cmdlets
from ringfence.lab.registry.hive import POLICY

REBOOT_SECONDS = 5.0  # a host is away, where nobody says how long
_PROGRAM = r"C:\Windows\System32\WindowsPowerShell\v1.0\powershell.exe"  # by which events say that policy was changed
_ADJUST = re.compile(r"(-?)(?:(\d{1,5})\.)?(\d{1,2}):(\d\d):(\d\d)")  # a TimeSpan: days, hours, minutes, seconds
_PROFILES = ("DomainProfile", "StandardProfile", "PublicProfile")


class HostConsole:
    """The console of one machine, at which its first account sits. drop: cuts the connections that its servers have."""

    def __init__(self, machine: Machine, drop: Callable[[], None]) -> None:
        self.machine, self._drop = machine, drop
        self._began = {noun: self._stored(noun) for noun in NOUNS}
        self._commands: dict[str, Callable[[TypedCommand], str]] = {
            "start-service": self._start, "stop-service": self._stop, "get-service": self._services,
            "restart-computer": self._reboot, "set-date": self._clock, "restart-netadapter": self._restart_adapter,
            "disable-netadapter": self._unplug, "enable-netadapter": self._plug, "stop-computer": self._turn_off,
            **{name.lower(): lambda command: task_cmdlet(self.machine, command) for name in TASK_CMDLETS},
            "test-flow": lambda command: flow_question.answer(self.machine, command)}

    @property
    def commands(self) -> list[str]:
        """What can be typed beside the cmdlets of NetSecurity that change policy, and Get- of those that have names."""
        return ["Start-Service", "Stop-Service", "Get-Service", "Restart-Computer", "Stop-Computer", "Set-Date",
                "Restart-NetAdapter", "Disable-NetAdapter", "Enable-NetAdapter", "Test-Flow", *TASK_CMDLETS, *TYPED_PROGRAMS]

    def run(self, line: str) -> str:
        """Run one command; what it says. Raises NotUnderstood, CmdletError."""
        if is_for_cmd(line):
            return typed_line(self.machine, line)
        command = parse(line)
        if own := self._commands.get(command.name.lower()):
            with self.machine.lock:
                return own(command)
        verb, _, noun = command.name.partition("-")
        known = next((n for n in NOUNS if n.lower() == noun.lower()), "")
        if verb.lower() == "get" and known:
            return self._objects(known, command)
        if verb.lower() == "get" or command.name.lower() not in cmdlets():
            raise NotUnderstood(f"{command.name} is not there: cmdlets of NetSecurity, and {', '.join(self.commands)}")
        return self._change(command)

    def _change(self, command: TypedCommand) -> str:
        """A cmdlet that changes policy, with the account and the program in the event log."""
        if command.values:
            raise NotUnderstood(f"{command.values[0]!r} stands there without the name of its parameter")
        machine, user = self.machine, next(iter(self.machine.accounts))
        who = str(machine.account_names.resolve(user).get("sid") or "")
        with machine.lock:
            if command.name.lower() not in (name.lower() for name in dispatch.PROPOSALS) and not machine.firewall_runs():
                raise system_error(1753).raised_by(command.name)
            with logged(machine, who, _PROGRAM):
                dispatch.call(machine, command.name, _given(command))
        return ""

    def _objects(self, noun_name: str, command: TypedCommand) -> str:
        """The objects whose names fit, as the registry has them."""
        wanted = command.parameters.pop("Name", command.values[0] if command.values else "*")
        if command.parameters:
            raise NotUnderstood(f"-{next(iter(command.parameters))}: Get- takes -Name here, with * and ?")
        patterns = [str(one).lower() for one in (wanted if isinstance(wanted, list) else [wanted])]
        with self.machine.lock:
            stored = self._stored(noun_name)
        found = {name: text for name, text in stored.items() if any(fnmatchcase(name.lower(), p) for p in patterns)}
        return "".join(f"{name}  {text}\n" for name, text in found.items())

    # -- services, power, time, cables

    def _service(self, command: TypedCommand) -> str:
        named = command.parameters.get("Name", command.values[0] if command.values else None)
        found = next((s for s in self.machine.services if s.lower() == str(named).lower()), "")
        if not found:
            raise NotUnderstood(f"Cannot find any service with service name '{named}': {', '.join(self.machine.services)}")
        return found

    def _start(self, command: TypedCommand) -> str:
        self.machine.services[self._service(command)] = "running"
        return ""

    def _stop(self, command: TypedCommand) -> str:
        self.machine.services[self._service(command)] = "stopped"
        return ""

    def _services(self, command: TypedCommand) -> str:
        return "".join(f"{state.ljust(8)} {name}\n" for name, state in self.machine.services.items())

    def _reboot(self, command: TypedCommand) -> str:
        """It is away, then its services run again, and associations are gone; delays of tasks are lost, those of a boot begin."""
        seconds = _seconds(command.parameters.get("Seconds", REBOOT_SECONDS))
        self.machine.power_off(shut_down=True)
        self._drop()
        timer = threading.Timer(seconds, self.machine.power_on)
        timer.daemon = True
        timer.start()
        return f"{self.machine.name} is away for {seconds:g} s\n"

    def _turn_off(self, command: TypedCommand) -> str:
        """It is off, until somebody restarts it."""
        self.machine.power_off(shut_down=True)
        self._drop()
        return f"{self.machine.name} is off; Restart-Computer starts it\n"

    def pass_time(self, seconds: float) -> str:
        """Moves the clock of the host ahead; what its tasks have run on the way."""
        machine = self.machine
        with machine.lock:
            before = machine.ran[-1] if machine.ran else None
            machine.clock.advance(seconds)
            ran = list(machine.ran)
        new = ran if before is None else ran[next(n for n, one in enumerate(ran) if one is before) + 1:] if before in ran else ran
        return f"the clock is {round(machine.clock.ahead):+d} s from that of this machine\n" + "".join(
            f"a task has run {one.command}: {one.code}\n" for one in new)

    def _clock(self, command: TypedCommand) -> str:
        said = _ADJUST.fullmatch(str(command.parameters.get("Adjust", "")))
        if said is None:
            raise NotUnderstood("Set-Date takes -Adjust here: 1:00:00 is an hour, -1.00:00:00 a day back")
        sign, days, hours, minutes, seconds = said.groups()
        adjusted = int(days or 0) * 86400 + int(hours) * 3600 + int(minutes) * 60 + int(seconds)
        self.machine.clock.offset += -adjusted if sign else adjusted
        self.machine.tasks.time_was_set()
        return f"the clock is {round(self.machine.clock.ahead):+d} s from that of this machine\n"

    def _restart_adapter(self, command: TypedCommand) -> str:
        self._drop()
        return "connections were cut\n"

    def _unplug(self, command: TypedCommand) -> str:
        self.machine.faults.unplugged, self.machine.tasks.power.network = True, False
        self._drop()
        return "connections were cut; nobody gets in any more\n"

    def _plug(self, command: TypedCommand) -> str:
        self.machine.faults.unplugged, self.machine.tasks.power.network = False, True
        return ""

    # -- what is there

    def show(self, pattern: str = "") -> dict[str, Any]:
        """What the machine has. pattern: of names of objects; without it those that are not as they were when the lab began, and
        the names of those that went."""
        machine = self.machine
        with machine.lock:
            stored = {noun: self._stored(noun) for noun in NOUNS}
            profiles = {name: {v.name: v.data for v in key.values.values()} for name in _PROFILES
                        if (key := machine.registry.key(f"{POLICY}\\{name}"))}
            status = "" if machine.is_on else "off"
            adapters = [{"alias": a.alias, "status": status or ("unplugged" if machine.faults.unplugged else a.status),
                         "profile": a.profile,
                         "addresses": list(a.addresses)} for a in machine.interfaces]
            services, offset = dict(machine.services), round(machine.clock.ahead)
            tasks = [{"path": t.path, "state": t.state, "result": t.result} for t in machine.tasks.tasks()]
            uptime = round(machine.clock.uptime()) if machine.is_on else None
        objects = {noun: {name: text for name, text in found.items() if (
            fnmatchcase(name.lower(), pattern.lower()) if pattern else text != self._began[noun].get(name))}
            for noun, found in stored.items()}
        removed = [] if pattern else sorted(n for noun, began in self._began.items() for n in began.keys() - stored[noun].keys())
        return {"host": machine.name, "system": machine.system.caption, "services": services, "adapters": adapters,
                "clock_offset": offset, "uptime": uptime, "tasks": tasks, "profiles": profiles, "removed": removed,
                "objects": {noun: found for noun, found in objects.items() if found}}

    def _stored(self, noun_name: str) -> dict[str, str]:
        """The objects of a noun as the registry has them; of those that are keys their values."""
        noun, registry = NOUNS[noun_name], self.machine.registry
        found = {}
        for name in noun.names(registry, POLICY):
            if noun.in_subkeys:
                values = ((path, v) for path, key in registry.tree(noun.path(POLICY) + "\\" + name) for v in key.values.values())
                found[name] = ", ".join(f"{path}{'/' if path else ''}{v.name}={v.data!s}" for path, v in values)
            else:
                found[name] = str(registry.get(noun.path(POLICY), name) or "")
        return found


def _given(command: TypedCommand) -> dict[str, Any]:
    """Parameters as a session would bind them: what everybody may say of any cmdlet means nothing here."""
    common = ("confirm", "erroraction", "verbose", "passthru")
    return {name: value for name, value in command.parameters.items() if name.lower() not in common}


def _seconds(said: Any) -> float:
    try:
        return min(max(float(said), 0.0), 3600.0)
    except (TypeError, ValueError):
        raise NotUnderstood(f"-Seconds takes a number, not {said}") from None


__all__ = ["CmdletError", "HostConsole", "NotUnderstood"]
