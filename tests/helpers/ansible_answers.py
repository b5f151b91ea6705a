"""What ansible-core said (tests/oracle), of each version that was asked: tests/cases/ansible/VERSION."""

import functools
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from core import CASES

ORACLE = CASES / "ansible"
WHOLE = "2.19"  # the version of which all answers are kept; of the others those that differ from its


def order(version: str) -> list[int]:
    """To sort versions by."""
    return [int(number) for number in version.split(".")]


VERSIONS = sorted((path.name for path in ORACLE.iterdir() if path.is_dir()), key=order)


def kept(path: Path) -> dict[str, Any]:
    """A file of answers as it is, without its heading."""
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return {name: said for name, said in found.items() if name not in ("asked", "base")}


@functools.cache
def answers(version: str, file: str) -> Mapping[str, Any]:
    """What one version says of everything of a file."""
    found = kept(ORACLE / version / f"{file}.json")
    return found if version == WHOLE else {**answers(WHOLE, file), **found}


def asked(file: str) -> dict[str, str]:
    """The digest of the questions that each version answered there."""
    return {version: json.loads((ORACLE / version / f"{file}.json").read_text(encoding="utf-8"))["asked"] for version in VERSIONS}


def digest(questions: Any) -> str:
    """Changes with what is asked."""
    return hashlib.sha256(json.dumps(questions, sort_keys=True).encode()).hexdigest()[:16]
