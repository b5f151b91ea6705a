"""`ringfence` for a shell that calls it often: a process that has imported everything and makes a copy of itself for each call.

The copy gets the caller's streams, folder and environment, and runs the same `main()` as the installed program does; what is
saved is the time to import it.
"""

import contextlib
import importlib
import json
import os
import signal
import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

ALIVE = 5.0  # seconds after which it is looked whether somebody is there still
CALLER = """\
#!{python} -IS
import json, os, signal, socket, sys
way = socket.socket(socket.AF_UNIX)
way.connect({address!r})
socket.send_fds(way, [json.dumps([sys.argv[1:], os.getcwd(), dict(os.environ)]).encode() + b"\\n"], [0, 1, 2])
answer = way.makefile()
called = int(answer.readline())
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, lambda number, frame: os.kill(called, number))
sys.exit(int(answer.readline() or 1))
"""


@contextlib.contextmanager
def warm_program() -> Iterator[Path]:
    """A folder with a program `ringfence`."""
    with tempfile.TemporaryDirectory(prefix="ringfence-warm-") as name:
        folder = Path(name)
        address = str(folder / "address")
        caller = folder / "ringfence"
        caller.write_text(CALLER.format(python=sys.executable, address=address), encoding="utf-8")
        caller.chmod(caller.stat().st_mode | stat.S_IXUSR)
        with subprocess.Popen([sys.executable, __file__, address], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              start_new_session=True) as server:
            try:
                assert server.stdout
                assert server.stdout.readline() == b"ready\n"
                yield folder
            finally:
                server.kill()


def serve(address: str) -> None:
    """Answer calls until killed, or until nobody is there any more who could."""
    from ringfence import kinds
    from ringfence.cli.app import COMMANDS, command_of
    from ringfence.cli.commands.lab import LabTransport, machines, simulation

    for name in COMMANDS:
        command_of(name, {})
    for module in ("transports.psrp", "transports.ssh", "views.table"):
        importlib.import_module(f"ringfence.{module}")
    kinds.load()
    with simulation(machines(2), LabTransport.mixed):  # with the keys of its servers
        pass
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address)
        listener.listen(20)
        listener.settimeout(ALIVE)
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # copies that end are nobody's business
        parent = os.getppid()
        os.write(1, b"ready\n")
        while os.getppid() == parent:
            try:
                way, _ = listener.accept()
            except TimeoutError:
                continue
            if os.fork() == 0:
                listener.close()
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                _answer(way)
            way.close()


def _answer(way: socket.socket) -> None:
    """Be the program for one call."""
    said, streams, _, _ = socket.recv_fds(way, 1 << 20, 3)
    while not said.endswith(b"\n"):
        said += way.recv(1 << 20)
    arguments, folder, variables = json.loads(said)
    for number, descriptor in enumerate(streams):
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(variables)
    tempfile.tempdir = None
    sys.argv[1:] = arguments
    sys.stdin, sys.stdout, sys.stderr = os.fdopen(0, closefd=False), _written(1), _written(2)
    way.sendall(b"%d\n" % os.getpid())
    code: object = 1
    try:
        from ringfence.cli import main

        main()
    except SystemExit as end:
        code = end.code
    finally:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError):
                stream.flush()
        way.sendall(b"%d\n" % (code if isinstance(code, int) else 0))
        os._exit(0)


def _written(number: int) -> TextIO:
    return os.fdopen(number, "w", encoding="utf-8", closefd=False)


if __name__ == "__main__":
    serve(sys.argv[1])
