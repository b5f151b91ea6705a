"""python -m tests.mutants [--sample 100] [--seed N] [--jobs 2] [--named] [FILE…]

Puts single faults into the modules where a fault opens or loses a host, and runs their tests on each. Prints what survived:
each is a test that is missing, or a fault that changes nothing (then it belongs into equivalent.txt). Ends with 1 below 90 %.

--named: the faults of named.yml instead, of which none may survive.
"""

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue

from .mutate import Mutant, mutants
from .named import named_mutants

ROOT = Path(__file__).parents[2]
EQUIVALENT = Path(__file__).with_name("equivalent.txt")
WANTED = 0.9
TIMEOUT = 600  # seconds: what takes longer hangs, and is noticed
OWNERSHIP = ("tests/plan/test_ownership.py tests/plan/test_pruning.py tests/run/test_policy_from_options.py "
             "tests/run/test_pre_shared_keys.py tests/plan tests/run")  # what is quick comes first
# module: the tests that ought to notice a fault in it
MODULES = {
    **dict.fromkeys(("src/ringfence/plan/ownership.py", "src/ringfence/plan/pruning.py", "src/ringfence/plan/wider.py",
                     "src/ringfence/plan/ledger_checks.py", "src/ringfence/model/ledger.py",
                     "src/ringfence/run/ledger_update.py", "src/ringfence/run/policy_from_options.py"), OWNERSHIP),
    "src/ringfence/plan/order.py": "tests/plan tests/kinds/test_ipsec_lab.py",
    "src/ringfence/plan/bind.py": "tests/plan tests/run",
    "src/ringfence/plan/losses.py": "tests/plan tests/windows tests/run",
    "src/ringfence/model/kept.py": "tests/plan tests/windows",
    "src/ringfence/plan/references.py": "tests/plan tests/run",
    "src/ringfence/plan/in_force.py": "tests/plan tests/run",
    "src/ringfence/plan/reasons.py": "tests/plan",
    "src/ringfence/plan/settings_in_force.py": "tests/plan",
    "src/ringfence/plan/open_beside.py": "tests/plan",
    "src/ringfence/plan/plan.py": "tests/plan tests/run",
    "src/ringfence/plan/file.py": "tests/plan tests/run",
    "src/ringfence/model/filter.py": "tests/plan tests/run",
    "src/ringfence/model/state.py": "tests/model tests/plan tests/run",
    "src/ringfence/model/declaration.py": "tests/model tests/project tests/plan tests/run",
    "src/ringfence/model/rules.py": "tests/kinds tests/types tests/windows",
    "src/ringfence/secret.py": "tests/test_structure.py tests/kinds/test_ipsec_sets.py tests/project tests/documents",
    "src/ringfence/types/sddl.py": "tests/types tests/kinds",
    "src/ringfence/types/addresses.py": "tests/types tests/kinds",
    "src/ringfence/types/network.py": "tests/types tests/kinds",
    "src/ringfence/types/network_sets.py": "tests/types tests/kinds",
    "src/ringfence/codecs/rule_string.py": "tests/codecs tests/kinds",
    "src/ringfence/windows/calls.py": "tests/windows tests/kinds",
    "src/ringfence/windows/read.py": "tests/windows tests/kinds tests/run",
    "src/ringfence/run/host.py": "tests/plan/test_pruning.py tests/run",
    "src/ringfence/transports/known_hosts.py": "tests/transports/test_ssh_keys.py",
    "modules/firewall_rule.py": "tests/kinds tests/windows",
    "modules/firewall_profile.py": "tests/kinds tests/windows tests/run",
    "modules/ipsec_rule.py": "tests/kinds tests/windows tests/plan",
    "modules/ipsec_main_mode_rule.py": "tests/kinds tests/windows tests/run",
}


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--sample", type=int, default=100, metavar="N", help="how many mutants (default 100)")
    arguments.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    arguments.add_argument("--jobs", type=int, default=2)
    arguments.add_argument("--named", action="store_true", help="the faults of named.yml, all of them")
    arguments.add_argument("files", nargs="*", choices=[[], *MODULES], help="only of these modules")
    options = arguments.parse_args()
    if options.named:
        return named(options.files, options.jobs)
    known = set(EQUIVALENT.read_text(encoding="utf-8").splitlines())
    found = [(file, m) for file in options.files or MODULES for m in mutants((ROOT / file).read_text(encoding="utf-8"))
             if label(file, m) not in known]
    sample = random.Random(options.seed).sample(found, min(options.sample, len(found)))
    print(f"{len(sample)} of {len(found)} mutants, --seed {options.seed}", flush=True)
    survived = []
    with trees(options.jobs) as free, ThreadPoolExecutor(options.jobs) as pool:
        outcomes = pool.map(lambda m: is_noticed(free, *m), sample)
        for number, ((file, mutant), noticed) in enumerate(zip(sample, outcomes, strict=True), 1):
            if not noticed:
                survived.append(mutant)
                print(f"survived: {file}:{mutant.line}: {label(file, mutant)}", flush=True)
            if number % 10 == 0:
                print(f"{number - len(survived)} of {number} noticed", flush=True)
    share = 1 - len(survived) / len(sample)
    print(f"{len(sample) - len(survived)} of {len(sample)} noticed: {share:.1%} (at least {WANTED:.0%} are wanted)")
    return 0 if share >= WANTED else 1


def named(files: list[str], jobs: int) -> int:
    """Every fault of named.yml; 1 where one survives."""
    found = [one for one in named_mutants(ROOT) if one.file in (files or MODULES)]
    survived = 0
    with trees(jobs) as free, ThreadPoolExecutor(jobs) as pool:
        for one, noticed in zip(found, pool.map(lambda m: is_noticed(free, m.file, m.mutant), found), strict=True):
            survived += not noticed
            print(f"{'noticed' if noticed else 'SURVIVED'}: {one.file}:{one.mutant.line}: {one.name}", flush=True)
    print(f"{len(found) - survived} of {len(found)} noticed (all of them are wanted)")
    return 1 if survived else 0


def label(file: str, mutant: Mutant) -> str:
    """A mutant on one line, the same wherever its line moves to."""
    return " ".join(f"{file}: {mutant.before} -> {mutant.after}".split())


@contextmanager
def trees(number: int) -> Iterator["SimpleQueue[Path]"]:
    """Copies of the repository, one a job."""
    free = SimpleQueue[Path]()
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        for i in range(number):
            tree = Path(folder, str(i))
            for name in ("src", "modules", "tests", "schemas", "docs", "playbooks", "inventory"):
                shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
            for file in ("pyproject.toml", "README.md"):
                shutil.copy(ROOT / file, tree)
            free.put(tree)
        yield free


def is_noticed(free: "SimpleQueue[Path]", file: str, mutant: Mutant) -> bool:
    """Whether a test of the module fails, or takes for ever."""
    tree = free.get()
    original = (tree / file).read_text(encoding="utf-8")
    rewrite(tree / file, mutant.source)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *MODULES[file].split()], cwd=tree,
            env={**os.environ, "PYTHONPATH": str(tree / "src")}, timeout=TIMEOUT,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
        return done.returncode != 0
    except subprocess.TimeoutExpired:
        return True
    finally:
        rewrite(tree / file, original)
        free.put(tree)


def rewrite(file: Path, text: str) -> None:
    """Write a file whose time differs from before by seconds: compiled files are taken for it by nothing else."""
    later = int(file.stat().st_mtime) + 2
    file.write_text(text, encoding="utf-8")
    os.utime(file, (later, later))


if __name__ == "__main__":
    sys.exit(main())
