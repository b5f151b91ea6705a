"""Rules that Windows takes and that nothing ever meets are told before any host is touched."""

from typing import Any

import pytest
from core import cases, declare, task

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
