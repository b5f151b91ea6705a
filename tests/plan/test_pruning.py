"""What becomes of what the project owns and declares no more; and the ledger that says so, whatever happens to it."""

from dataclasses import replace
from typing import Any

import pytest
from core import KINDS, declared, task
from hosts import FORCED, LEDGER, PROJECT, RULES, LabHost

from ringfence.errors import GuardRefused
from ringfence.lab import POLICY
from ringfence.model.facts import Facts
from ringfence.model.ledger import ProjectIdentity, Prune
from ringfence.model.state import Id
from ringfence.plan.run_policy import RunPolicy
from ringfence.project.render import RenderedTask
from ringfence.report import HostResult
from ringfence.run.host import apply_host, plan_host
from ringfence.run.owned_objects import release, retire

OTHER = ProjectIdentity("other", "f" * 32)
RUN = RunPolicy(PROJECT, run_id="20261126T115712Z-3f9a1c", inputs="1", forced=FORCED)
DEFAULTS = r"SYSTEM\CurrentControlSet\Services\SharedAccess\Defaults\FirewallPolicy"
GROUP_POLICY_RULES = r"SOFTWARE\Policies\Microsoft\WindowsFirewall\FirewallRules"
ALLOW = "v2.31|Action=Allow|Active=TRUE|Dir=In|Protocol=6|LPort={}|RA4=10.0.0.1|Name={}|"
BLOCK = "v2.31|Action=Block|Active=TRUE|Dir=In|Protocol=6|LPort={}|Name={}|"


def rule(name: str, port: int, **more: Any) -> RenderedTask:
    return task("firewall_rule", {"name": name, "protocol": "tcp", "local_port": port, "remote_address": "10.0.0.1", **more})


def id_of(name: str) -> Id:
    return Id("local", "firewall_rule", name)


def host(policy: RunPolicy = RUN, **ledger: str) -> LabHost:
    """A host with a rule for each entry of the ledger, and one that is nobody's."""
    rules = {name: (BLOCK if name == "block" else ALLOW).format(80 + n, name) for n, name in enumerate((*ledger, "other"))}
    found = LabHost(rules, owns=False, policy=policy)
    for name, how in ledger.items():
        found.take_over([id_of(name)], how)
    return found


def work(on: LabHost, *tasks: RenderedTask, apply: bool = True, possible: tuple[str, ...] | None = (),
         **policy: Any) -> HostResult:
    """A full run; `possible`: names that another choice of tags would declare, None where that is not known."""
    ids = None if possible is None else frozenset(map(id_of, possible))
    context = replace(on.context(), policy=replace(RUN, **policy), possible=lambda host, facts: ids)
    return (apply_host if apply else plan_host)(on.job(declared(*tasks)), context)


def done(result: HostResult) -> list[str]:
    return [f"{c.action} {c.resource.name}" for c in result.changes]


def told(result: HostResult) -> str:
    return "\n".join(f"{d.summary} | {d.detail}" for d in result.diagnostics)


@pytest.mark.parametrize(("prune", "actions", "left"), [
    ("report", [], {"mine", "taken", "said", "block", "other"}),
    ("created", ["remove mine", "release taken"], {"taken", "said", "block", "other"}),
    ("restore", ["update said", "remove mine", "release taken"], {"taken", "said", "block", "other"}),
    ("all", ["remove mine", "remove block", "release taken"], {"taken", "said", "other"}),
    ("never", [], {"mine", "taken", "said", "block", "other"})])
def test_what_each_word_does(prune: Prune, actions: list[str], left: set[str]) -> None:
    on = host(mine="created", taken="adopted", block="created", said="mentioned")
    on.take_over([id_of("said")], "mentioned", first={"remote_address": ["10.0.0.9"]})
    on.machine.registry.set(POLICY + r"\PublicProfile", "DefaultInboundAction", 0)  # what nothing blocks passes
    result = work(on, prune=prune)
    assert sorted(done(result)) == sorted(actions)
    assert (result.error, set(on.rules)) == (None, left)
    assert ("RA4=10.0.0.9" in on.rules["said"]) == (prune == "restore")
    if prune == "report":
        had = "firewall_rule mine (created), firewall_rule taken (adopted)"
        assert f"the project had these and declares them no more: {had}" in told(result)
    if prune in ("created", "restore"):
        assert "firewall_rule block is declared no more and OPENS when it goes" in told(result)
    if prune == "created":
        assert "It was found with remote_address: ['10.0.0.9']: `prune: restore` puts that back" in told(result)
        assert {name: bool(on.entry(name)) for name in ("mine", "taken", "block", "said")} == {
            "mine": False, "taken": False, "block": True, "said": True}
    assert (told(result) == "") == (prune == "never")
    again = work(on, prune=prune)
    assert done(again) == []
    assert again.connections == 1


@pytest.mark.parametrize(("profile", "goes"), [("Domain", True), ("Private", True), ("Public", False)])
def test_a_block_of_profiles_in_which_nothing_else_passes_opens_nothing(profile: str, goes: bool) -> None:
    """What comes in by default does so in public alone."""
    block = f"v2.31|Action=Block|Active=TRUE|Dir=In|Protocol=6|Profile={profile}|LPort=80|Name=block|"
    on = LabHost({"block": block}, owns=False, policy=RUN)
    on.take_over([id_of("block")], "created")
    on.machine.registry.set(POLICY + r"\PublicProfile", "DefaultInboundAction", 0)
    assert done(work(on, prune="created")) == ["remove block"] * goes


