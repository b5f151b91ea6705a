"""IPsec on one host: what is missing, what stands in the way, in which order it is written, and that a key never shows."""

import base64
import contextlib
import io
import json
import logging
import re
from pathlib import Path
from typing import Any

import pytest
from cli_lab import Cli, fleet
from core import KINDS, declare, declared, resources, task
from hosts import LabHost, errors
from ipsec_tasks import KERBEROS, PHASE1, a_rule, a_set

from ringfence.diagnostics import Where
from ringfence.documents import vault
from ringfence.formats.data import change_text
from ringfence.lab import NetworkAdapter, machine
from ringfence.plan import steps
from ringfence.project.render import RenderedTask
from ringfence.secret import Secret


# ---- the default sets ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("kind", "proposal", "changed"), [
    ("ipsec_phase1_auth_set", KERBEROS, [{"machine": True, "ntlm": True}]),
    ("ipsec_phase2_auth_set", [{"user": True, "kerberos": True}], [{"user": True, "ntlm": True}]),
    ("ipsec_main_mode_crypto_set", [{"key_exchange": "dh14", "encryption": "aes256", "hash": "sha256"}],
     [{"key_exchange": "dh20", "encryption": "aes256", "hash": "sha256"}]),
    ("ipsec_quick_mode_crypto_set", [{"encapsulation": "esp", "esp_hash": "sha256"}],
     [{"encapsulation": "ah", "ah_hash": "sha256", "max_minutes": 30}])])
def test_the_default_sets_are_declared_changed_and_given_back(kind: str, proposal: Any, changed: Any) -> None:
    lab = LabHost()
    noun, primary = KINDS[kind].noun, KINDS[kind].storage.cmdlet_name("default")
    for given in (proposal, changed):
        assert lab.apply(task(kind, {"name": "default", "proposal": given})).error is None
        assert lab.plan(task(kind, {"name": primary.lower(), "proposal": given, "display_name": "default"})).changes == ()
    assert lab.apply(task(kind, {"name": "default", "state": "absent"})).error is None
    assert lab.plan(task(kind, {"name": "default", "state": "absent"})).changes == ()
    assert lab.cmdlets == [(f"New-{noun}", "default"), (f"Set-{noun}", primary), (f"Remove-{noun}", primary)]


def test_a_default_set_is_named_while_absent() -> None:
    lab = LabHost()
    assert lab.apply(a_rule(phase1_auth_set="default", phase2_auth_set=PHASE1[:-2] + "4}")).error is None
    assert lab.plan(a_rule()).changes == ()


def test_windows_stores_the_default_sets_by_their_ids() -> None:
    lab = LabHost()
    assert lab.apply(a_rule()).error is None
    assert f"Auth1Set={PHASE1}|" in lab.rule("iso")


# ---- drift -----------------------------------------------------------------------------------------------------------
def test_no_second_authentication_is_another_thing_than_the_default_one() -> None:
    """[MS-FASP] 2.2.55: a rule whose wszPhase2AuthSet is NULL has none, whatever the default set asks for."""
    lab = LabHost()
    assert lab.apply(a_rule()).error is None
    with_default = lab.rule("iso")
    assert f"Auth2Set={PHASE1[:-2]}4}}|" in with_default
    assert [c.properties() for c in lab.plan(a_rule(phase2_auth_set="none")).changes] == [
        {"phase2_auth_set": ("default", "none")}]
    assert lab.apply(a_rule(phase2_auth_set="none")).error is None
    assert "Auth2Set" not in lab.rule("iso")
    assert lab.plan(a_rule(phase2_auth_set="none")).changes == ()
    assert [c.properties() for c in lab.plan(a_rule()).changes] == [{"phase2_auth_set": ("none", "default")}]
    assert lab.apply(a_rule()).error is None
    assert lab.rule("iso") == with_default


def test_an_exemption_has_no_second_authentication_to_leave_out() -> None:
    lab, exempt = LabHost(), {"inbound_security": "none", "outbound_security": "none"}
    assert lab.apply(a_rule(phase2_auth_set="none")).error is None
    assert lab.apply(a_rule(**exempt, phase2_auth_set="none")).error is None
    assert "Auth1Set" not in lab.rule("iso")
    assert lab.plan(a_rule(**exempt)).changes == ()
    assert lab.apply(a_rule(phase2_auth_set="none")).error is None
    assert "Auth2Set" not in lab.rule("iso")
    assert lab.apply(a_rule(**exempt)).error is None
    assert lab.apply(a_rule()).error is None  # what an exemption does not name is no word against the default
    assert "Auth2Set" in lab.rule("iso")


