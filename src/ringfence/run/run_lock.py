"""One run at a time writes for a project, on this machine. (Hosts see to it that two machines do not write at once.)"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from ringfence.diagnostics import NOWHERE, Diagnostic, InputError, Where
from ringfence.files import read_bytes
from ringfence.run.journal import HOLDER, LOCK, OWN_FOLDER, own_folder


@contextmanager
def locked(project: Path, run_id: str, seconds: float = 0.0, run_dir: str = "") -> Iterator[None]:
    """The lock of the project in a folder, waited for that long. Raises InputError where another run has it."""
    place = run_dir or project / OWN_FOLDER  # of an error that names no file: that of a full disk
    try:
        folder = own_folder(project, run_dir)
        lock = FileLock(folder / LOCK, timeout=seconds, mode=0o600)
        lock.acquire(poll_interval=0.1)
        _take(lock, folder / HOLDER, run_id)
    except Timeout:
        raise InputError([Diagnostic(NOWHERE, f"another run of this project is at work{_holder(folder)}",
                                     "Wait for its end, or give --lock-timeout SECONDS to wait here.")]) from None
    except OSError as error:
        raise InputError([Diagnostic(Where(str(error.filename or place)), error.strerror or str(error), "Runs that write keep "
                                     "their lock and their record beside ringfence.yml, in .ringfence; --run-dir names another "
                                     "folder.")]) from None
    try:
        yield
    finally:
        (folder / HOLDER).unlink(missing_ok=True)
        lock.release()


def _take(lock: FileLock, holder: Path, run_id: str) -> None:
    """Say which run has the lock; where that cannot be, nobody has it. Raises OSError."""
    try:
        holder.write_text(run_id, encoding="utf-8")
    except OSError:
        holder.unlink(missing_ok=True)
        lock.release()
        raise


def _holder(folder: Path) -> str:
    """Which run has the lock, as far as it says so."""
    try:
        return f": {read_bytes(folder / HOLDER, 100).decode('ascii')}"
    except (OSError, ValueError):
        return ""
