"""What a process has: children, open files. Linux alone."""

import os
import time
from pathlib import Path


def children(pid: int) -> list[int]:
    """The processes that a process began and that have not ended, in the order in which it did."""
    found = []
    for folder in Path("/proc").iterdir():
        try:
            stat = (folder / "stat").read_text().rpartition(")")[2].split() if folder.name.isdigit() else []
        except OSError:  # it has just ended
            continue
        if stat and int(stat[1]) == pid and stat[0] != "Z":
            found.append((int(stat[19]), int(folder.name)))
    return [child for _, child in sorted(found)]


def open_files(pid: int | str = "self") -> int:
    """How many files, pipes and sockets it has open."""
    return len(os.listdir(f"/proc/{pid}/fd"))


def gone(pids: list[int], seconds: float = 5.0) -> bool:
    """Whether all of them end within that time."""
    until = time.monotonic() + seconds
    while left := [pid for pid in pids if Path(f"/proc/{pid}").exists() and _state(pid) != "Z"]:
        if time.monotonic() > until:
            return False
        pids = left
        time.sleep(0.02)
    return True


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return "Z"
