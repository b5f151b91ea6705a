"""Who changed the firewall of a simulated host, as Events.Read answers: its event logs, as far as a session may read them."""

import re
from collections.abc import Mapping
from typing import Any

from ringfence.lab.machine.event_logs import LoggedEvent, SimulatedEventLog
from ringfence.lab.machine.machine import Machine
from ringfence.lab.netsecurity.cmdlet_errors import CmdletError
from ringfence.lab.session import Session

UNAUTHORIZED = "Attempted to perform an unauthorized operation."
_MOST, _LONGEST = 2000, 1000
_CHANGES = {"Firewall": {*range(2002, 2007), 2032, 2033, 2052, 2059, 2060, 2071, 2073, 2082, 2083, 2097, 2099},
            "ConnectionSecurity": set(range(2012, 2038))}
_TOLD = {"RuleId", "RuleName", "SetId", "SetName", "Origin", "Profiles", "SettingType", "IPsecPhase", "IPsec Phase", "StoreType",
         "Store Type", "ModifyingUser", "ModifyingApplication"}


def may_read_events(session: Session) -> bool:
    """Microsoft, "Event Log Readers": its members may read the logs, as administrators may."""
    return session.elevated or (session.endpoint is not None and "Event Log Readers" in session.endpoint.groups)


def read_events(machine: Machine, arguments: Mapping[str, Any], session: Session) -> dict[str, Any]:
    """The value of an Events.Read. Raises CmdletError."""
    since = arguments.get("since") or ""
    if since and not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000Z", str(since)):
        raise CmdletError("InvalidArgument", "ringfence.since", f"'{since}' is no moment")
    if not may_read_events(session):
        return {"logs": dict.fromkeys(_CHANGES), "accounts": {},
                "unread": [{"fact": name, "why": UNAUTHORIZED} for name in _CHANGES]}
    names = frozenset(str(name).casefold() for name in arguments.get("names") or ())
    logs = {name: _log(log, _CHANGES[name], since, names) for name, log in machine.event_logs.by_name.items()}
    users = {event["data"]["ModifyingUser"] for log in logs.values() for event in log["events"]} - {""}
    known = {sid: machine.account_names.resolve(sid).get("name") for sid in users}
    return {"logs": logs, "accounts": {sid: name for sid, name in known.items() if name}, "unread": []}


def _log(log: SimulatedEventLog, ids: set[int], since: str, names: frozenset[str]) -> dict[str, Any]:
    """One log; of its events those that have one of the names, or none."""
    wanted = [e for e in log.newest_first() if e.id in ids and f"{e.time:%Y-%m-%dT%H:%M:%S.%f}"[:-3] >= since.rstrip("Z")]
    read = wanted[:_MOST + 1]
    told = [e for e in read if not names or {name.casefold() for name in _names(e)} & names or not any(_names(e))]
    return {"enabled": log.enabled, "oldest": _moment(log.records[0]) if log.records else None, "damaged": 0,
            "events": [{"id": e.id, "time": _moment(e), "data": {n: t[:_LONGEST] for n, t in e.data.items() if n in _TOLD}}
                       for e in told], "whole": len(wanted) <= _MOST, "back_to": _moment(read[-1]) if read else None}


def _names(event: LoggedEvent) -> tuple[str, str]:
    return event.data.get("RuleId", ""), event.data.get("SetId", "")


def _moment(event: LoggedEvent) -> str:
    return f"{event.time:%Y-%m-%dT%H:%M:%SZ}"
