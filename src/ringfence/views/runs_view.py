"""Runs of the past, for people and for programs."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ringfence.views.diagnostics_text import MAX_DIAGNOSTICS, MAX_PLACES, severity_word
from ringfence.views.format import Style, columns, count, cut, escaped, natural, unstyled

_BAR = 40  # marks of the widest wave
_THROUGH = ("changed", "in_sync", "not_in_force")  # statuses of hosts with which a rollout went on
STATE_STYLES = {"ended": "good", "running": "changed", "interrupted": "error", "killed": "error"}


def listed(runs: Sequence[Mapping[str, Any]], style: Style = unstyled) -> str:
    """A line a run, the last one first."""
    if not runs:
        return "no runs are recorded here\n"
    cells = [["run", "command", "commit", "state", "exit", "hosts"]]
    cells += [[escaped(r["run_id"]), cut(str(r["command"])), escaped(_commit(r)), r["state"],
               "" if r["exit_code"] is None else str(r["exit_code"]), _statuses(r["statuses"])] for r in runs]
    lines = columns(cells)
    painted = [style(lines[0], "quiet")]
    for line, run in zip(lines[1:], runs, strict=True):
        before, word, after = line.partition(f"  {run['state']}")
        painted.append(before + style(word, STATE_STYLES[run["state"]]) + after)
    return "\n".join(painted) + "\n"


def shown(run: Mapping[str, Any], style: Style = unstyled, full: bool = False) -> str:
    """One run: how it went, and what it made of each host."""
    project = run["project"] or {}
    state = style(run["state"], STATE_STYLES[run["state"]])
    lines = [f"{style(escaped(run['run_id']), 'strong')}  {cut(str(run['command']), full)}  {state}",
             f"  began {escaped(str(run['started']))}, ringfence {escaped(str(run['ringfence']))}"
             + (f", {escaped(str(project.get('name') or ''))} {escaped(_commit(run))}".rstrip() if project else "")]
    lines += [f"  ended {escaped(str(run['ended']))} with exit code {run['exit_code']}"] if run["ended"] else []
    lines += [f"  for {', '.join(cut(one, full) for one in run['tickets'])}"] if run["tickets"] else []
    lines += [f"  {style('not all of the record can be read', 'warning')}: {count(run['damaged'], 'line')} passed over"
              ] if run["damaged"] else []
    cells = [["host", "status", "planned", "made", "proven", ""]]
    cells += [[escaped(h["host"]), h["status"].replace("_", " "), *(str(h[n] or "·") for n in ("planned", "made", "proven")),
               cut(h["note"], full)] for h in sorted(run["hosts"], key=lambda h: natural(h["host"]))]
    lines += ["", *columns(cells, right=(2, 3, 4))]
    if run["waves"]:
        lines += ["", *_waves(run["waves"], style, full)]
    lines += _notes(run["hosts"], style, full)
    lines += [line for h in run["hosts"] for line in _way_back(h)]
    if run["left"] and run["resumable"]:
        lines += ["", f"{count(len(run['left']), 'host')} left: ringfence apply --resume {escaped(run['run_id'])}"]
    return "\n".join(lines) + "\n"


def _waves(waves: Sequence[Mapping[str, Any]], style: Style, full: bool) -> Iterator[str]:
    """The rollout as a picture: a line a wave, and on it a mark for each share of its hosts."""
    widest = max(len(wave["hosts"]) for wave in waves)
    for wave in waves:
        hosts, statuses = len(wave["hosts"]), Counter(wave["statuses"])
        room = max(1, min(_BAR, hosts * _BAR // widest if widest > _BAR else hosts))
        before = hosts - statuses.total()  # those of it that are none of this run: the one that it goes on with had done them
        good, open_ = before + sum(statuses[s] for s in _THROUGH), statuses["not_begun"]
        marks = [round(n * room / hosts) for n in (good, hosts - good - open_)] if hosts else [0, 0]
        if hosts - good - open_ and not marks[1]:
            marks = [marks[0] - 1, 1] if marks[0] else [0, 1]  # a failure is always seen
        bar = style("█" * marks[0], "good") + style("×" * marks[1], "error") + style("·" * (room - sum(marks)), "quiet")
        verified = {None: "", True: ", verified", False: ", not verified"}[wave["verified"]]
        pad = " " * (min(_BAR, widest) - room)
        number = str(wave["number"]).rjust(len(str(len(waves))))
        told = _statuses(statuses + Counter({"done_before": before}))
        yield f"wave {number}  {bar}{pad}  {count(hosts, 'host')}: {told}{verified}"
        if wave["stopped"]:
            yield f"  {style('the run ended here', 'error')}: {cut(wave['stopped'], full)}"


def _notes(hosts: Sequence[Mapping[str, Any]], style: Style, full: bool) -> Iterator[str]:
    """What was said of hosts beside their changes; the same of several once."""
    of: dict[tuple[str, str, str], list[str]] = {}
    for host in sorted(hosts, key=lambda host: natural(host["host"])):
        for note in host["notes"]:
            of.setdefault((note["severity"], note["summary"], note["detail"]), []).append(host["host"])
    for number, ((severity, summary, detail), named) in enumerate(of.items()):
        if number == MAX_DIAGNOSTICS and not full:
            yield f"… {count(len(of) - number, 'more note')}: --full"
            return
        if not number:
            yield ""
        names = named if full else named[:MAX_PLACES]
        more = f" and {len(named) - len(names)} more" if len(named) > len(names) else ""
        yield f"{severity_word(severity, style)}: {cut(summary, full)} ({', '.join(map(escaped, names))}{more})"
        yield from (f"    {cut(line, full)}" for line in detail.splitlines())


def _way_back(host: Mapping[str, Any]) -> Iterator[str]:
    if host["way_back"]:
        yield f"\n{escaped(host['host'])}: at its console, the last written first:"
        yield from (f"  {escaped(str(command))}" for command in host["way_back"])


def _commit(run: Mapping[str, Any]) -> str:
    project = run["project"] or {}
    commit = str(project.get("commit") or "")[:12]
    return commit + ("+" if commit and project.get("dirty") else "")


def _statuses(statuses: Mapping[str, int]) -> str:
    return ", ".join(f"{n} {status.replace('_', ' ')}" for status, n in Counter(statuses).most_common())
