"""Files that a command writes where none are yet."""

from collections.abc import Mapping
from pathlib import Path

from ringfence.cli.command import usage_error


def write_new(folder: Path, files: Mapping[str, str]) -> None:
    """Write {path below the folder: text}. Raises InputError, before anything is written, where one is there already."""
    if there := [name for name in files if (folder / name).exists()]:
        raise usage_error(f"{folder}: already there: {', '.join(there)}", "choose an empty folder: nothing is overwritten")
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8", newline="")
