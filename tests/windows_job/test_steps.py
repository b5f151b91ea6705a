"""The steps that are no probes: each holds against a lab host as it should be, and is refuted by one that is not."""

import contextlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from lab_cases import KEY

from ringfence.batch import UNKNOWN_VERB, Answer, Batch, Call, Failure, script
from ringfence.batch.jea import OPERATOR
from ringfence.cli.app import run as ringfence
from ringfence.lab import Machine, machine
from ringfence.lab.session import RegisteredEndpoint
from ringfence.lab.simulated_fleet import SimulatedFleet
from ringfence.lab.winrm.winrm_settings import WinRMSettings

from . import connections, road, transcripts
from .guarantees import guarantees
from .job import Job, Way


@contextlib.contextmanager
def reached(on: Machine | None = None, *, endpoint: str = "", **how: Any) -> Iterator[Way]:
    """A way to a lab host over real PSRP."""
    winrm = WinRMSettings(endpoints={endpoint: RegisteredEndpoint(OPERATOR)} if endpoint else {})
    with SimulatedFleet([on or machine("HOST1")], winrm=winrm, **how) as lab:
        [host] = lab.running.values()
        yield Way("psrp", {**host.variables, **({"ringfence_endpoint": endpoint} if endpoint else {})}, lab=True)


def verdicts(job: Job) -> dict[str, bool]:
    """{guarantee: whether it holds} of what was seen last."""
    return {seen["id"]: not seen["problems"] for seen in job.everything_seen()}


@pytest.fixture
def job(tmp_path: Path) -> Job:
    return Job(tmp_path / "job")


def here(folder: Path, arguments: tuple[str, ...]) -> tuple[int, str]:
    """The program in this process: quicker."""
    with contextlib.chdir(folder):
        return ringfence(arguments), ""


def blind(folder: Path, arguments: tuple[str, ...]) -> tuple[int, str]:
    """A program that finds no drift."""
    return (0, "") if arguments[0] == "drift" else here(folder, arguments)


