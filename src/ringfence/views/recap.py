"""The sums of a run: a line for each host, and what came of all of them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ringfence.errors import HostError
from ringfence.model.state import Action
from ringfence.report import HostResult, Report, Status, WaveProgress
from ringfence.views.change_words import CHANGE_WORDS, FOUND_WORDS, GONE, STYLES, found_words, status_words
from ringfence.views.format import Style, all_names, columns, count, cut, escaped, natural, unstyled

_NAMED = 5  # hosts that a sum names
_ALWAYS = 3  # columns of a recap that are always there: what comes, changes and goes


def host_line(result: HostResult, number: int, total: int, style: Style = unstyled) -> str:
    """What became of a host that was to be written, in one line, the moment it ends."""
    made = Counter(c.action for c in result.changes if c.id in result.written)
    told = ", ".join(f"{n} {words.was_made}" for action, words in CHANGE_WORDS.items() if (n := made[action]))
    if result.error is not None and result.changes and result.status != "stale":
        told = f"{len(result.written)} of {count(len(result.changes), 'change')} made"
    proven = "proven" if result.written and result.written == result.proven else (
        "not proven" if result.written and result.status != "restored" else "")
    why = cut(result.error.reason if isinstance(result.error, HostError) else str(result.error)) if result.error else ""
    state = style(status_words(result.status), STYLES[result.status])
    head = f"[{str(number).rjust(len(str(total)))}/{total}] {escaped(result.host)}  {state}"
    return "  ".join(filter(None, (head, told, f"{result.seconds:.1f} s", proven, why)))


@dataclass(frozen=True, slots=True)
class RecapRow:
    """One line of the recap. actions: how many changes, by what they do · found: how many objects, by what is wrong with them."""

    host: str
    status: Status
    actions: Mapping[Action, int]
    seconds: float
    declared: int = 0
    undeclared: int = 0
    found: Mapping[str, int] = field(default_factory=dict)


def row(result: HostResult) -> RecapRow:
    """The recap line of a result: it is kept, the result is not."""
    return RecapRow(result.host, result.status, Counter(c.action for c in result.changes), result.seconds,
                    result.declared, result.undeclared, found_words(result))


def recap(rows: Sequence[RecapRow], style: Style = unstyled, drift: bool = False, width: int | None = None) -> str:
    """A line per host. What is rare has a column where there is one. drift: what was found is counted, not what is done ·
    declared: what the project declares for the host · undeclared: removable objects that are there besides · width: of the
    terminal; columns without room are left out."""
    ordered = sorted(rows, key=lambda r: natural(r.host))
    counted: list[Mapping[Any, int]] = [r.found if drift else r.actions for r in ordered]
    words = FOUND_WORDS if drift else tuple(CHANGE_WORDS)
    shown = [word for number, word in enumerate(words) if number < _ALWAYS or any(numbers.get(word) for numbers in counted)]
    cells = [["host", "status", *map(str.lower, shown), "declared", "undeclared", "seconds"]]
    cells += [[escaped(r.host), status_words(r.status, drift), *(str(numbers.get(word) or "·") for word in shown),
               str(r.declared or "·"), str(r.undeclared or "·"), f"{r.seconds:.2f}"]
              for r, numbers in zip(ordered, counted, strict=True)]
    lines = columns(cells, right=tuple(range(2, 5 + len(shown))))
    while width is not None and len(cells[0]) > 2 and max(map(len, lines)) > width:
        cells = [cell[:-1] for cell in cells]
        lines = columns(cells, right=tuple(range(2, len(cells[0]))))
    painted = [style(lines[0], "quiet")]
    for line, one in zip(lines[1:], ordered, strict=True):
        before, state, after = line.partition(f"  {status_words(one.status, drift)} ")
        painted.append(before + style(state, STYLES[one.status]) + after if state else line)
    return "\n".join(painted) + "\n"


def plan_summary(rows: Sequence[RecapRow], report: Report, seconds: float, distinct: int) -> str:
    """What a plan would do. distinct: how many changes there are, equal ones of several hosts counted once."""
    counts = Counter[Action]()
    for one in rows:
        counts.update(one.actions)
    shown = [a for a in CHANGE_WORDS if counts[a] or a in ("create", "update", "remove")]
    known = sum(r.status in ("in_sync", "not_in_force") for r in rows)  # and nothing is to be done there
    told = [f"{counts[a]} {CHANGE_WORDS[a].planned}" for a in shown] if counts else [
        "nothing to do" if known or not rows else "none made"]
    where = f" on {sum(bool(r.actions) for r in rows) or known or len(rows)} of {count(len(rows), 'host')}"
    several = f" ({count(distinct, 'distinct change')})" if distinct < counts.total() else ""
    others = "".join(f"; {n} {status_words(state)}" for state in STYLES
                     if state not in ("in_sync", "differs") and (n := report.counts[state]))
    return f"plan: {', '.join(told)}{where}{several}{others}; {seconds:.1f} s. Nothing was changed"


def drift_summary(rows: Sequence[RecapRow], report: Report, seconds: float) -> str:
    """Both facts: how many of the hosts that were reached are not as declared, and which were not reached."""
    away = [r.host for r in sorted(rows, key=lambda r: natural(r.host)) if r.status == "unreachable"]
    there = sum(report.counts.values()) - len(away)
    others = "".join(f"; {n} {status_words(state)}" for state in STYLES
                     if state not in ("in_sync", "differs", "unreachable") and (n := report.counts[state]))
    gone = sum(r.found.get(GONE, 0) for r in rows)
    others += f"; {gone} {GONE}" if gone else ""
    names = ", ".join(map(escaped, away[:_NAMED])) + (f" and {len(away) - _NAMED} more" if len(away) > _NAMED else "")
    missed = f"{count(there, 'reached host')} drifted; not reached: {names}" if away else (
        f"{count(there, 'host')} drifted; all were reached")
    return (f"{report.differing} of {missed}{others}; "
            f"{count(report.changes, 'difference')}; {seconds:.1f} s")


def interrupted(report: Report, unknown: Sequence[str], style: Style = unstyled) -> str:
    """What a signal left: how many hosts were ended, those of which nobody knows, and those to which nothing was written."""
    parts = [f"{count(sum(report.counts.values()) - len(unknown), 'host')} done",
             f"in flight, not known: {all_names(unknown)}" if unknown else "",
             f"not begun: {all_names(sorted(report.not_begun, key=natural))}" if report.not_begun else ""]
    return style(f"interrupted by {report.signal}: ", "error") + "; ".join(filter(None, parts))


def wave_line(wave: WaveProgress, seconds_left: float | None, style: Style = unstyled) -> str:
    """A wave begins, or has ended, in one line. seconds_left: what all that is left may take, where that is known."""
    head = style(f"wave {wave.number} of {wave.of}", "strong")
    if not wave.ended:
        left = f"; about {_span(seconds_left)} left" if seconds_left is not None else ""
        return f"{head}: {count(len(wave.hosts), 'host')} ({all_names(wave.hosts)}){left}"
    ends = style("; the run ends here", "error") if wave.stopped else ""
    return f"{head}: {_wave_outcome(wave)}, {wave.seconds:.1f} s{ends}"


def wave_table(waves: Sequence[WaveProgress], style: Style = unstyled) -> str:
    """A line for each wave of a run."""
    cells = [["wave", "hosts", "", "seconds"]]
    cells += [[str(w.number), str(len(w.hosts)), _wave_outcome(w), f"{w.seconds:.1f}" if w.ended else "·"] for w in waves]
    lines = columns(cells, right=(0, 1, 3))
    return "\n".join([style(lines[0], "quiet"), *lines[1:]]) + "\n"


def _wave_outcome(wave: WaveProgress) -> str:
    states = ", ".join(f"{n} {status_words(state)}" for state in STYLES if (n := wave.counts[state]))
    verified = {None: "", True: "verified", False: "not verified"}[wave.verified]
    before = f"{wave.before} done before" if wave.before else ""
    return ", ".join(filter(None, (before, states, verified))) or ("none begun" if wave.ended else "not begun")


def _span(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"


def stopped(report: Report, style: Style = unstyled) -> str:
    """Why a run ended before its end though nobody wanted that, and the hosts that it never came to."""
    left = f"; not begun: {all_names(sorted(report.not_begun, key=natural))}" if report.not_begun else ""
    return style("the run ends here: ", "error") + escaped(report.stopped) + left


def total(report: Report, seconds: float) -> str:
    """The sum of a run in one line."""
    hosts = sum(report.counts.values())
    states = ", ".join(f"{n} {status_words(state)}" for state in STYLES if (n := report.counts[state]))
    written = f", {report.written} written" if report.written else ""
    return f"{count(hosts, 'host')}: {states or 'none'}; {count(report.changes, 'change')}{written}; {seconds:.1f} s"
