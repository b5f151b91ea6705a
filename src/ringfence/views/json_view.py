"""A run for programs: as one document (schemas/report.schema.json), or as events, one a line (schemas/events.schema.json).

Both are written piece by piece, so that a fleet of any size fits.
"""

from collections.abc import Sequence

from ringfence.diagnostics import Diagnostic, InputError
from ringfence.errors import ExitCode
from ringfence.formats.data import Definitions, definitions_text, encode
from ringfence.formats.document import document, head, tail, wave_data
from ringfence.formats.events import EventEncoder, HostEncoder
from ringfence.report import HostResult, Report, WaveProgress
from ringfence.views.view import ViewOptions


class JsonView:
    """One document, in its pieces. encode_host: gives the object of a host."""

    def __init__(self, encode_host: HostEncoder, options: ViewOptions) -> None:
        self._encode, self._run, self._plan = encode_host, options.run, options.plan
        self._definitions, self._texts, self._hosts = Definitions(), dict[str, str](), 0
        self._warnings: Sequence[Diagnostic] = ()

    def begin(self, warnings: Sequence[Diagnostic]) -> str:
        self._warnings = warnings
        return encode(head(self._run))[:-1] + ',"result":{"hosts":['

    def host(self, result: HostResult) -> str:
        shown = self._encode(result, self._definitions)
        self._hosts += 1
        self._texts |= self._definitions.new()
        return ("," if self._hosts > 1 else "") + "\n" + shown

    def end(self, report: Report, seconds: float, exit_code: ExitCode) -> str:
        closed = f'\n],"definitions":{definitions_text(self._texts)},"signal":{encode(report.signal or None)},"not_begun":'
        plan = f',"plan":{encode(dict(self._plan))}' if self._plan is not None else ""
        plan += f',"waves":{encode([wave_data(w) for w in report.waves])}' if report.waves else ""
        plan += f',"stopped":{encode(report.stopped)}' if report.stopped else ""
        ended = tail((*self._warnings, *report.problems), report, seconds, exit_code, report.error)
        return f"{closed}{encode(report.not_begun)}{plan}}},{encode(ended)[1:]}\n"


class JsonReport(JsonView):
    """The same in a file: a command that ended before its first host has no result."""

    def begin(self, warnings: Sequence[Diagnostic]) -> str:
        self._head = super().begin(warnings)
        return ""

    def host(self, result: HostResult) -> str:
        head, self._head = self._head, ""
        return head + super().host(result)

    def end(self, report: Report, seconds: float, exit_code: ExitCode) -> str:
        if self._head and report.error:
            told = report.problems if isinstance(report.error, InputError) else ()
            return document(self._run, None, told, exit_code, report.error)
        return self._head + super().end(report, seconds, exit_code)


class ValidatedJson:
    """The document of `validate`: which hosts, and how much is declared for them."""

    def __init__(self, options: ViewOptions) -> None:
        self._run, self._hosts = options.run, list[str]()
        self._warnings: Sequence[Diagnostic] = ()

    def begin(self, warnings: Sequence[Diagnostic]) -> str:
        self._warnings = warnings
        return ""

    def host(self, result: HostResult) -> str:
        self._hosts.append(result.host)
        return ""

    def end(self, report: Report, seconds: float, exit_code: ExitCode) -> str:
        return document(self._run, {"hosts": self._hosts, "declared": report.declared}, self._warnings, exit_code)


class JsonLinesView:
    """The events of a run: each host as it ends."""

    def __init__(self, encode_host: HostEncoder, options: ViewOptions) -> None:
        self._run, self._plan, self._encoder = options.run, options.plan, EventEncoder(encode_host)

    def begin(self, warnings: Sequence[Diagnostic]) -> str:
        return self._encoder.run_begin(self._run, None, warnings, self._plan)

    def host(self, result: HostResult) -> str:
        return self._encoder.host("host_end", result)

    def wave(self, wave: WaveProgress) -> str:
        return self._encoder.wave(wave)

    def end(self, report: Report, seconds: float, exit_code: ExitCode) -> str:
        return self._encoder.run_end(report, seconds, exit_code)
