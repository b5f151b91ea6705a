"""`python tests/lowest.py`: the lowest versions of its dependencies that ringfence admits, as constraints for pip."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

PROJECT = Path(__file__).parents[2] / "pyproject.toml"
TOOLS = ("dev", "bench")  # extras that no user has: their newest versions will do


def floors(text: str) -> Iterator[str]:
    """`name==floor` of each dependency of the program and of its extras. Raises ValueError where one has no floor."""
    project = tomllib.loads(text)["project"]
    extras = [needed for name, needed in project["optional-dependencies"].items() if name not in TOOLS]
    found = dict[str, str]()
    for requirement in [*project["dependencies"], *(r for needed in extras for r in needed)]:
        parts = re.match(r"([\w.-]+)(?:\[[\w,-]+\])?>=([\w.]+)", requirement)
        if not parts:
            raise ValueError(f"pyproject.toml: {requirement} has no lowest version")
        if found.setdefault(parts[1], parts[2]) != parts[2]:
            raise ValueError(f"pyproject.toml: {parts[1]} has two lowest versions")
    yield from (f"{name}=={version}" for name, version in found.items())


if __name__ == "__main__":
    print("\n".join(floors(PROJECT.read_text(encoding="utf-8"))))
