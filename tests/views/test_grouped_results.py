"""What several hosts have in common is told once, and what differs with a line for each value."""

import random
import re
from typing import Any

import pytest
from documents import RUN
from hypothesis import given
from hypothesis import strategies as st

from ringfence import kinds
from ringfence.diagnostics import Diagnostic, Where
from ringfence.errors import HostError, Lost, Unreachable
from ringfence.model.state import Change, id_of
from ringfence.report import HostResult, Report, RunInfo
from ringfence.views.change_text import ChangeOptions
from ringfence.views.grouped_results import GroupedResults
from ringfence.views.host_names import MAX_NAMES, HostNames
from ringfence.views.text_view import TextView
from ringfence.views.view import NextCommands, ViewOptions
from ringfence.views.wrapping import wrapped

RULE = kinds.load()["firewall_rule"]
GROUPS = {"all": ["db1", "web1", "web2", "web10"], "web": ["web1", "web2", "web10"], "db": ["db1"]}


def create(name: str, **values: Any) -> Change:
    made = RULE.create(name, {"protocol": "tcp", "local_port": ("80",), **values})
    return Change(id_of(made), None, made, Where("site.yml", 7))


def text(*results: HostResult, command: str = "plan", **options: Any) -> str:
    """What people see of a run."""
    run = RunInfo(RUN.run_id, command, RUN.started)
    view, report = TextView(ViewOptions(run, groups=GROUPS, **options)), Report()
    pieces = []
    for result in results:
        report.add(result)
        pieces.append(view.host(result))
    return "".join([*pieces, view.end(report, 0.0, report.exit_code())])


def sections(shown: str) -> dict[str, list[str]]:
    """The lines below each heading, up to the legend."""
    blocks = [block.splitlines() for block in shown.split("\n\n")]
    return {lines[0]: lines[1:] for lines in blocks if len(lines) > 1 and lines[1].startswith("  ")}


def test_a_change_is_told_once_under_all_hosts_that_it_is_true_of() -> None:
    fleet = [HostResult(name, (create("base"), *([create("site")] if name in GROUPS["web"] else []))) for name in GROUPS["all"]]
    assert sections(text(*fleet)) == {
        "all 4 hosts  differ": ["  + firewall_rule base  allow inbound tcp 80 from ANY, any profile  site.yml:7"],
        "web (3 hosts: web1, web2, web10)  differ": [
            "  + firewall_rule site  allow inbound tcp 80 from ANY, any profile  site.yml:7"]}


def test_one_property_that_differs_costs_a_line_a_host() -> None:
    fleet = [HostResult(name, (create("base", description=f"of {name}", group="g"),)) for name in GROUPS["all"]]
    assert sections(text(*fleet)) == {"all 4 hosts  differ": [
        "  + firewall_rule base  allow inbound tcp 80 from ANY, any profile  site.yml:7",
        "      group  g",
        "      description  differs:",
        "        db1    of db1", "        web1   of web1", "        web2   of web2", "        web10  of web10"]}


def test_what_a_rule_does_may_differ_too() -> None:
    fleet = [HostResult(name, (create("base", remote_address=(f"10.0.0.{len(name)}",)),)) for name in GROUPS["all"]]
    shown = "\n".join(sections(text(*fleet))["all 4 hosts  differ"])
    assert re.search(r"db1 +allow inbound tcp 80 from 10.0.0.3, any profile\n", shown)
    assert re.search(r"2 hosts: web1, web2 +allow inbound tcp 80 from 10.0.0.4, any profile\n", shown)


def test_a_property_that_only_some_hosts_have_is_told_of_these() -> None:
    plain, named = create("base"), create("base", description="of one")
    assert sections(text(HostResult("web1", (plain,)), HostResult("web2", (named,)))) == {"all 2 hosts  differ": [
        "  + firewall_rule base  allow inbound tcp 80 from ANY, any profile  site.yml:7",
        "      description  differs:", "        web2  of one"]}


def test_a_large_fleet_of_which_each_host_differs_is_short() -> None:
    """500 hosts with 300 rules, a word of one of them another on each: the rules once, and a line for each host."""
    rules = tuple(create(f"rule-{n}", description=f"number {n}") for n in range(299))
    fleet = [HostResult(f"h{n}", (*rules, create("last", description=f"on h{n}"))) for n in range(500)]
    assert len(text(*fleet).splitlines()) < 2_000


