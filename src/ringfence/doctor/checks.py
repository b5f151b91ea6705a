"""The table of all checks, in the order in which they are shown. A new check is one more row."""

from collections.abc import Iterable

from ringfence.doctor.examination import Check, Examination, Verdict
from ringfence.doctor.firewall_checks import FIREWALL_CHECKS
from ringfence.doctor.host_checks import HOST_CHECKS
from ringfence.doctor.session_checks import SESSION_CHECKS

CHECKS: tuple[Check, ...] = (*SESSION_CHECKS, *HOST_CHECKS, *FIREWALL_CHECKS)
PING_CHECKS = tuple(check for check in CHECKS if check.ping)


def examined(seen: Examination, checks: Iterable[Check]) -> tuple[Verdict, ...]:
    """What each check comes to. Never raises."""
    return tuple(verdict for check in checks for verdict in check.verdicts(seen))