@pytest.mark.parametrize(("others", "goes"), [
    ({}, True), ({"a": "Action=Allow|Dir=In|Protocol=6|LPort=443|"}, True), ({"a": "Action=Allow|Dir=Out|Protocol=6|"}, True),
    ({"a": "Action=Allow|Dir=In|Protocol=17|"}, True), ({"a": "Action=Allow|Dir=In|Protocol=6|LPort2_10=1-100|"}, False),
    ({"a": "Action=Allow|Dir=In|"}, False), ({"a": "Action=Allow|Dir=In|Protocol=6|LPort=RPC|"}, False),
    ({"a": "Action=Allow|Dir=In|Protocol=6|LPort=80|RA4=10.0.0.0/255.0.0.0|"}, False)])
def test_a_block_that_blocks_nothing_else_opens_nothing_when_it_goes(others: dict[str, str], goes: bool) -> None:
    on = LabHost({"block": "v2.31|Action=Block|Active=TRUE|Dir=In|Protocol=6|LPort=80|Name=block|"}, owns=False, policy=RUN)
    on.take_over([id_of("block")], "created")
    for name, text in others.items():
        on.put(name, f"v2.31|Active=TRUE|{text}Name={name}|")
    result = work(on, prune="created")
    assert (done(result), "OPENS" in told(result)) == ((["remove block"], False) if goes else ([], True))


@pytest.mark.parametrize(("first", "opens"), [
    ({"remote_address": []}, "; OPENS: more passes by its remote_address"),
    ({"remote_address": ["10.0.0.1-10.0.0.9"]}, "; OPENS: more passes by its remote_address"),
    ({"action": "block"}, ""), ({"enabled": False}, "")])
def test_what_is_put_back_says_whether_it_opens(first: dict[str, Any], opens: str) -> None:
    on = host(said="mentioned")
    on.take_over([id_of("said")], "mentioned", first=first)
    (change,) = work(on, prune="restore", apply=False).changes
    assert change.why == f"declared no more: back to what was found first{opens}"


@pytest.mark.parametrize(("now", "first", "opens"), [
    ({"enabled": True}, {"enabled": False}, "enabled"), ({"enabled": False}, {"enabled": True}, ""),
    ({"default_inbound_action": "block"}, {"default_inbound_action": "allow"}, "default_inbound_action"),
    ({"default_inbound_action": "allow"}, {"default_inbound_action": "not_configured"}, ""),  # which is block
    ({"default_outbound_action": "block"}, {"default_outbound_action": "not_configured"}, "default_outbound_action"),
    ({"allow_inbound_rules": False}, {"allow_inbound_rules": True, "log_blocked": False}, "allow_inbound_rules"),
    ({"log_blocked": True}, {"log_blocked": False}, "")])
def test_a_setting_that_is_put_back_says_so_too(now: dict[str, Any], first: dict[str, Any], opens: str) -> None:
    on = LabHost({}, owns=False, policy=RUN)
    assert work(on, task("firewall_profile", {"profiles": "domain", **now})).error is None
    on.take_over([Id("local", "firewall_profile", "domain")], "mentioned", first=first)
    (change,) = work(on, prune="restore", apply=False).changes
    assert change.why.partition("first")[2] == (f"; OPENS: more passes by its {opens}" if opens else "")


@pytest.mark.parametrize("prune", ["created", "restore", "all"])
def test_what_is_as_it_was_found_first_is_let_go_of(prune: Prune) -> None:
    """Else what an administrator changes later would be put back."""
    on = host(said="mentioned")
    on.take_over([id_of("said")], "mentioned", first={"remote_address": ["10.0.0.1"]})
    assert done(work(on, prune=prune)) == ["release said"]
    on.put("said", ALLOW.format(81, "said").replace("10.0.0.1", "10.0.0.7"))
    assert (done(work(on, prune="restore")), on.entry("said")) == ([], {})


PUBLIC = Id("local", "firewall_profile", "public")


@pytest.mark.parametrize("prune", ["created", "restore", "all"])
@pytest.mark.parametrize(("stored", "says"), [
    ({r"\Logging": ("LogFilePath", r"\\srv\share\fw.log")}, {"log_file_name": r"C:\fw.log"}),
    ({"": ("DefaultInboundAction", 2), r"\Logging": ("LogDroppedPackets", 7)}, {"default_inbound_action": "block",
                                                                             "log_blocked": True}),
    ({"": ("DisabledInterfaces", 7)}, {"disabled_interface_aliases": ["Ethernet 2"]})])
def test_what_was_found_first_and_is_not_understood_is_told_and_kept(
        stored: dict[str, tuple[str, Any]], says: dict[str, Any], prune: Prune) -> None:
    on = LabHost({}, owns=False, policy=RUN)
    for key, (name, data) in stored.items():
        on.machine.registry.set(POLICY + rf"\PublicProfile{key}", name, data)
    assert work(on, task("firewall_profile", {"profiles": "public", **says})).error is None
    first = on.entry("public", "firewall_profile")["first"]
    assert first.keys() == says.keys()
    for _ in range(2):
        result = work(on, prune=prune)
        assert (done(result), result.error, on.entry("public", "firewall_profile")["first"]) == ([], None, first)
        values = ", ".join(f"{name}: {value}" for name, value in first.items())
        assert f"stops to | It was found with {values}, which is not understood: that comes back by hand alone" in told(result)
        assert "found first" not in told(result)
    for key, (name, data) in stored.items():
        on.machine.registry.set(POLICY + rf"\PublicProfile{key}", name, data)
    (change,) = work(on, prune=prune).changes  # by hand it is as it was
    assert (change.action, change.why) == ("release", "declared no more; it is as it was found first")


