"""Of two runs of a project one writes, and the other is told which."""

from pathlib import Path

import pytest

from ringfence.diagnostics import InputError
from ringfence.run.journal import HOLDER, LOCK
from ringfence.run.run_lock import locked


def refused(project: Path) -> str:
    with pytest.raises(InputError) as found, locked(project, "20261127T120000Z-bbbbbb"):
        pass
    return found.value.diagnostics[0].summary


def test_the_other_run_is_named_as_long_as_it_has_the_lock(tmp_path: Path) -> None:
    (tmp_path / "ringfence.yml").write_text("inventory: hosts.yml\n", encoding="utf-8")
    with locked(tmp_path, "20261127T120000Z-aaaaaa"):
        assert refused(tmp_path) == "another run of this project is at work: 20261127T120000Z-aaaaaa"
        assert (tmp_path / ".ringfence" / LOCK).stat().st_mode & 0o777 == 0o600
    assert not (tmp_path / ".ringfence" / HOLDER).exists()
    with locked(tmp_path, "20261127T120000Z-cccccc"):
        assert refused(tmp_path).endswith(": 20261127T120000Z-cccccc")


def test_a_run_that_does_not_say_who_it_is_has_it_all_the_same(tmp_path: Path) -> None:
    with locked(tmp_path, "20261127T120000Z-aaaaaa"):
        (holder,) = tmp_path.rglob("holder")
        holder.write_bytes(b"\xff")
        assert refused(tmp_path) == "another run of this project is at work"
        holder.unlink()
        assert refused(tmp_path) == "another run of this project is at work"


def test_what_is_in_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / ".ringfence").write_text("", encoding="utf-8")
    with pytest.raises(InputError) as found, locked(tmp_path, "20261127T120000Z-aaaaaa"):
        pass
    assert found.value.diagnostics[0].where.file == str(tmp_path / ".ringfence")


@pytest.mark.parametrize("run_dir", ["", "elsewhere"])
def test_a_full_disk_is_told_with_its_folder(run_dir: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The system names no file where a write fails; and nobody has the lock then."""
    def full(self: Path, text: str, **more: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.chdir(tmp_path)
    (tmp_path / ".ringfence").mkdir()
    (tmp_path / ".ringfence" / ".gitignore").touch()
    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_text", full)
        with pytest.raises(InputError) as found, locked(tmp_path, "20261127T120000Z-aaaaaa", run_dir=run_dir):
            pass
    (problem,) = found.value.diagnostics
    assert (problem.where.file, problem.summary) == (run_dir or str(tmp_path / ".ringfence"), "No space left on device")
    with locked(tmp_path, "20261127T120000Z-bbbbbb", run_dir=run_dir):
        pass
