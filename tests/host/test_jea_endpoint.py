"""The exported endpoints through PowerShell's own code for session configurations and role capabilities."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from batches import batch_of
from core import cases
from host_script import PWSH, decode, needs_pwsh, pwsh

from ringfence.batch import WIRE_MINOR, WIRE_VERSION, Call, cmdlet_call, jea
from ringfence.batch.scripts import SCRIPTS, digests

API = cases("host_script_api")
OF_SNAP_INS = ("Microsoft.PowerShell.Management", "Microsoft.PowerShell.Utility")
OF_THE_SESSION_TYPE = {"Microsoft.PowerShell.Core", "Microsoft.PowerShell.Utility", "Microsoft.PowerShell.Management"}

# Stand-ins for the modules of Windows, each with what the script calls of it.
MODULES = {
    "CimCmdlets": "function Get-CimInstance { param($ClassName, $Namespace, $Filter) "
                  "if ($ClassName -eq 'MSFT_NetAdapter') { [pscustomobject]@{ Name = 'Ethernet' } } }",
    "Microsoft.PowerShell.Diagnostics": "function Get-WinEvent { [CmdletBinding()] param($LogName, $FilterXPath, $MaxEvents, "
                                        "[switch]$Oldest, $ListLog) if ($ListLog) { [pscustomobject]@{ IsEnabled = $true } } }",
    "Microsoft.WSMan.Management": "function Get-WSManInstance { param($ResourceURI, [switch]$Enumerate) }",
    "NetSecurity": "function New-NetFirewallRule { [CmdletBinding()] param($Name, $DisplayName) }",
    "ScheduledTasks": "function Get-ScheduledTask { param($TaskPath, $TaskName) }\n"  # and a registry without the key of an undo
                      "class NoKeys { [object] OpenSubKey([string]$Path) { return $null } }\n"
                      "function Get-RingfenceRegistry { [NoKeys]::new() }",
}
# An engine without the assemblies of some snap-ins gets empty ones, but for the cmdlets of which RestrictedRemoteServer makes
# proxies: functions with fewer parameters, that stand before the cmdlets for whatever runs in the session.
COMPLETE = r"""
$proxied = @{ 'Commands.Utility' = 'Select-Object', 'Measure-Object', 'Get-FormatData' }
foreach ($name in 'ConsoleHost', 'Commands.Diagnostics', 'Commands.Utility', 'Commands.Management', 'Security') {
    $full = "Microsoft.PowerShell.$name"
    if (Test-Path -LiteralPath "$env:ENGINE/$full.dll") { continue }
    $identity = [System.Reflection.AssemblyName]::new("$full, Version=7.0.0.0")
    $assembly = [System.Reflection.Emit.PersistedAssemblyBuilder]::new($identity, [object].Assembly)
    $module = $assembly.DefineDynamicModule($full)
    foreach ($cmdlet in $proxied[$name]) {
        $verb, $noun = $cmdlet -split '-'
        $type = $module.DefineType("Stand.$verb$noun", 'Public, Class', [System.Management.Automation.PSCmdlet])
        $null = $type.DefineDefaultConstructor('Public')
        $of = [System.Management.Automation.CmdletAttribute].GetConstructor(@([string], [string]))
        $type.SetCustomAttribute([System.Reflection.Emit.CustomAttributeBuilder]::new($of, @($verb, $noun)))
        $null = $type.CreateType()
    }
    $assembly.Save("$env:ENGINE/$full.dll")
}
"""
SESSION = r"""
$state = [initialsessionstate]::CreateFromSessionConfigurationFile($env:SESSION, { $true })
$space = [runspacefactory]::CreateRunspace([initialsessionstate]$state)
$space.Open()
$shell = [powershell]::Create()
$shell.Runspace = $space
$null = $shell.AddCommand('Invoke-RingfenceBatch')
$shell.Invoke(@($env:BATCH))
$shell.Commands.Clear()
try { $null = $shell.AddCommand('New-NetFirewallRule').Invoke() } catch { "refused $($_.FullyQualifiedErrorId)" }
$shell.Commands.Clear()
"visible $(@($shell.AddCommand('Get-Command').Invoke() | ForEach-Object { $_.Name } | Sort-Object) -join ' ')"
"""
CALLS = batch_of(Call("Facts.Read"), Call("Interfaces.Read"), Call("Management.Read"),
                 cmdlet_call("New-NetFirewallRule", {"Name": "x", "DisplayName": "x"}),
                 Call("Key.Compare", {"keys": [{"store": "local", "kind": "NetIPsecPhase1AuthSet", "name": "x", "hmac": ""}]}),
                 Call("Events.Read"))


def test_a_read_loads_no_module_of_cdxml() -> None:
    """Each of those parses its files anew in every session, which costs seconds; a CIM class costs a query."""
    assert {row["module"] for row in API["commands"].values()} - OF_THE_SESSION_TYPE == {
        "CimCmdlets", "Microsoft.PowerShell.Diagnostics", "Microsoft.WSMan.Management", "NetSecurity",
        "ScheduledTasks"}
    called = {name for part in SCRIPTS["key-reader"]
              for name in (API["parts"][part]["commands"] or "").split()}
    assert {API["commands"][name]["module"] for name in called & API["commands"].keys() - {"&"}} <= (
        OF_THE_SESSION_TYPE | {"CimCmdlets", "Microsoft.WSMan.Management"})


PROXIED = {"Clear-Host", "Exit-PSSession", "Get-Command", "Get-FormatData", "Get-Help", "Measure-Object", "Out-Default",
           "Select-Object"}


def test_no_command_is_called_that_such_sessions_have_with_fewer_parameters() -> None:
    """Microsoft, "JEA Role Capabilities": a constrained command of the session is what functions of a role get, too."""
    assert set(API["commands"]) & PROXIED == set()


def test_a_role_imports_every_module_that_the_script_calls() -> None:
    assert set(jea.ROLE_MODULES) | OF_THE_SESSION_TYPE == {row["module"] for row in API["commands"].values()}


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A PowerShell that can make sessions of a configuration file."""
    assert PWSH
    home = Path(PWSH).resolve().parent
    if (home / "Microsoft.PowerShell.ConsoleHost.dll").is_file():
        return Path(PWSH)
    copy = tmp_path_factory.mktemp("engine") / "pwsh"
    shutil.copytree(home, copy, ignore=shutil.ignore_patterns("src"))
    for name in OF_SNAP_INS:  # under another name: a snap-in, an empty one too, keeps the module of its name out
        (copy / "Modules" / name).rename(copy / "Modules" / f"As.{name}")
        (copy / "Modules" / f"As.{name}" / f"{name}.psd1").rename(copy / "Modules" / f"As.{name}" / f"As.{name}.psd1")
    (copy / "complete.ps1").write_text(COMPLETE)
    pwsh("-File", str(copy / "complete.ps1"), environment={"ENGINE": str(copy)})
    return copy / "pwsh"


