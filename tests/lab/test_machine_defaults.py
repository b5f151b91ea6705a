"""Windows' own policy on a simulated host: what ships with it, what is told of it, and that a real PowerShell tells the same."""

from typing import Any

import pytest
from lab_machine import ask, host

from ringfence.batch import Call
from ringfence.lab import POLICY, Machine, machine
from ringfence.lab.registry.hive import SYSTEM_DEFAULTS

RULES, SHIPPED = POLICY + r"\FirewallRules", SYSTEM_DEFAULTS + r"\FirewallRules"


def defaults(on: Machine) -> dict[str, Any]:
    value: dict[str, Any] = ask(on, Call("Defaults.Read"))[0].value
    return value


@pytest.mark.parametrize("os", ["server2022", "windows11"])
def test_the_shipped_policy_is_told_by_names(os: Any) -> None:
    """Counted in the one real hive that has both keys: all 345 shipped rules have texts `@…` and none is of a package."""
    on = machine("m", os)
    told = defaults(on)
    rows = dict(told["rows"])
    assert rows["FirewallRules"] == []
    assert "CoreNet-DHCP-In" in told["same"]
    assert "OpenSSH-Server-In-TCP" not in told["same"]
    assert all(on.registry.get(RULES, name) == on.registry.get(SHIPPED, name) for name in told["same"])
    assert all("|Name=@" in str(on.registry.get(SHIPPED, name)) for name in told["same"])
    assert not any("AppPkgId" in str(v.data) or "PFN=" in str(v.data) for v in on.registry.key(SHIPPED).values.values())  # type: ignore[union-attr]
    assert ["EnableFirewall", "DWord", 1] in rows["DomainProfile"]
    assert (told["language"], told["unread"]) == ("en-US", [])


def test_a_rule_that_is_not_as_shipped_is_told_whole() -> None:
    on = host()
    shipped = {name: str(on.registry.get(SHIPPED, name)) for name in ("CoreNet-DHCP-In", "WINRM-HTTP-In-TCP")}
    on.registry.set(RULES, "CoreNet-DHCP-In", shipped["CoreNet-DHCP-In"].replace("Active=TRUE", "Active=FALSE"))
    on.registry.unset(RULES, "WINRM-HTTP-In-TCP")
    told = defaults(on)
    assert sorted(dict(told["rows"])["FirewallRules"]) == sorted([n, "String", text] for n, text in shipped.items())
    assert not set(shipped) & set(told["same"])


def test_a_host_whose_shipped_policy_was_deleted() -> None:
    on = host()
    on.registry.delete(SYSTEM_DEFAULTS)
    assert defaults(on) == {"rows": [], "same": [], "language": "en-US", "unread": []}
