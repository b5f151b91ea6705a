"""The host script as it is reached: bootstrap and standard input, restricted sessions, the module of a JEA endpoint."""

import base64
import json
import re
from pathlib import Path

import pytest
from batches import batch_of
from host_script import HERE, decode, needs_file_registry, needs_pwsh, pwsh, script_file

from ringfence.batch import Call, jea, script
from ringfence.batch.bootstrap import BOOTSTRAP, bootstrap
from ringfence.batch.scripts import digests, scripts
from ringfence.errors import FAILURES, HostError

CIM = {"PSModulePath": str(HERE / "pwsh" / "modules")}  # with a stand-in for CimCmdlets, without which facts fail
SET = r"Phase1AuthenticationSets\{A}\0000"
FIREWALL = r"HKLM\SYSTEM\CurrentControlSet\Services\SharedAccess\Parameters\FirewallPolicy"


def two_lines(text: str, batch: str) -> bytes:
    return base64.b64encode(text.encode()) + b"\n" + batch.encode() + b"\n"


def test_texts_are_ascii_and_short_enough() -> None:
    """Windows PowerShell 5.1 reads files without a byte order mark in the code page of the host."""
    assert all(text.isascii() for text in (*scripts(), BOOTSTRAP, *jea.files().values()))
    assert len(bootstrap()) < 2000  # of the 8,191 characters that cmd.exe takes
    assert base64.b64decode(bootstrap()).decode("utf-16-le") == BOOTSTRAP


def test_the_script_has_no_aliases_and_builds_no_script_text() -> None:
    """No value may become script text: nothing in it parses text as PowerShell."""
    assert not re.search(r"Invoke-Expression|\biex\b|ScriptBlock\]::Create|AddScript|InvokeScript|NewScriptBlock|ExpandString\(",
                         script(writes=True), re.IGNORECASE)


@needs_pwsh
def test_windows_powershell_5_1_understands_it(tmp_path: Path) -> None:
    """`-Check51` is an option of some test builds only: another PowerShell has nothing to say here."""
    (tmp_path / "bootstrap.ps1").write_text(BOOTSTRAP)
    (tmp_path / "module.ps1").write_text(jea.OPERATOR.module_text())
    (tmp_path / "new.ps1").write_text("$x = $a ?? 1\n")
    if b"??" not in pwsh("-Check51", str(tmp_path / "new.ps1")).stdout:
        pytest.skip("this pwsh has no -Check51")
    checked = pwsh("-Check51", str(script_file(tmp_path)), str(tmp_path / "bootstrap.ps1"), str(tmp_path / "module.ps1"))
    assert (checked.returncode, checked.stdout) == (0, b"")


@needs_pwsh
def test_through_standard_input() -> None:
    batch = batch_of(Call("Facts.Read"), Call("Management.Read"), Call("No.Verb"))
    ran = pwsh("-EncodedCommand", bootstrap(), stdin=two_lines(batch.script, batch.encode()),
               environment={**CIM, "SSH_CONNECTION": "10.0.0.9 50022 10.0.0.5 22", "ProgramData": r"C:\ProgramData"})
    assert ran.stderr == b""
    facts, flow, unknown = decode(batch, ran.stdout.decode().strip())["replies"]
    assert flow["value"]["management"] == {"transport": "ssh", "remote_address": "10.0.0.9", "remote_port": 50022,
                                           "local_address": "10.0.0.5", "local_port": 22}
    assert facts["value"]["environment"]["ProgramData"] == r"C:\ProgramData"
    assert facts["value"]["language_mode"] == "FullLanguage"
    assert facts["value"]["script_sha256"] == digests()["resolver"]
    assert unknown["error"]["id"] == "ringfence.verb"


@needs_pwsh
def test_a_session_without_a_reading_command_says_so(tmp_path: Path) -> None:
    """Empty facts would look like a host that has nothing."""
    batch = batch_of(Call("Facts.Read"))
    ran = pwsh("-EncodedCommand", bootstrap(), stdin=two_lines(script(), batch.encode()),
               environment={"PSModulePath": str(tmp_path)})
    with pytest.raises(HostError, match="Get-CimInstance") as caught:
        batch.decode(ran.stdout)[0]
    assert caught.value.kind == "endpoint"


@needs_pwsh
@pytest.mark.parametrize("stdin", [b"", b"\n", two_lines("'x'", "").strip(), two_lines("throw 'a>b'", "x"), b"%%%\nx\n"],
                         ids=["nothing", "empty line", "one line", "script that fails", "no base64"])
def test_what_is_cut_or_broken_on_the_way_is_told(stdin: bytes) -> None:
    ran = pwsh("-EncodedCommand", bootstrap(), stdin=stdin)
    with pytest.raises(HostError) as caught:
        batch_of().decode(ran.stdout)
    assert caught.value.kind == "script"


RESTRICTED = """
$text = [IO.File]::ReadAllText($env:TEXT)
$space = [runspacefactory]::CreateRunspace([initialsessionstate]::CreateDefault2())
$space.Open()
$space.SessionStateProxy.LanguageMode = 'ConstrainedLanguage'
$shell = [powershell]::Create()
$shell.Runspace = $space
$shell.AddScript($text).Invoke(@('x'))
"""


@needs_pwsh
@pytest.mark.parametrize("text", [script(), BOOTSTRAP.replace("exit }", "return }")], ids=["script", "bootstrap"])
def test_constrained_language_is_answered_in_plain_ascii(tmp_path: Path, text: str) -> None:
    (tmp_path / "text.ps1").write_text(text)
    (tmp_path / "outer.ps1").write_text(RESTRICTED)
    ran = pwsh("-File", str(tmp_path / "outer.ps1"), environment={"TEXT": str(tmp_path / "text.ps1")})
    assert ran.stdout.strip() == b"<<ringfence-fatal:language_mode:the session runs in ConstrainedLanguage>>", ran.stderr
    with pytest.raises(HostError) as caught:
        batch_of().decode(ran.stdout)
    assert caught.value.summary == FAILURES["language_mode"][0]


