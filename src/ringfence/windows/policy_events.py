"""The events of a host's firewall that tell who changed its policy, as the answer to Events.Read has them. Pure.

The provider "Microsoft-Windows-Windows Firewall With Advanced Security" writes them into two logs. Ids, logs and fields are those
of its manifest, as public dumps of Windows 10 18990 and Windows 11 22000 show it; its messages say that a user and an application
have added, modified or deleted a rule or a set. From build 22621 on rules and settings have ids of their own, with a field more
(a published record of 2071; detection rules of SigmaHQ name 2052, 2059, 2060, 2071, 2073, 2082, 2083, other public rules 2097 and
2099). Of connection security no new ids are published. Events of an id that is not here tell nothing.

What a host says is not trusted: it is bounded, and what has another form is passed over.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from ringfence.model.facts import unread

Deed = Literal["added", "changed", "removed", "removed_all", "reset"]
"""What an event tells: of one object, of all that a store has of a kind, or of the whole policy."""
LOGS = FIREWALL_LOG, CONNECTION_SECURITY_LOG = "Firewall", "ConnectionSecurity"
"""The logs, by the last part of their names."""
MAX_EVENTS = 2_000  # events of one log of a host, the newest
MAX_EVENT_TEXT = 1_000  # characters of a field of an event

# noun of NetSecurity: its log, and the ids of each deed
POLICY_EVENTS: Mapping[str, tuple[str, Mapping[Deed, tuple[int, ...]]]] = {
    "NetFirewallRule": (FIREWALL_LOG, {"added": (2004, 2071, 2097), "changed": (2005, 2073, 2099), "removed": (2006, 2052),
                                       "removed_all": (2033, 2059), "reset": (2032, 2060)}),
    "NetFirewallProfile": (FIREWALL_LOG, {"changed": (2003, 2082), "reset": (2032, 2060)}),
    "NetFirewallSetting": (FIREWALL_LOG, {"changed": (2002, 2083), "reset": (2032, 2060)}),
    **{noun: (CONNECTION_SECURITY_LOG, {"added": (first,), "changed": (first + 1,), "removed": (first + 2,),
                                        "removed_all": (all_of_them,), "reset": (2032, 2060)})
       for noun, first, all_of_them in (("NetIPsecRule", 2012, 2034), ("NetIPsecMainModeRule", 2016, 2035),
                                        ("NetIPsecMainModeCryptoSet", 2020, 2037), ("NetIPsecQuickModeCryptoSet", 2024, 2037),
                                        ("NetIPsecPhase1AuthSet", 2028, 2036), ("NetIPsecPhase2AuthSet", 2028, 2036))}}
# IPsecPhase of the events that sets of both phases share (map WFIPsecPhase of the manifest)
PHASES: Mapping[str, int] = {"NetIPsecMainModeCryptoSet": 1, "NetIPsecPhase1AuthSet": 1,
                             "NetIPsecQuickModeCryptoSet": 2, "NetIPsecPhase2AuthSet": 2}
# Other spellings of fields: dumps of one manifest write them with a space, others without
_ALSO = {"StoreType": "Store Type", "IPsecPhase": "IPsec Phase"}
_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d{1,9})?Z")


@dataclass(frozen=True, slots=True)
class PolicyEvent:
    """One event. user: the SID of who did it · account: what the host calls that, where it can · program: the path of the program
    that did it · fields: what tells which object it is about, as text, by the names of the manifest."""

    id: int
    time: datetime
    user: str = ""
    account: str = ""
    program: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)

    def text(self, name: str) -> str:
        """A field; nothing where the event has none of that name."""
        return self.fields.get(name) or self.fields.get(_ALSO.get(name, ""), "")

    def number(self, name: str) -> int | None:
        """A field as a number; None where it is none."""
        text = self.text(name)
        return int(text) if text.isascii() and text.isdecimal() and len(text) < 18 else None


@dataclass(frozen=True, slots=True)
class EventLog:
    """What a host said of one log. events: the oldest first · oldest: when the first record was written that the log still has,
    of whatever id; None where it has none · whole: whether all events were looked at that can tell something; else back_to: the
    time of the oldest that was · damaged: how many could not be read · unread: why nothing is known of it."""

    enabled: bool = True
    oldest: datetime | None = None
    whole: bool = True
    back_to: datetime | None = None
    events: tuple[PolicyEvent, ...] = ()
    damaged: int = 0
    unread: str = ""


def parse_event_logs(answer: Any) -> dict[str, EventLog]:
    """Both logs from the value of an Events.Read. Lenient; never raises."""
    told = answer if isinstance(answer, dict) else {}
    logs, reasons = _dict(told.get("logs")), dict(unread(answer))
    accounts = {sid.upper(): name[:MAX_EVENT_TEXT] for sid, name in _dict(told.get("accounts")).items()
                if isinstance(name, str)}
    return {name: _log(logs[name], accounts) if isinstance(logs.get(name), dict) else EventLog(unread=_why(reasons.get(name)))
            for name in LOGS}


def _why(said: str | None) -> str:
    who_may = "administrators and members of Event Log Readers may read it"
    return f"{said[:MAX_EVENT_TEXT]} ({who_may})" if said else "the host did not tell"


def _log(told: Mapping[str, Any], accounts: Mapping[str, str]) -> EventLog:
    listed, damaged = told.get("events"), told.get("damaged")
    rows = listed[:MAX_EVENTS] if isinstance(listed, list) else []
    events = [event for row in reversed(rows) if (event := _event(_dict(row), accounts))]
    whole = told.get("whole") is not False
    return EventLog(told.get("enabled") is not False, moment_of(told.get("oldest")), whole,
                    None if whole else moment_of(told.get("back_to")),
                    tuple(sorted(events, key=lambda event: event.time)),
                    damaged if type(damaged) is int and 0 < damaged <= MAX_EVENTS else 0)


def _event(told: Mapping[str, Any], accounts: Mapping[str, str]) -> PolicyEvent | None:
    id, time = told.get("id"), moment_of(told.get("time"))
    if type(id) is not int or time is None:
        return None
    fields = {name: text[:MAX_EVENT_TEXT] for name, text in _dict(told.get("data")).items() if isinstance(text, str)}
    user = fields.pop("ModifyingUser", "")
    return PolicyEvent(id, time, user, accounts.get(user.upper(), ""), fields.pop("ModifyingApplication", ""), fields)


def moment_of(text: Any) -> datetime | None:
    """A moment of RFC 3339 in UTC, to the second; None where the text is none."""
    found = _TIME.fullmatch(text) if isinstance(text, str) else None
    try:
        return datetime.fromisoformat(found[1]).replace(tzinfo=UTC) if found else None
    except ValueError:  # the 99th of a month
        return None


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
