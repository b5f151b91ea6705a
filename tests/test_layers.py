"""Who may import whom: one table. The lower never imports the higher, and what is pure does no input or output."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterable, Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from lowest import PROJECT, floors

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "ringfence"

# package: what it imports directly of those below; everything that these import is allowed too
LAYERS = {
    "errors": "",
    "diagnostics": "errors",
    "secret": "",
    "regex": "",
    "files": "",
    "types": "diagnostics secret",
    "codecs": "types",
    "model": "codecs",
    "rollout": "",
    "run_settings": "policy rollout",
    "deprecations": "diagnostics",
    "batch": "errors secret",
    "kinds": "model",
    "windows": "model batch",
    "policy": "model",
    "plan": "windows policy",
    "documents": "deprecations secret files",
    "inventory": "documents regex",
    "templates": "inventory types",
    "project": "kinds templates run_settings",
    "transports": "batch types files",
    "doctor": "plan transports",
    "report": "doctor",
    "formats": "report run_settings",
    "run": "formats project",
    "views": "formats",
    "schemas": "formats",
    "lab": "batch",
    "cli": "run views schemas lab",
}
PURE = ("errors", "diagnostics", "deprecations", "secret", "types", "codecs", "model", "rollout", "run_settings", "batch",
        "windows", "policy", "plan", "doctor", "report", "formats", "views", "schemas")
INPUT_OUTPUT = {"socket", "subprocess", "requests", "urllib.request", "http", "ssl", "asyncio", "paramiko", "pypsrp", "psrpcore",
                "spnego", "selectors", "select", "threading", "tempfile", "shutil", "pathlib", "glob", "fileinput"}
ARITHMETIC = {"socket.AF_INET", "socket.AF_INET6", "socket.inet_pton"}  # opens nothing: text to bytes
PROGRAMMES = ("cli",)  # may print


def files(package: str) -> list[Path]:
    """The modules of a package; those of `kinds` are modules/ too."""
    found = [SOURCE / f"{package}.py"] if (SOURCE / f"{package}.py").is_file() else sorted((SOURCE / package).rglob("*.py"))
    return [*found, *sorted((ROOT / "modules").glob("*.py"))] if package == "kinds" else found


def imports(file: Path) -> Iterator[str]:
    """The full names of everything that a module imports, inside of functions too."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: a relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def below(package: str) -> set[str]:
    """Everything that a package may import."""
    direct = set(LAYERS[package].split())
    return direct.union(*(below(p) for p in direct))


def test_the_table_is_complete() -> None:
    there = {p.stem for p in SOURCE.iterdir() if p.suffix == ".py" or (p / "__init__.py").is_file()} - {"__init__"}
    assert there == set(LAYERS)


@pytest.mark.parametrize("package", LAYERS)
def test_the_lower_never_imports_the_higher(package: str) -> None:
    allowed = below(package) | {package}
    for file in files(package):
        for name in imports(file):
            parts = name.split(".")
            if parts[0] == "ringfence" and len(parts) > 1 and parts[1] != "__version__":
                assert parts[1] in allowed, f"{file.relative_to(ROOT)} imports {name}; {package} may import {sorted(allowed)}"


@pytest.mark.parametrize("package", PURE)
def test_what_is_pure_does_no_input_or_output(package: str) -> None:
    for file in files(package):
        used = {name for name in imports(file) for bad in INPUT_OUTPUT if name == bad or name.startswith(f"{bad}.")} - ARITHMETIC
        assert not used, f"{file.relative_to(ROOT)} is pure and imports {sorted(used)}"


@pytest.mark.parametrize("package", [p for p in LAYERS if p not in PROGRAMMES])
def test_only_the_command_line_prints_and_exits(package: str) -> None:
    for file in files(package):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            name = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
            assert name not in ("print", "exit", "sys.exit", "os._exit"), f"{file.relative_to(ROOT)} calls {name}"


READERS = {"files.py", "kinds/__init__.py", "batch/scripts.py", "windows/shipped_rules.py",  # shipped, or compared with it
           "views/html_report.py",  # what a page is made of
           "transports/known_hosts.py", "cli/log_file.py", "cli/streams.py", "cli/limits_page.py", "cli/__init__.py",
           "run/journal.py", "cli/completion.py"}  # opened to be written


def test_files_are_read_in_one_way() -> None:
    for file in (f for f in SOURCE.rglob("*.py") if f.relative_to(SOURCE).parts[0] != "lab"):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        called = {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
        own = {name for name in called if name in ("open", "os.open", "io.open") or name.endswith((".read_text", ".read_bytes"))}
        own -= {"yaml.read_text", "files.read_bytes"}
        assert not own or file.relative_to(SOURCE).as_posix() in READERS, f"{file} reads files by {own}, not by files.read_bytes"


def test_kinds_never_import_each_other() -> None:
    modules = {file.stem for file in (ROOT / "modules").glob("*.py")}
    for file in (ROOT / "modules").glob("*.py"):
        shared = [name for name in imports(file) if name.startswith("ringfence.kinds") or name.split(".")[0] in modules]
        assert not shared, f"{file.name} imports {shared}"


def test_the_lab_knows_nothing_of_the_engine() -> None:
    for file in files("lab"):
        own = {name.split(".")[1] for name in imports(file) if name.startswith("ringfence.")}
        assert own <= {"lab", "batch", "errors"}, file


def foreign(packages: Iterable[str]) -> set[str]:
    """The names, as pip has them, of the third-party packages that some of ours import."""
    used = {name.split(".")[0] for package in packages for file in files(package) for name in imports(file)}
    known = packages_distributions()
    return {known[name][0].lower() for name in used - set(sys.stdlib_module_names) - {"ringfence"}}


def test_only_what_is_declared_is_imported_and_all_of_it() -> None:
    """Third-party packages are those of pyproject.toml; what only the lab imports is its extra."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared, lab = ({re.split(r"[^\w-]", requirement)[0] for requirement in listed} for listed in
                     (project["dependencies"], project["optional-dependencies"]["lab"]))
    assert foreign(package for package in LAYERS if package != "lab") == declared
    assert foreign(["lab"]) - declared == lab


def test_every_dependency_has_a_lowest_version_to_test_with() -> None:
    pinned = dict(pin.split("==") for pin in floors(PROJECT.read_text(encoding="utf-8")))
    assert foreign(LAYERS) <= set(pinned)