def test_what_somebody_changed_is_seen_and_put_right() -> None:
    lab = LabHost()
    policy = (a_set(proposal=[*KERBEROS, {"machine": True, "ntlm": True}]), a_rule(phase1_auth_set="s"))
    assert lab.apply(*policy).error is None
    registry = lab.machine.registry
    root = r"SYSTEM\CurrentControlSet\Services\SharedAccess\Parameters\FirewallPolicy"
    registry.set(rf"{root}\Phase1AuthenticationSets\s\0001", "Method", "Anonymous")
    registry.set(rf"{root}\ConSecRules", "iso", lab.rule("iso").replace("Action=SecureServer", "Action=Boundary"))
    result = lab.plan(*policy)
    assert {c.id.kind: list(c.properties()) for c in result.changes} == {
        "ipsec_phase1_auth_set": ["proposal"], "ipsec_rule": ["inbound_security"]}
    assert lab.apply(*policy).error is None
    assert lab.plan(*policy).changes == ()


def test_a_proposal_of_the_future_is_not_lost() -> None:
    lab = LabHost()
    assert lab.apply(a_set()).error is None
    root = r"SYSTEM\CurrentControlSet\Services\SharedAccess\Parameters\FirewallPolicy"
    lab.machine.registry.set(rf"{root}\Phase1AuthenticationSets\s\0000", "Quantum", "TRUE")
    result = lab.apply(a_set(proposal=[{"machine": True, "ntlm": True}]))
    assert result.status == "refused"
    assert "Quantum=TRUE" in str(result.error)


# ---- what stands in the way ------------------------------------------------------------------------------------------
TUNNEL: dict[str, Any] = {"mode": "tunnel", "remote_address": "192.168.10.0/24", "inbound_security": "require",
                          "outbound_security": "require"}


def test_both_ends_of_a_tunnel_are_said_and_those_of_a_transport_rule_are_not() -> None:
    """A client behind NAT, its gateway, a rule that is no tunnel any more: Windows takes no end as Any in silence."""
    lab = LabHost()
    for ends in ({"remote_tunnel_endpoint": "203.0.113.1"}, {"local_tunnel_endpoint": "203.0.113.2"}, {}):
        declared = task("ipsec_rule", {"name": "t", **TUNNEL, "mode": "tunnel" if ends else "transport", **ends})
        for changed in (True, False):
            result = lab.apply(declared)
            assert (result.error, bool(result.changes)) == (None, changed), ends
    said = [call["parameters"] for call in lab.verbs("Net.Call")]
    assert [{p: v for p, v in one.items() if p.endswith("Endpoint")} for one in said] == [
        {"LocalTunnelEndpoint": "Any", "RemoteTunnelEndpoint": ["203.0.113.1"]},
        {"LocalTunnelEndpoint": ["203.0.113.2"], "RemoteTunnelEndpoint": "Any"}, {}]


def warned(lab: LabHost, *policy: RenderedTask) -> str:
    result = lab.plan(*policy)
    assert result.error is None
    assert all(d.host == "srv1" for d in result.diagnostics)
    return "\n".join(d.summary for d in result.diagnostics if d.severity == "warning")


def hindered(lab: LabHost, *policy: RenderedTask) -> str:
    return "\n".join(f"{', '.join(o.profiles)}: {o.reason.text}" for o in lab.plan(*policy).obstacles)


def test_a_legacy_policy_is_reported() -> None:
    lab = LabHost()
    lab.machine.registry.set(r"SOFTWARE\Policies\Microsoft\Windows\IPSec\GPTIPSECPolicy", "DSIPSECPolicyName", "Server (old)")
    assert "legacy IPsec policy is assigned: Server (old)" in warned(lab, a_rule())
    assert warned(lab, task("firewall_rule", {"name": "r"})) == ""


@pytest.mark.parametrize("service", ["IKEEXT", "PolicyAgent"])
def test_a_stopped_service_is_reported(service: str) -> None:
    lab = LabHost()
    lab.machine.services[service] = "stopped"
    assert f"the service {service}" in hindered(lab, a_rule())
    assert hindered(lab, task("ipsec_rule", {"name": "x", "state": "absent"})) == ""


def test_group_policy_that_ignores_local_rules_is_reported() -> None:
    lab = LabHost()
    root = r"SOFTWARE\Policies\Microsoft\WindowsFirewall"
    lab.machine.registry.set(rf"{root}\DomainProfile", "AllowLocalIPsecPolicyMerge", 0)
    assert "domain: policy has local connection security rules ignored there (Group Policy)" in hindered(lab, a_rule())
    assert hindered(lab, a_rule(profile="public")) == ""


# ---- settings that only a cmdlet knows -------------------------------------------------------------------------------
def gateway() -> LabHost:
    two = (NetworkAdapter("Internet", "{AAAAAAAA-0000-0000-0000-000000000001}", addresses=("10.99.0.10/24",)),
           NetworkAdapter("Corp", "{AAAAAAAA-0000-0000-0000-000000000002}", index=5, addresses=("10.98.0.10/24",)))
    return LabHost(on=machine("srv1", interfaces=two))


