"""python -m tests.trials [--seed N] [-n NUMBER] [--only NAME] [--without PROTECTION]

Faults at every boundary of a call while hosts are changed (trial.py). Prints what is wrong, and ends with 1 if something is.
--without: with a protection taken out something has to be wrong; ends with 1 where nothing is. Those that a protection is known
to be needed for are made in any case: some hold in few of them.
"""

import argparse
import random
import sys
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "helpers"))

from .protections import PROTECTIONS, without
from .trial import Trial, carry_out, trials

SHOWN = 20


def chosen(number: int, seed: int, only: str) -> list[Trial]:
    """All of them, or some: by name, or drawn."""
    found = [trial for trial in trials() if only in str(trial)]
    return random.Random(seed).sample(found, number) if number and number < len(found) else found


def run(which: list[Trial]) -> int:
    """How many are wrong; they are printed."""
    begun, bad, statuses = time.monotonic(), 0, Counter[str]()
    for number, trial in enumerate(which, 1):
        outcome = carry_out(trial)
        statuses[outcome.status] += 1
        if outcome.wrong:
            bad += 1
            if bad <= SHOWN:
                print(f"{trial} -> {outcome.status}: {'; '.join(outcome.wrong)}", flush=True)
        if number % 500 == 0:
            print(f"{number} of {len(which)}, {bad} wrong, {time.monotonic() - begun:.0f} s", flush=True)
    told = ", ".join(f"{n} {status}" for status, n in statuses.most_common())
    print(f"{len(which)} trials, {bad} wrong, {time.monotonic() - begun:.0f} s: {told}")
    return bad


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.trials")
    parser.add_argument("-n", type=int, default=0, help="so many, drawn; 0: all")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--only", default="", help="those whose name has this")
    parser.add_argument("--without", choices=[*PROTECTIONS, "each"], default="")
    given = parser.parse_args()
    print(f"seed {given.seed}", flush=True)
    which = chosen(given.n, given.seed, given.only)
    if not given.without:
        return int(run(which) > 0)
    unneeded = []
    for name in PROTECTIONS if given.without == "each" else [given.without]:
        print(f"-- without {name}", flush=True)
        known = [trial for trial in trials() if PROTECTIONS[name].shown_by in str(trial)]
        with without(name):
            unneeded += [name] if not run([*known, *which]) else []
    print(f"protections without which nothing was wrong: {unneeded or 'none'}")
    return int(bool(unneeded))


if __name__ == "__main__":
    sys.exit(main())