def test_what_is_understood_of_what_was_found_first_is_put_back_and_the_rest_told() -> None:
    on = LabHost({}, owns=False, policy=RUN)
    on.machine.registry.set(POLICY + r"\PublicProfile\Logging", "LogDroppedPackets", 7)
    assert work(on, task("firewall_profile", {"profiles": "public", "log_blocked": True, "log_allowed": True})).error is None
    result = work(on, prune="created")
    assert ("It was found with log_allowed: not_configured: `prune: restore` puts that back; It was found with log_blocked: "
            "LogDroppedPackets=7, which is not understood: that comes back by hand alone") in told(result)
    (change,) = work(on, prune="restore").changes
    assert change.why == ("declared no more: back to what was found first, but for log_blocked: LogDroppedPackets=7, "
                          "which is not understood")
    assert {"log_blocked": True}.items() <= on.read().state[PUBLIC].values().items()
    assert (on.read().state[PUBLIC].values()["log_allowed"], done(work(on, prune="restore"))) != (True, [])


@pytest.mark.parametrize("prune", ["created", "restore", "all"])
def test_what_another_project_owns_too_is_not_removed(prune: Prune) -> None:
    on = host(mine="created", ours="created")
    on.take_over([id_of("ours")], project=OTHER)
    result = work(on, prune=prune)
    assert (done(result), set(on.rules)) == (["remove mine"], {"ours", "other"})
    assert f"firewall_rule ours is declared no more, and stays: it belongs to the project other ({OTHER.id}) too" in told(result)
    retired = retire(on.job({}), replace(on.context(), policy=RUN), True)
    assert [(c.action, c.resource.name) for c in retired.changes] == [("release", "ours")]


def test_what_was_found_first_stays_first_whatever_is_declared_later() -> None:
    on, domain = LabHost({"found": ALLOW.format(81, "found")}, owns=False, policy=RUN), Id("local", "firewall_profile", "domain")
    on.machine.registry.set(POLICY + r"\DomainProfile\Logging", "LogFileSize", 1024)
    for size, more in ((2048, {}), (4096, {"log_blocked": True})):
        profile = task("firewall_profile", {"profiles": "domain", "log_max_size_kilobytes": size, **more})
        assert work(on, profile, rule("found", 81, description=f"{size}")).error is None
    first = on.entry("domain", kind="firewall_profile")["first"]
    assert (first["log_max_size_kilobytes"], sorted(first)) == (1024, ["log_blocked", "log_max_size_kilobytes"])
    assert "description" not in on.entry("found")["first"]
    (change,) = [c for c in work(on, prune="restore").changes if c.id == domain]
    assert change.after is not None
    assert on.read().state[domain].values()["log_max_size_kilobytes"] == 1024


def test_nothing_is_another_thing_than_what_windows_does_by_itself() -> None:
    """A host that exempted nothing from IPsec is not put back to Windows' own exemptions."""
    on = LabHost({}, owns=False, policy=RUN)
    setting = Id("local", "firewall_setting", "all")
    for said in (["none"], ["dhcp"]):
        assert work(on, task("firewall_setting", {"exemptions": said})).error is None
    on.take_over([setting], "mentioned", first={"exemptions": [], "replace": 1, "key_encoding": [[]]})
    result = work(on, prune="created", apply=False)
    assert "It was found with exemptions: []: `prune: restore`" in told(result)
    (change,) = work(on, prune="restore").changes
    assert change.why == "declared no more: back to what was found first, but for replace: 1, key_encoding: [[]], " + (
        "which is not understood")
    assert change.after is not None
    assert change.after.values()["exemptions"] == ()
    assert on.read().state[setting].values()["exemptions"] == ()


@pytest.mark.parametrize(("policy", "why"), [
    ({"inputs": "2"}, "the last full run had other values of -e"),
    ({"partial": "--tags or --skip-tags chose"}, ""),
    ({"project": None}, "")])
def test_what_withholds_pruning_in_a_run(policy: dict[str, Any], why: str) -> None:
    on = host(mine="created")
    on.machine.registry.set(LEDGER, "Inputs", "1")
    result = work(on, prune="created", **policy)
    assert done(result) == []
    assert "mine" in on.rules
    assert why in told(result)


SECURED = [task("ipsec_rule", {"name": "sec", "inbound_security": "require", "outbound_security": "request",
                               "remote_address": "10.9.0.0/16", "phase1_auth_set": "auth"}),
           task("ipsec_phase1_auth_set", {"name": "auth", "proposal": [{"machine": True, "kerberos": True}]}),
           task("ipsec_phase1_auth_set", {"name": "default", "proposal": [{"machine": True, "kerberos": True}]})]
EXEMPT = task("ipsec_rule", {"name": "more", "inbound_security": "request", "outbound_security": "request",
                             "remote_address": "10.7.0.0/16"})