def test_the_text_is_the_same_in_whatever_order_hosts_end() -> None:
    fleet = [HostResult(name, (create("base"), create("own", description=f"of {len(name)}"))) for name in GROUPS["all"]]
    fleet.append(HostResult("gone", error=Unreachable("dns", "gone: not known")))
    shown = set()
    for seed in range(10):
        random.Random(seed).shuffle(fleet)
        shown.add(text(*fleet))
    assert len(shown) == 1


def test_nor_does_it_matter_who_has_which_properties_and_how_names_are_spelled() -> None:
    fleet = [HostResult("web1", (create("base", description="d"),)), HostResult("web2", (create("Base", group="g"),)),
             HostResult("web10", (create("BASE", group="h", description="e"),)), HostResult("db1", (create("base"),))]
    shown = set()
    for seed in range(12):
        random.Random(seed).shuffle(fleet)
        shown.add(text(*fleet))
    assert len(shown) == 1


def test_hosts_that_failed_for_one_reason_are_told_together_and_last() -> None:
    fleet = [HostResult(f"h{n}", error=Unreachable("connection_refused", f"10.0.0.{n}:5985")) for n in range(3)]
    shown = sections(text(HostResult("web1", (create("base"),)), *fleet))
    assert list(shown) == ["web1  differs", "3 hosts: h0, h1, h2  unreachable"]
    assert shown["3 hosts: h0, h1, h2  unreachable"] == [
        "  connection refused", "      Check ansible_port and that the WinRM or SSH service listens on the host",
        "      where  differs:", "        h0  10.0.0.0:5985", "        h1  10.0.0.1:5985", "        h2  10.0.0.2:5985"]
    alone = sections(text(fleet[0]))["h0  unreachable"]
    assert alone[0] == "  connection refused: 10.0.0.0:5985"


def test_what_a_host_made_before_it_failed_stands_apart() -> None:
    done, left = create("done"), create("left")
    failed = HostResult("web2", (done, left), written=frozenset({done.id}), error=HostError("change_rejected", "no"))
    shown = sections(text(HostResult("web1", (done, left), written=frozenset({done.id, left.id})), failed, command="apply"))
    assert list(shown) == ["web1  changed", "web2  failed, 1 of 2 changes written"]
    lines = shown["web2  failed, 1 of 2 changes written"]
    assert [line.split("  ")[1] for line in lines[:2]] == ["+ firewall_rule done, made", "+ firewall_rule left, not made"]


def test_a_lost_host_is_told_how_it_is_reached_again() -> None:
    lost = HostResult("web1", (create("x"),), frozenset({create("x").id}), error=Lost(detail="reset"), way_back=("Remove-It x",))
    assert text(lost, command="apply").index("at its console") < text(lost, command="apply").index("    Remove-It x\n")


def test_drift_speaks_of_what_was_found() -> None:
    made = create("there")
    old = RULE.create("base", {"enabled": False, "local_port": ("80", "81"), "protocol": "tcp"})
    new = RULE.create("base", {"local_port": ("80", "82"), "protocol": "tcp"})
    orphan = RULE.create("p", {})
    changes = (create("gone"), Change(id_of(old), old, new, Where("site.yml", 3)),
               Change(made.id, made.after, None, Where("site.yml", 4)), Change(id_of(orphan), orphan, None))
    shown = text(HostResult("web1", changes), HostResult("db1"), HostResult("web2", error=Unreachable("dns")), command="drift")
    assert sections(shown)["web1  drifted"] == [
        "  MISSING    firewall_rule gone   allow inbound tcp 80 from ANY, any profile  site.yml:7",
        "  DIFFERS    firewall_rule base   site.yml:3",
        "      enabled     is false, declared true",
        "      local_port  unexpected: 81", "                  missing: 82",
        "  UNEXPECTED firewall_rule there  allow inbound tcp 80 from ANY, any profile  site.yml:4",
        "  GONE       firewall_rule p      allow inbound ANY protocol from ANY, any profile"]
    assert "1 of 2 reached hosts drifted; not reached: web2; 1 GONE; 4 differences; " in shown.splitlines()[-1]
    assert " → " not in shown


