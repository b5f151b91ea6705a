"""A project's own kinds: run from their source, after ours, and named with file and line where they are wrong."""

import py_compile
import sys
from pathlib import Path

import pytest

from ringfence import kinds
from ringfence.diagnostics import InputError

KIND = '''
from ringfence.model.resource import Resource, prop, resource
from ringfence.model.storage import RuleStrings
from ringfence.types.text import text


@resource("greeting", noun="Greeting", storage=RuleStrings("Greetings", "Desc"))
class Greeting(Resource):
    """A greeting."""
    description: str | None = prop("What it says.", text, "Desc")
'''


def own(folder: Path, text: str = KIND, name: str = "greeting.py") -> Path:
    """A folder with a kind."""
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text)
    return folder


def test_own_kinds_come_after_ours(tmp_path: Path) -> None:
    shipped = kinds.load()
    assert len(shipped) >= 9
    found = kinds.load([own(tmp_path / "a")])
    assert list(found) == [*shipped, "greeting"]
    assert found["greeting"].doc == "A greeting."
    assert kinds.named_in(tmp_path / "a")["greeting"].line == 7
    assert list(kinds.load()) == list(shipped)


@pytest.mark.parametrize(("text", "line", "told"), [
    ("x = 1\nimport nothing_of_this_name\n", 2, "ModuleNotFoundError: No module named 'nothing_of_this_name'"),
    ("x = 1\n\nx x\n", 3, "SyntaxError: invalid syntax"),
    ("def f():\n    raise KeyError('a')\nf()\n", 2, "KeyError: 'a'"),
    ("import sys\nsys.exit(3)\n", 2, "SystemExit: 3"),
    ("\0", 0, "null bytes"),
    (KIND.replace('"greeting"', '"firewall_rule"'), 7, "there is a kind firewall_rule already"),
])
def test_what_cannot_be_loaded_is_told_with_its_line(text: str, line: int, told: str, tmp_path: Path) -> None:
    with pytest.raises(InputError) as raised:
        kinds.load([own(tmp_path / "m", text)])
    (found,) = raised.value.diagnostics
    assert (found.where.file, found.where.line) == (str(tmp_path / "m" / "greeting.py"), line)
    assert told in found.summary


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no such folder of kinds"):
        kinds.load([tmp_path / "none"])


def test_what_runs_is_the_source_that_can_be_reviewed(tmp_path: Path) -> None:
    """A compiled file beside the source that never looks at it (PEP 552, unchecked) would run in an import."""
    folder, evil = own(tmp_path / "m"), tmp_path / "evil.py"
    evil.write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n")
    cached = folder / "__pycache__" / f"greeting.{sys.implementation.cache_tag}.pyc"
    py_compile.compile(str(evil), str(cached), invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
    assert "greeting" in kinds.load([folder])
    assert not (tmp_path / "ran").exists()
