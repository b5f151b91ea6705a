"""Firewall, connection security and main mode rules: call → registry string or refusal, case by case."""

from typing import Any

import pytest
from lab_machine import cases, do, done, host, proposals, refused

from ringfence.lab import POLICY, Machine

DEFAULT_SETS = "".join(f"{token}={{E5A5D32A-4BCE-4e4d-B07F-4AB1BA7E5FE{n}}}|"
                       for token, n in (("Auth1Set", 3), ("Auth2Set", 4), ("Crypto2Set", 2)))


def _title(case: dict[str, Any]) -> str:
    return " ".join(f"{k}={v}" for k, v in case.items())[:150]


def _with_sets(on: Machine) -> Machine:
    def auth(name: str, noun: str, *methods: dict[str, Any]) -> None:
        done(on, f"New-{noun}", Name=name, DisplayName=name, Proposal=proposals("New-NetIPsecAuthProposal", methods))
    auth("kerb", "NetIPsecPhase1AuthSet", {"Machine": True, "Kerberos": True})
    auth("cert", "NetIPsecPhase1AuthSet", {"Machine": True, "Cert": True, "Authority": "CN=Root"})
    auth("psk", "NetIPsecPhase1AuthSet", {"Machine": True, "PreSharedKey": "k"})
    auth("user", "NetIPsecPhase2AuthSet", {"User": True, "Kerberos": True})
    quick = {"Encapsulation": "ESP", "ESPHash": "SHA1"}
    for name, given in (("esp", [quick]), ("clear", [quick, {"Encapsulation": "None"}])):
        done(on, "New-NetIPsecQuickModeCryptoSet", Name=name, DisplayName=name,
             Proposal=proposals("New-NetIPsecQuickModeCryptoProposal", given))
    done(on, "New-NetIPsecMainModeCryptoSet", Name="mm", DisplayName="mm",
         Proposal=proposals("New-NetIPsecMainModeCryptoProposal", [{"KeyExchange": "DH14"}]))
    return on


def _walk(on: Machine, case: dict[str, Any], noun: str, key: str, new: dict[str, Any]) -> None:
    answer = do(on, f"New-{noun}", {"Name": "x", "DisplayName": "X"} | new)
    if "set" in case:
        assert answer.error is None, answer.error
        answer = do(on, f"Set-{noun}", {"Name": "X"} | case["set"])
    if "refused" in case:
        refused(answer, case["refused"])
        return
    assert answer.error is None, answer.error
    held = str(on.registry.get(f"{POLICY}\\{key}", "x"))
    version, _, rest = held.partition("|")
    assert version == "v" + on.schema
    assert rest == case["gives"]


@pytest.mark.parametrize("case", cases("lab_firewall_rules"), ids=_title)
def test_firewall_rule(case: dict[str, Any]) -> None:
    on = host(os=case.get("os", "server2022"), schema=case.get("schema"))
    _walk(on, case, "NetFirewallRule", "FirewallRules", case["new"])


@pytest.mark.parametrize("case", cases("lab_ipsec_rules"), ids=_title)
def test_ipsec_rule(case: dict[str, Any]) -> None:
    on = _with_sets(host())
    on.schema = case.get("schema", on.schema)
    given = {**case, "gives": case["gives"].replace("|S", "|" + DEFAULT_SETS)} if "gives" in case else case
    if "main_mode" in case:
        _walk(on, given, "NetIPsecMainModeRule", "MainModeRules", case["main_mode"])
    else:
        _walk(on, given, "NetIPsecRule", "ConSecRules", case["new"])