def test_what_a_kept_rule_names_is_kept_with_it() -> None:
    """A rule that closes traffic stays, and needs its set; a rule of somebody else may name one of ours."""
    on = LabHost({}, owns=False, policy=RUN)
    assert work(on, *SECURED, EXEMPT).error is None
    for mode in ("created", "restore"):
        result = work(on, EXEMPT, prune=mode)
        assert (done(result), result.error) == ([], None)
        assert "ipsec_phase1_auth_set auth is declared no more, and is kept: ipsec_rule sec still names it" in told(result)
        assert "ipsec_phase1_auth_set default is declared no more, and is kept: ipsec_rule more still names it" in told(result)
    assert on.entry("auth", "ipsec_phase1_auth_set")["how"] == "created"
    result = work(on, EXEMPT, prune="all")
    assert (sorted(done(result)), result.error) == (["remove auth", "remove default", "remove sec"], None)


NAMED = ("ipsec_phase1_auth_set", "ipsec_phase2_auth_set", "ipsec_quick_mode_crypto_set")


def a_set(kind: str, name: str) -> RenderedTask:
    proposal = {NAMED[0]: {"machine": True, "kerberos": True}, NAMED[1]: {"user": True, "kerberos": True},
                NAMED[2]: {"encapsulation": "esp", "encryption": "aes256", "esp_hash": "sha256"}}[kind]
    return task(kind, {"name": name, "proposal": [proposal]})


def naming(kind: str, name: str, **more: Any) -> RenderedTask:
    """A task of somebody's rule that says which set of a kind it names."""
    (named,) = (p.name for p in KINDS["ipsec_rule"].references if p.references == kind)
    return task("ipsec_rule", {"name": "theirs", named: name, **more}, treatment={} if more else {"omitted": "keep"})


def with_a_rule_that_named(kind: str, *released: str) -> LabHost:
    """A host with somebody's rule that named the set `old`, and of which the project says that it names `mine`. released: what of
    `theirs` and `old` was not the project's before."""
    on = LabHost({}, owns=False, policy=RUN)
    secured = {"inbound_security": "request", "outbound_security": "request", "remote_address": "10.7.0.0/16"}
    assert work(on, a_set(kind, "old"), naming(kind, "old", **secured)).error is None
    assert release(on.job({}), on.context(), released, True).error is None
    old = [] if "old" in released else [a_set(kind, "old")]
    assert work(on, a_set(kind, "mine"), naming(kind, "mine"), *old).error is None
    return on


OF_NAMES = pytest.mark.parametrize("kind", NAMED)
REST = rule("x", 80)  # what the project declares in the end


@OF_NAMES
def test_one_run_puts_a_rule_back_to_its_set_and_removes_that_which_it_named(kind: str) -> None:
    on = with_a_rule_that_named(kind, "theirs", "old")
    result = work(on, REST, prune="restore")
    assert (sorted(done(result)), result.error) == (["create x", "remove mine", "update theirs"], None)
    assert (done(work(on, REST, prune="restore")), told(work(on, REST, prune="restore"))) == ([], "")


@OF_NAMES
def test_a_set_that_a_rule_goes_back_to_is_kept_with_it(kind: str) -> None:
    on = with_a_rule_that_named(kind, "theirs")
    result = work(on, REST, prune="restore")
    assert (sorted(done(result)), result.error) == (["create x", "remove mine", "update theirs"], None)
    for again in (result, work(on, REST, prune="restore")):
        assert told(again).startswith(f"{kind} old is declared no more, and is kept: ipsec_rule theirs still names it |")
    assert (done(again), on.entry("old", kind)["how"]) == ([], "created")


@OF_NAMES
@pytest.mark.parametrize("goes", ["before", "with the run"])
def test_a_rule_does_not_go_back_to_a_set_that_will_not_be_there(kind: str, goes: str) -> None:
    on = with_a_rule_that_named(kind, "theirs", "old")
    absent = task(kind, {"name": "old", "state": "absent"})
    if goes == "before":
        assert work(on, a_set(kind, "mine"), naming(kind, "mine"), absent).error is None
    result = work(on, REST, absent, prune="restore")
    assert (sorted(done(result)), result.error) == (["create x"] + ["remove old"] * (goes != "before"), None)
    assert f"which cannot be put back: there will be no {kind} old, `ringfence ledger release` leaves it so" in told(result)
    assert f"{kind} mine is declared no more, and is kept: ipsec_rule theirs still names it" in told(result)
    assert on.entry("theirs", "ipsec_rule")["how"] == "mentioned"
    assert done(work(on, REST, a_set(kind, "old"), prune="restore")) == ["create old", "update theirs", "remove mine"]


def test_what_does_not_fit_the_rest_any_more_is_not_put_back() -> None:
    """Windows refuses it, and with it every other change of each run."""
    on = LabHost({"said": "v2.31|Action=Allow|Active=TRUE|Dir=In|RA4=10.0.0.1|Name=said|"}, owns=False, policy=RUN)
    keep = task("firewall_rule", {"name": "said", "protocol": "tcp"}, treatment={"omitted": "keep"})
    assert work(on, keep).error is None
    on.put("said", ALLOW.format(80, "said"))
    for prune in ("created", "restore"):
        result = work(on, prune=prune)
        assert (done(result), result.error) == ([], None)
        assert "with protocol: any, which cannot be put back: ports go with tcp or udp, not with protocol any" in told(result)


def test_a_block_is_kept_where_what_is_put_back_would_pass_without_it() -> None:
    on = host(block="created", said="mentioned")
    on.put("block", BLOCK.format(81, "block"))
    on.put("said", ALLOW.format(81, "said").replace("Active=TRUE", "Active=FALSE"))
    on.take_over([id_of("said")], "mentioned", first={"enabled": True})
    result = work(on, prune="restore")
    assert done(result) == ["update said"]
    assert "firewall_rule block is declared no more and OPENS when it goes" in told(result)


