"""Rules that Windows takes and that nothing ever meets are told before any host is touched."""

from typing import Any

import pytest
from core import RULE, cases, declare, task

from ringfence.diagnostics import Where

SECURED = {"inbound_security": "require", "outbound_security": "request"}
SETS = [task("ipsec_phase2_auth_set", {"name": "users", "proposal": [{"user": True, "kerberos": True}, {"anonymous": True}]}),
        task("ipsec_phase2_auth_set", {"name": "health", "proposal": {
            "machine": True, "cert": True, "authority": "CN=x", "health": True}})]


@pytest.mark.parametrize("case", cases("matches_nothing"), ids=lambda c: str(c["say"]))
def test_what_matches_nothing(case: dict[str, Any]) -> None:
    kind = case.get("kind", "firewall_rule")
    said = {"name": "r", **SECURED, **case["say"]} if kind == "secured" else {"name": "r", **case["say"]}
    places = {name: Where("play.yml", number) for number, name in enumerate(said, 2)}
    rule = task("ipsec_rule" if kind == "secured" else kind, said, Where("play.yml", 1), places)
    declared, problems = declare(*SETS, rule)
    assert [p.severity for p in problems] == ["warning"] * len(case.get("told", ()))
    assert [p.where for p in problems] == [places[name] for name in case.get("told", ())]
    assert all("matches nothing: " in p.summary for p in problems)
    assert "way_out" not in case or [p.detail for p in problems] == [case["way_out"]]
    assert len(declared) == 3


@pytest.mark.parametrize(("pieces", "told"), [
    ("Protocol=1|RA6=2001:db8::1|", True), ("Protocol=1|RA6=2001:db8::1|RA42=Mars|", False),
    ("Protocol=1|RA6=2001:db8::1|RA6=fe80::1%3|", False),
    ("Protocol=1|RA4=10.0.0.1|LA6=2001:db8::1|LA4=Mars|", False), ("RA6=::ffff:10.0.0.0/33|RA6=fe80::1%3|", False),
    ("RA6=::ffff:10.0.0.1|", True), ("Protocol=1|RA6=2001:db8::1|LOM=TRUE|", False)])
def test_what_nobody_understands_or_heeds_may_match_something(pieces: str, told: bool) -> None:
    found = RULE.read_string("r", f"v2.31|Action=Allow|Active=TRUE|Dir=In|{pieces}")
    assert any("matches nothing: " in finding.reason for finding in found.check()) == told
