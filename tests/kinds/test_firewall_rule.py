"""firewall_rule: what a play says, what Windows stores, what the cmdlets are told; what Windows refuses."""

import time
from typing import Any

import pytest
from chance import by_chance
from core import RULE, afresh, at, cases, declare, facts, rule, task
from hosts import LabHost
from hypothesis import example, given
from hypothesis import strategies as st
from rule_strategies import PIECE, STRING, rules

from ringfence.batch import Batch
from ringfence.model.state import Change, State, diff, id_of
from ringfence.windows.calls import cmdlet_calls

FORMS: list[dict[str, Any]] = cases("firewall_rules")


def named(string: str) -> str:
    return string[:60]


@pytest.mark.parametrize("case", FORMS, ids=[named(c["string"]) for c in FORMS])
def test_a_string_reads_as_the_properties_say(case: dict[str, Any]) -> None:
    declared, found = rule(display_name="N", **case["properties"]), RULE.read_string("r", "v2.31|" + case["string"])
    assert found.values() == declared.values()
    assert sorted(found.unknown_tokens) == sorted(case.get("extra", ()))


@pytest.mark.parametrize("case", FORMS, ids=[named(c["string"]) for c in FORMS])
def test_it_is_written_as_windows_writes_it(case: dict[str, Any]) -> None:
    found = RULE.read_string("r", "v2.31|" + case["string"])
    written = afresh(found)
    assert RULE.read_string("r", written) == found
    if case.get("only") != "read":
        assert written == "v2.31|" + case["string"]


@pytest.mark.parametrize("case", [c for c in FORMS if "new" in c], ids=[named(c["string"]) for c in FORMS if "new" in c])
def test_the_cmdlet_is_told_what_is_not_its_default(case: dict[str, Any]) -> None:
    declared = rule(display_name="N", **case["properties"])
    (call,) = cmdlet_calls([Change(id_of(declared), None, declared)], facts().aliases).values()
    assert call.args["cmdlet"] == "New-NetFirewallRule"
    assert call.args["parameters"] == {"Name": "r", "DisplayName": "N", **case["new"]}


@pytest.mark.parametrize("prefix", ["v2.0", "V2.0", "v2.33", "V4.0", "V2.31", "v255.255"])
def test_any_version_prefix_reads_alike(prefix: str) -> None:
    assert RULE.read_string("r", f"{prefix}|Action=Allow|Active=TRUE|Dir=In|Name=N|") == rule(display_name="N")


def test_without_action_or_direction_nothing_is_assumed() -> None:
    """Windows demands both; a string without them is not an inbound allow rule. The one that is there says what it says."""
    for string, said in (("v2.31|Name=N|", (None, None)), ("v2.31|Dir=In|", ("inbound", None)), (
            "v2.31|Action=Allow|", (None, "allow")), ("v2.31|Action=Perhaps|Dir=In|", ("inbound", None)), (
            "v2.31|Action=Block|Dir=Both|", (None, "block")), ("v2.31|Action=ByPass|Dir=Out|", (None, "allow"))):
        found = RULE.read_string("r", string)
        assert (found.direction, found.action) == said  # type: ignore[attr-defined]
        assert RULE.read_string("r", afresh(found)) == found


@pytest.mark.parametrize("case", cases("unknown_conditions"), ids=lambda c: str(c["string"]))
def test_a_condition_nobody_understands_never_widens_a_rule(case: dict[str, Any]) -> None:
    found = RULE.read_string("r", f"v2.31|Action=Allow|Active=TRUE|Dir=In|Name=N|{case['string']}")
    assert getattr(found, case["property"]) == tuple(case["value"])
    assert RULE.read_string("r", afresh(found)) == found


REFUSALS: list[dict[str, Any]] = cases("refusals")


