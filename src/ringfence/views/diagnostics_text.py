"""Mistakes, warnings and failures as people read them: what and where, and the way out below it."""

from collections.abc import Sequence
from dataclasses import replace

from ringfence.diagnostics import NOWHERE, Diagnostic
from ringfence.errors import HostError
from ringfence.views.format import Style, count, cut, escaped, unstyled

MAX_DIAGNOSTICS = 100  # mistakes and warnings of one host that are shown without --full
MAX_PLACES = 10  # places of one mistake that are named
_LONGEST_LINE = 600  # characters of a diagnostic of a host


def diagnostic(problem: Diagnostic, style: Style = unstyled, full: bool = True) -> str:
    """One mistake or warning: where, what, and the way out below it. Not `full`: what a host says is cut."""
    place = f"{escaped(str(problem.where))}: " if problem.where != NOWHERE else ""
    host = f" (host {escaped(problem.host)})" if problem.host else ""
    detail = "".join(f"\n    {cut(line, full, _LONGEST_LINE)}" for line in problem.detail.splitlines())
    summary = cut(problem.summary, full, _LONGEST_LINE)
    return f"{place}{severity_word(problem.severity, style)}: {summary}{host}{detail}"


def severity_word(severity: str, style: Style = unstyled) -> str:
    """How bad something is."""
    return style(escaped(severity), {"error": "error", "warning": "warning"}.get(severity, "quiet"))


def diagnostics(problems: Sequence[Diagnostic], style: Style = unstyled) -> str:
    """Every mistake, and how many there were. One that is the same at several places is told once, and so is a way
    out that several in a row have."""
    errors = sum(p.severity == "error" for p in problems)
    total = "" if errors < 2 else f"\n{count(errors, 'error')}"
    equal: dict[tuple[str, str, str, str], list[Diagnostic]] = {}
    for p in problems:
        equal.setdefault((p.severity, p.summary, p.host, p.detail), []).append(p)
    told = ["", *(detail for *_, detail in equal)]
    return "\n".join(_once(same, "" if same[0].detail == before else same[0].detail, style)
                     for same, before in zip(equal.values(), told, strict=False)) + total


def _once(same: Sequence[Diagnostic], detail: str, style: Style) -> str:
    """Equal mistakes at the first of their places, and below it the others."""
    places = [*dict.fromkeys(escaped(str(p.where)) for p in same if p.where != same[0].where)]
    more = f" and {len(places) - MAX_PLACES} more" if len(places) > MAX_PLACES else ""
    also = f"\n    the same at {', '.join(places[:MAX_PLACES])}{more}" if places else ""
    return diagnostic(replace(same[0], detail=detail), style) + also


def failure(error: Exception, style: Style = unstyled) -> str:
    """Why a host failed: what happened, and below it what to do."""
    if isinstance(error, HostError):
        detail = f": {escaped(error.detail)}" if error.detail else ""
        return f"  {style(escaped(error.summary) + detail, 'error')}\n    {escaped(error.advice)}"
    return "\n".join(f"  {style(escaped(line), 'error')}" for line in str(error).splitlines())
