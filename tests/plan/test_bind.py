"""What only the host can translate: aliases to GUIDs, names to SIDs; what it cannot is told with its place."""

from collections.abc import Mapping
from typing import Any

import pytest
from core import FACTS, GUID, at, declared, facts, resources, task
from hosts import LabHost

from ringfence.diagnostics import Diagnostic, Where
from ringfence.model.declaration import Declarations
from ringfence.model.facts import Facts, parse_facts, with_network
from ringfence.model.state import State
from ringfence.plan import bind as step
from ringfence.plan.bind import account_names
from ringfence.plan.plan import HostSnapshot, Plan

SECOND = "{22222222-2222-3333-4444-555555555555}"
ACCOUNTS = {"CORP\\Admins": {"sid": "S-1-5-21-1-2-3-512", "name": "CORP\\Admins"}, "CORP\\Nobody": {"error": "No mapping"}}


def bind(declarations: Declarations, facts: Facts, accounts: Mapping[str, Any]) -> tuple[Declarations, list[Diagnostic]]:
    plan = step.bind(Plan("srv1", declarations, HostSnapshot(facts, State(), accounts)))
    return plan.declarations, list(plan.diagnostics)


def rule_of(declarations: Declarations) -> Any:
    (only,) = resources(declarations)
    return only


def test_the_names_that_a_read_batch_asks_for() -> None:
    desired = declared(at(1, name="a", authentication="required", remote_user=["CORP\\Admins", "S-1-5-11"],
                      remote_machine="CORP\\Srv"),
                   at(9, name="b", owner="CORP\\Owner"), at(15, name="c", interface_alias="Ethernet"),
                   at(20, name="d", state="absent"))
    assert account_names(desired.values()) == ("CORP\\Admins", "CORP\\Owner", "CORP\\Srv")


def test_accounts_and_interfaces_become_the_hosts_own_terms() -> None:
    desired, problems = bind(
        declared(at(1, name="r", local_user=["corp\\admins", "S-1-5-11"], interface_alias=["Ethernet 2", GUID])),
        facts(),
        ACCOUNTS,
    )
    assert problems == []
    assert rule_of(desired).local_user == "D:(A;;CC;;;S-1-5-11)(A;;CC;;;S-1-5-21-1-2-3-512)"
    assert rule_of(desired).interface_alias == (GUID, SECOND)


@pytest.mark.parametrize(("alias", "guids"), [
    ("ETHERNET", (GUID,)), ("Ethernet*", (GUID, SECOND)), ("Ethernet ?", (SECOND,)), ("*", (GUID, SECOND)),
    (["Ethernet", "Ethernet*"], (GUID, SECOND)),
])
def test_aliases_with_wildcards(alias: Any, guids: tuple[str, ...]) -> None:
    desired, problems = bind(declared(at(1, name="r", interface_alias=alias)), facts(), {})
    assert (rule_of(desired).interface_alias, problems) == (guids, [])


def interfaces(number: int) -> list[dict[str, str]]:
    """Those of a host, by alias, whose GUIDs are in another order."""
    return [{"alias": f"nic {n:02}", "guid": f"{{{99 - n:08}-2222-3333-4444-555555555555}}"} for n in range(1, number + 1)]


def test_the_interfaces_of_a_rule_are_in_the_order_of_its_canonical_value() -> None:
    """Else it would never be as it is found on the host."""
    desired, _ = bind(declared(at(1, name="r", interface_alias="nic *")), facts(interfaces=interfaces(9)), {})
    assert rule_of(desired).interface_alias == tuple(sorted(i["guid"] for i in interfaces(9)))


def test_the_interfaces_of_what_is_managed_by_mention_are_the_hosts_own_too() -> None:
    host = LabHost({"r": "v2.31|Action=Allow|Active=TRUE|Dir=In|Protocol=6|LPort=443|Name=r|"}, owns=False)
    mentioned = task("firewall_rule", {"name": "r", "interface_alias": "Ethernet"}, treatment={"omitted": "keep"})
    assert host.apply(mentioned).error is None
    assert f"IF={GUID}|" in host.rules["r"]
    assert host.plan(mentioned).changes == ()


@pytest.mark.parametrize(("number", "more"), [(20, ""), (21, " and 1 more")])
def test_of_many_interfaces_some_are_told(number: int, more: str) -> None:
    _, (problem,) = bind(declared(at(1, name="r", interface_alias="Ethernet")), facts(interfaces=interfaces(number)), {})
    assert problem.detail == f"interfaces of the host: {', '.join(i['alias'] for i in interfaces(20))}{more}"


