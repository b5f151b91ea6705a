"""python -m tests.soak [-n 1000000] [--seed N] [--only READER] [--no-files] [--flows 1000000] [--jobs 2]

First every hostile file of tests/cases/hostile_files.yml through the program, in processes whose time and memory are measured;
then connections that end after each byte of what a host says; then tasks that meet rules of hosts, and what passes by them; then
a tenth as many flows, judged by the engine and by the lab; then as many mutated inputs through every reader. Prints what is
wrong, and ends with 1 if something is.
"""

import argparse
import multiprocessing
import os
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "helpers"))

import cut_short
import judged_flows
import opened
from hostile import hostile_files, run_case, wrong

from .fuzz import Defect, fuzz

PART = 5_000  # inputs between two lines of progress
PART_OF_FLOWS = 50_000
SHOWN = 20_000  # characters of an input that shows a defect


def files() -> int:
    """How many hostile files cost or say what they must not."""
    bad = 0
    for case in hostile_files():
        with tempfile.TemporaryDirectory() as folder:
            found = run_case(Path(folder), case)
        reasons = wrong(case, found)
        bad += bool(reasons)
        print(f"{case['name']:40} {found.seconds:5.1f} s {found.memory // 1024:5} MB  {'; '.join(reasons)}", flush=True)
    return bad


def cuts() -> int:
    """After how many bytes of what a server says the end of its connection is taken wrongly."""
    bad = 0
    with cut_short.ssh() as ssh:
        for name, exchange in (("psrp", cut_short.psrp()), ("ssh", ssh)):
            wrong = [found for length in range(exchange.total) if (found := exchange.wrong(length))]
            bad += len(wrong)
            print(f"{name} cut after each of {exchange.total} bytes: {len(wrong)} wrong", *wrong[:20], sep="\n    ", flush=True)
    return bad


def silence(number: int, seed: int) -> int:
    """How many flows pass that no task says (tests/plan/test_opens_nothing_by_silence.py)."""
    print(f"seed {seed}", flush=True)
    bad = rules = flows = 0
    while flows < number:
        rng = random.Random(seed + flows)
        found = opened.judge_ownership(rng, min(PART_OF_FLOWS, number))
        others = [opened.judge_pruning(rng, word) for word in ("report", "created", "restore", "never")]
        wrong = [*found.wrong, *(told for other in others for told in other.wrong)]
        bad, rules, flows = bad + len(wrong), rules + sum(found.counted.values()), flows + found.flows
        print(f"{rules:,} rules, {flows:,} flows: {bad} wrong", *wrong[:5], sep="\n", flush=True)
    return bad


def verdicts(number: int, seed: int) -> int:
    """On how many flows the engine and the lab differ (tests/policy/test_judged_by_lab.py)."""
    found = judged_flows.judge(seed, number)
    print(judged_flows.told_of(found), f"{len(found.wrong)} wrong", *found.wrong[:5], sep="\n", flush=True)
    return len(found.wrong)


def inputs(number: int, seed: int, only: str, jobs: int) -> int:
    """How many kinds of defects mutated inputs show. `jobs`: processes at a time. Each part has one of its own, with a folder and
    alarms: what it shows it shows again (`-n 5000 --seed` of the part), whatever came before it."""
    print(f"seed {seed}", flush=True)
    found, done, begun, of_readers = {}, 0, time.monotonic(), Counter[str]()
    parts = [(min(PART, number - first), seed + first, only) for first in range(0, number, PART)]
    with multiprocessing.get_context("fork").Pool(jobs, maxtasksperchild=1) as pool:
        for (_, part, _), (counted, defects) in zip(parts, pool.imap(_part, parts), strict=True):
            done += sum(counted.values())
            of_readers += counted
            for defect in defects:
                if (defect.reader, defect.reason) not in found:
                    found[defect.reader, defect.reason] = defect
                    print(f"{defect.reader}: {defect.reason} (in the part of seed {part})", defect.told,
                          f"    {defect.text[:SHOWN]!r}\n", sep="\n", flush=True)
            print(f"{done:,} inputs, {len(found)} kinds of defects, {time.monotonic() - begun:.0f} s", flush=True)
    print(", ".join(f"{reader} {count:,}" for reader, count in of_readers.most_common()), flush=True)
    return len(found)


def _part(part: tuple[int, int, str]) -> tuple[Counter[str], list[Defect]]:
    return fuzz(*part)


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("-n", type=int, default=1_000_000, help="how many inputs (default 1,000,000)")
    arguments.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    arguments.add_argument("--only", default="", metavar="READER", help="readers with this in their names")
    arguments.add_argument("--no-files", action="store_true", help="without the hostile files, connections and flows")
    arguments.add_argument("--flows", type=int, default=1_000_000, help="how much of what tasks may open (default 1,000,000)")
    arguments.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes that read inputs (default: one a core)")
    options = arguments.parse_args()
    bad = 0 if options.no_files or options.only else (
        files() + cuts() + silence(options.flows, options.seed) + verdicts(options.flows // 10, options.seed))
    return 1 if bad + inputs(options.n, options.seed, options.only, options.jobs) else 0


if __name__ == "__main__":
    sys.exit(main())