def test_a_retirement_leaves_what_rules_of_others_name() -> None:
    on = LabHost({}, owns=False, policy=RUN)
    assert work(on, *SECURED, EXEMPT).error is None
    on.machine.registry.set(LEDGER, "ipsec_rule|local|sec", '{"how":"adopted","hash":"1"}')
    result = retire(on.job({}), on.context(), True)
    assert (sorted(done(result)), result.error) == (["release auth", "release sec", "remove default", "remove more"], None)
    assert {c.resource.name: c.why for c in result.changes}["auth"] == "ipsec_rule sec still names it: it stays as it is"


def test_what_came_to_hold_more_than_a_cmdlet_can_write_is_released() -> None:
    """A run that removes it would be refused for ever, and the host with it."""
    on = host(mine="created")
    on.put("mine", ALLOW.format(80, "mine") + "Future=1|")
    result = work(on, prune="created")
    assert (done(result), result.error) == (["release mine"], None)
    assert "it holds Future=1 by now" in result.changes[0].why
    assert on.entry("mine") == {}


def test_what_windows_ships_by_now_is_released() -> None:
    """Made where Windows had none (`omitted: default`), and then Windows came to have it."""
    on = LabHost(owns=False, policy=RUN)
    on.take_over([id_of("WINRM-HTTP-In-TCP"), id_of("gone")], "created")
    result = work(on, prune="all")
    assert (done(result), result.error) == (["release WINRM-HTTP-In-TCP"], None)
    assert "Windows ships it by now" in result.changes[0].why
    assert ("WINRM-HTTP-In-TCP" in on.rules, on.entry("WINRM-HTTP-In-TCP")) == (True, {})


def test_what_windows_ships_by_now_is_released_by_a_retirement_too() -> None:
    on = LabHost(owns=False, policy=RUN)
    on.take_over([id_of("WINRM-HTTP-In-TCP")], "created", project=PROJECT)
    on.machine.registry.set(LEDGER, "Generation", "1")
    result = retire(on.job({}), on.context(), True)
    assert (done(result), result.error) == (["release WINRM-HTTP-In-TCP"], None)
    assert "WINRM-HTTP-In-TCP" in on.rules


@pytest.mark.parametrize("store", ["group_policy", "mdm", "static_service", "nowhere"])
def test_a_ledger_speaks_of_the_local_policy_alone(store: str) -> None:
    """A name in another store is no reason to remove the object of that name in this one."""
    on = host(mine="created")
    on.machine.registry.set(GROUP_POLICY_RULES, "other", ALLOW.format(80, "other"))
    on.take_over([Id(store, "firewall_rule", "other")], "created")
    result = work(on, rule("mine", 80), prune="all")
    assert (done(result), result.error) == ([], None)
    assert f"'firewall_rule|{store}|other' is not the name of an object that a project could own" in told(result)
    assert set(on.rules) == {"mine", "other"}
    on.machine.registry.set(LEDGER, "Generation", "1")
    assert done(retire(on.job({}), on.context(), False)) == ["remove mine"]


def test_a_part_of_windows_is_nobodys_to_remove() -> None:
    """Whatever the ledger says of a profile, and though the host's table of what ships is gone."""
    on = LabHost({}, owns=False, policy=RUN)
    on.machine.registry.delete(DEFAULTS)
    profile = Id("local", "firewall_profile", "domain")
    on.take_over([profile], "created", first={"enabled": False})
    on.machine.registry.set(LEDGER, "Generation", "1")
    for mode, actions in (("created", []), ("all", []), ("restore", ["update domain"])):
        assert done(work(on, apply=False, prune=mode)) == actions
    assert done(retire(on.job({}), on.context(), False)) == ["release domain"]


@pytest.mark.parametrize(("run", "forgets"), [
    ({}, True), ({"prune": "created"}, True), ({"prune": "never"}, False), ({"partial": "--tags chose"}, False),
    ({"inputs": "2"}, False), ({"possible": ("mine",)}, False), ({"possible": None}, False)])
def test_what_is_neither_declared_nor_there_is_forgotten(run: dict[str, Any], forgets: bool) -> None:
    """Else whoever makes a rule of that name, years later, loses it to the project."""
    on = host(mine="created", kept="created")
    on.machine.registry.set(LEDGER, "Inputs", "1")
    on.take_over([Id("local", "of_a_module_that_is_not_here", "mine")], "created")
    on.remove("mine")
    result = work(on, rule("kept", 81), **run)
    assert (done(result), result.error) == ([], None)
    assert "declares them no more: firewall_rule mine" not in told(result)
    assert (on.entry("mine") == {}) == forgets
    assert on.entry("kept")
    assert on.entry("mine", kind="of_a_module_that_is_not_here")
    if forgets:
        on.put("mine", ALLOW.format(80, "mine"))
        assert done(work(on, rule("kept", 81), prune="all")) == []
        assert "mine" in on.rules


def test_what_could_not_be_read_is_not_forgotten() -> None:
    on = host(mine="created")
    on.machine.faults.denied_keys = (RULES,)
    work(on, task("firewall_profile", {"profiles": ["domain"], "log_blocked": True}), prune="created")
    on.machine.faults.denied_keys = ()
    assert on.entry("mine")["how"] == "created"