def test_an_alias_with_brackets_is_found_as_it_is() -> None:
    host = parse_facts({**FACTS, "interfaces": [{"alias": "vEthernet [int]", "guid": GUID}]})
    desired, problems = bind(declared(at(1, name="r", interface_alias="vEthernet [int]")), host, {})
    assert (rule_of(desired).interface_alias, problems) == ((GUID,), [])


def test_what_the_host_does_not_know_is_told_with_its_place() -> None:
    desired, problems = bind(declared(at(10, name="r", interface_alias="Ethernt",
                                     local_user=["CORP\\Nobody", "CORP\\Unasked", "CORP\\Admins"])),
                             facts(), ACCOUNTS)
    by_place = {p.where: [q for q in problems if q.where == p.where] for p in problems}
    (alias,) = by_place[Where("play.yml", 12)]
    assert "no interface is called Ethernt; did you mean Ethernet" in alias.summary
    assert "Ethernet, Ethernet 2" in alias.detail
    assert [(p.summary.rpartition(" ")[2], p.detail) for p in by_place[Where("play.yml", 13)]] == [
        ("CORP\\Nobody", "No mapping"), ("CORP\\Unasked", "it was not resolved")]
    assert rule_of(desired).local_user == "D:(A;;CC;;;<CORP\\Nobody>)(A;;CC;;;<CORP\\Unasked>)(A;;CC;;;S-1-5-21-1-2-3-512)"


SERVICES = {"service_names": {"wuauserv": "Windows Update", "TermService": "Remote Desktop Services", "X": "Twice",
                              "Y": "twice"}}


@pytest.mark.parametrize(("service", "severity", "summary", "detail"), [
    ("WINDOWS update", "error", "no service has the name WINDOWS update: it is the display name of wuauserv",
     "say service: wuauserv"),
    ("Twice", "error", "it is the display name of X and Y", "say service: X"),
    ("TermServ", "warning", "the host has no service TermServ: the rule matches nothing until there is one",
     "did you mean TermService (Remote Desktop Services)?"),
    ("Remote Desktop Service", "warning", "has no service", "did you mean TermService (Remote Desktop Services)?"),
    ("MSSQLSERVER", "warning", "has no service", "")])
def test_a_service_that_the_host_does_not_have(service: str, severity: str, summary: str, detail: str) -> None:
    desired, (problem,) = bind(declared(at(1, name="r", service=service)), with_network(facts(), SERVICES), {})
    assert (problem.severity, problem.detail, problem.where) == (severity, detail, Where("play.yml", 3))
    assert summary in problem.summary
    assert rule_of(desired).service == service


def test_names_keep_their_letters_in_messages() -> None:
    _, (problem,) = bind(declared(at(1, name="WSLm", interface_alias="none")), facts(), {})
    assert problem.summary.startswith("firewall_rule WSLm: ")


@pytest.mark.parametrize("service", ["TERMSERVICE", "*", "any"])
def test_services_that_there_are(service: str) -> None:
    assert bind(declared(at(1, name="r", service=service)), with_network(facts(), SERVICES), {})[1] == []
    assert bind(declared(at(1, name="r", service="Windows Update")), facts(), {})[1] == []  # it was not asked for them


@pytest.mark.parametrize("said", [{"sid": "Everyone"}, {"sid": ""}, {"sid": None}, {"sid": "S-1-5-11)(A;;CC;;;WD"}, {},
                                  "S-1-5-11", None])
def test_an_answer_that_is_no_sid_is_no_answer(said: Any) -> None:
    """A host cannot slip more into a descriptor than one account."""
    _, problems = bind(declared(at(1, name="r", local_user="CORP\\Admins")), facts(), {"CORP\\Admins": said})
    assert len(problems) == 1


def test_what_needs_no_host_is_left_alone() -> None:
    desired = declared(at(1, name="r", local_user="S-1-5-11", interface_alias=GUID),
                   task("firewall_rule", {"name": "x", "state": "absent"}))
    bound, problems = bind(desired, parse_facts(None), {})
    assert problems == []
    assert all(bound[id] is desired[id] for id in desired)


def test_a_host_that_told_nothing_of_its_interfaces() -> None:
    _, problems = bind(declared(at(1, name="r", interface_alias="Ethernet")), facts(interfaces=None), {})
    assert problems[0].detail == "interfaces of the host: none known"
