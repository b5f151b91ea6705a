"""What a ledger costs on a host: beside the read of a policy of 300 rules, all of them owned, and when it is written.

CPU of the PowerShell of a lab's host, which is a real one; its registry is a socket away, so every value that is written there is
a question of its own.
"""

import resource
import shutil
from collections.abc import Iterator, Mapping

from ringfence.batch import Batch, Call
from ringfence.lab import POLICY, Machine, machine
from ringfence.lab.simulated_fleet import SimulatedFleet
from ringfence.transports import transport_for
from ringfence.transports.resolve import settings_for

from .measure import Line, Skipped
from .policy import RULES, entries, strings

RUNS, PROJECT = 3, "00000000-0000-4000-8000-000000000000"
READ = {"facts": Call("Facts.Read"), "policy": Call("Policy.Read"), "defaults": Call("Defaults.Read")}
LEDGERS = {f"ledger {n}": Call("Ledger.Read") for n in range(20)}  # one alone is lost in the noise of a busy machine


def run() -> Iterator[Line | Skipped]:
    if (pwsh := shutil.which("pwsh")) is None:
        yield Skipped("a ledger", "there is no pwsh on the PATH")
        return
    on, rules = machine("srv1"), dict(strings(RULES))
    for name, text in rules.items():
        on.registry.set(POLICY + r"\FirewallRules", name, text)
    nothing = _cpu(on, pwsh, {})
    own = {"project": PROJECT, "generation": 0, "header": {"State": "final"}, "set": entries(rules)}
    written = _cpu(on, pwsh, {"write": Call("Ledger.Write", own)})
    there = on.registry.key(rf"SOFTWARE\ringfence\{PROJECT}")
    assert there
    assert len(there.values) == RULES + len(("State", "Generation"))
    pairs = [(_cpu(on, pwsh, READ), _cpu(on, pwsh, READ | LEDGERS)) for _ in range(RUNS)]
    without, beside = map(min, zip(*pairs, strict=True))  # what is more comes from others on the same cores
    yield Line(f"a read of {RULES} rules without the ledger", without * 1000, "ms",
               against=f"an empty batch {nothing * 1000:.0f} ms")
    yield Line(f"   what a ledger of {RULES} entries adds to it", (beside / without - 1) / len(LEDGERS) * 100, "%")
    yield Line(f"{RULES} entries written", (written - nothing) * 1000, "ms")


def _cpu(on: Machine, pwsh: str, calls: Mapping[str, Call]) -> float:
    """Seconds of CPU that one session with these calls takes of PowerShell."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with SimulatedFleet([on], pwsh=pwsh) as lab:
        way = transport_for(settings_for("srv1", lab.running["srv1"].variables))
        reply = way.run(Batch(calls))
    assert not any(answer.error for answer in reply.answers.values()), reply
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
