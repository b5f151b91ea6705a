"""One behaviour in each scope that a way in runs the script in; what could not be read is told, never empty."""

import base64
from pathlib import Path

import pytest
from batches import batch_of
from host_script import decode, needs_pwsh, pwsh, script_file

from ringfence.batch import Call, cmdlet_call, jea
from ringfence.batch.scripts import digests
from ringfence.lab.machine.string_resources import portable_executable
from ringfence.model.facts import parse_facts, unread, with_network

pytestmark = needs_pwsh

ROOT = r"HKLM:\SYSTEM\CurrentControlSet\Services\SharedAccess\Parameters\FirewallPolicy"

# Readers as those of Windows are: functions of a module, of which one object fails and the next is given.
READERS = r"""
class Key {
    [string]$Name
    [string[]]$Keys
    [string[]] GetValueNames() { return @('Version') }
    [string] GetValueKind([string]$Name) { return 'String' }
    [object] GetValue([string]$Name) { return 'x' }
    [object] GetValue([string]$Name, [object]$Default, [string]$Options) { return 'x' }
    [string[]] GetSubKeyNames() { return $this.Keys }
    [object] OpenSubKey([string]$Leaf) {
        if ($Leaf -eq 'Closed') { throw [System.Security.SecurityException]::new('Requested registry access is not allowed.') }
        return [Key]@{ Name = "$($this.Name)\$Leaf"; Keys = @() }
    }
}
function Get-CimInstance {
    [CmdletBinding()] param($ClassName, $Namespace, $Filter)
    if ($Namespace -eq 'nowhere') { throw 'asked elsewhere' }
    switch ($ClassName) {
        MSFT_NetAdapter {
            Write-Error 'one adapter is broken' -ErrorId Broken
            [pscustomobject]@{ Name = 'Ethernet'; InterfaceIndex = 1; InterfaceGuid = '{a}'; InterfaceOperationalStatus = 1 }
        }
        MSFT_NetIPAddress {
            Write-Error 'one address is broken' -ErrorId Broken
            [pscustomobject]@{ InterfaceIndex = 1; IPAddress = '10.0.0.5'; PrefixLength = 24 }
        }
        MSFT_NetConnectionProfile { throw 'no profile at all' }
        Win32_Service {
            Write-Error 'one service is broken' -ErrorId Broken
            [pscustomobject]@{ Name = 'WinRM'; State = 'Running'; StartMode = 'Auto' }
        }
        Win32_ComputerSystem {
            Write-Error 'a part of the system is broken' -ErrorId Broken
            [pscustomobject]@{ PartOfDomain = $true; Domain = 'd' }
        }
        Win32_OperatingSystem { [pscustomobject]@{ Caption = 'Windows'; BuildNumber = '20348'; ProductType = 3 } }
    }
}
function Get-WSManInstance {
    [CmdletBinding()] param($ResourceURI, [switch]$Enumerate)
    if (-not $Enumerate) { throw 'no configuration' }
    Write-Error 'one listener is broken' -ErrorId Broken
    $of = { ([xml]'<l><Port Source="GPO">5986</Port><Enabled>true</Enabled></l>').l }
    & $of
}
$PSVersionTable['PSEdition'] = 'Desktop'  # as Windows PowerShell says, which alone sees its endpoints
function Get-PSSessionConfiguration { [CmdletBinding()] param() Write-Error 'Access is denied.' -ErrorId Denied }
function Get-RingfenceIdentity { throw 'nobody' }
function Get-Service { [CmdletBinding()] param($Name) [pscustomobject]@{ Status = 'Running' } }
function Test-RingfenceElevation { $true }
function Get-RingfenceRegistry { [Key]@{ Name = 'HKEY_LOCAL_MACHINE'; Keys = @() } }
function Convert-RingfenceAccount($Texts, $ToSid) { throw 'no such account' }
function Read-RingfenceFile($Path) { if ($Path -eq 'C:\x.dll') { , [Convert]::FromBase64String($env:STRINGS) } }
function Get-Item {
    [CmdletBinding()] param($LiteralPath)
    if ($LiteralPath -like '*\Parameters\FirewallPolicy') {
        return [Key]@{ Name = 'HKEY_LOCAL_MACHINE\FirewallPolicy'; Keys = @('Closed', 'FirewallRules') }
    }
    if ($LiteralPath -like '*\Defaults\FirewallPolicy') { return [Key]@{ Name = 'HKEY_LOCAL_MACHINE\Shipped'; Keys = @() } }
    Write-Error 'there is no key' -ErrorId PathNotFound
}
function Get-NetFirewallRule {
    [CmdletBinding()] param($PolicyStore, $Name)
    if ($PolicyStore -eq 'nowhere') { throw 'asked elsewhere' }
    [pscustomobject]@{ Name = 'r'; PrimaryStatus = 'OK'; Status = ''; EnforcementStatus = @('Enforced') }
}
function New-NetFirewallRule { [CmdletBinding()] param($Name) if ($Name -eq 'bad') { Write-Error 'refused' -ErrorId Refused } }
function Get-NetIPsecMainModeSA { [CmdletBinding()] param() [pscustomobject]@{ Name = 'm'; RemoteEndpoint = '10.0.0.9' } }
function Get-NetIPsecQuickModeSA { [CmdletBinding()] param() }
function Remove-NetIPsecMainModeSA { [CmdletBinding()] param($Name) }
function Get-NetIPsecDospSetting { [CmdletBinding()] param() [pscustomobject]@{ Name = 'd' } }
Export-ModuleMember -Function *
"""
RUN = """
$shell = [powershell]::Create([initialsessionstate]::CreateDefault2())
$null = $shell.AddScript("Import-Module '$env:READERS' -DisableNameChecking").Invoke()
$shell.Commands.Clear()
"""
# What a profile, a session configuration or an administrator may have set before.
HOSTILE = RUN + """
$null = $shell.AddScript(@'
$global:PSDefaultParameterValues = @{
    '*:ErrorAction' = 'Ignore'; 'Get-CimInstance:Namespace' = 'nowhere'; 'New-Object:Strict' = $true; 'Where-Object:Not' = $true
    'Select-Object:First' = 0; 'Get-Item:LiteralPath' = 'x'; 'Get-NetFirewallRule:PolicyStore' = 'nowhere' }
$global:OFS, $global:ErrorActionPreference, $global:WarningPreference = '--', 'Inquire', 'Stop'
[cultureinfo]::CurrentCulture = [cultureinfo]::CurrentUICulture = 'tr-TR'
Set-Location Env:
'@).Invoke()
$shell.Commands.Clear()
"""
TEXT = "$null = $shell.AddScript([IO.File]::ReadAllText($env:TEXT), {}); $shell.Invoke(@($env:BATCH))"
WAYS = {
    "global scope": RUN + TEXT.format("$false"), "hostile session": HOSTILE + TEXT.format("$true"),
    "local scope": RUN + TEXT.format("$true"),
    "child scope": RUN + "$null = $shell.AddScript('@($input) | & ([scriptblock]::Create([IO.File]::ReadAllText($env:TEXT)))'); "
                         "$shell.Invoke(@($env:BATCH))",
    "module": RUN + """$null = $shell.AddScript("Import-Module '$env:MODULE'").Invoke(); $shell.Commands.Clear()
$null = $shell.AddCommand('Invoke-RingfenceBatch'); $shell.Invoke(@($env:BATCH))""",
}
BATCH = batch_of(Call("Facts.Read"), Call("Interfaces.Read"), Call("Management.Read"),
                 Call("Policy.Read", {"stores": ["local", "group_policy"]}), Call("Account.Resolve", {"names": ["x"]}),
                 Call("Defaults.Read"),
                 Call("Texts.Read", {"texts": ["@C:\\x.dll,-1"]}),
                 Call("Enforcement.Read", {"kind": "NetFirewallRule", "names": ["r"]}), Call("SA.Read"),
                 Call("Net.Get", {"cmdlet": "Get-NetIPsecDospSetting"}), cmdlet_call("New-NetFirewallRule", {"Name": "good"}),
                 cmdlet_call("New-NetFirewallRule", {"Name": "bad"}), Call("SA.Delete", {"remote_address": "10.0.0.9"}),
                 Call("Session.Read"), Call("Surroundings.Read"))


