"""A 32-bit PowerShell on a 64-bit Windows: no verb writes, in the simulated host and in the script."""

from pathlib import Path

from asked_hosts import RUNS
from batches import batch_of
from host_script import decode, needs_pwsh, pwsh, script_file
from lab_machine import ADMIN

from ringfence.batch import Call, cmdlet_call
from ringfence.batch.scripts import WRITING_VERBS
from ringfence.lab import SimulatedHost, machine

CALLS = (
    cmdlet_call("New-NetFirewallRule", {"Name": "new", "DisplayName": "R"}),
    Call("SA.Delete", {"remote_address": "10.0.0.1"}),
    Call("Ledger.Write", {"project": "00000000-aa", "generation": 0, "set": {"firewall_rule|local|new": "{}"}}),
    Call("Undo.Arm", {"run": RUNS["A"], "delay": 300, "write_seconds": 60}),
    Call("Undo.Continue", {"run": RUNS["A"]}),
    Call("Undo.Confirm", {"run": RUNS["A"]}),
    Call("Undo.Fire", {"run": RUNS["A"]}),
    Call("Expiry.Write", {"noun": "NetFirewallRule", "name": "new", "at": "2099-01-01T00:00:00Z"}),
    Call("Expiry.Remove", {"task": "0" * 32}))
BITS = r"""
class Of32Bits { static [bool]$Is64BitProcess = $false; static [bool]$Is64BitOperatingSystem = $true }
[psobject].Assembly.GetType('System.Management.Automation.TypeAccelerators')::Add('Environment', [Of32Bits])
function Get-RingfenceRegistry { throw 'nothing is opened' }
$env:BATCH | & ([scriptblock]::Create([IO.File]::ReadAllText($env:SCRIPT)))
"""


@needs_pwsh
def test_no_verb_writes_from_a_32_bit_powershell(tmp_path: Path) -> None:
    assert {call.verb for call in CALLS} == WRITING_VERBS - {"Undo.Read"}
    (tmp_path / "outer.ps1").write_text(BITS)
    batch = batch_of(*CALLS)
    ran = pwsh("-File", str(tmp_path / "outer.ps1"),
               environment={"BATCH": batch.encode(), "SCRIPT": str(script_file(tmp_path))})
    on = machine("HOST1")
    on.surroundings.bits = 32
    generation = on.registry.generation
    there = decode(batch, ran.stdout.decode().strip())["replies"]
    assert there == decode(batch, SimulatedHost(on).run(batch.encode(), ADMIN))["replies"]
    assert {(one["error"]["category"], one["error"]["id"]) for one in there} == {("InvalidOperation", "ringfence.bits")}
    assert len(there) == len(CALLS)
    assert (on.registry.generation, on.tasks.tasks(), on.files.find(r"C:\ProgramData\ringfence")) == (generation, [], None)
