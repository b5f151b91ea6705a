"""Which changes may stop what passes: of the others no host is asked, and nothing is held up."""

from typing import Any

import pytest
from core import KINDS, PROFILE, RULE

from ringfence.model.resource import Resource
from ringfence.model.state import Change, id_of
from ringfence.plan.guard import may_close

IPSEC, SET, SETTING = KINDS["ipsec_rule"], KINDS["ipsec_phase1_auth_set"], KINDS["firewall_setting"]
ALLOW: dict[str, Any] = {"protocol": "tcp", "local_port": ("443",)}
BLOCK: dict[str, Any] = {**ALLOW, "action": "block"}
OFF = {"enabled": False}
EXEMPT = {"inbound_security": "none", "outbound_security": "none"}
SECURE = {"inbound_security": "require", "outbound_security": "request"}


def rule(values: dict[str, Any] | None) -> Resource | None:
    return None if values is None else RULE.create("r", values)


@pytest.mark.parametrize(("before", "after", "closes"), [
    (None, ALLOW, False), (None, BLOCK, True), (None, BLOCK | OFF, False), (None, ALLOW | OFF, False),
    (ALLOW, None, True), (ALLOW | OFF, None, False), (BLOCK, None, False), (BLOCK | OFF, None, False),
    (ALLOW, ALLOW | OFF, True), (ALLOW | OFF, ALLOW, False), (BLOCK, BLOCK | OFF, False), (BLOCK | OFF, BLOCK, True),
    (ALLOW | OFF, BLOCK | OFF, False), (ALLOW, BLOCK | OFF, True), (ALLOW | OFF, BLOCK, True), (BLOCK | OFF, ALLOW, False),
    (ALLOW, BLOCK, True), (BLOCK, ALLOW, False),
    (ALLOW, ALLOW | {"remote_address": ("10.0.0.1",)}, True), (ALLOW | {"remote_address": ("10.0.0.1",)}, ALLOW, False),
    (BLOCK, BLOCK | {"remote_address": ("10.0.0.1",)}, False), (BLOCK | {"remote_address": ("10.0.0.1",)}, BLOCK, True),
    (ALLOW, ALLOW | {"description": "of the shop"}, False), (BLOCK, BLOCK | {"description": "of the shop"}, False),
])
def test_rules_of_the_firewall(before: dict[str, Any] | None, after: dict[str, Any] | None, closes: bool) -> None:
    one, other = rule(before), rule(after)
    assert may_close(Change(id_of(one or other), one, other)) == closes  # type: ignore[arg-type]


@pytest.mark.parametrize(("before", "after", "closes"), [
    (None, EXEMPT, False), (None, SECURE, True), (None, SECURE | OFF, False), (EXEMPT, None, True), (EXEMPT | OFF, None, False),
    (SECURE, None, False), (EXEMPT, EXEMPT | OFF, True), (EXEMPT | OFF, EXEMPT, False),
    (SECURE, SECURE | OFF, False), (SECURE | OFF, SECURE, True),
    (EXEMPT, SECURE, True), (SECURE | {"inbound_security": "request"}, SECURE, True),
    (SECURE, SECURE | {"description": "x"}, False),
])
def test_rules_of_ipsec(before: dict[str, Any] | None, after: dict[str, Any] | None, closes: bool) -> None:
    """What is required, or no longer exempt, is closed to what comes in clear."""
    one, other = (None if values is None else IPSEC.create("i", values) for values in (before, after))
    assert may_close(Change(id_of(one or other), one, other)) == closes  # type: ignore[arg-type]


@pytest.mark.parametrize(("store", "before", "after", "closes"), [
    ("local", {"default_inbound_action": "allow"}, {"default_inbound_action": "block"}, True),
    ("local", {"default_inbound_action": "allow"}, {}, True),  # Windows' own default blocks
    ("local", {}, {"default_inbound_action": "block"}, False),
    ("local", {"log_blocked": False}, {"log_blocked": True}, False),
    ("local", {"default_inbound_action": "allow", "log_blocked": False}, {"default_inbound_action": "allow", "log_blocked": True},
     False),
    ("local", {}, {"allow_local_firewall_rules": False}, False),  # [MS-FASP] 3.1.3: it is taken from policies alone
    ("group_policy", None, {"allow_local_firewall_rules": False}, True),
    ("group_policy", None, {"allow_local_ipsec_rules": False}, True),
    ("group_policy", None, {"log_blocked": True}, False),
    ("group_policy", None, {"default_inbound_action": "block"}, True),  # the host's own may be another
    ("group_policy", {"default_inbound_action": "allow"}, None, True),
    ("group_policy", {"log_blocked": True}, None, False),
])
def test_settings(store: str, before: dict[str, Any] | None, after: dict[str, Any] | None, closes: bool) -> None:
    one, other = (None if values is None else PROFILE.create("domain", values) for values in (before, after))
    assert may_close(Change(id_of(one or other, store), one, other)) == closes  # type: ignore[arg-type]


def test_what_is_no_rule_and_no_setting_closes_nothing_itself() -> None:
    """A set does nothing with traffic: what both sides agree on by it is another question."""
    sets = [SET.create("s", {"proposal": ()}), SET.create("s", {"display_name": "x"})]
    for before, after in ((None, sets[0]), (sets[0], sets[1]), (sets[0], None)):
        assert not may_close(Change(id_of(sets[0]), before, after))


def test_what_writes_nothing_closes_nothing() -> None:
    """Rules that come to be the project's, or are let go of, stay as they are."""
    allow, block = rule(ALLOW), rule(BLOCK)
    assert allow is not None
    assert not any(may_close(Change(id_of(allow), one, one, as_action=how))
                   for one in (allow, block) for how in ("adopt", "release"))
