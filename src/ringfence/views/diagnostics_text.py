"""Mistakes, warnings and failures as people read them: what and where, and the way out below it."""

from collections.abc import Sequence
from dataclasses import replace

from ringfence.diagnostics import NOWHERE, Diagnostic
from ringfence.errors import HostError
from ringfence.views.format import Style, count, cut, escaped, unstyled

MAX_DIAGNOSTICS = 100  # mistakes and warnings of one host that are shown without --full
_LONGEST_LINE = 600  # characters of a diagnostic of a host


def diagnostic(problem: Diagnostic, style: Style = unstyled, full: bool = True) -> str:
    """One mistake or warning: where, what, and the way out below it. Not `full`: what a host says is cut."""
    word = problem.severity
    place = f"{escaped(str(problem.where))}: " if problem.where != NOWHERE else ""
    host = f" (host {escaped(problem.host)})" if problem.host else ""
    detail = "".join(f"\n    {cut(line, full, _LONGEST_LINE)}" for line in problem.detail.splitlines())
    summary = cut(problem.summary, full, _LONGEST_LINE)
    return f"{place}{style(word, 'quiet' if word == 'note' else word)}: {summary}{host}{detail}"


def diagnostics(problems: Sequence[Diagnostic], style: Style = unstyled) -> str:
    """Every mistake, and how many there were. A way out that is the same for several in a row is told once."""
    errors = sum(p.severity == "error" for p in problems)
    total = "" if errors < 2 else f"\n{count(errors, 'error')}"
    told = ["", *(p.detail for p in problems)]
    shown = (replace(p, detail="") if p.detail == before else p for p, before in zip(problems, told, strict=False))
    return "\n".join(diagnostic(p, style) for p in shown) + total


def failure(error: Exception, style: Style = unstyled) -> str:
    """Why a host failed: what happened, and below it what to do."""
    if isinstance(error, HostError):
        detail = f": {escaped(error.detail)}" if error.detail else ""
        return f"  {style(escaped(error.summary) + detail, 'error')}\n    {escaped(error.advice)}"
    return "\n".join(f"  {style(escaped(line), 'error')}" for line in str(error).splitlines())