def test_the_next_run_that_is_alike_is_withheld_no_more() -> None:
    """Also where the first one changes nothing: what it was given is in the ledger."""
    on = host(mine="created", declared="created")
    on.machine.registry.set(LEDGER, "Inputs", "1")
    assert done(work(on, rule("declared", 81), prune="created", inputs="2", partial="--tags chose")) == []
    assert on.machine.registry.get(LEDGER, "Inputs") == "1"
    assert done(work(on, rule("declared", 81), prune="created", inputs="2", apply=False)) == []
    assert on.machine.registry.get(LEDGER, "Inputs") == "1"
    first = work(on, rule("declared", 81), prune="created", inputs="2")
    assert (done(first), first.status, on.cmdlets) == ([], "in_sync", [])
    assert on.machine.registry.get(LEDGER, "Inputs") == "2"
    assert done(work(on, rule("declared", 81), prune="created", inputs="2")) == ["remove mine"]


def test_an_image_that_was_accepted_once_is_accepted() -> None:
    on = host(declared="created")
    on.machine.registry.set(LEDGER, "Machine", "00000000-other|golden|")
    assert done(work(on, rule("declared", 80), accepts_inherited=True)) == []
    assert "|srv1|" in str(on.machine.registry.get(LEDGER, "Machine"))
    assert "was made from an image" not in told(work(on, rule("declared", 80)))


def test_a_ledger_of_a_later_version_is_never_written() -> None:
    on = host(mine="created")
    on.machine.registry.set(LEDGER, "Format", "2")
    on.take_over([id_of("mine")], "created", pending="1" * 32)
    assert work(on, rule("mine", 80), inputs="2").error is None
    for written in (release(on.job({}), on.context(), ["*"], True), retire(on.job({}), on.context(), True)):
        assert "of a later version of ringfence, and is not written" in str(written.error)
    assert on.machine.counters.ledger_writes == 0
    assert "mine" in on.rules


def test_a_fact_that_could_not_be_read_withholds_it() -> None:
    on = host(mine="created")
    on.facts = {"unread": [{"fact": "domain", "why": "Access denied"}]}
    result = work(on, prune="created")
    assert (done(result), "Nothing is removed: domain could not be read" in told(result)) == ([], True)


def test_an_image_of_another_machine_removes_nothing_until_it_is_accepted() -> None:
    on = host(mine="created", declared="created")
    on.machine.registry.set(LEDGER, "Machine", "00000000-other|golden|")
    result = work(on, rule("declared", 81), prune="created")
    assert (done(result), result.error) == ([], None)
    assert "this machine was made from an image of golden" in told(result)
    assert "its ledger was written on golden" in told(result)
    changed = work(on, rule("declared", 82), prune="created")
    assert done(changed) == ["update declared"]  # what is declared counts as the project's
    assert str(on.machine.registry.get(LEDGER, "Machine")).startswith("00000000-other")
    accepted = work(on, rule("declared", 82), prune="created", accepts_inherited=True)
    assert done(accepted) == ["remove mine"]
    assert "|srv1|" in str(on.machine.registry.get(LEDGER, "Machine"))


def test_an_object_that_only_a_cmdlet_tells_of_is_looked_for_though_nothing_declares_one_any_more() -> None:
    on = LabHost({}, owns=False, policy=RUN)
    setting = task("ipsec_dosp_setting", {"name": "gateway", "public_interface_aliases": "Ethernet",
                                          "private_interface_aliases": "Ethernet 2"})
    assert work(on, setting).error is None
    assert on.entry("gateway", "ipsec_dosp_setting")["how"] == "created"
    assert done(work(on, setting)) == []
    assert "ipsec_dosp_setting gateway (created)" in told(work(on))
    assert on.entry("gateway", "ipsec_dosp_setting")["how"] == "created"  # it is there, and not forgotten
    assert done(work(on, prune="created")) == ["remove gateway"]
    assert done(work(on, setting)) == ["create gateway"]


def test_what_another_choice_of_tags_declares_is_not_gone() -> None:
    on = host(mine="created", never="created")
    assert done(work(on, prune="created", possible=("never",))) == ["remove mine"]
    on = host(mine="created")
    assert done(work(on, prune="created", possible=None)) == []


def test_a_task_that_moved_to_another_playbook_is_declared_there() -> None:
    """windows.md 1.4 (b): there is no moment in which its rule is gone."""
    on = host(mine="created")
    assert done(work(on, rule("mine", 80), prune="all")) == []
    assert on.cmdlets == []


def test_much_at_once_is_refused() -> None:
    on = host(RUN, **dict.fromkeys((f"r{n}" for n in range(10)), "created"))
    kept = [rule(f"r{n}", 80 + n) for n in range(7)]
    refused = work(on, *kept, prune="created")
    assert isinstance(refused.error, GuardRefused)
    assert "3 of the 10 objects of the project on this host would be removed" in str(refused.error)
    assert len(on.rules) == 11
    assert done(work(on, *kept, rule("r7", 87), prune="created")) == ["remove r8", "remove r9"]
    assert done(work(on, rule("r0", 80), prune="created", forced=frozenset({"percent"}))) == [f"remove r{n}" for n in range(1, 8)]


OWNED = dict.fromkeys((f"r{n}" for n in range(10)), "created")


@pytest.mark.parametrize(("beside", "refused"), [
    ([], "3 of the 10 objects of the project on this host would be removed"),
    ([task("firewall_rule", {"name": "wide", "protocol": "tcp", "local_port": "80-99", "remote_address": "10.0.0.0/8"})], ""),
    ([task("firewall_rule", {"name": "wide", "protocol": "tcp", "local_port": 87, "remote_address": "10.0.0.0/8"})], ""),
    ([rule("new7", 87), rule("new8", 88)], ""),  # the same under other names
    ([rule("new7", 87, program="System")], "3 of the 10 objects"),
    ([task("firewall_profile", {"profiles": ["domain", "private", "public"], "allow_inbound_rules": False})], "3 of the 10")])
