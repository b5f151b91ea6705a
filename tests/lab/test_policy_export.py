"""`netsh advfirewall export` and `import` on a simulated host: what is in a file, what becomes of the policy, what fails."""

import os
from pathlib import Path
from typing import Any

import pytest
from lab_machine import done, host
from lab_prompt import said, typed
from registry_files import hive

from ringfence.lab import GROUP_POLICY, MDM, POLICY, RESTRICTED, Machine
from ringfence.lab.command_prompt.command_line_run import cmd
from ringfence.lab.command_prompt.network_shell import MPSSVC
from ringfence.lab.command_prompt.output_streams import Kept
from ringfence.lab.command_prompt.prompt import Prompt, Streams
from ringfence.lab.netsecurity.policy_export import EXPORTED_KEYS, ExportedPolicy

FILE = r"C:\work\p.wfw"
RULES = POLICY + r"\FirewallRules"
CORPUS = os.environ.get("RINGFENCE_CORPUS")
Tree = dict[str, dict[str, Any]]


def prepared() -> Machine:
    on = host()
    on.files.make_folder(r"C:\work")
    return on


def tree(on: Machine, root: str = POLICY) -> Tree:
    return {path: {v.name: (v.type, v.data) for v in key.values.values()} for path, key in on.registry.tree(root) if key.values}


def netsh(on: Machine, what: str) -> tuple[int, str]:
    code, out, err, _ = typed(on, f'/d /s /c "netsh advfirewall {what} {FILE}"')
    assert err == ""
    return code, out.strip()


def with_ipsec(on: Machine) -> None:
    done(on, "New-NetIPsecPhase1AuthSet", Name="key", DisplayName="key", Proposal=[{"$call": {
        "cmdlet": "New-NetIPsecAuthProposal", "parameters": {"Machine": True, "PreSharedKey": "s3cret"}}}])
    done(on, "New-NetIPsecPhase2AuthSet", Name="user", DisplayName="user", Proposal=[{"$call": {
        "cmdlet": "New-NetIPsecAuthProposal", "parameters": {"User": True, "Kerberos": True}}}])
    done(on, "New-NetIPsecRule", Name="partner", DisplayName="partner", InboundSecurity="Require", OutboundSecurity="Require",
         Phase1AuthSet="key", RemoteAddress="203.0.113.9")


def exported(on: Machine) -> ExportedPolicy:
    assert netsh(on, "export") == (0, "Ok.")
    content = on.files.find(FILE).content  # type: ignore[union-attr]
    assert isinstance(content, ExportedPolicy)
    return content


@pytest.mark.skipif(not CORPUS, reason="no corpus")
def test_it_has_the_keys_of_real_exports() -> None:
    real = [{path: [value[0] for value in values] for path, values in hive(file)} for file in Path(str(CORPUS)).rglob("*.wfw")]
    plain, secured = prepared(), prepared()
    with_ipsec(secured)
    ours = [exported(on).keys for on in (plain, secured)]
    levels = [{"\\".join("ID" if p[:1] == "{" or p in ("key", "user") else p for p in path.split("\\")[:2]) for path in one}
              for one in (*real, *ours)]
    assert len(real) == 3
    assert levels[-2] in levels[:-2]  # a host without connection security
    assert levels[-1] in levels[:-2]  # one with a rule and sets of both
    assert {path.split("\\")[0] for one in real for path in one} - {""} <= set(EXPORTED_KEYS)
    assert all(set(names) == {"PolicyVersion", "DisableStatefulFTP", "DisableStatefulPPTP", "IPSecExempt"}
               for names in [one[""] for one in real] + [list(one[""]) for one in ours])


def test_it_has_nothing_else() -> None:
    on = prepared()
    for place in (RESTRICTED + r"\Configurable\System", MDM + r"\FirewallRules", GROUP_POLICY + r"\FirewallRules",
                  POLICY + r"\DynamicKeywords\Addresses"):
        on.registry.set(place, "mine", "v2.31|Action=Allow|")
    assert not [path for path, values in exported(on).keys.items() if "mine" in values]


