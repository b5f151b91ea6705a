"""The kinds of a project come after ours; the same file twice is one kind."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from ringfence import kinds

FILES = sorted(kinds.shipped("modules").glob("*.py"))


@pytest.fixture(autouse=True)
def _back_to_ours() -> Iterator[None]:
    yield
    kinds.load()


def clone(folder: Path) -> Path:
    """A project whose modules/ are copies of ours."""
    shutil.copytree(kinds.shipped("modules"), folder / "modules", ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def test_a_clone_of_ringfence_has_our_kinds_once(tmp_path: Path) -> None:
    assert FILES
    assert kinds.load(clone(tmp_path)) == kinds.load()


@pytest.mark.parametrize("name", [FILES[0].name, FILES[-1].name])
def test_another_file_of_the_same_name_is_a_mistake(name: str, tmp_path: Path) -> None:
    changed = clone(tmp_path) / "modules" / name
    changed.write_bytes(changed.read_bytes() + b"\n")
    with pytest.raises(ValueError, match="two files declare the kind") as caught:
        kinds.load(tmp_path)
    assert str(caught.value).endswith(f"one of them is {changed}")
