"""What becomes of a flow on hosts, and what decides it, for people and for programs."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from ringfence.diagnostics import NOWHERE, Diagnostic
from ringfence.errors import ExitCode
from ringfence.formats.data import host_head, place_data
from ringfence.model.plain import resource_as_data
from ringfence.model.state import Id, title
from ringfence.policy.flow_verdict import REASONS, FlowVerdict
from ringfence.report import EvaluatedResult, HostResult, Report
from ringfence.views import diagnostics_text
from ringfence.views.format import count, escaped, names
from ringfence.views.meaning import meaning_text
from ringfence.views.view import ViewOptions

_STYLES = {"allow": "good", "block": "error", "unknown": "warning"}
_DOUBTS = 10  # that are told without --full


class EvaluatedTextView:
    """A line for each host, and below it what decides; of several hosts a sum."""

    def __init__(self, options: ViewOptions) -> None:
        self._style, self._full = options.style, options.full
        self._verdicts, self._total = Counter[str](), 0
        self._expected, self._otherwise = "", list[str]()

    def begin(self, warnings: Sequence[Diagnostic]) -> str:
        return ""

    def host(self, result: HostResult) -> str:
        head = self._style(escaped(result.host), "strong")
        self._total += 1
        lines = [diagnostics_text.diagnostic(d, self._style) for d in result.diagnostics]
        if result.error or not isinstance(result, EvaluatedResult) or result.verdict is None:
            failed = diagnostics_text.failure(result.error, self._style) if result.error else ""
            return "\n".join([f"{head}:", *lines, failed]) + "\n"
        verdict = result.verdict
        action = self._style(verdict.action, _STYLES[verdict.action])
        self._verdicts[verdict.action] += 1
        self._expected = result.expected
        otherwise = ""
        if result.exit_code == ExitCode.TEST_FAILED:
            self._otherwise.append(result.host)
            otherwise = "  " + self._style(f"expected: {result.expected}", "error")
        lines.insert(0, f"{head}: {action}  {escaped(str(result.flow))}{otherwise}")
        return "\n".join([*lines, *self._why(result, verdict)]) + "\n"

    def end(self, report: Report, seconds: float, exit_code: ExitCode) -> str:
        if self._total < 2:
            return ""
        parts = [f"{self._verdicts[action]} {action}" for action in _STYLES if self._verdicts[action]]
        left = self._total - self._verdicts.total()
        told = f"\n{count(self._total, 'host')}: {', '.join([*parts, *([f'{left} without an answer'] if left else [])])}"
        if self._otherwise:
            told += "; " + self._style(f"{self._expected} is expected, and not so on {names(self._otherwise)}", "error")
        elif self._expected and self._verdicts:
            told += f"; {self._expected} is expected" + (" of each" if left else ", and so it is")
        return f"{told}\n"

    def _why(self, result: EvaluatedResult, verdict: FlowVerdict) -> Iterator[str]:
        where = " on ".join(filter(None, (verdict.profile and f"{verdict.profile} profile", escaped(verdict.interface))))
        yield f"  {REASONS[verdict.reason]}" + (f" ({where})" if where else "")
        if verdict.setting:
            yield f"  {verdict.setting}"
        yield from (f"  {self._object(result, id)}" for id in verdict.by)
        doubts: dict[Id | None, list[str]] = {}
        for doubt in verdict.doubts:
            doubts.setdefault(doubt.id, []).append(escaped(doubt.text))
        if verdict.otherwise:
            yield f"  {verdict.otherwise}, unless one of these matches:"
        for number, (id, texts) in enumerate(doubts.items()):
            if number == _DOUBTS and not self._full:
                yield f"  and {len(doubts) - number} more (see --full)"
                break
            about = f"{self._object(result, id)}; " if id else ""
            yield f"  {about}not known: {', '.join(texts)}"
        yield from (f"  {self._style('matches too, and decides nothing:', 'quiet')} {self._object(result, id)}"
                    for id in verdict.other_matches if id in result.objects)

    @staticmethod
    def _object(result: EvaluatedResult, id: Id) -> str:
        resource = result.objects.get(id)
        if resource is None:
            return escaped(str(id))
        place = result.places.get(id, NOWHERE)
        said = meaning_text(resource, tuple(result.names.items()))
        return f"{escaped(title(id, resource))}: {said}" + (f"  {place}" if place != NOWHERE else "")


def evaluated_data(result: HostResult) -> dict[str, Any]:
    """The object of a host: the verdict, and the objects that it speaks of."""
    if not isinstance(result, EvaluatedResult) or result.verdict is None:
        return host_head(result)
    verdict = result.verdict
    return {**host_head(result), "verdict": verdict.action, "expected": result.expected or None, "reason": verdict.reason,
            "by": [_object_data(result, id) for id in verdict.by], "setting": verdict.setting or None,
            "matches_too": [_object_data(result, id) for id in verdict.other_matches],
            "not_known": [{"what": d.text, "object": _object_data(result, d.id) if d.id else None} for d in verdict.doubts],
            "otherwise": verdict.otherwise or None, "profile": verdict.profile or None, "interface": verdict.interface or None}


def _object_data(result: EvaluatedResult, id: Id) -> dict[str, Any]:
    resource = result.objects.get(id)
    return {**id._asdict(), "name": resource.name if resource else id.name,
            "values": resource_as_data(resource) if resource else None, **place_data(result.places.get(id, NOWHERE))}
