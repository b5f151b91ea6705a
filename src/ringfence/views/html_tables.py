"""What stands in the page of a run without JavaScript: the answer, numbers, tables of objects and hosts; and its words."""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC
from typing import Any

from ringfence import __version__
from ringfence.diagnostics import NOWHERE, Diagnostic
from ringfence.errors import ExitCode
from ringfence.report import COMPARED, Report, RunInfo, Status
from ringfence.views.change_words import ABANDONED, GONE
from ringfence.views.format import cut, escaped, natural
from ringfence.views.host_names import HostGroups, HostNames
from ringfence.views.html_cells import FIELDS, Cells, note_cells
from ringfence.views.html_data import HOST_FIELDS, ChangeRow, ReportData, patched, runs_of
from ringfence.views.html_words import LEVELS, SEVERITIES, CommandWords, ToneWord
from ringfence.views.view import ViewOptions

_NAMED = 8  # hosts that were not reached, in the line that says so
_MADE = HOST_FIELDS.index("made")
_MAX_NOTES, _MAX_ROWS, _MAX_HOSTS, _MAX_PROPERTIES = 1_000, 1_000, 2_000, 12


class PlacedHosts:
    """The hosts of a run in the order of their names, and what sets of them are called."""

    def __init__(self, data: ReportData, groups: HostGroups) -> None:
        order = data.order()
        self.moved = [0] * len(order)
        for place, number in enumerate(order):
            self.moved[number] = place
        self.cells = [data.hosts[number] for number in order]
        self.away = [str(cells[0]) for cells in self.cells if cells[1] == "unreachable"]
        names = [str(cells[0]) for cells in self.cells]
        places = {name: place for place, name in enumerate(names)}
        members = {escaped(name): sorted(places[h] for h in map(escaped, hosts) if h in places) for name, hosts in groups.items()}
        self.groups = [[name, [*runs_of(found)]] for name, found in members.items() if 0 < len(found) < len(names)]
        self._names = HostNames(names, {name: [names[place] for place in found] for name, found in members.items()})
        self.labels = {row.number: self.label([self.moved[h] for v in row.known.values() for h in v.hosts])
                       for row in data.changes.rows.values()}

    def unmade(self, row: ChangeRow) -> str:
        """On which of its hosts a change was not made."""
        placed = sorted(self.moved[h] for v in row.known.values() for h in v.hosts)
        found = [h for h in placed if (which := self.cells[h][_MADE]) != 1 and (not which or row.number not in which)]
        return f"not made on {self.label(found)}" if found else ""

    def label(self, hosts: Sequence[int]) -> str:
        """What these hosts are called together."""
        return self._names.of([self.cells[h][0] for h in hosts])


def page_head(options: ViewOptions, words: CommandWords, report: Report, seconds: float, exit_code: ExitCode,
              warnings: Sequence[Diagnostic], away: Sequence[str], gone: int) -> dict[str, Any]:
    """What stands above everything. away: the hosts that were not reached · gone: how many objects are GONE."""
    run, project = options.run, options.run.project
    name = escaped(project.name) if project else ""
    commit = project.commit[:12] + (" and what was not committed" if project.dirty else "") if project and project.commit else ""
    about = [("exit code", f"{int(exit_code)}: {exit_code.meaning}"), ("commit", commit), ("run", run.run_id),
             ("started", _at(run)), ("took", f"{seconds:.1f} s"), ("plan", _plan_made(options.plan)),
             ("next", options.next.sentence() if options.next else "")]
    errors = [w for w in warnings if w.severity == "error"]
    facts = _facts(run.command, report, bool(errors), sum(bool(w.where.file) for w in errors), away)
    return {"title": " · ".join(filter(None, (f"ringfence {run.command}", name, _at(run)))),
            "heading": words.title, "project": name, "about": [(n, escaped(t)) for n, t in about if t],
            "facts": [*facts, *_left_behind(gone, options.abandoned)],
            "notes_title": "Mistakes and warnings" if errors else "Warnings",
            "notes": [_note(w) for w in warnings[:_MAX_NOTES]], "notes_left": max(0, len(warnings) - _MAX_NOTES),
            "changes_title": words.heading,
            "foot": f"Made by ringfence {__version__}. This page is complete in itself and loads nothing."}


def _left_behind(gone: int, abandoned: Sequence[str]) -> Iterator[ToneWord]:
    """What the project has on hosts and declares no more, and the hosts that no play names any more."""
    if gone:
        them = "it" if gone == 1 else "them"
        told = f"{_many(gone, 'object')} {GONE}: the project left {them} on hosts, and declares {them} no more"
        yield ToneWord("o", told, "warning")
    if abandoned:
        why = "the project left objects there, and no play names them any more; `ringfence retire HOST`"
        yield ToneWord("o", f"{_many(len(abandoned), 'host')} {ABANDONED}: {_some(abandoned)}: {why}", "warning")


def _some(hosts: Sequence[str]) -> str:
    """The first of these hosts, and how many more there are."""
    more = f" and {len(hosts) - _NAMED:,} more" if len(hosts) > _NAMED else ""
    return ", ".join(map(escaped, hosts[:_NAMED])) + more