@pytest.mark.parametrize("case", REFUSALS, ids=[str(c["say"]) for c in REFUSALS])
def test_what_windows_refuses_is_found_before_any_host_is_touched(case: dict[str, Any]) -> None:
    """With the reason, a way out, and at the line of the property that is wrong."""
    task = at(10, **{"name": "r", **case["say"]})
    wanted, problems = declare(task)
    assert not wanted
    matching = [p for p in problems if str(case.get("code", case.get("words", ""))) in p.summary]
    assert matching, [str(p) for p in problems]
    assert matching[0].where == task.locations.get(case["wrong"], task.where)
    assert case.get("advice", "") in matching[0].detail
    assert matching[0].detail or case["wrong"] == "name"


@pytest.mark.parametrize("properties", [
    {"edge_traversal_policy": "defer_to_user", "program": "C:\\a.exe", "protocol": "udp", "profile": "public"},
    {"remote_machine": "S-1-5-11", "authentication": "required", "direction": "outbound"},
    {"override_block_rules": True, "authentication": "no_encap", "remote_machine": "S-1-5-11"},
    {"remote_address": ["ff02::1", "224.0.0.252", "255.255.255.255", "0.0.0.0-255.255.255.255"]},
    {"loose_source_mapping": True, "direction": "outbound"},
    {"name": "TCP Query User{996A56D3-5CAF-4181-8D40-359ACE5167AA}C:\\users\\user\\app.exe"},
    {"name": "x" * 511, "display_name": "y" * 9999},
    {"name": "All", "display_name": "not all"}, {"display_name": ""},
])
def test_what_windows_allows_is_allowed(properties: dict[str, Any]) -> None:
    _, problems = declare(task("firewall_rule", {"name": "r", **properties}))
    assert problems == []


@pytest.mark.parametrize(("properties", "warned"), [
    ({"program": "x.exe"}, "is no path"), ({"program": "\u200eC:\\x.exe"}, "U+200E"),
    ({"program": r"$env:ProgramFiles\x.exe"}, "a variable of PowerShell"),
    ({"program": r"%LOCALAPPDATA%\App\x.exe"}, "each user"),
    ({"program": r"%UserProfile%\x.exe"}, "each user"), ({"program": r"%TEMP%\x.exe"}, "each user"),
    ({"program": "C:\\App\\"}, "is a folder"), ({"program": r"C:\App\x.exe"}, ""), ({"program": "System"}, ""),
    ({"program": r"%SystemRoot%\system32\svchost.exe"}, ""),
    ({"service": "*"}, "every program that runs as a service"), ({"service": "*", "program": r"C:\App\x.exe"}, ""),
    ({"service": "*", "action": "block"}, ""), ({"service": "*", "enabled": False}, ""), ({"service": "Dhcp"}, ""),
    ({"service": "*", "direction": "outbound"}, ""), ({"program": "C:\\Überall\\x.exe"}, ""),
    ({"local_only_mapping": True, "remote_address": "10.0.0.1"}, "it does not count: with local_only_mapping"),
    ({"local_only_mapping": True, "protocol": "tcp", "remote_port": 99}, "it does not count: with local_only_mapping"),
    ({"local_only_mapping": True, "protocol": "tcp", "local_port": 99, "local_address": "10.0.0.1"}, ""),
    ({"local_only_mapping": True, "remote_address": "10.0.0.1", "action": "block"}, "")])
def test_what_means_something_else_is_warned_of(properties: dict[str, Any], warned: str) -> None:
    declarations, problems = declare(task("firewall_rule", {"name": "r", **properties}))
    assert [p.severity for p in problems] == ["warning"] * bool(warned)
    assert all(warned in p.summary for p in problems)
    assert declarations


def test_several_dynamic_targets_are_a_warning() -> None:
    several = {"dynamic_target": ["proximity_apps", "proximity_sharing"]}
    for said, wanted in (several, [("warning", True)]), ({"dynamic_target": "proximity_apps"}, []):
        declarations, problems = declare(task("firewall_rule", {"name": "r", **said}))
        assert [(p.severity, "one target" in p.summary and "a rule for each" in p.detail) for p in problems] == wanted
        assert declarations


