"""The calls that write: which cmdlets a batch may have, what it expects to find, and how names become objects."""

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ringfence.lab.host_script.allow_list import check_call
from ringfence.lab.host_script.expectation import require_expected
from ringfence.lab.host_script.session_facts import author
from ringfence.lab.machine.machine import Machine
from ringfence.lab.netsecurity import dispatch
from ringfence.lab.netsecurity.change_events import logged
from ringfence.lab.netsecurity.cmdlet_errors import system_error
from ringfence.lab.netsecurity.objects import NOUNS
from ringfence.lab.netsecurity.wildcards import escaped
from ringfence.lab.registry.hive import POLICY
from ringfence.lab.session import Session


def require_running(machine: Machine, cmdlet: str, session: Session) -> None:
    """Refuses a cmdlet that writes where the services do not run or the session may not. Raises CmdletError."""
    if cmdlet in dispatch.PROPOSALS:
        return
    if not machine.firewall_runs():
        raise system_error(1753).raised_by(cmdlet)
    if machine.faults.read_only or not session.may_change_the_firewall:
        raise system_error(5).raised_by(cmdlet)


def _of_noun(cmdlet: str) -> str:
    """The noun of a cmdlet that changes rules or sets which are there; nothing for others."""
    verb, _, noun = cmdlet.partition("-")
    there = next((name for name in NOUNS if name.lower() == noun.lower()), "")
    return there if verb.lower() in ("set", "remove", "rename") else ""


class Changes:
    """The changes of one batch on one machine. require_armed: is asked before each."""

    def __init__(self, machine: Machine, calls: Iterable[Mapping[str, Any]] = (),
                 require_armed: Callable[[Session], None] = lambda session: None) -> None:
        self.machine, self._require_armed = machine, require_armed
        self.keys: list[str] = []  # pre-shared keys that the call carries
        self._met: set[str] = set()  # places that were looked at: from then on they are as this batch left them
        cmdlets = (_of_noun(str((call.get("args") or {}).get("cmdlet"))) for call in calls)
        self._changes_of = Counter(noun for noun in cmdlets if noun)
        self._objects_of: dict[str, set[str]] = {}  # names of what was read once, and not changed since
        self._renamed = defaultdict[str, set[str]](set)  # names that objects got since these were read

    def call(self, arguments: Mapping[str, Any], session: Session) -> None:
        """Net.Call. Raises CmdletError."""
        cmdlet, parameters = str(arguments.get("cmdlet")), arguments.get("parameters") or {}
        check_call(cmdlet, parameters)
        self._require_armed(session)
        self._require_expected(arguments.get("expected"))
        self.run(cmdlet, parameters, session)

    def run(self, cmdlet: str, given: Mapping[str, Any], session: Session) -> None:
        """A cmdlet with what a batch gives it, on the list or not. Raises CmdletError."""
        parameters = {name: self._resolved(value) for name, value in given.items()}
        new_group, by_object = None, False
        if not cmdlet.lower().startswith("new-"):
            if isinstance(parameters.get("Name"), str):
                by_object = self._is_at_hand(cmdlet, parameters["Name"], "Group" in parameters)
                if "NewName" in parameters:
                    self._renamed[_of_noun(cmdlet)].add(str(parameters["NewName"]).casefold())
                group = parameters.pop("Group", None)
                new_group = str(group) if by_object and group is not None else None
            for name in ("Name", "Group"):  # each means itself
                if name in parameters:
                    names = parameters[name] if isinstance(parameters[name], list) else [parameters[name]]
                    parameters[name] = [escaped(str(n)) for n in names]
        require_running(self.machine, cmdlet, session)
        with logged(self.machine, *author(self.machine, session)):
            dispatch.call(self.machine, cmdlet, parameters, new_group, by_object=by_object)

    def _is_at_hand(self, cmdlet: str, name: str, grouped: bool) -> bool:
        """Whether there is an object to be changed: of all that were read where a batch changes a noun twice (and once more for
        those that it has renamed), or for its group."""
        if not (noun_name := _of_noun(cmdlet)):
            return False
        noun, folded = NOUNS[noun_name], name.casefold()
        if self._changes_of[noun_name] > 1 and (noun_name not in self._objects_of or folded in self._renamed[noun_name]):
            found = noun.names(self.machine.registry, POLICY)
            self.machine.went_through(noun_name, len(found))
            self._objects_of[noun_name], self._renamed[noun_name] = {n.casefold() for n in found}, set()
        if folded in self._objects_of.get(noun_name, ()):
            self._objects_of[noun_name].remove(folded)
            return True
        if grouped:
            self.machine.went_through(noun_name, len(noun.names(self.machine.registry, POLICY)))
            return noun.find(self.machine.registry, POLICY, name) is not None
        return False

    def _require_expected(self, expected: Mapping[str, Any] | None) -> None:
        """Once for each place in a batch. Raises CmdletError."""
        if expected and (place := json.dumps(expected["stored"])) not in self._met:
            require_expected(self.machine.registry, expected)
            self._met.add(place)

    def _resolved(self, value: Any) -> Any:
        """A parameter value in which calls are replaced by what they give."""
        if isinstance(value, list):
            return [self._resolved(v) for v in value]
        if isinstance(value, dict):
            parameters = value["$call"].get("parameters") or {}
            self.keys += [str(key) for name, key in parameters.items() if name.lower() == "presharedkey" and key]
            return dispatch.propose(value["$call"]["cmdlet"], parameters)
        return value