def test_an_import_puts_everything_back() -> None:
    on = prepared()
    with_ipsec(on)
    before, elsewhere = tree(on), tree(on, RESTRICTED)
    exported(on)
    on.registry.set(RULES, "new", "v2.31|Action=Allow|")
    on.registry.unset(RULES, next(iter(before["FirewallRules"])))
    on.registry.set(POLICY + r"\PublicProfile", "DefaultInboundAction", 0)
    on.registry.set(POLICY + r"\PublicProfile", "EnableFirewall", 0)
    on.registry.set(POLICY + r"\Phase1AuthenticationSets\key\0000", "SHKey", "another")
    on.registry.set(POLICY + r"\Phase1AuthenticationSets\more\0000", "Method", "MachineKerb")
    on.registry.set(POLICY + r"\MainModeRules", "m", "v2.31|")
    on.registry.set(POLICY, "IPSecExempt", 0)
    on.registry.delete(POLICY + r"\ConSecRules")
    assert netsh(on, "import") == (0, "Ok.")
    assert tree(on) == before
    assert tree(on, RESTRICTED) == elsewhere
    assert on.registry.get(POLICY + r"\Phase1AuthenticationSets\key\0000", "SHKey") == "s3cret"
    assert on.registry.key(POLICY + r"\Phase1AuthenticationSets\more") is None


def test_what_is_in_no_export_stays() -> None:
    on = prepared()
    exported(on)
    kept = dict.fromkeys((MDM + r"\FirewallRules", RESTRICTED + r"\Configurable\System", GROUP_POLICY), "v2.31|")
    for place in kept:
        on.registry.set(place, "mine", "v2.31|")
    assert netsh(on, "import") == (0, "Ok.")
    assert {place: on.registry.get(place, "mine") for place in kept} == kept


def test_it_is_refused_while_the_service_is_down() -> None:
    on = prepared()
    exported(on)
    on.services["mpssvc"] = "stopped"
    assert netsh(on, "import")[0] == 1
    assert "contact the" in netsh(on, "import")[1]
    on.files.delete(FILE)
    assert netsh(on, "export")[0] == 1
    assert not on.files.exists(FILE)


def test_it_fails_as_it_is_told() -> None:
    on = prepared()
    assert netsh(on, "import") == (1, "The system cannot find the file specified.")
    exported(on)
    assert netsh(on, "export") == (1, "Cannot create a file when that file already exists.")
    on.faults.export_overwrites = True
    assert netsh(on, "export") == (0, "Ok.")
    on.faults.import_fails = 2
    assert [netsh(on, "import")[0] for _ in range(3)] == [1, 1, 0]
    on.files.write(FILE, b"regf")
    assert netsh(on, "import") == (1, "The data is invalid.")
    on.files.room = 100
    assert netsh(on, "export") == (1, "There is not enough space on the disk.")
    assert netsh(on, "reset")[1].startswith("The following command was not found")


def test_an_import_may_die_half_way() -> None:
    on = prepared()
    exported(on)
    before = tree(on)
    for number in range(40):
        on.registry.set(RULES, f"new{number}", "v2.31|")
    on.faults.import_dies_at = 0.5
    assert netsh(on, "import")[0] == 1
    left = [name for name in tree(on)["FirewallRules"] if name.startswith("new")]
    assert len(left) == 20
    assert netsh(on, "import")[0] == 0  # the next one does it all
    assert tree(on) == before


def test_both_take_their_time_and_can_be_ended() -> None:
    on = prepared()
    on.faults.netsh_seconds = 16.0
    out = Kept()
    run = cmd(Prompt(on), f'/d /s /c "netsh advfirewall export {FILE}"', Streams(None, out, out))
    while next(run) == 0:
        pass
    assert on.files.find(FILE).in_use  # type: ignore[union-attr]
    run.close()
    assert netsh(on, "import") == (1, "The data is invalid.")  # what it left is no hive
    on.files.delete(FILE)
    assert typed(on, f'/d /s /c "netsh advfirewall export {FILE}"')[3] == 16
    for number in range(8):
        on.registry.set(RULES, f"new{number}", "v2.31|")
    run = cmd(Prompt(on), f'/d /s /c "netsh advfirewall import {FILE}"', Streams(None, out, out))
    for _ in range(6):
        next(run)
    run.close()
    left = [name for name in tree(on)["FirewallRules"] if name.startswith("new")]
    assert 0 < len(left) < 8


@pytest.mark.parametrize(("sddl", "as_service", "code"), [
    ("O:BAD:PAI(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)", False, 0), ("O:BAD:PAI(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)", True, 1),
    (f"O:BAD:PAI(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;FA;;;{MPSSVC})", True, 0)])
def test_who_opens_the_file_needs_the_right(sddl: str, as_service: bool, code: int) -> None:
    on = host()
    on.files.make_folder(r"C:\work", sddl)
    on.faults.netsh_as_service = as_service
    assert netsh(on, "export")[0] == code


def test_a_file_is_as_large_as_a_hive() -> None:
    on = prepared()
    exported(on)
    size = on.files.find(FILE).size  # type: ignore[union-attr]
    assert 50_000 < size < 1_000_000
    assert size % 4096 == 0
    assert said(on, r"dir /b C:\work") == "p.wfw\r\n"