JEA = r"""
$state = [initialsessionstate]::CreateDefault2()
$state.ImportPSModule($env:MODULE)
$state.LanguageMode = 'NoLanguage'
foreach ($command in $state.Commands) { $command.Visibility = 'Private' }
$space = [runspacefactory]::CreateRunspace($state)
$space.Open()
$space.SessionStateProxy.InvokeCommand.GetCommands('*', 'Cmdlet,Function', $true) |
    Where-Object { $_.Name -ne 'Invoke-RingfenceBatch' } | ForEach-Object { $_.Visibility = 'Private' }
function Invoke-There([scriptblock]$Add) {
    $shell = [powershell]::Create()
    $shell.Runspace = $space
    try { (& $Add $shell).Invoke(@($env:BATCH)) }
    catch { $_.Exception.Message -replace '(?s).*(no-language|not recognized).*', '$1' -replace ' ', '-' }
}
Invoke-There { $args[0].AddCommand('Invoke-RingfenceBatch') }
Invoke-There { $args[0].AddScript('1 + 1') }
Invoke-There { $args[0].AddCommand('Get-ChildItem') }
"""


def install(folder: Path) -> Path:
    """Write the files of the endpoint; the module's folder."""
    for name, text in jea.files().items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder / jea.OPERATOR.module


@needs_pwsh
def test_the_module_is_all_that_a_session_without_language_can_do(tmp_path: Path) -> None:
    module = install(tmp_path)
    (tmp_path / "outer.ps1").write_text(JEA)
    batch = batch_of(Call("Facts.Read"), Call("No.Verb"))
    ran = pwsh("-File", str(tmp_path / "outer.ps1"), environment={
        **CIM, "MODULE": str(module / "RingfenceHost.psd1"), "BATCH": batch.encode()})
    reply, *others = ran.stdout.decode().split()
    facts, unknown = decode(batch, reply)["replies"]
    assert facts["value"]["language_mode"] == "FullLanguage"  # of the function; its caller has none
    assert unknown["error"]["id"] == "ringfence.verb"
    assert others == ["no-language", "not-recognized"]


ENDPOINT = r"""
Import-Module $env:MODULE -DisableNameChecking
(Get-Module RingfenceHost).ExportedCommands.Keys
(Import-PowerShellDataFile "$env:MODULE/RoleCapabilities/Ringfence.psrc").VisibleFunctions
$session = Import-PowerShellDataFile "$env:MODULE/../Ringfence.pssc"
$session.SessionType; $session.LanguageMode; $session.RunAsVirtualAccount
"""


@needs_pwsh
def test_the_endpoint_shows_its_function_alone(tmp_path: Path) -> None:
    ran = pwsh("-Command", ENDPOINT, environment={"MODULE": str(install(tmp_path))})
    assert ran.stdout.decode().split() == [
        "Invoke-RingfenceBatch", "Invoke-RingfenceBatch", "RestrictedRemoteServer", "NoLanguage", "True"], ran.stderr


@needs_pwsh
def test_a_real_registry_provider_of_five_thousand_rules(tmp_path: Path) -> None:
    """Where `HKLM:` is a provider, keys are read through it, and quickly."""
    rule = "v2.31|Action=Allow|Active=TRUE|Dir=In|App=C:\\Program Files\\x\\{0}.exe|Name=Regel \u6771 {0}|"
    rules = [[f"R{i}", "REG_SZ", rule.format(i)] for i in range(5000)]
    (tmp_path / "registry.json").write_text(json.dumps({
        FIREWALL: [["Version", "REG_DWORD", 543]],
        FIREWALL + r"\FirewallRules": rules,
        FIREWALL + r"\Mdm\FirewallRules": [["m", "REG_SZ", "v2.31|"]],
        FIREWALL + r"\RestrictedServices\Static\System": [["s", "REG_SZ", "V2.0|"]],
        FIREWALL + "\\" + SET: [["SHKey", "REG_SZ", "geheim"], ["Bin", "REG_BINARY", "AP8Q"],
                               ["Many", "REG_MULTI_SZ", ["one"]], ["Path", "REG_EXPAND_SZ", "%SystemRoot%"]],
    }))
    batch = batch_of(Call("Policy.Read", {"stores": ["local", "mdm", "restricted", "group_policy"]}))
    environment = {"PSHOST_REGISTRY": str(tmp_path / "registry.json")}
    needs_file_registry(tmp_path / "registry.json")
    ran = pwsh("-EncodedCommand", bootstrap(), stdin=two_lines(script(), batch.encode()), environment=environment)
    policy = batch.decode(ran.stdout)[0]
    local = dict(policy["local"])
    assert sorted(local) == ["", "FirewallRules", "Phase1AuthenticationSets", r"Phase1AuthenticationSets\{A}", SET]
    assert local[""] == [["Version", "DWord", 543]]
    assert local["FirewallRules"] == [[name, "String", text] for name, _, text in rules]
    assert local[SET] == [
        ["SHKey", "Secret", None],
        ["Bin", "Binary", "AP8Q"],
        ["Many", "MultiString", ["one"]],
        ["Path", "ExpandString", "%SystemRoot%"],
    ]
    assert policy["mdm"] == [["", []], ["FirewallRules", [["m", "String", "v2.31|"]]]]
    assert policy["restricted"] == [["", []], ["Static", []], [r"Static\System", [["s", "String", "V2.0|"]]]]
    assert policy["group_policy"] == []