def test_what_decides_about_no_connection_does_not_count(beside: list[RenderedTask], refused: str) -> None:
    """Shields that go up in the same run hide nothing: until then the rules decided."""
    on = host(RUN, **OWNED)
    result = work(on, *(rule(f"r{n}", 80 + n) for n in range(7)), *beside, prune="created")
    assert refused in str(result.error)
    assert ("r7" in on.rules) == bool(refused)


def test_what_counts_is_told_with_what_does_not() -> None:
    on = host(RUN, **OWNED)
    result = work(on, *(rule(f"r{n}", 80 + n) for n in range(6)), rule("new6", 86), prune="created")
    assert "3 of the 9 objects of the project on this host would be removed, because nothing declares them any more; not " \
        "counted: 1 on which no connection depends" in str(result.error)


def test_what_decides_may_not_all_go_however_much_beside_it_does_not() -> None:
    """Outbound rules change nothing where the default allows: that they go too excuses nothing."""
    on = LabHost({}, owns=False, policy=RUN)
    outbound = [task("firewall_rule", {"name": f"out{n}", "direction": "outbound", "protocol": "tcp", "remote_port": 80 + n})
                for n in range(18)]
    assert work(on, *outbound, rule("in1", 80), rule("in2", 81)).error is None
    assert "2 of the 2 objects" in str(work(on, prune="created").error)
    assert work(on, rule("in1", 80), rule("in2", 81), prune="created").error is None


def test_sets_count_with_the_rules_that_name_them() -> None:
    on = LabHost({}, owns=False, policy=RUN)
    proposal = [{"machine": True, "kerberos": True}]
    sets = [task("ipsec_phase1_auth_set", {"name": f"auth{n}", "proposal": proposal}) for n in range(9)]
    of = {"inbound_security": "request", "outbound_security": "request", "remote_address": "10.9.0.0/16"}
    rules = [task("ipsec_rule", {**of, "name": f"sec{n}", "phase1_auth_set": f"auth{n}", "enabled": n < 2}) for n in range(4)]
    assert work(on, *sets, *rules).error is None
    error = str(work(on, *sets[4:], prune="all").error)  # two rules that are on with a set each, and as many that are off
    assert "4 of the 9 objects of the project on this host would be removed" in error
    assert "not counted: 4 on which no connection depends" in error
    assert work(on, *sets[:4], *rules, prune="all").error is None  # five sets that nothing names


def test_blocks_that_go_together_are_no_excuse_for_each_other() -> None:
    on = LabHost({}, owns=False, policy=RUN)
    on.machine.registry.set(POLICY + r"\PublicProfile", "DefaultInboundAction", 0)
    for name in ("one", "other", "wide"):
        on.put(name, BLOCK.format(80, name))
        on.take_over([id_of(name)], "created")
    assert done(work(on, prune="created")) == []
    block = {"name": "wide", "action": "block", "protocol": "tcp", "local_port": "1-100"}
    result = work(on, task("firewall_rule", block), prune="created")  # which blocks all that the others do
    assert sorted(done(result)) == ["remove one", "remove other", "update wide"]


def test_a_block_goes_with_what_it_blocks() -> None:
    on = LabHost({}, owns=False, policy=RUN)
    for name, text in (("allow", ALLOW), ("block", BLOCK), ("theirs", ALLOW)):
        on.put(name, text.format(80, name))
    on.take_over([id_of("allow"), id_of("block")], "created")
    assert done(work(on, prune="created")) == ["remove allow"]
    on.remove("theirs")
    assert done(work(on, prune="created")) == ["remove block"]


def test_a_plan_of_more_changes_than_are_allowed_is_refused() -> None:
    on = LabHost({}, owns=False)
    tasks = [rule(f"r{n}", 80 + n) for n in range(3)]
    assert "3 changes are more than max_changes, 2" in str(work(on, *tasks, max_changes=2).error)
    assert work(on, *tasks, max_changes=3).error is None


def test_a_rule_that_was_renamed_by_hand_is_told() -> None:
    on = LabHost({}, owns=False)
    work(on, rule("web", 80, display_name="Web"))
    on.put("theirs", on.rules["web"])
    on.remove("web")
    result = work(on, rule("web", 80, display_name="Web"), apply=False)
    assert done(result) == ["create web"]
    assert "firewall_rule web was renamed by hand: it is theirs now" in told(result)
    assert "Give it back its name with `renamed_from: theirs`" in told(result)
    renamed = task("firewall_rule", {"name": "web", "display_name": "Web", "protocol": "tcp", "local_port": 80,
                                     "remote_address": "10.0.0.1"}, treatment={"renamed_from": "theirs"})
    assert done(work(on, renamed)) == ["rename web"]
    assert set(on.rules) == {"web"}


# ------------------------------------------------------------------------------------------ the ledger itself