def dosp(**more: Any) -> RenderedTask:
    return task("ipsec_dosp_setting", {"name": "Edge", "public_interface_aliases": "Internet",
                                       "private_interface_aliases": "Corp", **more})


def test_denial_of_service_protection_is_read_by_its_cmdlet() -> None:
    lab = gateway()
    first = dosp(max_state_entries=75000, enabled_keying_modules=["ikev2", "auth_ip"], public_v6_address="2001:db8::/48")
    assert lab.apply(first).status == "changed"
    assert lab.apply(first).status == "in_sync"
    (change,) = lab.plan(dosp(max_state_entries=1000)).changes
    assert change.properties() == {"max_state_entries": (75000, 1000)}  # what is not mentioned stays
    assert lab.apply(dosp(filtering_flags="filter_block", max_state_entries=1000)).status == "changed"
    assert lab.apply(task("ipsec_dosp_setting", {"name": "Edge", "state": "absent"})).status == "changed"
    assert lab.plan(task("ipsec_dosp_setting", {"name": "Edge", "state": "absent"})).changes == ()


def test_only_hosts_that_need_it_are_asked() -> None:
    lab = gateway()
    lab.plan(a_rule())
    assert lab.verbs("Net.Get") == []
    lab.plan(dosp())
    assert [a["cmdlet"] for a in lab.verbs("Net.Get")] == ["Get-NetIPsecDospSetting"]


def test_what_only_the_facts_brought_up_is_asked_later() -> None:
    lab = gateway()
    assert [c.id.kind for c in lab.plan(declare=lambda facts: declare(dosp())).changes] == ["ipsec_dosp_setting"]
    assert len(lab.batches) == 2


def test_both_sides_have_to_be_said() -> None:
    problems = declare(task("ipsec_dosp_setting", {"name": "Edge", "public_interface_aliases": "Internet"}))[1]
    assert [p.summary for p in problems] == ["ipsec_dosp_setting: private_interface_aliases is missing"]


# ---- the key never shows ---------------------------------------------------------------------------------------------
BRANCH = r"SYSTEM\CurrentControlSet\Services\SharedAccess\Parameters\FirewallPolicy\Phase1AuthenticationSets\branch\0000"
KEY = "S3cret-k€y-9f1c"
PLAY = """\
- hosts: all
  tasks:
    - ipsec_phase1_auth_set:
        name: branch
        proposal:
          - {machine: true, pre_shared_key: "{{ lookup('env', 'RINGFENCE_TEST_KEY') }}"}
    - ipsec_rule: {name: tunnel, mode: tunnel, inbound_security: require, outbound_security: require,
                   remote_tunnel_endpoint: 192.0.2.9, remote_address: 192.168.9.0/24, phase1_auth_set: branch}
"""


FORMS = [encoded for form in (KEY, json.dumps(KEY)[1:-1]) for encoded in (form.encode(), form.encode("utf-16-le"))]


