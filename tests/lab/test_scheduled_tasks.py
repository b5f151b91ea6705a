"""The Task Scheduler and the clock of a simulated host: when tasks start, what ends them, what is refused."""

import re
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from core import cases
from lab_machine import host
from lab_tasks import task

from ringfence.lab import Machine, SimulatedHost
from ringfence.lab.machine.scheduled_tasks import NEVER, Program
from ringfence.lab.machine.task_definition import ExecAction, TaskError

PATH = r"\ringfence\undo"


class Trial:
    """The steps of a case on a machine whose actions only wait."""

    def __init__(self, case: dict[str, Any]) -> None:
        self.on, self.case = host(), case
        self.starts: list[int] = []
        self.ended = 0
        self.on.tasks.start_program = self._program
        self.on.faults.tasks_queued = case.get("queued", 0.0)
        self._began = self.on.clock.now()
        case = {**case, "triggers": self._with_moments(case["triggers"])} if "triggers" in case else case
        self.xml = case.get("xml") or task(**{k: v for k, v in case.items() if k in ("triggers", "settings", "actions", "sddl")})
        tasks, power = self.on.tasks, self.on.tasks.power
        self.steps: dict[str, Callable[[], object]] = {
            "register": lambda: tasks.register(PATH, self.xml), "update": lambda: tasks.register(PATH, self.xml, update=True),
            "run": lambda: tasks.run(PATH), "stop": lambda: tasks.stop(PATH), "unregister": lambda: tasks.unregister(PATH),
            "off": self.on.power_off, "on": self.on.power_on, "batteries": tasks.went_on_batteries,
            "mains": lambda: setattr(power, "on_batteries", False), "offline": lambda: setattr(power, "network", False)}

    def _with_moments(self, triggers: str) -> str:
        """{+60} becomes the moment in 60 seconds."""
        now = self.on.clock.wall()
        return re.sub(r"\{([+-]\d+)\}", lambda found: f"{now + timedelta(seconds=int(found[1])):%Y-%m-%dT%H:%M:%S.%fZ}", triggers)

    def _program(self, action: ExecAction, user: str) -> Program:
        assert user == "S-1-5-18"
        self.starts.append(round(self.on.clock.now() - self._began))
        yield float(self.case.get("seconds", 0))
        self.ended += 1
        return int(self.case.get("code", 0))

    def do(self, step: str) -> None:
        what, _, said = step.partition(" ")
        if what == "after":
            self.on.clock.advance(float(said))
        elif what == "clock":
            self.on.clock.offset += float(said)
            self.on.tasks.time_was_set()
        elif what == "reboot":
            self.on.power_off()
            self.on.power_on()
        elif what == "refused":
            code, _, name = said.partition(" ")
            with pytest.raises(TaskError) as refused:
                self.steps[name]()
            assert refused.value.hresult == int(code, 16)
        elif what == "service":
            self.on.services["Schedule"] = said
        elif what == "starts":
            assert len(self.starts) == int(said)
        elif what in ("result", "state"):
            found = self.on.tasks.find(PATH)
            assert (found.state if what == "state" else found.result) == (said if what == "state" else int(said, 16))
        else:
            self.steps[what]()


@pytest.mark.parametrize("case", cases("lab_tasks"), ids=lambda c: c["name"])
def test_a_task(case: dict[str, Any]) -> None:
    trial = Trial(case)
    for step in case["steps"]:
        trial.do(step)
    assert trial.starts == case["starts"]
    assert case["source"]
    if "ended" in case:
        assert trial.ended == case["ended"]
    if "result" in case:
        assert trial.on.tasks.find(PATH).result == case["result"]
    if "state" in case:
        assert trial.on.tasks.find(PATH).state == case["state"]


def with_programs() -> Machine:
    """A machine whose tasks run programs."""
    on = host()
    SimulatedHost(on)
    return on