def problems_of(report: Report) -> Sequence[Diagnostic]:
    """What ended the command before its end: each mistake, or the one reason."""
    return report.problems or ([Diagnostic(NOWHERE, str(report.error))] if report.error else [])


def _plan_made(plan: Mapping[str, Any] | None) -> str:
    """When and by whom a plan file was made."""
    if not plan:
        return ""
    by = " on ".join(cut(str(name)) for name in plan["made_by"].values() if name)
    return f"{plan['run_id']}, made {plan['made']}" + (f" by {by}" if by else "")


def _many(number: int, one: str) -> str:
    """1 host, 1,200 hosts."""
    return f"{number:,} {one if number == 1 else one + 's'}"


def _at(run: RunInfo) -> str:
    """When it began, for people."""
    return run.started.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _note(problem: Diagnostic) -> dict[str, str]:
    severity, where, summary, detail = note_cells(problem)
    word = SEVERITIES[severity]
    return {"severity": severity, "sign": word.sign, "tone": word.tone, "where": where, "summary": summary, "detail": detail,
            "host": escaped(problem.host)}


_SAID = {  # what hosts do that differ: one, and several; what that counts; what is said where none does
    "plan": ("would be changed", "would be changed", "change", "nothing is to be changed"),
    "apply --check": ("would be changed", "would be changed", "change", "nothing is to be changed"),
    "apply": ("was changed", "were changed", "change", "nothing was to be changed"),
    "drift": ("is not as declared", "are not as declared", "difference", "as declared"),
    "compare-defaults": ("is not as Windows ships it", "are not as Windows ships them", "difference", "as Windows ships it")}
_LOOKS = ("drift", "compare-defaults")  # commands for which a host differs though a guard refuses to change it
_ENDED_BADLY: dict[Status, str] = {
    "restored": "restored: written, and undone",
    "lost": "lost: written, and then not reached over a new connection",
    "unknown": "not known: nobody knows what was done there",
    "failed": "failed", "refused": "refused: nothing was written there", "stale": "stale: not as it was when the plan was made",
    "invalid": "with mistakes in what is declared"}


def _facts(command: str, report: Report, errors: bool, mistakes: int, away: Sequence[str]) -> Iterator[ToneWord]:
    """The answer first: what differs, what was not reached, and what went wrong."""
    total, counts = sum(report.counts.values()), report.counts
    reached = total - counts["unreachable"]
    if errors:
        yield ToneWord("✗", "ended before its end" + (f": {_many(mistakes, 'mistake')}" if mistakes else ""), "error")
    elif command == "validate":
        yield ToneWord("✓", f"no mistakes: {_many(report.declared, 'declaration')} for {_many(total, 'host')}", "good")
    elif not total:
        yield ToneWord("i", "no host was looked at", "quiet")
    if reached and command in _SAID:
        one, several, what, none = _SAID[command]
        number = counts["changed"] if command == "apply" else report.differing if command in _LOOKS else counts["differs"]
        made = f", {report.written:,} of them made" if command == "apply" else ""
        same = f"; {counts['in_sync']:,} in sync" if counts["in_sync"] else ""
        told = f"{number:,} of {_many(reached, 'reached host')} {one if number == 1 else several}{same}"
        if report.changes:
            good = command == "apply" and report.written == report.changes
            yield ToneWord("✓" if good else "≠", f"{told}: {_many(report.changes, what)}{made}", "good" if good else "changed")
        elif known := sum(counts[status] for status in COMPARED):  # of others nobody knows how they are
            yield ToneWord("✓", f"{_many(known, 'reached host')}: {none}", "good")
    if counts["unreachable"]:
        yield ToneWord("⊘", f"{_many(counts['unreachable'], 'host')} not reached: {_some(away)}", "error")
    if counts["not_in_force"]:
        yield ToneWord("!", f"on {_many(counts['not_in_force'], 'host')} something declared is there and not in force", "error")
    for name, said in _ENDED_BADLY.items():
        if counts[name]:
            yield ToneWord("✗", f"{_many(counts[name], 'host')} {said}", "error")
    if report.signal:
        yield ToneWord("!", f"interrupted by {report.signal}: {_many(len(report.not_begun), 'host')} not begun", "error")
    elif report.stopped:
        left = _many(len(report.not_begun), "host")
        yield ToneWord("✗", f"ended before its end, {left} not begun: {cut(report.stopped)}", "error")


