"""What a host holds and nobody understands: it is said so, it decides nothing for certain, and it stops nothing."""

from typing import Any

import pytest
from chance import by_chance
from core import KINDS, cases
from every_use import policy_of, state_of, used
from hypothesis import given
from hypothesis import strategies as st
from rule_strategies import among

from ringfence.model.resource import Kind
from ringfence.model.storage import RuleStrings
from ringfence.policy.flow import Flow, number_of
from ringfence.views.meaning import meaning_text

CASES = cases("not_understood")
SOMEBODY = number_of("10.0.0.1")


@pytest.mark.parametrize("case", CASES["rules"], ids=lambda case: str(case["string"]))
def test_a_rule_that_is_not_understood(case: dict[str, Any]) -> None:
    """What is shown of it, and what becomes of a connection beside it, which it may be about or is not."""
    rows = {"FirewallRules": [[f"b{n}", "String", string] for n, string in enumerate(case.get("beside", []))]}
    rows.setdefault(case.get("key", "FirewallRules"), []).append(["r", "String", case["string"]])
    state = state_of([list(row) for row in rows.items()], everywhere=False)
    (found,) = [r for r in state.values() if r.name == "r"]
    assert meaning_text(found) == case["shown"]
    verdict = policy_of(state).verdict(_flow(case.get("flow", {})))
    assert verdict.action == case["action"]
    assert [d.text for d in verdict.doubts if d.id and d.id.name == "r"] == case.get("doubts", [])


def _flow(said: dict[str, Any]) -> Flow:
    return Flow(**{"direction": "inbound", "protocol": 6, "remote_address": SOMEBODY, "local_port": 80, "remote_port": 50_000,
                   "program": "System", "service": "", "user": "S-1-5-18", "package": "", "security": "clear", **said})


@pytest.mark.parametrize("case", CASES["settings"], ids=lambda case: str(case["values"]))
def test_a_setting_that_is_not_understood(case: dict[str, Any]) -> None:
    values = [[name, case.get("type", "DWord"), data] for name, data in case["values"].items()]
    state = state_of([["PublicProfile", values]], everywhere=False)
    verdict = policy_of(state).verdict(_flow({}))
    assert verdict.action == case["action"]
    assert case.get("doubt", "") in "; ".join(doubt.text for doubt in verdict.doubts)


def tokens(kind: Kind) -> list[str]:
    return sorted({token for p in kind.properties.values() for token in getattr(p.codec, "tokens", ())})


OF_KEYS = {kind.storage.subkey: kind for kind in KINDS.values() if isinstance(kind.storage, RuleStrings)}
DATA = st.one_of(
    among("TRUE FALSE x In Out Both Allow Block ByPass Secure DoNotSecure Boundary weird 6 17 1 58 256 999 -1 8:* x:* : - 5- 9-3 "
          "80 RPC LocalSubnet LocalSubnet4 10.0.0.0/33 10.0.0.9-10.0.0.1 ::/200 fe80::1%3 fe80:zz Domain Cellar Lan Carrier 2: "
          "2:6:2 a:b:c GTEQ D: D:( D:(A O:LSD:(A;;CC;;;WD) D:(XA;;CC;;;WD;(a== S-1- S-1-5-18 S-1-15-2- { {x} * % App User "
          "Authenticate",
          "", ","),
    st.text(max_size=6))


def strings(key: str) -> st.SearchStrategy[tuple[str, str]]:
    piece = st.tuples(st.sampled_from(tokens(OF_KEYS[key])), DATA).map("=".join)
    usual = st.sampled_from([
        "Action=Allow|Active=TRUE|Dir=In|", "Action=Block|Active=TRUE|Dir=In|Protocol=6|", "Active=TRUE|",
        "Action=Allow|Dir=Out|", "Action=Allow|Active=TRUE|Dir=In|Protocol=6|LPort=80|", "Action=Secure|Active=TRUE|", ""])
    return st.tuples(st.just(key), st.tuples(usual, st.lists(piece, max_size=4)).map(
        lambda s: f"v2.33|{s[0]}{'|'.join(s[1])}|"))


RULES = st.lists(st.sampled_from(sorted(OF_KEYS)).flatmap(strings), min_size=1, max_size=4)
VALUES = [(path, codec) for kind in KINDS.values() if not isinstance(kind.storage, RuleStrings)
          for codec in kind.registry_values.values()
          for path in (("", "DomainProfile", "PublicProfile", "StandardProfile") if kind.storage.keys else ())]
STORED = st.one_of(st.sampled_from([0, 1, 2, 9, -1, 10**4000, True, None, 1.5, float("nan"), float("inf"), [], [1], {"a": 1}, "",
                                    "x", "9" * 5000, "D:(A", ","]), st.text(max_size=5))
SETTINGS = st.lists(st.tuples(st.sampled_from(VALUES), STORED).map(lambda s: [
    "\\".join(filter(None, (s[0][0], s[0][1].path))), [[s[0][1].name, s[0][1].type, s[1]]]]), max_size=4)


@given(RULES, SETTINGS)
@by_chance(400)
def test_nothing_that_a_host_holds_stops_anything(rules: list[tuple[str, str]], settings: list[Any]) -> None:
    """Rule strings and settings of any text: read, shown, asked about connections, planned for, guarded."""
    rows = [[key, [[name, "String", string] for n, (at, string) in enumerate(rules) if at == key
                   for name in (("r", "gone", "narrow", "x")[n],)]] for key in OF_KEYS]
    used(state_of([*rows, *settings], everywhere=False))
