"""python -m tests.mutants [--sample 330] [--seed N] [--jobs 2] [--reach FILE] [--named] [FILE…]

Puts single faults into the modules that open a host or lose it where they are wrong (or FILEs, any of the engine), one of every
module and the rest at random, and runs on each the tests that run its line, then those of its room. Prints what survived: each is
a test that is missing, or a fault that changes nothing (then it belongs into equivalent.txt). Ends with 1 below 90 %.

--named: the faults of named.yml instead, of which none may survive. --reach: where it stands which tests run which line; it is
written where it is absent, which takes as long as the tests do, and renewed for tests that have changed; lines of the engine
that have moved since are not known.
"""

import argparse
import random
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue

from . import reach
from .forked import ALONE
from .mutate import Mutant, mutants
from .named import named_mutants
from .trees import ROOT, Outcome, Tree, measured_files, opens_or_loses, sources, trees, try_forked

EQUIVALENT = Path(__file__).with_name("equivalent.txt")
WANTED = 0.9


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--sample", type=int, default=330, metavar="N", help="how many mutants (default 330)")
    arguments.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    arguments.add_argument("--jobs", type=int, default=2)
    arguments.add_argument("--reach", type=Path, metavar="FILE", help="which tests run which line, of an earlier run")
    arguments.add_argument("--named", action="store_true", help="the faults of named.yml, all of them")
    arguments.add_argument("files", nargs="*", metavar="FILE", help="only of these modules")
    options = arguments.parse_args()
    if unknown := set(options.files) - set(sources()):
        arguments.error(f"no module of the engine: {', '.join(sorted(unknown))}")
    with tempfile.TemporaryDirectory() as folder, trees(options.jobs) as free:
        at = options.reach or Path(folder, "reach.json")
        if not at.exists():
            reach.nothing(at)
        if changed := reach.changed(at, ROOT, measured_files()):
            print(f"{len(changed)} files of tests are new or have changed: they are measured", flush=True)
            measure(at, changed, Path(folder), options.jobs, free)
        known = reach.read(at)
        print(f"{len(known.seconds)} tests, {sum(known.seconds.values()):.0f} s", flush=True)
        if options.named:
            return named(options.files, options.jobs, free, known)
        return sampled(options.files or opens_or_loses(), options.sample, options.seed, options.jobs, free, known)


def measure(at: Path, changed: list[str], folder: Path, jobs: int, free: "SimpleQueue[Tree]") -> None:
    """Write down which tests of some files run which line: a part of them in each tree."""
    def measured(part: int) -> Path:
        again = folder / f"again-{part}.json"
        reach.nothing(again)
        if there := [name for name in changed[part::jobs] if (ROOT / name).exists()]:
            tree = free.get()
            try:
                tree.measured(again.absolute(), *there)
            finally:
                free.put(tree)
        return again

    with ThreadPoolExecutor(jobs) as pool:
        parts = list(pool.map(measured, range(jobs)))
    for part, again in enumerate(parts):
        reach.renew(at, again, changed[part::jobs])


def sampled(files: list[str], number: int, seed: int, jobs: int, free: "SimpleQueue[Tree]", known: reach.Reach) -> int:
    """Some mutants; 1 where too many of them survive."""
    chosen, of = sample(files, number, random.Random(seed))
    print(f"{len(chosen)} of {of} mutants of {len({file for file, _ in chosen})} modules, --seed {seed}", flush=True)
    survived = []
    for count, (number_of, by) in enumerate(outcomes(chosen, jobs, free, known), 1):
        file, mutant = chosen[number_of]
        if not by:
            survived.append(mutant)
            print(f"survived: {file}:{mutant.lines[0]}: {label(file, mutant)}", flush=True)
        if count % 10 == 0:
            print(f"{count - len(survived)} of {count} noticed", flush=True)
    share = 1 - len(survived) / len(chosen)
    print(f"{len(chosen) - len(survived)} of {len(chosen)} noticed: {share:.1%} (at least {WANTED:.0%} are wanted)")
    return 0 if share >= WANTED else 1


def outcomes(
    chosen: list[tuple[str, Mutant]], jobs: int, free: "SimpleQueue[Tree]", known: reach.Reach
) -> Iterator[tuple[int, str]]:
    """(number, what noticed it) of each: at first in children of one process, then those that need one of their own, and those
    that nothing noticed: what a function gave before the fault may be remembered."""
    again = []
    for number, by in try_forked(chosen, jobs, known):
        if by in ("", ALONE):
            again.append(number)
        else:
            yield number, by
    with ThreadPoolExecutor(jobs) as pool:
        rest = pool.map(lambda number: met(free, known, *chosen[number]), again)
        yield from zip(again, (outcome.by for outcome in rest), strict=True)


def sample(files: list[str], number: int, rng: random.Random) -> tuple[list[tuple[str, Mutant]], int]:
    """One mutant of every module and others at random, without those that change nothing; and of how many."""
    equivalent = set(EQUIVALENT.read_text(encoding="utf-8").splitlines())
    of_file = {file: found for file in files if (found := [
        mutant for mutant in mutants((ROOT / file).read_text(encoding="utf-8")) if label(file, mutant) not in equivalent])}
    first = [(file, rng.choice(found)) for file, found in of_file.items()]
    rest = [(file, mutant) for file, found in of_file.items() for mutant in found if (file, mutant) not in first]
    rng.shuffle(first)
    chosen = [*first[:number], *rng.sample(rest, min(len(rest), max(0, number - len(first))))]
    rng.shuffle(chosen)
    return chosen, len(first) + len(rest)


def named(files: list[str], jobs: int, free: "SimpleQueue[Tree]", known: reach.Reach) -> int:
    """Every fault of named.yml; 1 where one survives."""
    found = [one for one in named_mutants(ROOT) if not files or one.file in files]
    survived = 0
    for number, by in outcomes([(one.file, one.mutant) for one in found], jobs, free, known):
        one = found[number]
        survived += not by
        told = f"noticed by {by}" if by else "SURVIVED"
        print(f"{told}: {one.file}:{one.mutant.lines[0]}: {one.name}", flush=True)
    print(f"{len(found) - survived} of {len(found)} noticed (all of them are wanted)")
    return 1 if survived else 0


def met(free: "SimpleQueue[Tree]", known: reach.Reach, file: str, mutant: Mutant) -> Outcome:
    tree = free.get()
    try:
        return tree.meets(file, mutant, known)
    finally:
        free.put(tree)


def label(file: str, mutant: Mutant) -> str:
    """A mutant on one line, the same wherever its line moves to."""
    return " ".join(f"{file}: {mutant.before} -> {mutant.after}".split())


if __name__ == "__main__":
    sys.exit(main())
