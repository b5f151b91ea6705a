"""What netsh has exported is loaded, counted and unloaded: Read-RingfenceHive with a reg.exe that may fail."""

from pathlib import Path

import pytest
from host_script import needs_pwsh, pwsh

from ringfence.batch.scripts import part_text

REG = """\
#!/bin/sh
printf '%s %s\\n' "$1" "$2" >> "$FOLDER/calls"
[ "$1" = unload ] || exit "$LOAD"
left=$(cat "$FOLDER/left")
[ "$left" -eq 0 ] && exit 0
echo $((left - 1)) > "$FOLDER/left"
exit 1
"""
TEXT = r"""
$ErrorActionPreference = 'Stop'
$env:SystemRoot, $ledger = $env:FOLDER, 'SOFTWARE\ringfence'
class Key {
    [int]$ValueCount = 7
    [string[]] GetSubKeyNames() { return $env:NAMES -split ' ' }
    [object] OpenSubKey([string]$Name) { return [Key]::new() }
    [void] Dispose() { }
}
function Get-RingfenceRegistry { [Key]::new() }
function Stop-Call($Category, $Id, $Why) { throw "$Category $Id $Why" }
function Start-Sleep([int]$Milliseconds) { }
. ([scriptblock]::Create($env:PART))
try { $found = Read-RingfenceHive /x.wfw } catch { "$_"; return }
($found.Keys | Sort-Object | ForEach-Object { "$_=$($found[$_])" }) -join ' '
"""
LOAD, UNLOAD = r"load HKLM\ringfence-undo", r"unload HKLM\ringfence-undo"
OPEN = "InvalidOperation undo something keeps open what netsh has exported"


@needs_pwsh
@pytest.mark.parametrize(("names", "load", "fails", "says", "calls"), [
    ("FirewallRules", 0, 0, "FirewallRules=7", [LOAD, UNLOAD]),
    ("FirewallRules", 0, 3, "FirewallRules=7", [LOAD, *[UNLOAD] * 4]),
    ("FirewallRules", 0, 99, OPEN, [LOAD, *[UNLOAD] * 20]),
    ("FirewallRules", 1, 0, "InvalidOperation undo Windows cannot open what netsh has exported", [LOAD]),
    ("SOFTWARE ringfence-undo", 0, 0, "ringfence-undo=7 SOFTWARE=7", [UNLOAD, LOAD, UNLOAD]),  # that of a run before
    ("ringfence-undo", 0, 99, OPEN, [UNLOAD] * 20)])
def test_a_hive_is_unloaded_or_told(tmp_path: Path, names: str, load: int, fails: int, says: str, calls: list[str]) -> None:
    (tmp_path / "System32").mkdir()
    program = tmp_path / "System32" / "reg.exe"
    program.write_text(REG)
    program.chmod(0o755)
    (tmp_path / "left").write_text(str(fails))
    (tmp_path / "text.ps1").write_text(TEXT)
    ran = pwsh("-File", str(tmp_path / "text.ps1"), environment={
        "FOLDER": str(tmp_path), "NAMES": names, "LOAD": str(load), "PART": part_text("undo_task"), "ProgramData": str(tmp_path)})
    assert ran.stdout.decode().strip().startswith(says), ran
    assert (tmp_path / "calls").read_text().splitlines() == calls
