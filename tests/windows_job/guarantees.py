"""What ringfence promises and only a real Windows can keep: the page of it, and what a job has seen."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from .job import Job, summarise

ROOT = Path(__file__).parents[2]
PAGE = "docs/reference/guarantees.md"
PROVEN, REFUTED, NOT_REACHED = "PROVEN", "REFUTED", "NOT REACHED"


@dataclass(frozen=True)
class Guarantee:
    """One sentence, the documents that rest on it, and what can refute it."""

    id: str
    says: str
    documents: tuple[str, ...]
    by: str


def guarantees() -> dict[str, Guarantee]:
    """All of guarantees.yml, by id."""
    rows = yaml.safe_load(Path(__file__).with_name("guarantees.yml").read_text("utf-8"))
    return {row["id"]: Guarantee(row["id"], row["says"], tuple(row["in"]), row["by"]) for row in rows}


def verdict(seen: Iterable[Mapping[str, Any]]) -> str:
    """What the notes of one guarantee come to: one problem refutes it."""
    found = list(seen)
    return NOT_REACHED if not found else REFUTED if any(one["problems"] for one in found) else PROVEN


def run(job: Job) -> int:
    """Print a line for each guarantee, and 1 where one is refuted, or where nobody has looked: no step has noted anything of it,
    not even why it could not be reached."""
    notes, unreached = job.everything_seen(), job.everything_not_reached()
    lines, refuted = ["| guarantee | verdict | seen over |", "|---|---|---|"], 0
    known = guarantees()
    unlisted = sorted({str(note["id"]) for note in (*notes, *unreached)} - known.keys())
    for id in unlisted:
        print(f"{id}: is noted, and no guarantee has this id")
    unseen = 0
    for id in known:
        mine = [note for note in notes if note["id"] == id]
        found = verdict(mine)
        refuted += found == REFUTED
        ways = ", ".join(dict.fromkeys(note["way"] for note in mine if bool(note["problems"]) == (found == REFUTED)))
        lines.append(f"| {id} | {found} | {ways} |")
        for note in mine:
            for problem in note["problems"][:5]:
                print(f"{id}, over {note['way']}: {problem}")
        why = [note for note in unreached if note["id"] == id] if found == NOT_REACHED else []
        for note in why:
            print(f"{id}, over {note['way']}: not reached: {note['why']}")
        if found == NOT_REACHED and not why:
            unseen += 1
            print(f"{id}: no step has noted anything of it")
    summarise("\n".join(lines))
    return 1 if refuted or unseen or unlisted else 0


def page() -> str:
    """docs/reference/guarantees.md"""
    lines = [
        "# What only Windows can prove",
        "",
        "<!-- generated from tests/windows_job/guarantees.yml: change it there -->",
        "",
        "The tests run against the lab, which is our reading of Microsoft's documents. What follows rests on Windows itself.",
        "`.github/workflows/windows.yml` examines it on Windows Server 2022 and 2025, in Windows PowerShell and PowerShell 7,",
        "and prints `PROVEN`, `REFUTED` or `NOT REACHED` for each; it fails where one is refuted, and where no step has",
        "noted why one was not reached. `make ci-windows-dry` runs its steps against simulated hosts, which proves the steps and",
        "nothing of Windows. The job has not run yet.",
        "",
        "| id | what | examined by | said in |",
        "|---|---|---|---|",
    ]
    how = {"replay": "the lab's cases, replayed", "probe": "a probe, over each way in", "step": "a step of the job"}
    for one in guarantees().values():
        documents = ", ".join(f"[{name}]({_from_page(name)})" for name in one.documents)
        lines.append(f'| <a id="{one.id}"></a>`{one.id}` | {one.says} | {how[one.by]} | {documents} |')
    return "\n".join(lines) + "\n"


def write_page() -> int:
    """Write it where it belongs."""
    (ROOT / PAGE).write_text(page(), "utf-8")
    return 0


def _from_page(name: str) -> str:
    """A file of the repository as the page links to it."""
    return "../" + name.removeprefix("docs/") if name.startswith("docs/") else "../../" + name
