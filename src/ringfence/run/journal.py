"""The record of a run: a line for each thing that happens, in a file that is there whatever ends the run.

`host_begin` is on the disk before the first change of a host is sent, `host_end` before the next thing is told: two fsyncs a
host. What was written in between is with the system, and lost with the machine alone.
"""

import errno
import os
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from ringfence.diagnostics import Diagnostic, InputError, Where
from ringfence.errors import ExitCode
from ringfence.formats.events import EventEncoder
from ringfence.report import HostResult, Report, RunInfo, WaveProgress
from ringfence.run.fleet import RunObserver
from ringfence.run.minimal_results import minimal_results
from ringfence.run.recorder import Recorder

OWN_FOLDER, RUNS = ".ringfence", "runs"
LOCK, HOLDER = "lock", "holder"  # the second names the run which has the first
_IGNORED = "# what ringfence keeps here is of this machine\n*\n"


def runs_folder(project: Path, run_dir: str = "") -> Path:
    """Where the journals of a project are."""
    return Path(run_dir) if run_dir else project / OWN_FOLDER / RUNS


def own_folder(project: Path, run_dir: str = "") -> Path:
    """The folder in which a project's runs keep their lock: `.ringfence` beside ringfence.yml, or that of --run-dir. It is made
    where it is not there; git does not see the first. Raises OSError, also where something in it is a link."""
    folder = Path(run_dir) if run_dir else project / OWN_FOLDER
    names = (LOCK, HOLDER, RUNS, ".gitignore")
    links = [path for path in (*(() if run_dir else (folder,)), *(folder / name for name in names)) if path.is_symlink()]
    if links:  # a repository that somebody else wrote would have another file written in its place
        raise OSError(errno.ELOOP, "it is a link, and runs write no file in the place of another", str(links[0]))
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    ignored = folder / ".gitignore"
    if not run_dir and not ignored.exists():
        ignored.write_text(_IGNORED, encoding="utf-8")
    return folder


class Journal(Recorder, RunObserver):
    """The journal of one run. What goes wrong with the file once the run has begun stops nothing; `problem` tells it."""

    def __init__(self, path: Path, run: RunInfo, hosts: Sequence[str], options: Mapping[str, Any] | None = None) -> None:
        """Opens the file. Raises InputError where that cannot be: nothing was changed yet."""
        super().__init__()
        self.path, self.problem = path, ""
        self._encoder, self._file_lock, self._size, self._cut = EventEncoder(), threading.Lock(), 0, False
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | getattr(os, "O_CLOEXEC", 0), 0o600)
            self._write_all(self._encoder.run_begin(run, hosts, options=options).encode())
            os.fsync(self._file)
        except OSError as error:
            raise InputError([Diagnostic(Where(str(path)), f"the record of the run cannot be written: {error.strerror or error}",
                                         "Nothing was changed. --run-dir keeps it elsewhere.")]) from None

    def on_begin(self, result: HostResult) -> None:
        with self._file_lock:  # a host is not written of which the record could not tell what was there: no smaller one does
            self._append(self._encoder.host("host_begin", result), sync=True)

    def on_written(self, result: HostResult) -> None:
        self._add("host_written", result)

    def on_result(self, result: HostResult) -> None:
        self._add("host_end", result, sync=bool(result.changes))

    def rollout(self, waves: Sequence[Sequence[str]]) -> None:
        """The waves of the run are known; where they become others, the last ones count."""
        with self._file_lock:
            self._append(self._encoder.rollout(waves), sync=True)

    def on_wave(self, wave: WaveProgress) -> None:
        with self._file_lock:
            self._append(self._encoder.wave(wave), sync=False)

    def on_signal(self, name: str, in_flight: Sequence[str], not_begun: Sequence[str]) -> None:
        with self._file_lock:
            self._append(self._encoder.signal(name, in_flight, not_begun), sync=True)

    def close(self, report: Report, seconds: float, exit_code: ExitCode) -> None:
        """The run has ended."""
        with self._file_lock:
            self._append(self._encoder.run_end(report, seconds, exit_code), sync=True)
            os.close(self._file)

    def _add(self, event: str, result: HostResult, sync: bool = False) -> None:
        with self._file_lock:
            self._append(self._said(event, result), sync)

    def _said(self, event: str, result: HostResult) -> str:
        """A line of a host; a smaller one where a fault of ours is in the way, which is no end for the others."""
        try:
            return self._encoder.host(event, result)
        except Exception as error:
            self.problem = self.problem or f"not all of {result.host} could be told in it: {type(error).__name__}: {error}"
            for smaller in minimal_results(result, error):
                with suppress(Exception):
                    return self._encoder.host(event, smaller)
            raise

    def _append(self, text: str, sync: bool) -> None:
        try:
            self._write_all((("\n\n" if self._cut else "") + text).encode())
            self._cut = False
            if sync:
                os.fsync(self._file)
        except OSError as error:
            self.problem = self.problem or error.strerror or str(error)
            self._cut_off()

    def _cut_off(self) -> None:
        """What could not be written is seen: the last line has no end or, once there is room again, an empty one comes after it.
        That needs no room on a disk."""
        end = self._size - (not self._cut)
        self._cut = True
        with suppress(OSError):
            os.ftruncate(self._file, end)
        self._size = os.lseek(self._file, 0, os.SEEK_END)

    def _write_all(self, data: bytes) -> None:
        written = len(data)
        while data:
            data = data[os.write(self._file, data):]
        self._size += written
