"""What a report of a large plan costs, in each format: time beside that of the run, and memory."""

from collections.abc import Iterator

from ringfence.run_settings import ReportFormat

from .measure import Line
from .policy import RULES
from .project import worker

PLANNED, PEAK_MB, SECONDS, COMMENT_MB = 500, 300.0, 15.0, 65_536 / 1e6


def run() -> Iterator[Line]:
    for name in ReportFormat:
        cost = worker("report", name, str(PLANNED))
        yield Line(f"{name} of {PLANNED} × {RULES}, one word differs per host", cost["spent"], "s of CPU", SECONDS)
        yield Line("peak memory of writing it", cost["peak"], "MB", PEAK_MB)
        yield Line("its size", cost["bytes"] / 1e6, "MB", COMMENT_MB if name == ReportFormat.md else None)
