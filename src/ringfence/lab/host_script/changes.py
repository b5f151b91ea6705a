"""The calls that write: which cmdlets a batch may have, what it expects to find, and how names become objects."""

import json
from collections.abc import Mapping
from typing import Any

from ringfence.lab.host_script.allow_list import check_call
from ringfence.lab.host_script.expectation import require_expected
from ringfence.lab.machine.machine import Machine
from ringfence.lab.netsecurity import dispatch
from ringfence.lab.netsecurity.cmdlet_errors import CmdletError, system_error
from ringfence.lab.netsecurity.wildcards import escaped
from ringfence.lab.session import Session


def require_running(machine: Machine, cmdlet: str, session: Session) -> None:
    """Refuses a cmdlet that writes where the services do not run or the session is not elevated. Raises CmdletError."""
    if cmdlet in dispatch.PROPOSALS:
        return
    if not machine.firewall_runs():
        raise system_error(1753).raised_by(cmdlet)
    if machine.faults.read_only or not session.elevated:
        raise system_error(5).raised_by(cmdlet)


class Changes:
    """The changes of one batch on one machine."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self._met: set[str] = set()  # places that were looked at: from then on they are as this batch left them

    def call(self, arguments: Mapping[str, Any], session: Session) -> None:
        """Net.Call. Raises CmdletError."""
        cmdlet, parameters = str(arguments.get("cmdlet")), arguments.get("parameters") or {}
        check_call(cmdlet, parameters)
        self._require_expected(arguments.get("expected"))
        self.run(cmdlet, parameters, session)

    def run(self, cmdlet: str, given: Mapping[str, Any], session: Session) -> None:
        """A cmdlet with what a batch gives it, on the list or not. Raises CmdletError."""
        parameters = {name: self._resolved(value) for name, value in given.items()}
        new_group = None
        if cmdlet.lower().startswith("set-") and isinstance(parameters.get("Name"), str) and "Group" in parameters:
            new_group = str(parameters.pop("Group"))
        if not cmdlet.lower().startswith("new-"):        # a name means itself
            for name in ("Name", "Group"):
                if name in parameters:
                    names = parameters[name] if isinstance(parameters[name], list) else [parameters[name]]
                    parameters[name] = [escaped(str(n)) for n in names]
        require_running(self.machine, cmdlet, session)
        try:
            dispatch.call(self.machine, cmdlet, parameters, new_group)
        except CmdletError as error:  # a new group is assigned to an object, which Get- has to find first
            if new_group is None or not error.id.startswith("CmdletizationQuery_NotFound"):
                raise
            raise CmdletError(error.category, error.id.replace(",Set-", ",Get-"), error.message) from None

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
            return dispatch.propose(value["$call"]["cmdlet"], value["$call"].get("parameters") or {})
        return value

