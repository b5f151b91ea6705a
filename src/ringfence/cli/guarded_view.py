"""What a view says of a run, whatever fails in it: a fault of ours in the words for one host is no end for the others."""

import logging
from collections.abc import Callable

from ringfence.errors import FAILURES, ExitCode, combined_exit_code
from ringfence.report import HostResult, Report, WaveProgress
from ringfence.run.minimal_results import minimal_results
from ringfence.views.view import View, WaveView

LOG = logging.getLogger(__name__)


def shown(view: View, result: HostResult) -> tuple[str, Exception | None]:
    """What a view says of a host, and what failed in it. Raises that where it can say nothing of it at all."""
    try:
        return view.host(result), None
    except Exception as error:
        for smaller in minimal_results(result, error):
            try:
                return view.host(smaller), error
            except Exception:
                LOG.debug("%s", result.host, exc_info=True)
        raise


class GuardedView:
    """A view of a run, which goes on whatever fails in it; what failed is said by `say`, and counts in the exit code."""

    def __init__(self, view: View, say: Callable[[str], None]) -> None:
        self._view, self._say, self._failed = view, say, False

    def host(self, result: HostResult) -> str:
        """One host has ended."""
        try:
            text, error = shown(self._view, result)
        except Exception as fault:
            text, error = "", fault
            self._fails(f"{result.host} ({result.status})", fault)
        self._failed |= error is not None
        return text

    def wave(self, wave: WaveProgress) -> str:
        """A wave begins, or has ended."""
        try:
            return self._view.wave(wave) if isinstance(self._view, WaveView) else ""
        except Exception as fault:
            self._fails(f"wave {wave.number}", fault)
            return ""

    def end(self, report: Report, seconds: float, code: ExitCode) -> str:
        """After the last host."""
        try:
            return self._view.end(report, seconds, code)
        except Exception as fault:
            self._fails("the end of the run", fault)
            return ""

    def code(self, code: ExitCode) -> ExitCode:
        """The exit code of a run, with that of a fault."""
        return combined_exit_code({code, ExitCode.ERROR}) if self._failed else code

    def _fails(self, what: str, error: Exception) -> None:
        LOG.debug("%s", what, exc_info=error)
        summary, advice = FAILURES["internal"]
        self._failed = True
        self._say(f"error: {what}: {summary} on showing it: {type(error).__name__}: {error}. {advice}")
