"""Rules and the sets that they name, declared and on the host: what is missing, still used, or does not go together."""


import pytest
from core import KINDS, at, task
from hosts import LabHost, errors
from ipsec_tasks import ISOLATION, PHASE1, a_rule, a_set

from ringfence.diagnostics import Where
from ringfence.lab import GROUP_POLICY, POLICY
from ringfence.project.render import RenderedTask


def warned(lab: LabHost, *policy: RenderedTask) -> str:
    result = lab.plan(*policy)
    assert result.error is None
    return "\n".join(d.summary for d in result.diagnostics if d.severity == "warning")


def test_a_set_that_is_nowhere_is_an_error_before_anything_is_written() -> None:
    lab = LabHost()
    result = lab.apply(at(3, "ipsec_rule", **ISOLATION, phase1_auth_set="nowhere"))
    (problem,) = errors(result.diagnostics)
    assert problem.where == Where("play.yml", 8)
    assert "needs ipsec_phase1_auth_set nowhere, which is neither declared nor on the host" in problem.summary
    assert (result.status, lab.cmdlets) == ("invalid", [])


def test_a_set_may_be_on_the_host_already() -> None:
    lab = LabHost()
    assert lab.apply(a_set("Mine")).error is None
    assert lab.apply(a_rule(phase1_auth_set="mine")).error is None
    assert lab.plan(a_rule(phase1_auth_set="MINE")).changes == ()


def test_a_set_that_another_rule_on_the_host_needs_is_not_removed() -> None:
    lab = LabHost()
    assert lab.apply(a_set(), a_rule(phase1_auth_set="s")).error is None
    written = len(lab.cmdlets)
    result = lab.apply(at(5, "ipsec_phase1_auth_set", name="s", state="absent"))
    (problem,) = errors(result.diagnostics)
    assert problem.where == Where("play.yml", 5)
    assert "ipsec_rule iso on the host still uses it" in problem.summary
    assert len(lab.cmdlets) == written
    both = [task(kind, {"name": name, "state": "absent"})
            for kind, name in (("ipsec_phase1_auth_set", "s"), ("ipsec_rule", "iso"))]
    assert lab.apply(*both).error is None
    assert lab.cmdlets[written:] == [("Remove-NetIPsecRule", "iso"), ("Remove-NetIPsecPhase1AuthSet", "s")]


def test_a_default_set_may_go_though_rules_use_it() -> None:
    """Windows' own takes its place."""
    lab = LabHost()
    assert lab.apply(a_set("default"), a_rule()).error is None
    result = lab.apply(task("ipsec_phase1_auth_set", {"name": "default", "state": "absent"}))
    assert (errors(result.diagnostics), result.status) == ([], "changed")


def test_a_rule_that_moves_to_another_set_lets_the_old_one_go() -> None:
    lab = LabHost()
    assert lab.apply(a_set("old"), a_rule(phase1_auth_set="old")).error is None
    written = len(lab.cmdlets)
    assert lab.apply(a_set("new"), a_rule(phase1_auth_set="new"),
                     task("ipsec_phase1_auth_set", {"name": "old", "state": "absent"})).error is None
    assert lab.cmdlets[written:] == [("New-NetIPsecPhase1AuthSet", "new"), ("Set-NetIPsecRule", "iso"),
                                     ("Remove-NetIPsecPhase1AuthSet", "old")]


def test_a_set_of_the_host_is_judged_together_with_the_rule() -> None:
    lab = LabHost()
    assert lab.apply(a_set("ntlm", proposal=[{"machine": True, "ntlm": True}])).error is None
    (problem,) = errors(lab.plan(a_rule(phase1_auth_set="ntlm", key_module="ikev1")).diagnostics)
    assert "0x00200008" in problem.summary


def test_a_rule_that_names_nothing_but_sets_of_the_host_is_judged_with_them() -> None:
    lab = LabHost()
    assert lab.apply(a_set("ntlm", proposal=[{"machine": True, "ntlm": True}]),
                     task("ipsec_phase2_auth_set", {"name": "user", "proposal": [{"user": True, "kerberos": True}]}),
                     task("ipsec_quick_mode_crypto_set", {
                         "name": "crypto", "proposal": [{"encapsulation": "esp", "encryption": "aes256"}]}),
                     ).error is None
    (problem,) = errors(lab.plan(a_rule(phase1_auth_set="ntlm", phase2_auth_set="user", quick_mode_crypto_set="crypto",
                                        key_module="ikev1")).diagnostics)
    assert "0x00200008" in problem.summary
    assert " at play.yml" not in problem.detail


