"""Files of strangers through the whole program, with the processor and the memory that they may cost."""

import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml as pyyaml

CASES = pyyaml.safe_load((Path(__file__).parents[1] / "cases" / "hostile_files.yml").read_text(encoding="utf-8"))
SIZE = 1_000_000
MEMORY = 200 * 2**10  # KiB, beside what Python and the program need for themselves
SECONDS = 5
PROJECT = {"ringfence.yml": "inventory: inventory\nplaybooks: [site.yml]\n", "inventory/hosts.yml": "all: {hosts: {web1: }}\n",
           "site.yml": "- hosts: all\n  tasks: []\n"}
MEASURED = ("import resource, sys, runpy\n"
            "from ringfence.cli import main\n"
            "sys.argv[0] = 'ringfence'\n"
            "try: code = main()\n"
            "except SystemExit as end: code = end.code\n"
            "used = resource.getrusage(resource.RUSAGE_SELF)\n"
            "print('MEASURED', int(code or 0), used.ru_utime + used.ru_stime, used.ru_maxrss)\n")


def content(case: dict[str, Any]) -> str:
    if "text" in case:
        return str(case["text"])
    begin, end = case.get("begin", ""), case.get("end", "")
    return str(begin + case["repeat"] * ((SIZE - len(begin) - len(end)) // len(case["repeat"])) + end)


def run(folder: Path, command: list[str]) -> tuple[int, float, int, str]:
    """Exit code, seconds of processor, KiB of memory, and all that was said."""
    done = subprocess.run([sys.executable, "-c", MEASURED, *command], cwd=folder, stdin=subprocess.DEVNULL, timeout=60,
                          capture_output=True, text=True, check=False, env={**os.environ, "COLUMNS": "200"},
                          preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (30, 30)))
    said, _, measured = done.stdout.rpartition("MEASURED ")
    code, seconds, memory = measured.split()
    return int(code), float(seconds), int(memory), said + done.stderr


def write_project(folder: Path, more: dict[str, str]) -> None:
    for name, text in {**PROJECT, **more}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")


@pytest.fixture(scope="module")
def at_rest(tmp_path_factory: pytest.TempPathFactory) -> int:
    """The memory of a run with nothing to do."""
    folder = tmp_path_factory.mktemp("calm")
    write_project(folder, {})
    return run(folder, ["validate"])[2]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_a_hostile_file_costs_seconds_and_is_told_in_a_line(case: dict[str, Any], tmp_path: Path, at_rest: int) -> None:
    write_project(tmp_path, {} if "link" in case else {case["file"]: content(case)})
    if "link" in case:
        (tmp_path / case["file"]).unlink(missing_ok=True)
        (tmp_path / case["file"]).symlink_to(case["link"])
    code, seconds, memory, said = run(tmp_path, case.get("command", ["validate"]))
    assert case["err"] in said, said[:2000]
    assert "Traceback" not in said
    assert "ringfence itself failed" not in said
    assert len(said) < 2000
    assert code == case["code"]
    assert seconds < SECONDS
    assert memory - at_rest < MEMORY