def shows(text: str | bytes, depth: int = 3) -> list[bytes]:
    """The key in a text: as it is, as JSON writes it, and in whatever stands there as base64, layer by layer."""
    data = text.encode() if isinstance(text, str) else text
    found = [form for form in FORMS if form in data]
    if depth and not found:
        for run in re.findall(rb"[A-Za-z0-9+/]{20,}", data):
            for start in range(4):
                part = run[start:]
                found += shows(base64.b64decode(part[:len(part) // 4 * 4]), depth - 1)
    return found


@pytest.fixture
def log() -> Any:
    """Everything that anything logs, in full."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    root, level = logging.getLogger(), logging.getLogger().level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield stream
    root.removeHandler(handler)
    root.setLevel(level)


def test_the_key_is_in_no_output_plan_report_or_log(tmp_path: Path, capsys: pytest.CaptureFixture[str], log: io.StringIO,
                                                    monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RINGFENCE_TEST_KEY", KEY)
    cli = Cli(tmp_path, capsys)
    shown = []
    with fleet(cli, 2) as hosts:
        cli.write({"site.yml": PLAY})
        for arguments in (["plan", "-vv", "-o", "plan.json"], ["apply", "-vv", "plan.json", "--yes"], ["plan", "-vv"],
                          ["drift", "--output", "json", "-vv"], ["validate", "-vv"]):
            said = cli(*arguments)
            assert said.code == 0, said
            shown.append(said.out + said.err)
        for host in hosts.values():  # the key did arrive, and its change is seen
            assert host.registry.get(BRANCH, "SHKey") == KEY
        monkeypatch.setenv("RINGFENCE_TEST_KEY", KEY + "x")
        said = cli("drift", "-vv")
        assert (said.code, "pre_shared_key: ********" in said.out) == (2, True)
        monkeypatch.setenv("RINGFENCE_TEST_KEY", KEY)

        def broken(*_: Any, **__: Any) -> Any:
            raise RuntimeError("something broke")

        with monkeypatch.context() as patch:  # an exception while the key is in hand
            patch.setattr(steps, "STEPS", (broken,))
            failed = cli("apply", "--yes", "-vv")
            assert failed.code == 6
            shown += [failed.out, failed.err]
        shown.append(said.out + said.err)
    files = [p.read_text(encoding="utf-8") for p in tmp_path.rglob("*") if p.is_file()]
    for text in (*shown, *files, log.getvalue()):
        assert shows(text) == []


def test_a_vaulted_key_does_as_well(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cli = Cli(tmp_path, capsys)
    password = "vault-pa55"
    locked = vault.encrypt(KEY, Secret(password)).strip().replace("\n", "\n                ")
    play = PLAY.replace('''"{{ lookup('env', 'RINGFENCE_TEST_KEY') }}"''', '"{{ key }}"').replace("  tasks:", f"""\
  vars:
    key: !vault |
                {locked}
  tasks:""", 1)
    with fleet(cli, 1) as hosts:
        cli.write({"site.yml": play, "password": password})
        done = cli("apply", "--yes", "-vv", "--vault-password-file", "password")
        assert done.code == 0, done
        again = cli("plan", "--detailed-exitcode", "--vault-password-file", "password")
        assert again.code == 0, again
        (host,) = hosts.values()
        assert host.registry.get(BRANCH, "SHKey") == KEY
    assert "clear text" not in done.err
    assert shows(done.out + done.err + again.out + again.err) == []


def test_accounts_in_the_lists_of_a_rule_are_translated_by_the_host() -> None:
    lab = LabHost()
    lab.machine.account_names.add("CORP\\Finance", "S-1-5-21-1-2-3-1104")
    rule = a_rule(machine="CORP\\Finance", user=["CORP\\Finance", "S-1-5-11"])
    assert lab.apply(rule).error is None
    assert "TransportMachineAuthzSDDL=D:(A;;CC;;;S-1-5-21-1-2-3-1104)|" in lab.rule("iso")
    assert lab.plan(rule).changes == ()
    (problem,) = errors(lab.plan(a_rule(machine="CORP\\Nobody")).diagnostics)
    assert "does not know the account CORP\\Nobody" in problem.summary


def test_a_host_that_refuses_a_key_does_not_make_it_show() -> None:
    lab = LabHost()
    lab.machine.faults.read_only = True
    result = lab.apply(task("ipsec_phase1_auth_set", {"name": "s", "proposal": {"machine": True, "pre_shared_key": Secret(KEY)}}))
    assert result.status == "failed"
    for text in (str(result.error), repr(result), "".join(map(change_text, result.changes)), repr(lab.batches)):
        assert shows(text) == []


def test_a_key_in_clear_in_the_play_is_a_warning_that_does_not_repeat_it() -> None:
    raw = {"name": "s", "proposal": [{"machine": True, "pre_shared_key": KEY}]}
    desired, problems = declare(task("ipsec_phase1_auth_set", {**raw, "proposal": [
        {"machine": True, "pre_shared_key": Secret(KEY)}]}, Where("play.yml", 3), written=raw))
    (warning,) = problems
    assert (warning.severity, len(desired)) == ("warning", 1)
    assert "pre_shared_key stands in clear text" in warning.summary
    assert shows(str(warning)) == []


@pytest.mark.parametrize("misplaced", [KEY, [KEY], [{"machine": True, "pre_shared_key": [KEY]}],
                                       [{"machine": True, "pre_shared_key": {"key": KEY}}]])
def test_a_misplaced_key_does_not_show(misplaced: Any) -> None:
    _, problems = declare(task("ipsec_phase1_auth_set", {"name": "s", "proposal": misplaced}))
    assert errors(tuple(problems))
    assert shows("\n".join(map(str, problems))) == []


def test_no_state_of_it_can_be_printed_or_stored() -> None:
    desired = declared(task("ipsec_phase1_auth_set", {"name": "s", "proposal": {"machine": True, "pre_shared_key": Secret(KEY)}}))
    with contextlib.redirect_stdout(io.StringIO()) as out:
        print(desired, resources(desired), [str(r) for r in resources(desired)])
    assert shows(out.getvalue()) == []


def test_interfaces_of_a_dosp_setting_have_to_be_there() -> None:
    """They are kept as they are called; the cmdlet would fail with the first one that is not there."""
    result = gateway().plan(dosp(private_interface_aliases="Crop"))
    assert result.changes == ()
    (told,) = result.diagnostics
    assert (told.severity, "no interface is called Crop; did you mean Corp" in told.summary) == ("error", True)
