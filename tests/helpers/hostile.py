"""Files of strangers through the whole program, in a process of its own whose processor time and memory are measured."""

import contextlib
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from core import cases
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from faulty import Server

from ringfence.documents import vault
from ringfence.secret import Secret

SIZE = 1_000_000  # characters of a file that is filled
SECONDS = 5  # of processor time
MEMORY = 200 * 2**10  # KiB, beside what a run with nothing to do takes
MOST_SAID = 300_000  # characters: a thousand mistakes
STOP = 15  # seconds of processor time after which a run is ended from outside
PASSWORD = "right"
CALM = {"ringfence.yml": "inventory: inventory\nplaybooks: [site.yml]\n", "inventory/hosts.yml": "all: {hosts: {web1: }}\n",
        "site.yml": "- hosts: all\n  tasks: []\n"}
_CHILD = ("import resource, sys\n"
          "from ringfence.cli.app import run\n"
          "code = run(sys.argv[1:])\n"
          "used = resource.getrusage(resource.RUSAGE_SELF)\n"
          "with open('/proc/self/status') as status: memory = next(line for line in status if line.startswith('VmHWM'))\n"
          "print('MEASURED', int(code), used.ru_utime + used.ru_stime, memory.split()[1])\n")
Recipe = str | Mapping[str, Any]


@dataclass(frozen=True)
class Measured:
    """What a run cost and said. `memory` is in KiB."""

    code: int
    seconds: float
    memory: int
    said: str


def text(recipe: Recipe) -> str:
    """The text of a file: as it stands, or `begin`, `repeat` as often as `times` says or `size` has room for, and `end`.

    `§` in what is repeated is the number of the repetition, `¶` the one before; `SALTED` there looks like a value of a vault,
    each another one; `CIPHERTEXT` anywhere is a value that PASSWORD encrypts.
    """
    if isinstance(recipe, str):
        return recipe.replace("CIPHERTEXT", _vaulted()) if "CIPHERTEXT" in recipe else recipe
    begin, repeat, end = (text(recipe.get(part, "")) for part in ("begin", "repeat", "end"))
    numbered = "§" in repeat or "¶" in repeat
    room = recipe.get("size", SIZE) - len(begin) - len(end)
    times = int(recipe.get("times", 0)) or room // (len(repeat) + 4 * numbered)
    if "SALTED" in repeat:
        return begin + "".join(repeat.replace("§", str(n)).replace("SALTED", _salted(n)) for n in range(times)) + end
    if not numbered:
        return begin + repeat * times + end
    return begin + "".join(repeat.replace("§", str(n)).replace("¶", str(n - 1)) for n in range(times)) + end


@cache
def _key() -> str:
    """A private key for SSH."""
    made = ed25519.Ed25519PrivateKey.generate()
    return made.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode()


@cache
def _vaulted() -> str:
    return "|\n" + "".join(f"      {line}\n" for line in vault.encrypt("hidden", Secret(PASSWORD)).splitlines())


def _salted(number: int) -> str:
    """What looks like a value in a vault; no password fits, and finding that out costs as much as if one did."""
    inner = b"\n".join((f"{number:064x}".encode(), b"00" * 32, b"00" * 16)).hex()
    return f"$ANSIBLE_VAULT;1.1;AES256\\n{inner}"


def write(folder: Path, case: Mapping[str, Any], port: int = 1) -> None:
    """The project of a case; PORT in its files is one where somebody listens and says nothing."""
    for name, recipe in {**CALM, "password": PASSWORD, **case.get("files", {})}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        shown = _key() if recipe == "KEY" else text(recipe)
        path.write_text(shown.replace("PORT", str(port)), encoding="utf-8")
    for name, target in case.get("links", {}).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).unlink(missing_ok=True)
        (folder / name).symlink_to(target)


def run(folder: Path, command: list[str]) -> Measured:
    """The program in a process of its own."""
    done = subprocess.run([sys.executable, "-c", _CHILD, *command], cwd=folder, stdin=subprocess.DEVNULL, timeout=8 * STOP,
                          capture_output=True, text=True, check=False, env={**os.environ, "COLUMNS": "200"},
                          preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (STOP, STOP)))
    said, _, measured = done.stdout.rpartition("MEASURED ")
    code, seconds, memory = measured.split() if measured else (str(done.returncode), str(STOP), "0")
    return Measured(int(code), float(seconds), int(memory), said + done.stderr)


@cache
def at_rest() -> int:
    """The memory of a run where there is nothing to do, in KiB."""
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder), {})
        return run(Path(folder), ["validate"]).memory


def run_case(folder: Path, case: Mapping[str, Any]) -> Measured:
    """A case in a folder of its own."""
    with closing_server() as port:
        write(folder, case, port)
        command = [text(argument) for argument in case.get("command", ["validate"])]
        empty = ["--allow-empty"] if command[0] in ("validate", "plan", "apply", "drift") else []  # CALM declares nothing
        return run(folder, [command[0], *empty, *command[1:]])


@contextlib.contextmanager
def closing_server() -> Iterator[int]:
    """The port of a server that closes each connection."""
    with Server(lambda sock: None) as server:
        yield server.port


def _words(says: str | list[str]) -> list[str]:
    """What has to be said, or one of several where it depends on the version of a library."""
    return [says] if isinstance(says, str) else says


def wrong(case: Mapping[str, Any], found: Measured) -> list[str]:
    """What is wrong with the outcome of a case."""
    more = found.memory - at_rest()
    checks = {
        f"exit code {found.code} instead of {case['code']}": found.code == case["code"],
        f"does not say {case['says']!r}": any(words in found.said for words in _words(case["says"])),
        "a traceback": "Traceback" not in found.said and "ringfence itself failed" not in found.said,
        f"{found.seconds:.1f} s": found.seconds < case.get("seconds", SECONDS),
        f"{more // 1024} MB": more < case.get("memory", MEMORY),
        f"says {len(found.said)} characters": len(found.said) < case.get("said", MOST_SAID),
    }
    return [reason for reason, right in checks.items() if not right]


def hostile_files() -> list[dict[str, Any]]:
    """The cases of tests/cases/hostile_files.yml."""
    return list(cases("hostile_files"))