def test_an_action_is_a_line_of_cmd_as_system() -> None:
    on = with_programs()
    on.files.make_folder(r"C:\ProgramData\x")
    on.tasks.register(PATH, task(arguments=r'/d /s /c "cd /d "%ProgramData%\x" && type nul > done & exit /b 9"'))
    on.tasks.run(PATH)
    assert (on.tasks.find(PATH).state, on.tasks.find(PATH).last_run == NEVER) == ("Running", False)
    on.clock.run_due()
    assert on.files.exists(r"C:\ProgramData\x\done")
    assert (on.tasks.find(PATH).state, on.tasks.find(PATH).result) == ("Ready", 9)
    assert on.ran[-1].code == 9


@pytest.mark.parametrize(("command", "denied", "result"), [
    (r"C:\nosuch.exe", (), 0x80070002), ("%SystemRoot%\\System32\\cmd.exe", ("cmd.exe",), 0x800704EC)])
def test_an_action_that_cannot_be_started(command: str, denied: tuple[str, ...], result: int) -> None:
    on = with_programs()
    on.faults.denied_programs = denied
    on.tasks.register(PATH, task(command=command))
    on.tasks.run(PATH)
    on.clock.run_due()
    assert on.tasks.find(PATH).result == result


def test_a_task_deletes_itself_and_goes_on() -> None:
    on = with_programs()
    line = rf'schtasks /delete /tn "{PATH}" /f & ping -n 4 ::1 >nul & type nul > C:\z'
    on.tasks.register(PATH, task(arguments=f'/d /s /c "{line}"'))
    on.tasks.run(PATH)
    on.clock.advance(10)
    assert on.tasks.tasks() == []
    assert on.files.exists(r"C:\z")


def test_a_task_that_ends_itself_ends_there() -> None:
    on = with_programs()
    on.tasks.register(PATH, task(arguments=rf'/d /s /c "schtasks /end /tn {PATH} & type nul > C:\z"'))
    on.tasks.run(PATH)
    on.clock.advance(10)
    assert not on.files.exists(r"C:\z")
    assert (on.tasks.find(PATH).state, on.tasks.find(PATH).result) == ("Ready", 0x41306)


def test_tasks_run_in_the_order_in_which_they_fall_due() -> None:
    on = with_programs()
    for name, delay in (("b", 20), ("a", 10), ("c", 30)):
        trigger = f"<RegistrationTrigger><Delay>PT{delay}S</Delay></RegistrationTrigger>"
        on.tasks.register(rf"\{name}", task(trigger, arguments=f'/d /s /c "echo {name}>> C:\\order.txt"'))
    on.clock.advance(100)
    assert on.files.find(r"C:\order.txt").content == b"a\r\nb\r\nc\r\n"  # type: ignore[union-attr]


# -- the clock

def test_uptime_does_not_go_by_the_time_of_day() -> None:
    on = host()
    on.clock.advance(100)
    before = on.clock.wall()
    on.clock.offset = -86400.0
    assert (before - on.clock.wall()).total_seconds() == pytest.approx(86400, abs=5)
    assert on.clock.uptime() == pytest.approx(100, abs=5)
    on.power_off()
    on.power_on()
    assert on.clock.uptime() == pytest.approx(0, abs=5)


def test_what_is_done_may_move_the_clock_and_make_appointments() -> None:
    on, done = host(), list[str]()

    def first() -> None:
        done.append("a")
        on.clock.advance(50)

    def second() -> None:
        done.append("b")
        on.clock.call_in(5, lambda: done.append("c"))

    on.clock.call_in(10, first)
    on.clock.call_in(30, second)
    on.clock.advance(20)
    assert done == ["a", "b", "c"]


def test_what_falls_due_in_real_time_is_done_by_a_thread_that_ends() -> None:
    on, done = host(), threading.Event()
    on.clock.start()
    on.clock.call_in(0.05, done.set)
    assert done.wait(5)
    for _ in range(500):
        if "lab-clock" not in {t.name for t in threading.enumerate()}:
            break
        time.sleep(0.01)
    assert "lab-clock" not in {t.name for t in threading.enumerate()}
    again = threading.Event()
    on.clock.call_in(600, again.set)
    on.clock.advance(601)
    assert again.is_set()
    on.clock.stop()