def test_no_list_is_longer_than_windows_keeps() -> None:
    def problems(**properties: Any) -> list[str]:
        return [str(p) for p in declare(task("firewall_rule", {"name": "r", **properties}))[1]]

    four, six = [f"10.{i // 128}.{i % 128 * 2}.1" for i in range(1001)], [f"2001:db8:{i:x}::/48" for i in range(0, 2002, 2)]
    assert problems(remote_address=[*four[1:], *six[1:]]) == []
    assert "1001 members" in problems(remote_address=four)[0]
    assert "1001 members" in problems(remote_address=six)[0]
    assert "1001 members" in problems(protocol="tcp", local_port=[*range(1, 2003, 2)])[0]
    assert problems(protocol="tcp", local_port=[*range(1, 2003)]) == []  # one range
    ranges = [f"172.{i // 128}.{i % 128 * 2}.1-172.{i // 128}.{i % 128 * 2}.9" for i in range(1001)]
    assert problems(remote_address=[*four[1:], *ranges[1:]]) == []
    assert "1001 members" in problems(remote_address=ranges)[0]
    of_both = [*range(1, 1201, 2), *(f"{n}-{n + 1}" for n in range(2000, 3500, 3))]
    assert "1100 members" in problems(protocol="tcp", local_port=of_both)[0]


def test_no_name_is_longer_than_windows_keeps() -> None:
    assert "1 to 511 characters, not 512" in str(declare(task("firewall_rule", {"name": "x" * 512}))[1][0])


def test_the_switch_of_single_ports_holds_for_a_rule_as_it_is_now() -> None:
    """[MS-FASP] 2.2.38, GLOBAL_PORTS_ALLOW_USER_PREF_MERGE: however many entries it was read with."""
    stored = RULE.read_string("r", "v2.31|Action=Allow|Active=TRUE|Dir=In|Protocol=6|LPort=443|LPort=444|Name=r|")
    for found, holds in ((stored, False), (stored.replace(description="d"), False), (stored.replace(local_port=("443",)), True)):
        judged = found.as_filter()
        assert judged is not None
        assert ("allow_user_ports" in judged.merged_by) is holds


def test_of_a_condition_nobody_understands_it_is_not_known_whether_windows_refuses_the_rule() -> None:
    """Ports go with tcp or udp; what such a rule would be with something of a later Windows, no document says."""
    string = "v2.31|Action=Allow|Active=TRUE|Dir=In|LPort=443|Name=r|"
    for more, refused in (("", True), ("Future=1|", False), ("Future=1|PCross=TRUE|", False), ("PCross=TRUE|", True)):
        judged = RULE.read_string("r", string + more).as_filter()
        assert judged is not None
        assert bool(judged.invalid) is refused, more


def test_the_display_name_is_the_name_where_omitted() -> None:
    assert rule("abc").display_name == "abc"  # type: ignore[attr-defined]
    assert RULE.read_string("abc", "v2.31|Action=Allow|Active=TRUE|Dir=In|") == rule("abc")


def test_the_platform_that_windows_adds_itself_is_no_difference() -> None:
    for condition in ({"owner": "S-1-5-7"}, {"package": "S-1-15-2-1"}, {"local_user": "S-1-5-7"}):
        assert rule(**condition, platform="6.2+") == rule(**condition)
    assert rule(platform="6.2+") == rule()  # no Windows with these cmdlets is older
    assert rule(platform="6.3+") != rule()
    assert rule(owner="S-1-5-7", platform="6.1+") != rule(owner="S-1-5-7")


def test_names_compare_without_letter_case_and_keep_it() -> None:
    found = RULE.read_string("RDP-In", "v2.31|Action=Allow|Active=TRUE|Dir=In|Name=N|")
    assert id_of(found) == id_of(rule("rdp-in", display_name="N"))
    assert found.name == "RDP-In"


