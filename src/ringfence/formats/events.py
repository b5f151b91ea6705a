"""A run as events, one JSON object a line: what --output jsonl writes, and what a journal holds.

    run_begin       who runs what on which hosts
    definitions     distinct changes that the next events refer to
    rollout         the waves of the run, where there are several
    wave_begin      a wave begins
    host_begin      what is going to be written to a host (before it is)
    host_written    what the host has made (before it is proven)
    host_end        what became of it
    result          of a command that is no run over hosts: all that it is for
    wave_end        what became of its hosts, and whether the next one begins
    signal          the run was interrupted: which hosts are in flight, which are not begun
    run_end         the end, and what ended a command before it had a result; a journal without one is that of a run which
                    was killed

Each line stands for itself: a last one that was cut is passed over.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from ringfence.diagnostics import Diagnostic
from ringfence.errors import RingfenceError
from ringfence.formats.data import Definitions, definitions_text, diagnostic_data, encode, error_data, host_text
from ringfence.formats.document import head, moment, summary, wave_data
from ringfence.report import HostResult, Report, RunInfo, WaveProgress

HostEncoder = Callable[[HostResult, Definitions], str]
"""(what became of a host, the definitions that it may refer to) -> its object as JSON."""
EVENTS = ("run_begin", "definitions", "rollout", "wave_begin", "host_begin", "host_written", "host_end", "result", "wave_end",
          "signal", "run_end")


class EventEncoder:
    """Makes the lines of one run. Which definitions were written it remembers, the results it does not."""

    def __init__(self, encode_host: HostEncoder = host_text) -> None:
        self._definitions, self._encode = Definitions(), encode_host

    def run_begin(self, run: RunInfo, hosts: Sequence[str] | None, warnings: Sequence[Diagnostic] = (),
                  options: Mapping[str, Any] | None = None) -> str:
        """The run begins. hosts, options: which it is about, and how to do it again; both null where the run is only shown."""
        named = None if hosts is None else list(hosts)
        return _line("run_begin", **head(run), hosts=named, diagnostics=[diagnostic_data(d) for d in warnings],
                     options=None if options is None else dict(options))

    def host(self, event: str, result: HostResult) -> str:
        """One of the events of a host, after the definitions that it refers to."""
        data = self._encode(result, self._definitions)
        new = self._definitions.new()
        before = f'{{"event":"definitions","definitions":{definitions_text(new)}}}\n' if new else ""
        return f'{before}{{"event":"{event}","time":"{moment(datetime.now(UTC))}","host":{data}}}\n'

    def rollout(self, waves: Sequence[Sequence[str]]) -> str:
        """The hosts of each wave, in order."""
        return _line("rollout", time=moment(datetime.now(UTC)), waves=[list(hosts) for hosts in waves])

    def wave(self, wave: WaveProgress) -> str:
        """A wave begins, or has ended."""
        told = wave_data(wave)
        if not wave.ended:
            told = {name: told[name] for name in ("number", "of", "hosts")}
        return _line("wave_end" if wave.ended else "wave_begin", time=moment(datetime.now(UTC)), wave=told)

    def signal(self, name: str, in_flight: Sequence[str], not_begun: Sequence[str]) -> str:
        """Somebody interrupts the run."""
        return _line("signal", time=moment(datetime.now(UTC)), signal=name, in_flight=list(in_flight), not_begun=list(not_begun))

    def result(self, result: Mapping[str, Any]) -> str:
        """What a command is for that works on no hosts."""
        return _line("result", time=moment(datetime.now(UTC)), result=dict(result))

    def run_end(self, report: Report, seconds: float, exit_code: int, error: RingfenceError | None = None) -> str:
        """The run has ended. error: why it did before it had a result."""
        return _line("run_end", time=moment(datetime.now(UTC)), summary=summary(report, seconds), exit_code=exit_code,
                     signal=report.signal or None, not_begun=list(report.not_begun), stopped=report.stopped or None,
                     error=error_data(error))


def whole_run(run: RunInfo, result: Mapping[str, Any] | None, diagnostics: Sequence[Diagnostic] = (), exit_code: int = 0,
              error: RingfenceError | None = None) -> str:
    """The lines of a command that is no run over hosts, or that ended before the first: what `document` says, as events."""
    lines, seconds = EventEncoder(), (datetime.now(UTC) - run.started).total_seconds()
    return (lines.run_begin(run, None, diagnostics) + (lines.result(result) if result is not None else "")
            + lines.run_end(Report(), seconds, exit_code, error))


def _line(event: str, **members: Any) -> str:
    return encode({"event": event, **members}) + "\n"