def test_what_a_run_writes_into_the_ledger() -> None:
    on = LabHost({"found": ALLOW.format(81, "found")}, owns=False, policy=RUN)
    assert on.apply(rule("made", 80), rule("found", 81)).error is None
    header = {name: on.machine.registry.get(LEDGER, name) for name in ("Format", "Name", "State", "Run", "Generation", "Inputs")}
    assert header == {"Format": "1", "Name": "corp-firewall", "State": "final", "Run": RUN.run_id, "Generation": "1",
                      "Inputs": "1"}
    assert str(on.machine.registry.get(LEDGER, "Machine")).endswith("|srv1|")
    made, found = on.entry("made"), on.entry("found")
    assert (made["how"], made["run"], "pending" in made, "first" in made) == ("created", RUN.run_id, False, False)
    assert (found["how"], found["first"]["remote_address"]) == ("adopted", ["10.0.0.1"])
    assert on.machine.counters.ledger_writes == 2  # before the first change, and after the last
    assert on.apply(rule("made", 80), rule("found", 81)).connections == 1
    assert on.machine.counters.ledger_writes == 2


@pytest.mark.parametrize("at", range(4))
def test_a_run_that_ends_anywhere_is_taken_up_by_the_next(at: int) -> None:
    """The connection breaks before each call of the batch that writes: what was made is the project's, and nothing else is."""
    on = LabHost({"found": ALLOW.format(81, "found")}, owns=False, policy=RUN)
    tasks = rule("made", 80), rule("found", 81), rule("more", 82)
    batch = len(on.batches)
    on.before = lambda b: setattr(on.machine.faults, "fail_at", at if b.stop_on_error else None)
    broken = on.apply(*tasks)
    assert broken.error is not None
    on.before, on.machine.faults.fail_at = lambda b: None, None
    assert len(on.batches) > batch
    left = on.plan(*tasks)
    made = [name for name in ("made", "more") if name in on.rules]
    assert len(made) == min(2, max(0, at - 1))
    assert sorted(done(left)) == sorted([*(f"create {n}" for n in ("made", "more") if n not in made), "adopt found"])
    assert left.error is None
    assert ("began to write here and never said that it ended" in told(left)) == (at > 0)
    assert on.apply(*tasks).error is None
    assert (on.machine.registry.get(LEDGER, "State"), done(on.plan(*tasks))) == ("final", [])
    assert {on.entry(name)["how"] for name in ("made", "more")} == {"created"}


def test_a_name_that_was_never_made_is_not_ours_when_somebody_else_makes_it() -> None:
    """windows.md 2.5 (c)."""
    on = LabHost({}, owns=False, policy=RUN)
    on.take_over([id_of("web")], "created", hash="", pending="1" * 32)
    on.put("web", ALLOW.format(80, "web"))
    assert done(work(on, prune="created")) == []
    assert "web" in on.rules
    assert "silence would clear remote_address" in str(work(on, task("firewall_rule", {
        "name": "web", "protocol": "tcp", "local_port": 80})).error)


@pytest.mark.parametrize(("text", "why"), [
    ("{", "Expecting property name"), ("[]", "does not say how"), ('{"how":"stolen"}', "does not say how"),
    ("\0" * 100, "Expecting"), ('{"how":"created","hash":{"a":[1]}}', ""), ("[" * 50_000, "recursion")])
def test_a_damaged_entry_is_a_word_and_no_deletion(text: str, why: str) -> None:
    on = host(mine="created")
    on.machine.registry.set(LEDGER, "firewall_rule|local|mine", text)
    result = work(on, prune="all")
    assert why in told(result)
    if why:
        assert (done(result), "mine" in on.rules) == ([], True)


@pytest.mark.parametrize("damage", ["denied", "writable", "newer"])
def test_a_ledger_that_is_not_to_be_trusted_removes_nothing(damage: str) -> None:
    on = host(mine="created")
    if damage == "denied":
        on.machine.faults.denied_keys = (r"SOFTWARE\ringfence",)
    elif damage == "writable":
        key = on.machine.registry.key(r"SOFTWARE\ringfence")
        assert key is not None
        key.sddl = "O:BAD:P(A;CI;KA;;;SY)(A;CI;KA;;;BA)(A;CI;KA;;;BU)"
    else:
        on.machine.registry.set(LEDGER, "Format", "2")
    result = work(on, prune="all")
    assert "mine" in on.rules or damage == "newer"
    words = {"denied": "the ledger could not be read", "writable": "others than administrators may write it: BU", "newer": ""}
    assert words[damage] in told(result)
    refused = work(on, rule("new", 99), prune="report")
    assert isinstance(refused.error, GuardRefused)
    assert ("newer than this version" if damage == "newer" else "whose objects are whose is not known") in str(refused.error)
    assert "new" not in on.rules


def test_two_projects_on_one_host_leave_each_other_alone() -> None:
    on = LabHost({}, owns=False, policy=RUN)
    assert work(on, rule("web", 80)).error is None
    other = replace(RUN, project=replace(PROJECT, name="other", id="0" * 32))
    refused = work(on, rule("web", 81), project=other.project)
    assert "belongs to the project corp-firewall" in str(refused.error)
    assert done(work(on, rule("own", 82), project=other.project, prune="all")) == ["create own"]
    assert done(work(on, rule("web", 80), prune="all")) == []
    assert set(on.rules) == {"web", "own"}


def test_the_facts_of_a_host_are_what_possible_declarations_are_made_of() -> None:
    on, seen = host(mine="created"), list[Facts]()

    def possible(name: str, facts: Facts) -> frozenset[Id]:
        seen.append(facts)
        return frozenset()

    plan_host(on.job({}), replace(on.context(), policy=RUN, possible=possible))
    assert [f.computer for f in seen] == ["SRV1"]
