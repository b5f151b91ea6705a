"""The folder of a job: the ways to the host that is examined, and what was seen of each guarantee."""

import json
import os
import time
import traceback
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml
from batches import open_transport

from ringfence.batch import Answer, Batch, Call
from ringfence.errors import HostError

FOLDER = "RINGFENCE_JOB"  # the variable that names the folder


class NoWay(Exception):
    """The step that makes a way has failed, or was not asked for."""


class NotReached(Exception):
    """The host cannot be asked that, over this way."""


@dataclass(frozen=True)
class Way:
    """A way to the host: connection variables. `lab`: a simulated host is at its end. `proves`: what the road over it shows."""

    name: str
    variables: Mapping[str, Any]
    lab: bool = False
    proves: tuple[str, ...] = ()
    memory: Path | None = None  # the folder of what ways remember together

    def send(self, *calls: Call, stop: bool = False) -> tuple[Batch, tuple[Answer, ...]]:
        """One batch, and the answers that came. Raises HostError."""
        batch = Batch(dict(enumerate(calls)), stop_on_error=stop)
        return batch, tuple(open_transport("target", self.variables).run(batch).answers.values())

    def ask(self, *calls: Call) -> tuple[Any, ...]:
        """The values of calls that have to succeed. Raises HostError, and AssertionError with what was refused."""
        _, answers = self.send(*calls)
        refused = [f"{call.args}: {a.error.message}" for call, a in zip(calls, answers, strict=True) if a.error]
        if refused:
            raise AssertionError("; ".join(refused))
        return tuple(a.value for a in answers)

    def pass_time(self, seconds: float) -> None:
        """Let so many seconds pass on the host."""
        time.sleep(seconds)

    def with_variables(self, **variables: Any) -> "Way":
        """The same way, with other settings."""
        return replace(self, variables={**self.variables, **variables})

    def remembered(self, what: str, value: dict[str, Any]) -> dict[str, Any]:
        """What the first way has told of a thing; this is it where there was none."""
        if self.memory is None:
            return value
        file = self.memory / f"{what}.json"
        if not file.exists():
            file.write_text(json.dumps(value), "utf-8")
        first: dict[str, Any] = json.loads(file.read_text("utf-8"))
        return first


@dataclass(frozen=True)
class Job:
    """What is kept between the steps, in `folder`: ways/NAME.yml, seen.jsonl, and files for people."""

    folder: Path

    @classmethod
    def here(cls) -> "Job":
        """The folder that the environment names; in the current one where it names none."""
        return cls(Path(os.environ.get(FOLDER, ".windows-job")))

    def add_way(self, way: Way) -> None:
        """Keep a way for later steps."""
        file = self.folder / "ways" / f"{way.name}.yml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(yaml.safe_dump({**way.variables, "lab": way.lab, "proves": list(way.proves)}), "utf-8")

    def way(self, name: str) -> Way:
        """A way that an earlier step has made; `local` needs none."""
        file = self.folder / "ways" / f"{name}.yml"
        if not file.exists() and name == "local":
            return Way("local", {"ansible_connection": "local"}, memory=self.folder)
        if not file.exists():
            raise NoWay(f"{name}: no step has made this way")
        variables = yaml.safe_load(file.read_text("utf-8-sig"))  # Windows PowerShell writes a byte order mark
        lab, proves = variables.pop("lab", False), variables.pop("proves", ())
        return Way(name, variables, lab, tuple(proves), self.folder)

    def saw(self, guarantee: str, way: str, problems: Iterable[str], seen: str = "") -> bool:
        """Note what was seen of a guarantee: it is refuted where there are problems. Whether there were none."""
        found = list(problems)
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "seen.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps({"id": guarantee, "way": way, "problems": found, "seen": seen}) + "\n")
        return not found

    def not_reached(self, guarantee: str, way: str, why: str) -> None:
        """Note why nothing could be seen of a guarantee: where nothing is noted of one, nobody has looked."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "not-reached.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps({"id": guarantee, "way": way, "why": why}) + "\n")

    def everything_not_reached(self) -> list[dict[str, Any]]:
        """These notes, in their order."""
        file = self.folder / "not-reached.jsonl"
        return [json.loads(line) for line in file.read_text("utf-8").splitlines()] if file.exists() else []

    def everything_seen(self) -> list[dict[str, Any]]:
        """All notes, in their order."""
        file = self.folder / "seen.jsonl"
        return [json.loads(line) for line in file.read_text("utf-8").splitlines()] if file.exists() else []

    def write(self, name: str, text: str) -> None:
        """A file for people; uploaded with the others."""
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / name).write_text(text, "utf-8")


def problems_of(examine: Callable[[], Iterable[str]]) -> list[str]:
    """What contradicts a guarantee. Whatever ends its examination does too, and ends that of no other. Raises NotReached."""
    found: list[str] = []
    try:
        for problem in examine():
            found.append(problem)
    except NotReached:
        if not found:
            raise
    except Exception as error:
        found.append(told(error))
    return found


def told(error: Exception) -> str:
    """What ended an examination: what was refused, or an answer of a shape that nobody expected, and where that was seen."""
    if isinstance(error, HostError | AssertionError) and str(error):
        return str(error)
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__}: {error} ({Path(frame.filename).name}:{frame.lineno}: {frame.line})"


def summarise(text: str) -> None:
    """Print, and show it on the page of the run where there is one (GITHUB_STEP_SUMMARY)."""
    print(text, flush=True)
    if page := os.environ.get("GITHUB_STEP_SUMMARY"):
        with open(page, "a", encoding="utf-8") as file:
            file.write(text + "\n\n")
