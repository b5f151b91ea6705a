"""What Windows keeps in one filter object is written as a whole, by every kind: a Set- that names one part replaces all.

The members are those of the objects on Microsoft's pages of Get-NetFirewallAddressFilter, -PortFilter, -ApplicationFilter and
-SecurityFilter; those of connection security rules have the first two as well. What they ask for in both directions is one action
of the rule, and a tunnel is one with its ends ([MS-FASP] 2.2.52, 2.2.55).
"""

from collections.abc import Iterator
from typing import Any

import pytest
from core import KINDS, facts

from ringfence.model.resource import Kind
from ringfence.model.state import Change, id_of
from ringfence.windows.calls import cmdlet_calls

FILTERS = {
    "address": {"LocalAddress", "RemoteAddress"},
    "port": {"Protocol", "LocalPort", "RemotePort", "IcmpType", "DynamicTarget"},
    "application": {"Program", "Package"},
    "security": {"Authentication", "Encryption", "OverrideBlockRules", "LocalUser", "RemoteUser", "RemoteMachine"},
    "action": {"InboundSecurity", "OutboundSecurity"},
    "tunnel": {"Mode", "LocalTunnelEndpoint", "RemoteTunnelEndpoint", "RemoteTunnelHostname"},
}
# parameter: two values of its property, as YAML says them
VALUES: dict[str, tuple[Any, Any]] = {
    "LocalAddress": ("10.0.0.1", "10.0.0.2"), "RemoteAddress": ("10.1.0.0/16", "10.2.0.0/16"), "Protocol": ("tcp", "udp"),
    "LocalPort": (80, 81), "RemotePort": (90, 91), "IcmpType": (8, 0),
    "DynamicTarget": ("wifi_direct_printing", "proximity_apps"), "Program": ("C:\\a.exe", "C:\\b.exe"),
    "Package": ("S-1-15-2-1", "S-1-15-2-2"), "Authentication": ("required", "no_encap"), "Encryption": ("required", "dynamic"),
    "OverrideBlockRules": (True, False), "LocalUser": ("S-1-5-11", "S-1-5-9"), "RemoteUser": ("S-1-5-11", "S-1-5-9"),
    "RemoteMachine": ("S-1-5-11", "S-1-5-9"), "InboundSecurity": ("require", "request"),
    "OutboundSecurity": ("require", "request"), "Mode": ("tunnel", "transport"),
    "LocalTunnelEndpoint": ("192.0.2.1", "192.0.2.2"),
    "RemoteTunnelEndpoint": ("192.0.2.3", "192.0.2.4"), "RemoteTunnelHostname": ("a.example.com", "b.example.com"),
}


def changes() -> Iterator[Any]:
    for kind in KINDS.values():
        names = {p.parameter: p.name for p in kind.properties.values()}
        for members in FILTERS.values():
            for changed in sorted(members & set(names)):
                for kept in sorted(members & set(names) - {changed}):
                    yield pytest.param(kind, names[changed], names[kept], id=f"{kind.name}-{changed}-{kept}")


@pytest.mark.parametrize(("kind", "changed", "kept"), list(changes()))
def test_a_change_of_one_member_says_the_others_too(kind: Kind, changed: str, kept: str) -> None:
    table = kind.properties
    said = {name: VALUES[table[name].parameter] for name in (changed, kept)}
    usual = {**{p.name: p.default for p in table.values()}, **({"mode": "tunnel"} if "mode" in table else {})}
    before, after = (kind.create("r", {**usual, **{
        name: table[name].type.parse(values[which if name == changed else 0]) for name, values in said.items()}})
        for which in (1, 0))
    (call,) = cmdlet_calls([Change(id_of(after), before, after)], facts().aliases).values()
    assert {table[changed].parameter, table[kept].parameter} <= set(call.args["parameters"])


def test_every_kind_with_filters_is_tried() -> None:
    assert {p.values[0].name for p in changes()} == {"firewall_rule", "ipsec_rule", "ipsec_main_mode_rule"}