def session(folder: Path, engine: Path, endpoint: jea.JeaEndpoint) -> list[str]:
    """What a session of the endpoint answers to CALLS, and to a command that it should not have.

    Two lines are not as exported: an execution policy exists on Windows alone, and where the cmdlets of snap-ins are in modules
    these have to be named.
    """
    texts = {**{f"{name}/{name}.psm1": text for name, text in MODULES.items()}, **endpoint.files()}
    file = folder / f"{endpoint.role}.pssc"
    for name, text in texts.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    modules = ", ".join(f"'As.{name}'" for name in OF_SNAP_INS if (engine.parent / "Modules" / f"As.{name}").is_dir())
    exported = endpoint.files()[file.name]
    type_, policy = "'RestrictedRemoteServer'", "    ExecutionPolicy = 'RemoteSigned'\n"
    assert type_ in exported
    assert policy in exported
    imported = f"{type_}\n    ModulesToImport = {modules}" if modules else type_
    file.write_text(exported.replace(type_, imported).replace(policy, ""))
    (folder / "session.ps1").write_text(SESSION)
    ran = pwsh("-File", str(folder / "session.ps1"), executable=str(engine), environment={
        "SESSION": str(file), "BATCH": CALLS.encode(), "PSModulePath": f"{folder}:{engine.parent / 'Modules'}"})
    return ran.stdout.decode().splitlines() or [ran.stderr.decode()]


