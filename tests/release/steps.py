"""The steps of a release, each on what the one before left in build/release. They need packaging and nothing else."""

import os
import shutil
import subprocess
import sys
import tarfile
import venv
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from . import changelog
from .changelog import Disagreement

ROOT = Path(__file__).parents[2]
MADE = ROOT / "build" / "release"
PACKAGES, ENVIRONMENT, NOTES = MADE / "packages", MADE / "environment", MADE / "notes.md"
PROGRAMS = ENVIRONMENT / ("Scripts" if os.name == "nt" else "bin")
VERSION_FILE = Path("src", "ringfence", "__init__.py")
# What users meet: commands, kinds, files and connections. The rest looks at the source, which ci.yml has done before.
TESTS = ("tests/cli", "tests/formats", "tests/kinds", "tests/transports")


def version() -> str:
    """That of the source, which is not imported: the installed one may be another."""
    return changelog.version_of(_text(VERSION_FILE))


def check() -> None:
    """The form of the changelog. Raises Disagreement."""
    if wrong := changelog.mistakes(_text("CHANGELOG.md"), version()):
        raise Disagreement("\n".join(wrong))


def prepare(new: str) -> None:
    """The version and the changelog become those of a release of today, and with them whatever is generated."""
    text = changelog.prepared(_text("CHANGELOG.md"), new, datetime.now(UTC).date())
    (ROOT / "CHANGELOG.md").write_text(text, encoding="utf-8")
    source = changelog.VERSION_LINE.sub(f'__version__ = "{new}"', _text(VERSION_FILE))
    (ROOT / VERSION_FILE).write_text(source, encoding="utf-8")
    check()
    _run(sys.executable, "-m", "ringfence.cli.generate", ".", PYTHONPATH=str(ROOT / "src"))


def agree(tag: str) -> None:
    """Package, changelog, tag and day say the same; what the release says is written. Raises Disagreement."""
    committed = subprocess.run(["git", "log", "-1", "--format=%ct"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    section = changelog.released(_text("CHANGELOG.md"), version(), tag,
                                 datetime.fromtimestamp(int(committed), UTC).date())
    repository = os.environ.get("GITHUB_REPOSITORY", "example/ringfence")
    shutil.rmtree(MADE, ignore_errors=True)
    MADE.mkdir(parents=True)
    NOTES.write_text(changelog.notes(section, f"https://github.com/{repository}/blob/{tag}"), encoding="utf-8")


def build() -> None:
    """The sdist of the repository, and of the sdist the wheel."""
    _run(sys.executable, "-m", "hatchling", "build", "--target", "sdist", "--directory", str(PACKAGES))
    with tarfile.open(_package("*.tar.gz")) as archive:
        archive.extractall(MADE, filter="data")
    _run(sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(PACKAGES), at=_unpacked())


def install() -> None:
    """The wheel as users get it, with dependencies of the lock, in a new environment; the demo runs there."""
    venv.create(ENVIRONMENT, clear=True)
    _pip("install", "--require-hashes", "--requirement", str(ROOT / "requirements.txt"))
    _pip("install", "--no-index", "--no-deps", _package("*.whl"))
    _pip("check")
    elsewhere = MADE / "elsewhere"
    elsewhere.mkdir()
    said = subprocess.run([PROGRAMS / "ringfence", "--version"], cwd=elsewhere, check=True, capture_output=True, text=True).stdout
    if said != f"ringfence {version()}\n":
        raise Disagreement(f"the installed program says {said!r}")
    _run(str(PROGRAMS / "ringfence"), "demo", at=elsewhere)


def bill() -> None:
    """What is installed with ringfence, with licences and what needs what, as CycloneDX. Runs with cyclonedx-bom."""
    described = _text("pyproject.toml").replace('dynamic = ["version"]', f'version = "{version()}"')
    (MADE / "pyproject.toml").write_text(described, encoding="utf-8")
    _run(sys.executable, "-W", "ignore", "-m", "cyclonedx_py", "environment", "--pyproject", str(MADE / "pyproject.toml"),
         "--output-reproducible", "--output-file", str(MADE / f"ringfence-{version()}.cdx.json"), str(PROGRAMS / "python"))


def test(arguments: Sequence[str]) -> None:
    """Tests of the sdist, TESTS or the given ones, against the installed wheel; they must not see the source."""
    _pip("install", "--require-hashes", "--requirement", str(ROOT / "requirements-dev.txt"))
    found = "import ringfence, sys; sys.exit(not ringfence.__file__.startswith(sys.prefix))"
    _run(str(PROGRAMS / "python"), "-c", found, at=_unpacked())
    _run(str(PROGRAMS / "python"), "-m", "pytest", "-q", "-n", "2", "-p", "no:cacheprovider", "-m", "not browser and not wheel",
         *(arguments or TESTS), at=_unpacked())


def _text(name: str | Path) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def _package(pattern: str) -> str:
    found, = PACKAGES.glob(pattern)
    return str(found)


def _unpacked() -> Path:
    return MADE / f"ringfence-{version()}"


def _pip(command: str, *arguments: str) -> None:
    there = ("--python", str(PROGRAMS / "python"))
    _run(sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", *there, command, *arguments)


def _run(*line: str, at: Path = ROOT, **more: str) -> None:
    """A program that has to succeed. It sees nothing of the source unless it is told."""
    subprocess.run(line, cwd=at, env={k: v for k, v in os.environ.items() if k != "PYTHONPATH"} | more, check=True)
