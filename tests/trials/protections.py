"""The protections of the undo, each of which can be taken out: then trials have to find something wrong."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from unittest import mock

from ringfence.lab.host_script import undo_task_text
from ringfence.lab.host_script.undo_verbs import UndoOfBatch
from ringfence.lab.machine.machine_files import MachineFiles
from ringfence.run.undoing import Undoing
from ringfence.run.writing import Writing

Patches = Callable[[], AbstractContextManager[object]]


def _text(old: str, new: str) -> Patches:
    """The text of the task with something else in it."""
    xml, line = undo_task_text._texts()
    assert old in xml + line, old
    changed = xml.replace(old, new), line.replace(old, new)
    return lambda: mock.patch.object(undo_task_text, "_texts", return_value=changed)


@dataclass(frozen=True)
class Protection:
    """taken_out: what takes it out · shown_by: a part of the names of trials of which some show it."""

    taken_out: Patches
    shown_by: str


PROTECTIONS: Mapping[str, Protection] = {
    "the undo at all": Protection(lambda: mock.patch("ringfence.run.writing.covered", return_value=()), "locks out, drop"),
    "the look before each write": Protection(lambda: mock.patch.object(UndoOfBatch, "require_armed", return_value=None),
                                             "locks out, hangs for an hour, before 2"),
    "the second import": Protection(_text("ren {run}.firing {run}.again)", "ren {run}.firing {run}.done)"),
                                    "adds, timer fires between look and write, before 2"),
    "the repetition": Protection(_text("<Interval>PT1M</Interval>", "<Interval>PT10H</Interval>"),
                                 "adds, controller killed, before 2"),
    "the trigger at boot": Protection(_text("<BootTrigger>", "<BootTrigger><Enabled>false</Enabled>"),
                                      "locks out, power lost, after 2"),
    "the trigger at registration": Protection(_text("<RegistrationTrigger>", "<RegistrationTrigger><Enabled>false</Enabled>"),
                                              "adds, controller killed, before 2"),
    "the proof over a new connection": Protection(lambda: mock.patch.object(Writing, "_prove", lambda self: self.result),
                                                  "mixed, reboot, before 2"),
    "undoing what is not proven": Protection(lambda: mock.patch.object(Undoing, "undone", Undoing.confirmed),
                                             "mixed, refused, before 2"),
    "the flush of what was exported": Protection(lambda: mock.patch.object(MachineFiles, "sync", return_value=None),
                                                 "adds, power lost, disk lazy"),
    "the end of the task": Protection(_text("schtasks.exe /delete", "schtasks.exe /query"), "locks out, drop, before 3"),
}


@contextmanager
def without(name: str) -> Iterator[None]:
    """As long as this lasts, a protection is not there."""
    with PROTECTIONS[name].taken_out():
        yield
