"""Plan files as somebody might write them by hand."""

from datetime import UTC, datetime

from ringfence.formats.plan_file import PlanEncoder, PlanHead
from ringfence.report import HostResult
from ringfence.transports.way_in import WayIn


def plan_text(*hosts: str, transport: str = "local", **options: list[str]) -> str:
    """A plan that does nothing to these hosts, made with these options."""
    encoder = PlanEncoder(b"salt")
    for host in hosts:
        encoder.add(HostResult(host), WayIn(transport))
    return "".join(encoder.text(PlanHead(made_at=datetime(2026, 11, 27, 8, 30, tzinfo=UTC), options=options)))
