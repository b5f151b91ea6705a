"""What users get: the wheel and the source distribution are complete, and what pip installs of them works anywhere."""

import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest
from cli_lab import environment

ROOT = Path(__file__).parents[1]
PLACES = {"src/ringfence": "ringfence", "modules": "ringfence/modules", "schemas": "ringfence/schemas"}
BINARIES = "Scripts" if os.name == "nt" else "bin"
pytestmark = pytest.mark.wheel


@dataclass(frozen=True)
class Made:
    """A copy of the repository, what was built of it, and a virtual environment with the wheel of the sdist."""

    clone: Path
    wheel: Path
    sdist: Path
    again: Path
    venv: Path

    def __call__(self, *arguments: str, at: Path, python: bool = False) -> "subprocess.CompletedProcess[str]":
        """Run the installed program, or its Python."""
        program = self.venv / BINARIES / ("python" if python else "ringfence")
        return subprocess.run([program, *arguments], cwd=at, env=environment(), capture_output=True, text=True, timeout=60,
                              check=False)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("wheel")
    clone, venv = folder / "clone", folder / "venv"
    for name in _listed():
        (clone / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, clone / name)
    sdist, wheel = _build(clone, "sdist"), _build(clone, "wheel")
    with tarfile.open(sdist) as archive:
        archive.extractall(folder, filter="data")
    again = _build(folder / sdist.name.removesuffix(".tar.gz"), "wheel")
    _python("-m", "venv", "--without-pip", str(venv))
    _python("-m", "pip", "--python", str(venv), "install", "--quiet", "--disable-pip-version-check", "--no-index", "--no-deps",
            str(again))
    packages = next(venv.rglob("site-packages"))
    # the dependencies are those of the environment that runs the tests; its own ringfence comes last, and editable
    # installs in a folder that is added like this do not count
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    return Made(clone, wheel, sdist, again, venv)


def _listed() -> list[str]:
    """The files of the repository: those that git tracks, or would."""
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("needs git, and a clone")
    listed = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, check=True,
                            capture_output=True, text=True).stdout
    return [name for name in listed.split("\0") if name and (ROOT / name).is_file()]


def _python(*arguments: str, at: Path | None = None) -> None:
    done = subprocess.run([sys.executable, *arguments], cwd=at, env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def _build(source: Path, target: str) -> Path:
    """What pip does, without the isolation that needs a network: the build backend comes with the dev extra."""
    _python("-m", "hatchling", "build", "--target", target, at=source)
    made, = (source / "dist").glob("*.whl" if target == "wheel" else "*.tar.gz")
    return made


def _content(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_the_wheel_has_every_file_that_the_program_needs_and_no_other(made: Made) -> None:
    source = {f"{place}/{file.relative_to(made.clone / folder).as_posix()}": file.read_bytes()
              for folder, place in PLACES.items() for file in (made.clone / folder).rglob("*") if file.is_file()}
    packed = {name: data for name, data in _content(made.wheel).items() if ".dist-info/" not in name and ".data/" not in name}
    assert sorted(packed) == sorted(source)
    assert packed == source
    endings = {name.rpartition(".")[2] for name in packed}
    assert {"py", "typed", "ps1", "psm1", "json", "txt"} <= endings


def test_the_wheel_has_the_man_pages_where_man_looks(made: Made) -> None:
    pages = {name.rpartition("/")[2]: data for name, data in _content(made.wheel).items() if "/data/share/man/man1/" in name}
    assert pages == {file.name: file.read_bytes() for file in (ROOT / "man").iterdir()}
    assert (made.venv / "share" / "man" / "man1" / "ringfence-plan.1").is_file()


def test_the_wheel_of_the_source_distribution_is_the_wheel(made: Made) -> None:
    first, second = _content(made.wheel), _content(made.again)
    assert sorted(first) == sorted(second)
    assert first == second


def test_the_source_distribution_has_what_builds_and_tests_it(made: Made) -> None:
    with tarfile.open(made.sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"pyproject.toml", "README.md", "LICENSE", "Makefile", "tests/test_wheel.py", "docs/architecture.md"} <= names


def test_what_runs_is_what_was_installed(made: Made) -> None:
    said = made("-c", "import ringfence.kinds as k; print(k.HOME); print(k.shipped('modules'))", at=made.clone, python=True)
    assert said.stderr == ""
    assert [Path(line).is_relative_to(made.venv.resolve()) for line in said.stdout.splitlines()] == [True, True]


def test_outside_of_a_clone(made: Made, tmp_path: Path) -> None:
    version = made("--version", at=tmp_path)
    assert (version.returncode, version.stderr) == (0, "")
    assert version.stdout == f"ringfence {made.wheel.name.split('-')[1]}\n"
    assert "firewall_rule" in made("doc", at=tmp_path).stdout
    assert "local_port" in made("doc", "firewall_rule", at=tmp_path).stdout
    assert made("init", "my-policy", at=tmp_path).returncode == 0
    project = tmp_path / "my-policy"
    assert made("validate", at=project).stdout.startswith("valid: ")
    assert made("plan", "--list-hosts", at=project).stdout.split()[-2:] == ["server1.example.com", "server2.example.com"]
    assert made("schema", at=project).returncode == 0
    written = {file.name: file.read_text(encoding="utf-8") for file in (project / "schemas").iterdir()}
    assert written == {file.name: file.read_text(encoding="utf-8") for file in (ROOT / "schemas").iterdir()}
    assert made("jea", "export", "jea", at=project).returncode == 0


@pytest.mark.parametrize("arguments", [
    "doc", "doc ipsec_rule", "validate -i inventory playbooks/site.yml", "validate -i inventory playbooks/baseline.yml",
    "validate -i inventory playbooks/servers.yml playbooks/workstations.yml",
    "plan -i inventory playbooks/site.yml --list-hosts", "schema -o {out}", "init {out}"])
def test_inside_a_clone(arguments: str, made: Made, tmp_path: Path) -> None:
    """Whose modules/ are the shipped kinds once more."""
    said = made(*arguments.format(out=tmp_path / "out").split(), at=made.clone)
    assert (said.returncode, said.stderr) == (0, "")
    assert said.stdout


def test_the_lab_is_complete(made: Made, tmp_path: Path) -> None:
    said = made("demo", at=tmp_path)
    assert said.returncode == 0
    assert [line for line in said.stderr.splitlines() if not line.startswith("[")] == []  # a line for each host that is written
    assert "Every step ended as it should" in said.stdout
