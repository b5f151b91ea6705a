"""Hosts that were looked at, as people and as programs read them: one line a good host."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from ringfence.diagnostics import Diagnostic
from ringfence.doctor.checks import CHECKS
from ringfence.doctor.examination import Examination, Level, Verdict
from ringfence.errors import ExitCode
from ringfence.formats.data import host_head
from ringfence.report import ExaminedResult, HostResult, Report
from ringfence.transports.way_in import WayIn
from ringfence.views import diagnostics_text
from ringfence.views.change_words import STYLES, status_words
from ringfence.views.format import Style, count, escaped
from ringfence.views.view import ViewOptions

LEVEL_STYLES: dict[Level, str] = {"ok": "good", "note": "warning", "obstacle": "error", "unknown": "quiet"}


class PingView:
    """A line for each host as it answers, and below it what is missing, and what to do."""

    def __init__(self, options: ViewOptions) -> None:
        self._style, self._quiet = options.style, options.quiet

    def begin(self, warnings: Sequence[Diagnostic]) -> str:
        return ""

    def host(self, result: HostResult) -> str:
        if self._quiet and result.status == "reachable":
            return ""
        return "".join(f"{line}\n" for line in _ping_lines(result, self._style))

    def end(self, report: Report, seconds: float, exit_code: ExitCode) -> str:
        if self._quiet and report.counts["reachable"] == sum(report.counts.values()):
            return ""
        states = ", ".join(f"{n} {status_words(state)}" for state in STYLES if (n := report.counts[state]))
        return f"{count(sum(report.counts.values()), 'host')}: {states}; {seconds:.1f} s\n"


class DoctorView:
    """A page for each host: every check, in the order of the table, with what is there and what to do."""

    def __init__(self, options: ViewOptions) -> None:
        self._style = options.style

    def begin(self, warnings: Sequence[Diagnostic]) -> str:
        return ""

    def host(self, result: HostResult) -> str:
        return "".join(f"{line}\n" for line in _page(result, self._style)) + "\n"

    def end(self, report: Report, seconds: float, exit_code: ExitCode) -> str:
        return ""


def _ping_lines(result: HostResult, style: Style) -> Iterator[str]:
    state = style(status_words(result.status), STYLES[result.status])
    parts = [f"{style(escaped(result.host), 'strong')}  {state}"]
    verdicts: tuple[Verdict, ...] = ()
    if isinstance(result, ExaminedResult):
        parts.append(way_text(result.way_in))
        parts += [*_seen_parts(result.seen)] if result.seen else []
        verdicts = result.verdicts
    yield "  ".join([*parts, f"{result.seconds:.2f} s"])
    if result.error and not any(v.kind for v in verdicts):
        yield diagnostics_text.failure(result.error, style)
    for one in verdicts:
        if one.level in ("obstacle", "note"):
            yield f"  {style(one.level, LEVEL_STYLES[one.level])}: {escaped(one.found)}\n    {escaped(one.advice)}"


def _page(result: HostResult, style: Style) -> Iterator[str]:
    seen = result.seen if isinstance(result, ExaminedResult) else None
    verdicts = result.verdicts if isinstance(result, ExaminedResult) else ()
    way = way_text(result.way_in) if isinstance(result, ExaminedResult) else ""
    system = escaped(system_text(seen)) if seen else ""
    yield "  ".join(filter(None, [style(escaped(result.host), "strong"), system, way, f"{result.seconds:.2f} s"]))
    if result.error and not any(v.kind for v in verdicts):
        yield diagnostics_text.failure(result.error, style)
    titles = {check.name: check.title for check in CHECKS}
    width, last = max(map(len, titles.values())), ""
    for one in verdicts:
        title = titles[one.check] if one.check != last else ""
        found = f"not known: {one.found}" if one.level == "unknown" else one.found
        yield f"  {style(one.level.ljust(8), LEVEL_STYLES[one.level])}  {title.ljust(width)}  {escaped(found)}"
        if one.advice:
            yield f"  {'':8}  {'':{width}}  {style(escaped(one.advice), 'quiet')}"
        last = one.check
    if verdicts:
        levels = Counter(one.level for one in verdicts)
        yield f"  {count(levels['obstacle'], 'obstacle')}, {count(levels['note'], 'note')}, {levels['unknown']} not known"


def way_text(way: WayIn) -> str:
    """psrp 10.0.0.1:5986, negotiate (kerberos), TLS."""
    address = f" {f'[{way.address}]' if ':' in way.address else way.address}:{way.port}" if way.address else ""
    user = f" as {way.user}" if way.user else ""
    endpoint = way.endpoint and f"endpoint {way.endpoint}"
    return escaped(", ".join(filter(None, (way.transport + address, way.authentication + user, way.protection, endpoint))))


def _seen_parts(seen: Examination) -> Iterator[str]:
    """Who, what and with which PowerShell, as far as it is known."""
    account, elevated = seen.session.get("account"), seen.facts.elevated
    rights = {True: "elevated", False: "not elevated", None: ""}[elevated]
    yield escaped(", ".join(filter(None, (str(account or ""), rights))))
    yield escaped(", ".join(filter(None, (system_text(seen), f"PowerShell {seen.facts.raw.get('powershell') or '?'}"))))


def system_text(seen: Examination) -> str:
    """Windows Server 2022 Standard 20348."""
    os = seen.facts.raw.get("os")
    caption = os.get("caption") if isinstance(os, dict) else None
    return f"{str(caption or '').removeprefix('Microsoft ')} {seen.facts.build or ''}".strip()


def examined_data(result: HostResult) -> dict[str, Any]:
    """The same as plain JSON values. `facts`, `session`, `surroundings` and `conditions` are as the host said them."""
    examined = result if isinstance(result, ExaminedResult) else ExaminedResult(result.host)
    seen = examined.seen
    return {**host_head(result), "way_in": asdict(examined.way_in),
            "facts": dict(seen.facts.raw) if seen else None, "session": dict(seen.session) if seen else None,
            "surroundings": dict(seen.surroundings) if seen and seen.surroundings else None,
            "conditions": dict(seen.conditions) if seen and seen.conditions else None,
            "checks": [asdict(v) for v in examined.verdicts]}
