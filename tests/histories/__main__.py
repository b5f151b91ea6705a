"""python -m tests.histories [--first NUMBER] [-n NUMBER] [--told]

Histories of one host (history.py), so many of them from a first one on. Prints what is wrong, and ends with 1 if something is.
"""

import argparse
import random
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "helpers"))

from .history import History
from .steps import steps

SHOWN = 20


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.histories")
    parser.add_argument("--first", type=int, default=random.randrange(10**6))
    parser.add_argument("-n", type=int, default=1000)
    parser.add_argument("--told", action="store_true", help="what happens in each")
    given = parser.parse_args()
    begun, bad = time.monotonic(), 0
    print(f"histories from {given.first} on", flush=True)
    for number in range(given.first, given.first + given.n):
        which = steps(number)
        with tempfile.TemporaryDirectory() as folder:
            wrong = History(Path(folder)).happens(which).wrong
        if given.told:
            print(*which, sep="\n")
        bad += bool(wrong)
        if wrong and bad <= SHOWN:
            print(f"{number}: {wrong}", flush=True)
    print(f"{given.n} histories, {bad} wrong, {time.monotonic() - begun:.0f} s")
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main())