def page_tables(data: ReportData, hosts: PlacedHosts, words: CommandWords) -> dict[str, Any]:
    """Numbers, and the tables that JavaScript replaces."""
    counted: dict[str, int] = {}
    for cells in hosts.cells:
        counted[cells[1]] = counted.get(cells[1], 0) + 1
    statuses, start = [], 0.0
    for name, word in words.statuses.items():
        if name in counted:
            width = 1000 * counted[name] / len(hosts.cells)
            statuses.append({"name": name, "sign": word.sign, "word": word.word, "tone": word.tone, "count": counted[name],
                             "start": f"{start:.2f}", "width": f"{width:.2f}"})
            start += width
    shown = [a for a in words.changes if data.words[a]]
    actions = [{"sign": words.changes[a].sign, "word": words.changes[a].word, "tone": words.changes[a].tone,
                "count": data.words[a], "hosts": data.hosts_of_word[a]} for a in shown]
    values = [table.values() for table in (data.errors, data.obstacles, data.notes, data.who)]
    names = {row.number: f"{row.id.kind} {row.name}" for row in data.changes.rows.values()}
    return {"statuses": statuses, "actions": actions, "rows": [*_row_groups(data, hosts, words)],
            "rows_left": max(0, len(data.changes.rows) - _MAX_ROWS),
            "hosts": [_host(cells, words.statuses, shown, names, *values) for cells in hosts.cells[:_MAX_HOSTS]],
            "hosts_left": max(0, len(hosts.cells) - _MAX_HOSTS)}


def _row_groups(data: ReportData, hosts: PlacedHosts, words: CommandWords) -> Iterator[dict[str, Any]]:
    """The objects under the hosts that they are on: those of the most hosts first."""
    by_label: dict[str, list[dict[str, Any]]] = {}
    sizes: dict[str, int] = {}
    for row in [*data.changes.rows.values()][:_MAX_ROWS]:
        told = dict(zip(FIELDS, cells := patched(data.changes.families[row.family], json.loads(row.patch or "[]")), strict=False))
        word, label = words.changes[row.word], hosts.labels[row.number]
        place = f"{told['file']}:{told['line']}" if told["line"] else told["file"]
        by_label.setdefault(label, []).append({
            "sign": word.sign, "word": word.word, "tone": word.tone, "kind": row.id.kind, "name": row.name,
            "title": told["title"] if told["title"] != row.name else "", "meaning": _meaning_shown(told, words),
            "why": told["why"], "life": _life(told), "place": place, "variants": len(row.known),
            "properties": [*_properties(cells, words)],
            "unmade": hosts.unmade(row) if words.writes else ""})
        sizes[label] = sum(len(v.hosts) for v in row.known.values())
    for label in sorted(by_label, key=lambda name: (-sizes[name], natural(name))):
        yield {"label": label, "rows": by_label[label]}


def _life(told: Mapping[str, Any]) -> str:
    """Until when an object is wanted, and its ticket."""
    return ", ".join(f"{name} {told[name]}" for name in ("expires", "ticket") if told[name])


def _meaning_shown(told: Mapping[str, Any], words: CommandWords) -> Any:
    """What an object does as it is found or as it is to be, whatever the command is about; else the other."""
    sides = (told["found"], told["declared"]) if words.drift else (told["declared"], told["found"])
    return sides[0] or sides[1]


def _properties(cells: Cells, words: CommandWords) -> Iterator[dict[str, str]]:
    """The properties of a change, each in a line."""
    told = cells[len(FIELDS):]
    rows = list(zip(told[::3], told[1::3], told[2::3], strict=True))
    for name, found, declared in rows[:_MAX_PROPERTIES]:
        sides = [", ".join(side) if isinstance(side, list) else side for side in (found, declared) if side is not None]
        both = "is {}, declared {}" if words.drift else "{} → {}"
        yield {"name": name, "text": both.format(*sides) if len(sides) > 1 else sides[0]}
    if len(rows) > _MAX_PROPERTIES:
        yield {"name": f"and {len(rows) - _MAX_PROPERTIES} more", "text": ""}


def _host(cells: Cells, statuses: Mapping[Status, ToneWord], actions: Sequence[str], names: Mapping[int, str],
          errors: list[Any], obstacles: list[Any], notes: list[Any], who: list[Any]) -> dict[str, Any]:
    """A line of the table of hosts. names: of the objects, by the numbers of their rows."""
    told = dict(zip(HOST_FIELDS, cells, strict=True))
    word, said = statuses[told["status"]], list[str]()
    if told["error"] >= 0:
        _, summary, detail, advice = errors[told["error"]]
        said += [f"{summary}: {detail}" if detail else summary, *([f"→ {advice}"] if advice else [])]
    if told["way_back"]:
        said += ["The way back, at its console, the last written first:", *told["way_back"]]
    for number in told["obstacles"]:
        level, profiles, reason, advice, objects = obstacles[number]
        said.append(f"{LEVELS[level].word}{' in ' + ', '.join(profiles) if 0 < len(profiles) < 3 else ''}: {', '.join(objects)}: "
                    f"{reason}\n→ {advice}")
    for number in told["notes"]:
        severity, where, summary, detail = notes[number]
        said.append(": ".join(filter(None, (severity, where, summary))) + (f"\n{detail}" if detail else ""))
    for row, number in zip(told["who"][::2], told["who"][1::2], strict=True):
        said.append(f"who changed {names.get(row, 'these')}: {who[number]}")
    return {"name": told["name"], "sign": word.sign, "word": word.word, "tone": word.tone, "declared": told["declared"],
            "seconds": told["seconds"], "actions": [told["words"].get(a, 0) for a in actions], "told": said}
