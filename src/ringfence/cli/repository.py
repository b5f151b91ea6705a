"""Files as the repository names them that a project is in: reports are shown beside its sources."""

import os
from collections.abc import Callable
from functools import cache
from pathlib import Path


def path_in_repository(folder: Path) -> Callable[[str], str]:
    """A function that gives the path of a file below the top of the git repository that a folder is in, with / between its parts;
    without a repository, below the folder. A file that lies elsewhere has its whole path."""
    top = next((f for f in (folder, *folder.parents) if (f / ".git").exists()), folder)

    @cache
    def inside(path: str) -> str:
        whole = os.path.normpath(folder / path)
        try:
            relative = os.path.relpath(whole, top)
        except ValueError:  # on another drive
            relative = os.pardir
        return Path(whole if relative.split(os.sep)[0] == os.pardir else relative).as_posix()

    return inside