def test_the_place_of_a_declared_set_is_told_beside_one_of_the_host() -> None:
    lab = LabHost()
    assert lab.apply(a_set("ntlm", proposal=[{"machine": True, "ntlm": True}])).error is None
    second = at(7, "ipsec_phase2_auth_set", name="user", proposal=[{"user": True, "kerberos": True}])
    (problem,) = errors(lab.plan(second, a_rule(phase1_auth_set="ntlm", phase2_auth_set="user", key_module="ikev1")).diagnostics)
    assert problem.detail.endswith("(ipsec_phase2_auth_set user at play.yml:7)")


def test_sets_come_before_rules_and_go_after_them() -> None:
    lab = LabHost()
    policy = (a_rule(name="b", phase1_auth_set="s"), task("ipsec_rule", {"name": "a", "inbound_security": "none",
                                                                        "outbound_security": "none"}), a_set())
    assert lab.apply(*policy).error is None
    assert lab.cmdlets == [("New-NetIPsecPhase1AuthSet", "s"), ("New-NetIPsecRule", "a"), ("New-NetIPsecRule", "b")]
    assert lab.apply(*(task(t.kind, {"name": t.properties["name"], "state": "absent"}) for t in policy)).error is None
    assert lab.cmdlets[3:] == [("Remove-NetIPsecRule", "b"), ("Remove-NetIPsecRule", "a"), ("Remove-NetIPsecPhase1AuthSet", "s")]


def test_a_rule_whose_set_lives_in_another_store_is_reported() -> None:
    lab = LabHost()
    lab.machine.registry.set(rf"{POLICY}\ConSecRules", "stray", "v2.31|Action=Secure|Active=TRUE|Auth1Set=theirs|")
    lab.machine.registry.set(rf"{GROUP_POLICY}\Phase1AuthenticationSets\theirs", "Name", "x")
    assert "ipsec_rule stray names ipsec_phase1_auth_set theirs, which is not in its own store" in warned(lab, a_rule())


@pytest.mark.parametrize("named", ["theirs", PHASE1])
def test_a_rule_whose_set_is_in_its_own_store_or_the_default_is_not_reported(named: str) -> None:
    lab = LabHost()
    lab.machine.registry.set(rf"{POLICY}\ConSecRules", "stray", f"v2.31|Action=Secure|Active=TRUE|Auth1Set={named}|")
    lab.machine.registry.set(rf"{POLICY}\Phase1AuthenticationSets\theirs", "Name", "x")
    for name in ("theirs", PHASE1):
        lab.machine.registry.set(rf"{GROUP_POLICY}\Phase1AuthenticationSets\{name}", "Name", "x")
    assert "not in its own store" not in warned(lab, a_rule())


def test_a_declared_rule_cannot_use_a_set_of_group_policy() -> None:
    lab = LabHost()
    root = r"SOFTWARE\Policies\Microsoft\WindowsFirewall"
    lab.machine.registry.set(rf"{root}\Phase1AuthenticationSets\theirs", "Name", "x")
    (problem,) = errors(lab.plan(a_rule(phase1_auth_set="theirs")).diagnostics)
    assert "lives in the group_policy store" in problem.detail


def test_what_was_said_of_declared_sets_is_not_said_again_beside_one_that_is_missing() -> None:
    optional = [{"machine": True, "kerberos": True}, {"anonymous": True}]
    second = task("ipsec_phase2_auth_set", {"name": "users", "proposal": [{"user": True, "kerberos": True}, {"anonymous": True}]})
    rule = a_rule(phase1_auth_set="s", phase2_auth_set="users", quick_mode_crypto_set="nowhere")
    told = LabHost().plan(a_set(proposal=optional), second, rule).diagnostics
    assert ["nowhere" in d.summary for d in errors(told)] == [True]
    assert not any("both authentications are optional" in d.summary for d in told)


def test_what_was_said_of_declared_sets_is_not_said_again_where_the_host_has_them() -> None:
    optional = [{"machine": True, "kerberos": True}, {"anonymous": True}]
    policy = (a_set(proposal=optional), task("ipsec_phase2_auth_set", {"name": "users", "proposal": [
        {"user": True, "kerberos": True}, {"anonymous": True}]}), a_rule(phase1_auth_set="s", phase2_auth_set="users"))
    lab = LabHost()
    assert lab.apply(*policy).error is None
    assert not any("both authentications are optional" in d.summary for d in lab.plan(*policy).diagnostics)


def test_every_property_that_names_a_set_says_so() -> None:
    """By that it is made first, removed last, and told where it is declared absent."""
    named = {(kind.name, p.name): p.references for kind in KINDS.values() for p in kind.properties.values()
             if f"ipsec_{p.name}" in KINDS}
    assert len(named) == 5
    for (kind, name), references in named.items():
        assert references == f"ipsec_{name}", kind
