"""`python -m tests.bench [--only NAME]`: measure, print, and exit with 1 where a limit was missed."""

import argparse
import importlib
import sys
import time

from .measure import Line

PARTS = {
    "parsing": "rule strings to values",
    "lab_decisions": "what the lab decides about flows",
    "flow_verdicts": "what the evaluator says of flows",
    "large": "a host with 50,000 rules",
    "inventories": "the variables of 10,000 hosts",
    "startup": "commands that touch no host",
    "memory": "a fleet of 1,000 planned hosts",
    "processes": "a plan of 500 hosts in two processes",
    "plan": "a no-change plan of 50 hosts against the bare PSRP session",
    "ansible": "a no-change plan against ansible-core, per task and host",
    "writes": "changes on a host whose cmdlets cost time for each rule",
    "hostile": "hosts that answer with the worst that they can",
    "ledger": "a ledger beside the read of a policy, in a real PowerShell",
    "html": "the page of a large run: how large, and how soon somebody can work with it",
    "records": "what is written of a run: JSON, journal",
    "reports": "reports of a large plan beside it",
    "wire": "bytes, round trips and CPU per host and transport",
    "waiting": "what a plan of one host waits for, per transport",
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--only", choices=PARTS, action="append", help="measure only this (may be repeated)")
    wanted = parser.parse_args().only or list(PARTS)
    missed = 0
    for name in PARTS:
        if name not in wanted:
            continue
        print(f"\n{name}: {PARTS[name]}", flush=True)
        start = time.monotonic()
        for line in importlib.import_module(f".{name}", __package__).run():
            print("  " + str(line), flush=True)
            missed += isinstance(line, Line) and not line.passed
        print(f"  ({time.monotonic() - start:.0f} s)", flush=True)
    if missed:
        print(f"\n{missed} missed")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
