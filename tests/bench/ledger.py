"""What a ledger costs on a host: beside the read of a policy of 300 rules, all of them owned, and when it is written.

Judged is the first: CPU of a PowerShell that is started, reads facts, policy and what Windows ships, and answers, without and
with the ledger, in turn. It stands for a real host, since what that does is the same: one process for each read, whose start is a
part of what a read costs; the keys are objects of .NET in that process; the script opens three more of them, and looks at each
value as it does at those of the policy. What differs is how long Windows takes to find a value, which is the same for both.
It needs a PowerShell whose `HKLM:` is a provider over a file. One ledger alone is lost in the noise of a busy machine, so twenty
are read, and told are medians of several rounds.

What a write costs is not judged: there the registry of the lab is a socket away, and every value a question of its own.
"""

import base64
import json
import os
import resource
import shutil
import statistics
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from ringfence.batch import Batch, Call, Reply
from ringfence.batch.bootstrap import BOOTSTRAP
from ringfence.lab import POLICY, Machine, machine
from ringfence.lab.simulated_fleet import SimulatedFleet
from ringfence.transports import transport_for
from ringfence.transports.resolve import settings_for

from .measure import Line, Skipped
from .policy import RULES, entries, strings
from .project import ROOT

RUNS, PROJECT, MOST = 5, "00000000-0000-4000-8000-000000000000", 3.0
READ = {verb: Call(verb) for verb in ("Facts.Read", "Conditions.Read", "Policy.Read", "Defaults.Read")}
LEDGERS = {f"ledger {n}": Call("Ledger.Read") for n in range(20)}

SHARED_ACCESS = r"HKLM\SYSTEM\CurrentControlSet\Services\SharedAccess"
# What a provider over a file does not have of RegistryKey, and what Windows alone has.
STAND_INS = r"""
function Get-RingfenceRegistry {
    New-Object PSObject | Add-Member -PassThru -MemberType ScriptMethod -Name OpenSubKey -Value {
        Get-Item -LiteralPath "HKLM:\$($args[0])" | Add-Member -PassThru -MemberType ScriptMethod -Name GetAccessControl -Value {
            New-Object PSObject | Add-Member -PassThru -MemberType ScriptMethod -Name GetSecurityDescriptorSddlForm -Value {
                'O:BAD:P(A;CI;KA;;;SY)(A;CI;KA;;;BA)' } } } }
function Test-RingfenceElevation { $true }
function Get-RingfenceProducts { }
"""


def run() -> Iterator[Line | Skipped]:
    if (pwsh := shutil.which("pwsh")) is None:
        yield Skipped("a ledger", "there is no pwsh on the PATH")
        return
    yield from _read(pwsh)
    yield from _written(pwsh)


def _read(pwsh: str) -> Iterator[Line | Skipped]:
    rules = dict(strings(RULES))
    values = {r"Parameters\FirewallPolicy\FirewallRules": rules, r"Defaults\FirewallPolicy\FirewallRules": rules}
    keys = {rf"{SHARED_ACCESS}\{below}": held for below, held in values.items()} | {
        r"HKLM\SOFTWARE\Microsoft\Cryptography": {"MachineGuid": "0"},
        rf"HKLM\SOFTWARE\ringfence\{PROJECT}": {"State": "final", "Generation": "1", **entries(rules)}}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "registry.json"
        stored = {key: [[name, "REG_SZ", text] for name, text in held.items()] for key, held in keys.items()}
        file.write_text(json.dumps(stored), "utf-8")
        reply, _ = _session(pwsh, file, {"policy": READ["Policy.Read"], "ledger": Call("Ledger.Read")})
        if not reply["policy"]["local"]:
            yield Skipped("a ledger beside a read", "this pwsh has no registry provider over a file")
            return
        assert len(dict(reply["ledger"]["rows"])[PROJECT]) == RULES + len(("State", "Generation"))
        rounds = [[_session(pwsh, file, calls)[1] for calls in ({}, READ, READ | LEDGERS)] for _ in range(RUNS)]
    nothing, without, beside = (statistics.median(one[i] for one in rounds) for i in range(3))
    shares = [(with_them / alone - 1) / len(LEDGERS) * 100 for _, alone, with_them in rounds]
    yield Line(f"a read of {RULES} rules without the ledger", without * 1000, "ms",
               against=f"an empty batch {nothing * 1000:.0f} ms")
    yield Line(f"   a ledger of {RULES} entries beside it", (beside - without) / len(LEDGERS) * 1000, "ms")
    yield Line("   the same, as a part of the read", statistics.median(shares), "%", MOST,
               against=f"{min(shares):.1f} to {max(shares):.1f}")


def _session(pwsh: str, registry: Path, calls: Mapping[str, Call]) -> tuple[Reply, float]:
    """What one PowerShell answers that is started for these calls, and its seconds of CPU."""
    batch = Batch(calls)
    command = base64.b64encode((STAND_INS + BOOTSTRAP).encode("utf-16-le")).decode()
    lines = base64.b64encode(batch.script.encode()) + b"\n" + batch.encode().encode() + b"\n"
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([pwsh, "-NoProfile", "-NonInteractive", "-EncodedCommand", command], input=lines, capture_output=True,
                          check=False, env={**os.environ, "PSHOST_REGISTRY": str(registry),
                                            "PSModulePath": str(ROOT / "tests" / "pwsh" / "modules")})
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    reply = batch.decode(done.stdout)
    assert not any(answer.error for answer in reply.answers.values()), reply
    return reply, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _written(pwsh: str) -> Iterator[Line]:
    on, rules = machine("srv1"), dict(strings(RULES))
    for name, text in rules.items():
        on.registry.set(POLICY + r"\FirewallRules", name, text)
    own = {"project": PROJECT, "generation": 0, "header": {"State": "final"}, "set": entries(rules)}
    nothing, written = _cpu(on, pwsh, {}), _cpu(on, pwsh, {"write": Call("Ledger.Write", own)})
    there = on.registry.key(rf"SOFTWARE\ringfence\{PROJECT}")
    assert there
    assert len(there.values) == RULES + len(("State", "Generation"))
    yield Line(f"{RULES} entries written", (written - nothing) * 1000, "ms")


def _cpu(on: Machine, pwsh: str, calls: Mapping[str, Call]) -> float:
    """Seconds of CPU that one session with a host of the lab takes of its PowerShell."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with SimulatedFleet([on], pwsh=pwsh) as lab:
        way = transport_for(settings_for("srv1", lab.running["srv1"].variables))
        reply = way.run(Batch(calls))
    assert not any(answer.error for answer in reply.answers.values()), reply
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
