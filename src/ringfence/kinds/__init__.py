"""The kinds: the files of modules/, seen as the package ringfence.kinds; a project's own kinds come after ours."""

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path

from ringfence.model.resource import Kind, Resource
from ringfence.model.storage import PartOf

HOME = Path(__file__).parents[1]  # src/ringfence, or site-packages/ringfence


def shipped(name: str) -> Path:
    """`modules` or `schemas`: inside the package in a wheel, at the top of the checkout in an editable install."""
    return HOME / name if (HOME / name).is_dir() else HOME.parents[1] / name


__path__ = [str(shipped("modules"))]  # so ringfence.kinds.firewall_rule is modules/firewall_rule.py


def load(project: Path | None = None) -> Mapping[str, Kind]:
    """Every kind by name: ours, then the project's. Raises ValueError where two files or two kinds have one name."""
    ours = shipped("modules").resolve()
    folders = dict.fromkeys([ours, *([(project / "modules").resolve()] if project else [])])
    files = [f for d in folders for f in sorted(d.glob("[!_]*.py")) if d == ours or not _copy(f, ours / f.name)]
    for twin in (f for i, f in enumerate(files) if any(g.stem == f.stem for g in files[:i])):
        raise ValueError(f"two files declare the kind {twin.stem}: one of them is {twin}")
    __path__[:] = map(str, folders)
    found: dict[str, Kind] = {}
    for file in files:
        module = import_module(f"{__name__}.{file.stem}")
        for cls in vars(module).values():
            if not (isinstance(cls, type) and issubclass(cls, Resource) and "kind" in vars(cls)):
                continue
            if cls.__module__ == module.__name__ and not isinstance(cls.kind.storage, PartOf):
                if cls.kind.name in found:
                    raise ValueError(f"two classes declare the kind {cls.kind.name}: one of them is in {file}")
                found[cls.kind.name] = cls.kind
    return found


def _copy(file: Path, original: Path) -> bool:
    """Whether a file is one of ours again, as every file is where ringfence is installed and runs in its own clone."""
    return original.is_file() and file.read_bytes() == original.read_bytes()
