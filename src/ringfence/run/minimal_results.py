"""What is said of a host in place of what cannot be said of it: a fault of ours in its words ends nothing."""

import logging
from collections.abc import Iterator

from ringfence.diagnostics import NOWHERE, Diagnostic
from ringfence.errors import FAILURES, HostError
from ringfence.report import HostResult

LOG = logging.getLogger(__name__)


def minimal_results(result: HostResult, error: Exception) -> Iterator[HostResult]:
    """Smaller results to show in place of one that cannot be shown: with what ended the work on the host, and without."""
    LOG.debug("%s", result.host, exc_info=error)
    summary, advice = FAILURES["internal"]
    fault = f"{type(error).__name__}: {error}"[:500]
    told = f"{summary} on showing what became of this host ({result.status}, {len(result.written)} changes written): {fault}"
    if result.error is not None:
        yield HostResult(result.host, error=result.error, seconds=result.seconds,
                         diagnostics=(Diagnostic(NOWHERE, told, advice, host=result.host),))
    detail = f"on showing that it is {result.status}, {len(result.written)} changes written: {fault}"
    yield HostResult(result.host, error=HostError("internal", detail), seconds=result.seconds)