def test_the_whole_road(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RINGFENCE_CI_KEY", KEY)
    with reached() as way:
        assert road.run(job, Way("jea", way.variables, True, ("jea-writes", "default-shells")), here) == 0
        assert verdicts(job) == {"converges": True, "jea-writes": True, "default-shells": True}
        assert road.run(job, Way("jea", way.variables, True, ("jea-writes", "default-shells")), blind) == 1
    assert verdicts(job) == {"converges": False, "jea-writes": False, "default-shells": False}


def idle(folder: Path, arguments: tuple[str, ...]) -> tuple[int, str]:
    """A program that does nothing, and says that it did."""
    return (2 if arguments[0] == "plan" else 0), "done"


def test_what_was_never_applied_is_told_with_all_that_was_seen(job: Job, capsys: pytest.CaptureFixture[str]) -> None:
    with reached() as way:
        assert road.run(job, way, idle) == 1
    assert "ringfence-ci-web" in capsys.readouterr().out
    assert verdicts(job) == {"converges": False}


SHOWN = {thing: {name: value if isinstance(value, list) else [value] for name, value in properties.items()}
         for thing, properties in road.DECLARED.items()}  # fmt: skip


def test_what_windows_shows_is_what_was_declared() -> None:
    assert list(road.judge_shown(SHOWN)) == []
    [problem] = road.judge_shown({**SHOWN, "port": {**SHOWN["port"], "LocalPort": ["8080"]}})
    assert problem == "Windows shows port LocalPort as ['8080'], not ['8080', '9000-9010']"
    assert len(list(road.judge_shown({}))) == sum(map(len, road.DECLARED.values()))


@dataclass(frozen=True)
class Careless(Way):
    """Takes every certificate."""

    def with_variables(self, **variables: Any) -> Way:
        return Way(self.name, self.variables, self.lab)


def test_another_certificate(job: Job) -> None:
    with reached(https=True) as way:
        assert connections.pin(job, way) == 0
        assert verdicts(job) == {"https-is-pinned": True}
        assert connections.pin(job, Careless(way.name, way.variables, True)) == 1
    assert verdicts(job) == {"https-is-pinned": False}


@dataclass(frozen=True)
class Auditors(Way):
    """An endpoint whose script cannot write."""

    def send(self, *calls: Call, stop: bool = False) -> tuple[Batch, tuple[Answer, ...]]:
        no = Answer(error=Failure("InvalidArgument", UNKNOWN_VERB, "no verb has this name"))
        unknown = {"Net.Call", "Key.Compare"}
        batch, answers = super().send(*(call for call in calls if call.verb not in unknown), stop=stop)
        rest = iter(answers)
        return batch, tuple(no if call.verb in unknown else next(rest) for call in calls)


@dataclass(frozen=True)
class Eventless(Auditors):
    """An endpoint whose virtual account may not read event logs."""

    def send(self, *calls: Call, stop: bool = False) -> tuple[Batch, tuple[Answer, ...]]:
        batch, answers = super().send(*calls, stop=stop)
        for call, answer in zip(calls, answers, strict=True):
            if call.verb == "Events.Read":
                answer.value["unread"].append({"what": "the event log Firewall", "reason": "access is denied"})
        return batch, answers


def test_an_auditor(job: Job) -> None:
    with reached() as way:
        assert connections.audit(job, Auditors(way.name, way.variables, True)) == 0
        assert connections.audit(job, way) == 1
    assert verdicts(job) == {"jea-audits": False}


def test_an_auditor_who_reads_no_event_log(job: Job) -> None:
    with reached() as way:
        assert connections.audit(job, Eventless(way.name, way.variables, True)) == 1
    assert verdicts(job) == {"jea-audits": False}


@dataclass(frozen=True)
class Broken(Way):
    """A host that answers what nobody expects, to some or all of what is asked."""

    answer: Answer | None = None
    verbs: tuple[str, ...] = ()

    def send(self, *calls: Call, stop: bool = False) -> tuple[Batch, tuple[Answer, ...]]:
        batch, answers = super().send(*calls, stop=stop)
        wrong = self.answer or Answer()
        return batch, tuple(wrong if not self.verbs or c.verb in self.verbs else a for c, a in zip(calls, answers, strict=True))


@pytest.mark.parametrize("step", [connections.audit, connections.language, road.run])
def test_an_answer_that_nobody_expected_refutes_what_was_looked_at(step: Callable[[Job, Way], int], job: Job,
                                                                   monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(road, "_walk", lambda job, way, ringfence: iter(way.ask(None)))
    with reached() as way:
        assert step(job, Broken(way.name, way.variables, True)) == 1
    assert list(verdicts(job).values()) == [False]


def test_what_an_auditor_cannot_read_afterwards_is_told(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    """A rule may have been made: nobody has looked."""
    monkeypatch.setattr(connections, "READ", Call("Policy.Read"))
    refused = Answer(error=Failure("PermissionDenied", "x", "denied"))

    class Blind(Auditors):
        def send(self, *calls: Call, stop: bool = False) -> tuple[Batch, tuple[Answer, ...]]:
            batch, answers = super().send(*calls, stop=stop)
            return batch, (*answers[:-1], refused) if len(calls) == 3 else answers

    with reached() as way:
        assert connections.audit(job, Blind(way.name, way.variables, True)) == 1
    assert job.everything_seen()[-1]["problems"] == ["whether a rule was made could not be read: denied"]


def test_an_endpoint_has_one_command(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    with reached(endpoint=OPERATOR.name) as way:
        assert connections.nothing_else(job, way) == 0
        monkeypatch.setattr(connections, "_ran", lambda pool, command, batch="": True)
        assert connections.nothing_else(job, way) == 1
    assert len(job.everything_seen()[-1]["problems"]) == len(connections.OTHERS) + 1


def test_a_constrained_language(job: Job) -> None:
    on = machine("HOST1")
    with reached(on) as way:
        assert connections.language(job, way) == 1
        on.faults.language_mode = "ConstrainedLanguage"
        assert connections.language(job, way) == 0


@pytest.mark.parametrize("encoding", transcripts.ENCODINGS)
@pytest.mark.parametrize(
    "part",
    [lambda b: transcripts.SECRET, lambda b: b.encode(), lambda b: f"x{json.dumps([transcripts.SECRET], ensure_ascii=False)}"],
)
def test_what_is_written_down_is_found(job: Job, encoding: str, part: Callable[[Batch], str],
                                       monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    refused = Answer(error=Failure("PermissionDenied", "x", "denied"))
    folder = job.folder / transcripts.FOLDER
    folder.mkdir(parents=True)
    with reached() as way:
        assert transcripts.run(job, [way]) == 1  # without a transcript nothing is proven
        (folder / "1.txt").write_bytes(f"**\nWindows {transcripts.BEGINS}\n".encode(encoding))
        assert transcripts.run(job, [way]) == 0  # a lab logs no script blocks: it is not reached
        assert verdicts(job) == {"transcripts-hold-no-key": False}  # still that of before
        (job.folder / "seen.jsonl").unlink()
        events = job.folder / transcripts.EVENTS
        for logged in ("", "prompt"):
            events.write_bytes(logged.encode(encoding))
            assert transcripts.run(job, [way]) == 0
            assert transcripts.run(job, [Way(way.name, way.variables)]) == 1  # a real one has such a log
            assert verdicts(job) == {}
        assert "no event of script blocks has the host script" in job.everything_not_reached()[-1]["why"]
        events.write_bytes(script(writes=True).encode(encoding))
        assert transcripts.run(job, [way]) == 0
        assert verdicts(job) == {"transcripts-hold-no-key": True}
        assert transcripts.run(job, [way, Broken("other", way.variables, True, answer=refused, verbs=("Net.Call",))]) == 1
        assert "no batch came there" in job.everything_not_reached()[-1]["why"]
        batch = transcripts.send_key(way)
    (folder / "2.txt").write_bytes(f"{transcripts.BEGINS} {part(batch)}".encode(encoding))
    assert list(transcripts.given_away([folder / "2.txt"], [batch])) != []


def test_every_guarantee_of_a_step_is_refuted_above() -> None:
    by_step = {one.id for one in guarantees().values() if one.by == "step"}
    assert by_step == {"converges", "jea-writes", "default-shells", "windows-says-the-same", "https-is-pinned", "jea-audits",
                       "jea-nothing-else", "language-mode-is-told", "transcripts-hold-no-key"}  # fmt: skip