def says_what_it_is(facts: Any, script: str) -> set[str]:
    """The verbs that an endpoint names, after its version and the sum of its script."""
    assert (facts["wire"], facts["script_sha256"]) == (f"{WIRE_VERSION}.{WIRE_MINOR}", digests()[script])
    return set(facts["verbs"])


@needs_pwsh
def test_an_operator_reads_and_writes(tmp_path: Path, engine: Path) -> None:
    reply, refused, visible = session(tmp_path, engine, jea.OPERATOR)
    facts, network, _, written, compared, events = decode(CALLS, reply)["replies"]
    assert [i["alias"] for i in network["value"]["interfaces"]] == ["Ethernet"]
    assert written == {"ok": True, "value": None}
    assert events["value"]["logs"]["Firewall"]["enabled"] is True
    assert compared == {"ok": True, "value": ["none"]}
    assert says_what_it_is(facts["value"], "writer") >= {"Net.Call", "Key.Compare"}
    assert refused == "refused CommandNotFoundException"
    assert set(visible.split()) == {"visible", jea.FUNCTION, *PROXIED}


@needs_pwsh
@pytest.mark.parametrize("compares_keys", [False, True])
def test_an_auditor_reads(tmp_path: Path, engine: Path, compares_keys: bool) -> None:
    """Whether a key on the host is a certain one an auditor learns only where the endpoint was exported so."""
    reply, refused, visible = session(tmp_path, engine, replace(jea.AUDITOR, compares_keys=compares_keys))
    facts, network, _, written, compared, events = decode(CALLS, reply)["replies"]
    assert [i["alias"] for i in network["value"]["interfaces"]] == ["Ethernet"]
    assert events["value"]["logs"]["Firewall"]["enabled"] is True
    assert written["error"]["id"] == "ringfence.verb"
    assert "Net.Call" not in says_what_it_is(facts["value"], "key-auditor" if compares_keys else "auditor")
    assert compared.get("value", compared.get("error", {}).get("id")) == (["none"] if compares_keys else "ringfence.verb")
    assert refused == "refused CommandNotFoundException"
    assert set(visible.split()) == {"visible", jea.FUNCTION, *PROXIED}


@needs_pwsh
def test_without_its_modules_a_session_has_no_cmdlet(tmp_path: Path, engine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a role does not import is not there: else the tests above would prove nothing."""
    monkeypatch.setattr(jea, "ROLE_MODULES", tuple(name for name in jea.ROLE_MODULES if name != "NetSecurity"))
    reply, *_ = session(tmp_path, engine, jea.OPERATOR)
    assert decode(CALLS, reply)["replies"][3]["error"]["id"] == "CommandNotFoundException"


def test_an_exported_file_names_nobody_who_exists() -> None:
    """Registering translates the names of a role definition to SIDs; both endpoints are apart in every name."""
    for endpoint in jea.ENDPOINTS:
        assert jea.PLACEHOLDER in endpoint.files()[f"{endpoint.role}.pssc"]
    of_endpoints = {name for endpoint in jea.ENDPOINTS for name in endpoint.files()}
    assert len(of_endpoints) == sum(len(endpoint.files()) for endpoint in jea.ENDPOINTS)
    assert set(jea.files()) - of_endpoints == {"README.md", "sign.ps1"}
    assert replace(jea.OPERATOR, writes=False).module_text() == jea.AUDITOR.module_text()
    path = f"{jea.AUDITOR.module}/{jea.AUDITOR.module}.psm1"
    assert ("Key.Compare" in jea.files()[path], "Key.Compare" in jea.files(auditors_compare_keys=True)[path]) == (False, True)