def test_the_sum_of_a_plan_and_what_comes_next() -> None:
    fleet = [HostResult(name, (create("base"),)) for name in GROUPS["all"]]
    assert text(*fleet, next=NextCommands("ringfence apply")).splitlines()[-2:] == [
        "plan: 4 to create, 0 to update, 0 to remove on 4 of 4 hosts (1 distinct change); 0.0 s. Nothing was changed",
        "next: ringfence apply"]
    assert text(HostResult("web1"), next=NextCommands("ringfence apply")).splitlines()[-1] == (
        "plan: nothing to do on 1 of 1 host; 0.0 s. Nothing was changed")
    dead = HostResult("web2", error=Unreachable("dns"))
    assert text(HostResult("web1"), dead).splitlines()[-1] == (
        "plan: nothing to do on 1 of 2 hosts; 1 unreachable; 0.0 s. Nothing was changed")
    assert text(dead).splitlines()[-1] == "plan: none made on 1 of 1 host; 1 unreachable; 0.0 s. Nothing was changed"


@pytest.mark.parametrize(("hosts", "said"), [
    (["web1"], "web1"),
    (["web1", "web2", "web10"], "web (3 hosts: web1, web2, web10)"),
    (["web1", "db1"], "2 hosts: db1, web1"),
    (["db1", "web1", "web2", "web10"], "all 4 hosts"),
])
def test_hosts_are_called_by_their_group_or_by_name(hosts: list[str], said: str) -> None:
    assert HostNames(GROUPS["all"], GROUPS).of(hosts) == said


def test_many_hosts_are_called_by_the_groups_they_are_in() -> None:
    web, db = [f"web{n}" for n in range(60)], [f"db{n}" for n in range(40)]
    groups = {"all": [*web, *db, "x", "y"], "web": web, "db": db}
    called = HostNames(groups["all"], groups)
    assert called.of([*web, *db, "x"]) == "all 102 hosts but y"
    assert called.of([*web, *db[:2], "x"]) == "63 hosts: web (60), db0, db1, x"
    assert called.of(web).startswith("web (60 hosts: web0, web1, ")
    assert re.search(r"and \d+ more\)$", called.of(web))
    assert len(called.of(web)) < MAX_NAMES + 60
    assert "more" not in HostNames(groups["all"], groups, full=True).of(web)


def test_warnings_of_all_hosts_are_told_once() -> None:
    warning = Diagnostic(Where("site.yml", 2), "careful", "look", "warning", "h")
    shown = text(*(HostResult(name, (create(name),), diagnostics=(warning,)) for name in GROUPS["all"]))
    assert shown.count("careful") == 1


def test_other_colours_take_no_room_and_addresses_stay_whole() -> None:
    line = "      remote_address  \x1b[32m" + ", ".join(f"192.168.{n}.0/24" for n in range(18)) + "\x1b[0m"
    broken = wrapped(line, 60).splitlines()
    assert all(len(re.sub(r"\x1b\[\d+m", "", one)) <= 60 for one in broken)
    assert [a for one in broken for a in re.findall(r"[\d.]+/24", one)] == [f"192.168.{n}.0/24" for n in range(18)]
    assert wrapped(line, None) == line


@given(st.text(st.sampled_from("ab  \n\x1b[1mü字"), max_size=200), st.integers(20, 80))
def test_breaking_loses_no_word(text: str, width: int) -> None:
    assert wrapped(text, width).split() == text.split()


def test_a_recap_fits_a_narrow_terminal() -> None:
    shown = text(HostResult("web1", (create("x"),), declared=3, undeclared=200), width=40)
    assert all(len(line) <= 40 for line in shown.splitlines())
    assert "status   create" in shown


def test_held_results_are_bounded_by_what_is_distinct() -> None:
    grouped = GroupedResults(ChangeOptions())
    assert "".join(grouped.add(HostResult(f"h{n}", (create("same"),))) for n in range(300)) == ""
    assert grouped.flush().count("firewall_rule") == 1


def test_interfaces_that_are_called_the_same_are_one_line() -> None:
    """What is stored differs from host to host, and nobody wrote it."""
    guids = {"web1": "{2A977B81-0000-1111-2222-333333333333}", "web2": "{2A977B82-0000-1111-2222-333333333333}"}
    fleet = [HostResult(host, (create("lan", interface_alias=(guid,)),), names={guid: "Ethernet"})
             for host, guid in guids.items()]
    assert sections(text(*fleet)) == {"all 2 hosts  differ": [
        "  + firewall_rule lan  allow inbound tcp 80 from ANY, any profile, on Ethernet  site.yml:7"]}