@pytest.mark.parametrize("piece", ["RA4=10.0.{i}.{j}", "LPort={i}", "Protocol={i}", "ICMP4=8:{j}", "Name={i}", "Unknown={i}",
                                   "Platform=2:6:{j}",
                                   "Active={i}", "LUAuth={i}", "", "x{i}"])
def test_long_strings_take_long_but_not_for_ever(piece: str) -> None:
    """Lists of blocked addresses are long on real machines; a hostile one may be longer."""
    string = "v2.31|Action=Block|Dir=In|Protocol=1|" + "|".join(piece.format(i=i // 256, j=i % 256) for i in range(60_000)) + "|"
    start = time.process_time()
    RULE.read_string("r", string)
    assert time.process_time() - start < 5


# ---- properties of all rules

@by_chance(200)
@given(rules())
def test_any_rule_survives_the_registry(said: dict[str, Any]) -> None:
    declared = rule(**{"name": "r", **said})
    string = RULE.write_string(declared)
    assert RULE.read_string("r", string) == declared
    again = afresh(RULE.read_string("r", string))  # descriptors stand in their canonical form now
    assert RULE.read_string("r", again) == declared
    assert afresh(RULE.read_string("r", again)) == again


@by_chance(100)
@given(rules(), rules())
def test_any_change_is_said_completely(first: dict[str, Any], second: dict[str, Any]) -> None:
    """A host that changes only what Set- is told ends where the declaration is."""
    host = LabHost({"r": RULE.write_string(rule(**first))})
    before, after = RULE.read_string("r", host.rules["r"]), rule(**second)
    changes = diff(State({id_of(before): before}), State({id_of(after): after}))
    reply = host.simulated_reply(Batch(cmdlet_calls(changes, facts().aliases), stop_on_error=True))
    assert [a.error for a in reply.answers.values() if a.error] == []
    assert RULE.read_string("r", host.rules["r"]) == after


@by_chance(400)
@example("v2.31|AuthByPassOut=TRUE|")  # which stands beside one action and one direction alone, and says neither
@example("v2.31|Action=ByPass|Dir=Odd|")
@example("v2.31|Action=Allow|Dir=In|LUOwn= |AppPkgId=\u2003|")
@given(st.one_of(STRING, st.text(max_size=60)))
def test_no_string_is_refused_and_nothing_of_it_is_lost(string: str) -> None:
    found = RULE.read_string("r", string)
    rewritten = afresh(found)
    assert RULE.read_string("r", rewritten) == found
    known = {t.lower() for t in RULE.codec.owner} | {""}
    written = rewritten.lower().split("|")
    for piece in string.split("|"):
        token, equals, data = piece.partition("=")
        if token.lower() not in known:  # what has no codec is there to the letter; said twice, in one spelling of its token
            assert piece.lower().startswith("v2") or token.lower() + equals + data in {
                t.lower() + e + d for t, e, d in (kept.partition("=") for kept in found.unknown_tokens)}, piece
    for piece in found.unknown_tokens:
        assert piece.lower() in written


NEUTRAL = {"active=false", "edge=false", "lsm=false", "lom=false", "authbypassout=false", "protocol=256", "protocol=any"}


@by_chance(300)
@given(st.lists(PIECE, max_size=10))
def test_every_piece_matters_or_means_what_absence_does(pieces: list[str]) -> None:
    """Take one piece away: the rule reads otherwise, unless the piece was said twice or says nothing."""
    whole = RULE.read_string("r", "|".join(("v2.31", *pieces, "")))
    for i, piece in enumerate(pieces):
        rest = pieces[:i] + pieces[i + 1:]
        token, _, data = piece.partition("=")
        idle = not data.strip() or piece.lower() in NEUTRAL or "|" in piece or (token.lower() == "name" and data == "r")
        twice = any(token.lower().rstrip("_0123456789") == p.partition("=")[0].lower().rstrip("_0123456789") for p in rest)
        if not idle and not twice and token.lower() not in ("profile", "platform", "platform2"):
            assert RULE.read_string("r", "|".join(("v2.31", *rest, ""))) != whole, piece
