"""When a host may be changed: days and times, by its own clock."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_FORM = re.compile(r"(?:(?P<days>[A-Za-z,\- ]+) )?(?P<from>\d{1,2}:\d\d) ?- ?(?P<until>\d{1,2}:\d\d)", re.ASCII)
_A_DAY = 24 * 60


@dataclass(frozen=True, slots=True)
class MaintenanceWindow:
    """begin, end: minutes since midnight; an end that is not after the beginning is of the next day · days: on which it
    begins, 0 is Monday."""

    days: frozenset[int]
    begin: int
    end: int

    def holds(self, at: datetime) -> bool:
        """Whether a moment, by the host's clock, is in it."""
        minute, today = at.hour * 60 + at.minute, at.weekday()
        if self.end > self.begin:
            return today in self.days and self.begin <= minute < self.end
        yesterday = (at - timedelta(days=1)).weekday()
        return (today in self.days and minute >= self.begin) or (yesterday in self.days and minute < self.end)

    def __str__(self) -> str:
        days = "" if len(self.days) == len(DAYS) else ",".join(DAYS[d] for d in sorted(self.days)) + " "
        return f"{days}{_clock(self.begin)}-{_clock(self.end)}"


def parse_window(value: object) -> MaintenanceWindow:
    """`22:00-04:00`, `Sat,Sun 22:00-04:00`, `Mon-Fri 18:00-24:00`. Raises ValueError."""
    text = value.strip() if isinstance(value, str) else ""
    form = _FORM.fullmatch(text) if len(text) <= 100 else None
    try:
        if form is None:
            raise ValueError
        begin, end = _minutes(form["from"]), _minutes(form["until"])
        days = _days(form["days"]) if form["days"] else frozenset(range(len(DAYS)))
        if begin in (end, _A_DAY):
            raise ValueError
    except ValueError:
        raise ValueError(f"{str(value)[:80]!r} is no window, such as `22:00-04:00` or `Sat,Sun 22:00-04:00`; days are "
                         f"{', '.join(DAYS)}, times those of the host") from None
    return MaintenanceWindow(days, begin, end)


def _minutes(clock: str) -> int:
    hours, minutes = (int(part) for part in clock.split(":"))
    total = hours * 60 + minutes
    if minutes > 59 or total > _A_DAY:
        raise ValueError
    return total


def _days(text: str) -> frozenset[int]:
    known = {day.lower(): number for number, day in enumerate(DAYS)}
    found: set[int] = set()
    for part in text.replace(" ", "").split(","):
        first, dash, last = part.lower().partition("-")
        if first not in known or (last if dash else first) not in known:
            raise ValueError
        number, until = known[first], known[last or first]
        found.update([number])
        while number != until:
            number = (number + 1) % len(DAYS)
            found.add(number)
    return frozenset(found)


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"
