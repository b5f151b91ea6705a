"""A rule that restricts nothing beside what else a host lets in is told."""

from typing import Any

import pytest
from core import at, cases
from hosts import LabHost

from ringfence.lab import GROUP_POLICY, MDM, POLICY


@pytest.mark.parametrize("case", cases("open_beside"), ids=lambda c: str(c["declared"]))
def test_what_else_lets_in(case: dict[str, Any]) -> None:
    host = LabHost({name: f"v2.31|{text}Name={name}|" for name, text in case.get("found", {}).items()})
    for name, text in case.get("gpo", {}).items():
        host.machine.registry.set(GROUP_POLICY + r"\FirewallRules", name, f"v2.31|{text}Name={name}|")
    for profile, action in case.get("default", {}).items():
        key = POLICY + rf"\{profile.title()}Profile"
        host.machine.registry.set(key, "DefaultInboundAction", ["allow", "block"].index(action))
    for profile, action in case.get("mdm", {}).items():
        host.machine.registry.set(MDM + rf"\{profile.title()}Profile", "DefaultInboundAction", ["allow", "block"].index(action))
    for profile in ("Domain", "Private", "Public") if case.get("off") else ():
        host.machine.registry.set(POLICY + rf"\{'Standard' if profile == 'Private' else profile}Profile", "EnableFirewall", 0)
    found = [d for d in host.plan(at(1, name="r", **case["declared"])).diagnostics if "restrict" in d.summary]
    assert len(found) == bool(case["warns"])
    for told in found:
        assert told.severity == "warning"
        assert told.where.line == 3 + list(case["declared"]).index(case.get("at", "remote_address"))  # below the name
        assert f": {', '.join(case['warns'])} on the host" in told.summary
        by_default = any("default_inbound_action" in name for name in case["warns"])
        assert ("keeps out what no rule lets in" in told.detail) == by_default


def test_windows_own_rule_is_narrowed_by_declaring_it() -> None:
    host = LabHost({"WINRM": "v2.31|Action=Allow|Active=TRUE|Dir=In|Protocol=6|LPort=5985|App=System|Name=WINRM|"})
    ours = at(1, name="r", protocol="tcp", local_port=5985, remote_address="10.0.0.0/8")
    theirs = at(9, name="WINRM", protocol="tcp", local_port=5985, program="System", remote_address="10.0.0.0/8")
    assert [d.severity for d in host.plan(ours).diagnostics] == ["warning"]
    assert host.plan(ours, theirs).diagnostics == ()


def test_a_host_full_of_open_rules_costs_little() -> None:
    """Counted, not timed: each declared rule is compared with a bounded number of others."""
    from ringfence.plan import open_beside

    looked_at = 0

    def counted(other: Any, declared: Any) -> bool:
        nonlocal looked_at
        looked_at += 1
        return False

    wide = "v2.31|Action=Allow|Active=TRUE|Dir=In|Protocol=6|LPort2_10=1-65535|Name=x|"
    one = wide.replace("LPort2_10=1-65535", "LPort=80")
    host = LabHost({f"w{i}": wide for i in range(3000)} | {f"p{i}": one for i in range(3000)})
    declared = [at(i, name=f"r{i}", protocol="tcp", local_port=80, remote_address="10.0.0.0/8") for i in range(20)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(open_beside, "_covers", counted)
        host.plan(*declared)
    assert 0 < looked_at <= 20 * 200