@pytest.mark.parametrize("way", WAYS)
def test_every_verb_in_every_scope(tmp_path: Path, way: str) -> None:
    module = tmp_path / "RingfenceHost.psm1"
    module.write_text(jea.OPERATOR.module_text())
    (tmp_path / "Readers.psm1").write_text(READERS)
    (tmp_path / "run.ps1").write_text(WAYS[way])
    ran = pwsh("-File", str(tmp_path / "run.ps1"), environment={
        "READERS": str(tmp_path / "Readers.psm1"), "TEXT": str(script_file(tmp_path)), "MODULE": str(module),
        "BATCH": BATCH.encode(), "STRINGS": base64.b64encode(portable_executable({1: "X"})).decode()})
    said = decode(BATCH, ran.stdout.decode().strip())["replies"]
    assert [reply["ok"] for reply in said] == [True] * 11 + [False, True, True, True]
    values = [reply.get("value", reply.get("error")) for reply in said]
    facts, network, flow, policy, accounts, shipped, texts, enforcement, associations, shown, *others = values
    _, refused, removed, session, around = others
    assert [(i["alias"], i["addresses"]) for i in network["interfaces"]] == [("Ethernet", ["10.0.0.5/24"])]
    assert flow == {"management": {"transport": "local", "local_address": None, "local_port": None, "remote_address": None,
                                   "remote_port": None}, "unread": []}
    told = with_network(parse_facts(facts), network, flow)
    assert told.unread == tuple((one["fact"], one["why"]) for one in told.raw["unread"]) == (
        ("domain", "a part of the system is broken"), ("addresses", "one address is broken"), ("profiles", "no profile at all"),
        ("interfaces", "one adapter is broken"))
    assert facts["domain"] == "d"
    assert facts["script_sha256"] == digests()["writer"]
    assert policy["local"] == [["", [["Version", "String", "x"]]], ["FirewallRules", [["Version", "String", "x"]]]]
    assert policy["group_policy"] == []
    assert unread(policy) == ((rf"the key {ROOT}\Closed", "Requested registry access is not allowed."),)
    assert accounts == {"x": {"error": "no such account"}}
    assert (shipped["rows"], shipped["same"]) == ([["", [["Version", "String", "x"]]]], [])
    assert texts == {"@C:\\x.dll,-1": "X"}
    assert enforcement["r"]["enforcement"] == ["Enforced"]
    assert [a["Name"] for a in associations["main_mode"]] == ["m"]
    assert [s["Name"] for s in shown] == ["d"]
    assert refused["id"].startswith("Refused")
    assert removed == {"quick_mode": 0, "main_mode": 1}
    assert (session["account"], unread(session)) == (None, (("account", "nobody"),))
    assert around["services"] == {"WinRM": {"state": "running", "start": "auto"}}
    assert around["listeners"] == [{"address": None, "transport": None, "port": "5986", "enabled": "true"}]
    assert unread(around) == (("services", "one service is broken"), ("winrm", "no configuration"),
                              ("listeners", "one listener is broken"), ("endpoints", "Access is denied."))
