"""Files of a simulated host: names without letter case, renames that happen or not, what is refused."""

import pytest

from ringfence.lab import machine
from ringfence.lab.machine.machine_files import FileError, MachineFiles

FOLDER = r"C:\ProgramData\ringfence\undo"


@pytest.fixture
def files() -> MachineFiles:
    made = MachineFiles()
    made.make_folder(FOLDER, "O:BAD:P(A;OICI;FA;;;SY)")
    return made


def code(work: object, *arguments: object, **named: object) -> int:
    with pytest.raises(FileError) as refused:
        work(*arguments, **named)  # type: ignore[operator]
    return refused.value.code


def test_names_have_no_letter_case_and_keep_theirs(files: MachineFiles) -> None:
    files.write(FOLDER + r"\Run.armed", b"x")
    found = files.find(r"c:/programdata/RINGFENCE\undo\RUN.ARMED")
    assert found is not None
    assert (found.name, found.content) == ("Run.armed", b"x")
    files.write(FOLDER.upper() + r"\rUN.aRMED", b"y")
    assert [one.name for _, one in files.matching(FOLDER + r"\*")] == ["Run.armed"]


def test_a_rename_is_a_compare_and_set(files: MachineFiles) -> None:
    files.write(FOLDER + r"\a", b"1")
    files.rename(FOLDER + r"\A", "b")
    assert code(files.rename, FOLDER + r"\a", "c") == 2
    files.write(FOLDER + r"\a", b"2")
    assert code(files.rename, FOLDER + r"\a", "B") == 183
    assert code(files.rename, FOLDER + r"\a", "x?") == 123
    files.find(FOLDER + r"\a").in_use = True  # type: ignore[union-attr]
    assert code(files.rename, FOLDER + r"\a", "d") == 32
    assert {one.name: one.content for _, one in files.matching(FOLDER + r"\*")} == {"a": b"2", "b": b"1"}


def test_what_is_refused(files: MachineFiles) -> None:
    assert code(files.write, FOLDER + r"\nosuch\a", b"") == 3
    assert code(files.write, "a", b"") == 3
    assert code(files.write, FOLDER, b"") == 5
    assert code(files.write, FOLDER + r"\a:b", b"") == 123
    assert code(files.delete, FOLDER + r"\a") == 2
    files.write(FOLDER + r"\a", b"")
    assert code(files.delete, FOLDER) == 145
    assert code(files.make_folder, FOLDER + r"\a\b") == 183
    files.find(FOLDER + r"\a").read_only = True  # type: ignore[union-attr]
    assert code(files.delete, FOLDER + r"\a") == 5
    files.delete(FOLDER, force=True, whole=True)
    assert not files.exists(FOLDER)


def test_a_disk_has_an_end(files: MachineFiles) -> None:
    files.room = 10
    files.write(FOLDER + r"\a", b"12345678")
    assert code(files.write, FOLDER + r"\b", b"123") == 112
    files.write(FOLDER + r"\a", b"1234567890")
    files.delete(FOLDER + r"\a")
    files.write(FOLDER + r"\b", b"123")
    assert files.room == 7


def test_power_takes_what_is_not_on_the_disk_yet() -> None:
    on = machine("web1")
    on.faults.lazy_disk = 5.0
    on.files.write(r"C:\old", b"old")
    on.clock.advance(10)
    on.files.write(r"C:\new", b"new")
    on.files.write(r"C:\sure", b"sure")
    on.files.write(r"C:\empty", b"")
    on.files.sync(r"C:\sure")
    on.files.rename(r"C:\sure", "renamed")
    on.power_off(shut_down=True)
    assert on.file(r"C:\new") == b"new"
    on.power_off()
    assert [on.file(rf"C:\{name}") for name in ("old", "new", "renamed", "empty")] == [b"old", b"\0\0\0", b"sure", b""]
    assert code(on.files.sync, r"C:\sure") == 2


def test_a_folder_hands_down_its_security(files: MachineFiles) -> None:
    files.write(FOLDER + r"\a", b"")
    assert files.security(FOLDER + r"\a") == "O:BAD:P(A;OICI;FA;;;SY)"
    assert files.security(r"C:\ProgramData\other") == files.security(r"C:\ProgramData")
    assert files.security(r"C:\Users") == ""
