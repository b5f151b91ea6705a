"""Authentication and crypto sets beyond the cases: defaults, use, removal, stores."""

from typing import Any

import pytest
from lab_cases import SETS as NOUNS
from lab_cases import proposals
from lab_machine import do, done, host, refused

from ringfence.batch import Answer
from ringfence.lab import GROUP_POLICY, POLICY, Machine

PRIMARY = {kind: f"{{E5A5D32A-4BCE-4e4d-B07F-4AB1BA7E5FE{n}}}" for kind, n in (("MM", 1), ("QM", 2), ("P1", 3), ("P2", 4))}
SAMPLE: dict[str, dict[str, Any]] = {
    "P1": {"Machine": True, "Kerberos": True}, "P2": {"User": True, "Kerberos": True}, "MM": {"KeyExchange": "DH14"},
    "QM": {"Encapsulation": "ESP", "ESPHash": "SHA1"}}


def new(on: Machine, kind: str, name: str, given: list[dict[str, Any]] | None = None, **options: Any) -> Answer:
    noun, _, cmdlet = NOUNS[kind]
    return do(on, f"New-{noun}", {"Name": name, "DisplayName": "X",
                                  "Proposal": proposals(cmdlet, [SAMPLE[kind]] if given is None else given)} | options)


def tree(on: Machine, path: str) -> dict[str, dict[str, Any]]:
    return {relative: {v.name: v.data for v in key.values.values()} for relative, key in on.registry.tree(path)}


@pytest.mark.parametrize("kind", NOUNS)
def test_default_set_local_and_in_group_policy(kind: str) -> None:
    on, key = host(), NOUNS[kind][1]
    assert new(on, kind, "ignored", Default=True).error is None
    assert f"{PRIMARY[kind]}\\0000" in tree(on, f"{POLICY}\\{key}")
    refused(new(on, kind, "again", Default=True), 183)
    assert new(on, kind, "gpo-default", Default=True, PolicyStore="localhost").error is None
    held = tree(on, f"{GROUP_POLICY}\\{key}")
    assert held[""] == {PRIMARY[kind]: "gpo-default"}
    assert PRIMARY[kind] not in held
    assert "gpo-default\\0000" in held
    refused(new(on, kind, "second", Default=True, PolicyStore="localhost"), 183)
    done(on, f"Remove-{NOUNS[kind][0]}", Name="gpo-default", PolicyStore="localhost")
    assert tree(on, f"{GROUP_POLICY}\\{key}") == {"": {}}
    done(on, f"Copy-{NOUNS[kind][0]}", Name=PRIMARY[kind], NewPolicyStore="localhost")
    held = tree(on, f"{GROUP_POLICY}\\{key}")
    assert f"{held[''][PRIMARY[kind]]}\\0000" in held
    assert PRIMARY[kind] not in held


@pytest.mark.parametrize(("kind", "rule", "parameter"), [
    ("P1", "NetIPsecRule", "Phase1AuthSet"), ("P2", "NetIPsecRule", "Phase2AuthSet"),
    ("QM", "NetIPsecRule", "QuickModeCryptoSet"), ("MM", "NetIPsecMainModeRule", "MainModeCryptoSet"),
    ("P1", "NetIPsecMainModeRule", "Phase1AuthSet")])
def test_a_set_in_use_stays(kind: str, rule: str, parameter: str) -> None:
    on, noun = host(), NOUNS[kind][0]
    assert new(on, kind, "s").error is None
    secure = {"InboundSecurity": "Require", "OutboundSecurity": "Request"} if rule == "NetIPsecRule" else {}
    done(on, f"New-{rule}", Name="r", DisplayName="R", **{parameter: "S"}, **secure)
    refused(do(on, f"Remove-{noun}", {"Name": "s"}), 2402)
    refused(do(on, f"Rename-{noun}", {"Name": "s", "NewName": "t"}), 2402)
    done(on, f"Remove-{rule}", Name="r")
    done(on, f"Rename-{noun}", Name="s", NewName="t")
    done(on, f"Copy-{noun}", Name="t", NewName="u")
    done(on, f"Remove-{noun}", Name="t")
    assert list(tree(on, f"{POLICY}\\{NOUNS[kind][1]}")) == ["", "u", "u\\0000"]


def test_the_primary_set_can_go_though_rules_name_it() -> None:
    on = host()
    assert new(on, "P1", "p", Default=True).error is None
    done(on, "New-NetIPsecRule", Name="r", DisplayName="R", InboundSecurity="Require", OutboundSecurity="Request")
    done(on, "Remove-NetIPsecPhase1AuthSet", Name=PRIMARY["P1"])


def test_a_rule_takes_sets_of_its_own_store_only() -> None:
    on = host()
    assert new(on, "P1", "local").error is None
    rule = {"Name": "r", "DisplayName": "R", "InboundSecurity": "Require", "OutboundSecurity": "Request",
            "Phase1AuthSet": "local", "PolicyStore": "localhost"}
    refused(do(on, "New-NetIPsecRule", rule), 0x00200001)
    done(on, "Copy-NetIPsecPhase1AuthSet", Name="local", NewPolicyStore="localhost")
    done(on, "New-NetIPsecRule", **rule)


def test_proposals_of_another_kind_are_refused() -> None:
    on = host()
    wrong = proposals("New-NetIPsecMainModeCryptoProposal", [SAMPLE["MM"]])
    refused(do(on, "New-NetIPsecPhase1AuthSet", {"Name": "x", "DisplayName": "X", "Proposal": wrong}), 87)
    refused(do(on, "New-NetIPsecPhase1AuthSet", {"Name": "x", "DisplayName": "X", "Proposal": ["text"]}),
            "ParameterArgumentTransformationError")
