"""The event logs that a simulated Windows keeps of changes to its firewall: records get lost, logs can be switched off.

Names of provider and logs, and which log an event is in: the manifest of the provider, as public dumps of builds 18990 and 22000
show it.
"""

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from xml.sax.saxutils import escape, quoteattr

PROVIDER = "Microsoft-Windows-Windows Firewall With Advanced Security"
_NAMESPACE = "http://schemas.microsoft.com/win/2004/08/events/event"


@dataclass(frozen=True, slots=True)
class LoggedEvent:
    """One record: its data by the names of fields."""

    id: int
    time: datetime
    data: Mapping[str, str]

    def xml(self, computer: str) -> str:
        """The record as XML, as Windows renders it."""
        data = "".join(f"<Data Name={quoteattr(name)}>{escape(text)}</Data>" for name, text in self.data.items())
        return (f"<Event xmlns='{_NAMESPACE}'><System><Provider Name='{PROVIDER}'/><EventID>{self.id}</EventID>"
                f"<Version>0</Version><TimeCreated SystemTime='{self.time:%Y-%m-%dT%H:%M:%S.%f}0Z'/>"
                f"<Computer>{escape(computer)}</Computer><Security UserID='S-1-5-19'/></System>"
                f"<EventData>{data}</EventData></Event>")


@dataclass(slots=True)
class SimulatedEventLog:
    """One log. `most`: records that it holds; the oldest goes first. (Windows' logs have a size: 1 MB is about a thousand.)"""

    enabled: bool = True
    most: int = 1_000
    records: deque[LoggedEvent] = field(default_factory=deque)

    def write(self, id: int, data: Mapping[str, str], time: datetime) -> None:
        """A new record, unless the log is off."""
        if self.enabled:
            self.records.append(LoggedEvent(id, time, dict(data)))
        while len(self.records) > self.most:
            self.records.popleft()

    def newest_first(self) -> Iterator[LoggedEvent]:
        """All records."""
        return iter(reversed(self.records))

    def clear(self) -> None:
        """What `wevtutil clear-log` does; that it was cleared stands in another log."""
        self.records.clear()


@dataclass(slots=True)
class SimulatedEventLogs:
    """Those that Windows writes where rules and settings of its firewall change, and where those of connection security do."""

    firewall: SimulatedEventLog = field(default_factory=SimulatedEventLog)
    connection_security: SimulatedEventLog = field(default_factory=SimulatedEventLog)

    @property
    def by_name(self) -> Mapping[str, SimulatedEventLog]:
        """The logs by the last part of their names."""
        return {"Firewall": self.firewall, "ConnectionSecurity": self.connection_security}
