"""Views: values in, text out."""

import re
from dataclasses import replace
from typing import Any

import pytest
import yaml
from core import declared, resources, task
from documents import RUN, document_in, hosts_in, names

from ringfence import kinds
from ringfence.diagnostics import NOWHERE, Diagnostic, Where
from ringfence.errors import GuardRefused, HostError, StalePlan, Unreachable
from ringfence.formats.data import encode
from ringfence.model.resource import Kind
from ringfence.model.state import Change, id_of
from ringfence.project.declare import DeclarationBuilder
from ringfence.project.project import Project, load
from ringfence.report import HostResult, Report
from ringfence.secret import Secret
from ringfence.views import diagnostics_text, grouped_results, reference
from ringfence.views.change_text import ChangeOptions, change_lines
from ringfence.views.format import value
from ringfence.views.grouped_results import GroupedResults
from ringfence.views.meaning import meaning_text
from ringfence.views.recap import recap, row, total
from ringfence.views.table import VIEWS
from ringfence.views.view import ViewOptions

KINDS = kinds.load()
RULE = KINDS["firewall_rule"]


def update(name: str = "web", *, before: dict[str, Any], after: dict[str, Any]) -> Change:
    one, other = RULE.create(name, before), RULE.create(name, after)
    return Change(id_of(one), one, other)


def create(name: str, **values: Any) -> Change:
    made = RULE.create(name, values)
    return Change(id_of(made), None, made, Where("site.yml", 7))


def test_members_of_lists_come_and_go() -> None:
    shown = change_lines(update(before={"protocol": "tcp", "local_port": ("443", "80", "8080")},
                               after={"protocol": "tcp", "local_port": ("443", "80", "8443")}))
    assert shown.splitlines() == [
        "  ~ firewall_rule web  allow inbound tcp 443, 80, 8443 from ANY, any profile",
        "      local_port  - 8080", "                  + 8443"]


def test_a_list_that_was_or_becomes_any_is_said_so() -> None:
    shown = change_lines(update(before={"remote_address": ()}, after={"remote_address": ("10.0.0.1",)}))
    assert shown.endswith("remote_address  ANY → 10.0.0.1")
    shown = change_lines(update(before={"program": "a.exe"}, after={"program": None}))
    assert shown.endswith("program  a.exe → ANY")


@pytest.mark.parametrize(("values", "said"), [
    ({}, "allow inbound ANY protocol from ANY, any profile"),
    ({"protocol": "tcp", "local_port": ("8443",)}, "allow inbound tcp 8443 from ANY, any profile"),
    ({"protocol": "tcp", "remote_address": ("10.0.0.0/8",)}, "allow inbound tcp ANY port from 10.0.0.0/8, any profile"),
    ({"protocol": "2", "action": "block"}, "block inbound protocol 2 from any, any profile"),
    ({"protocol": "udp", "direction": "outbound", "enabled": False, "profile": ("domain",), "local_port": ("1",),
      "remote_port": ("2",), "remote_address": ("10.0.0.1",)},
     "DISABLED allow outbound udp local port 1, 2 to 10.0.0.1, profile domain"),
    ({"protocol": "tcp", "remote_port": ("2",)}, "allow inbound tcp ANY port remote port 2 from ANY, any profile"),
    ({"direction": "outbound", "protocol": "tcp"}, "allow outbound tcp any port to any, any profile"),
    ({"protocol": "icmpv4", "icmp_type": ("8",)}, "allow inbound icmpv4 type 8 from ANY, any profile"),
    ({"enabled": False}, "DISABLED allow inbound any protocol from any, any profile"),
    ({"protocol": "tcp", "local_port": ("3389",), "remote_machine": "D:(A;;CC;;;S-1-5-21-1-2-3-4)", "authentication": "required"},
     "allow inbound tcp 3389 from any, any profile, computers D:(A;;CC;;;S-1-5-21-1-2-3-4)"),
    ({"protocol": "tcp", "local_port": ("3389",), "remote_user": "D:(A;;CC;;;S-1-5-11)", "authentication": "required"},
     "allow inbound tcp 3389 from ANY, any profile, users D:(A;;CC;;;S-1-5-11)"),  # whoever can prove who he is
    ({"protocol": "tcp", "local_port": ("80",), "remote_port": ("7",), "remote_address": ("10.0.0.1",),
      "local_only_mapping": True},
     "allow inbound tcp 80 from ANY, any profile, remote_address and remote_port do not count"),
    ({"action": "block", "remote_address": ("10.0.0.1",), "local_only_mapping": True},
     "block inbound any protocol from 10.0.0.1, any profile"),
    ({"program": r"C:\a.exe", "service": "s"}, r"allow inbound ANY protocol from ANY, any profile, program C:\a.exe, service s"),
    ({"protocol": "tcp", "local_port": ("80",), "local_address": ("10.1.4.7",), "remote_address": ("10.0.0.0/8",)},
     "allow inbound tcp 80 from 10.0.0.0/8 at 10.1.4.7 of this host, any profile"),
])
def test_what_a_rule_does_stands_in_one_line(values: dict[str, Any], said: str) -> None:
    """Without direction, action and addresses nobody sees what a rule is; what is open to everybody stands out."""
    assert meaning_text(RULE.create("web", values)) == said


@pytest.mark.parametrize(("values", "said"), [
    ({"inbound_security": "none", "outbound_security": "none"}, "transport EXEMPT any protocol with ANY, any profile"),
    ({"inbound_security": "require", "outbound_security": "request", "remote_address": ("10.0.0.0/8",), "profile": ("domain",)},
     "transport inbound require outbound request any protocol with 10.0.0.0/8, profile domain"),
])
def test_what_an_ipsec_rule_does_stands_in_one_line(values: dict[str, Any], said: str) -> None:
    table = KINDS["ipsec_rule"].properties
    parsed = {name: table[name].parse(v) if name.endswith("security") else v for name, v in values.items()}
    assert meaning_text(KINDS["ipsec_rule"].create("x", parsed)) == said


def test_what_comes_and_goes_is_one_line_and_what_does_not_stand_there_below() -> None:
    made = create("web", display_name="Web", protocol="tcp", local_port=("8443",), description="for all")
    line = 'firewall_rule web  allow inbound tcp 8443 from ANY, any profile  "Web"'
    assert change_lines(made).splitlines() == [f"  + {line}  site.yml:7", "      description  for all"]
    gone = change_lines(replace(made, before=made.after, after=None)).splitlines()
    assert gone == [f"  - {line}  site.yml:7", "      description  for all"]
    painted = change_lines(made, ChangeOptions(style=lambda shown, style: f"<{style}>{shown}</>"))
    assert "tcp 8443 <error>from ANY</> , any profile" in painted or "<error>from ANY</>, any profile" in painted


def test_an_adoption_shows_what_becomes_of_the_object() -> None:
    differs = update(before={"action": "block", "description": "theirs"}, after={"action": "allow"})
    shown = change_lines(replace(differs, as_action="adopt", why="of somebody else: from now on the project's"))
    assert shown.splitlines() == ["  & adopt firewall_rule web  allow inbound ANY protocol from ANY, any profile",
                                  "      of somebody else: from now on the project's",
                                  "      description  theirs → (none)", "      action       block → allow"]


def test_what_is_called_the_same_is_told_as_it_is_stored() -> None:
    differs = update(before={"group": "@f.dll,-1", "description": "@f.dll,-2"}, after={"group": "Web", "description": "Other"})
    shown = change_lines(differs, names=(("@f.dll,-1", "Web"), ("@f.dll,-2", "Of the web")))
    assert [line.split("  ")[-1] for line in shown.splitlines()[1:]] == ["Of the web → Other", "@f.dll,-1 → Web"]


def test_an_order_that_differs_is_shown_too() -> None:
    one, other = (RULE.create("web", {}, extra) for extra in (("A=1", "B=2"), ("B=2", "A=1")))
    assert change_lines(Change(id_of(one), one, other)).endswith("unknown_tokens  A=1, B=2 → B=2, A=1")


def test_scalars_and_booleans() -> None:
    shown = change_lines(update(before={"enabled": True, "description": None}, after={"enabled": False, "description": "x"}))
    assert [line.split() for line in shown.splitlines()[1:]] == [["description", "(none)", "→", "x"],
                                                                ["enabled", "true", "→", "false"]]


def test_one_line_without_diff_and_the_place_where_it_is_declared() -> None:
    assert change_lines(create("web", protocol="tcp"), ChangeOptions(diff=False)) == (
        "  + firewall_rule web  allow inbound tcp ANY port from ANY, any profile  site.yml:7")


def test_what_a_host_says_commands_no_terminal() -> None:
    shown = change_lines(update("a\x1b[31m\r", before={}, after={"description": "\x07\u202etxt"}))
    assert shown.isprintable() is False  # line feeds are ours
    assert all(c.isprintable() or c == "\n" for c in shown)


def test_a_secret_is_never_shown() -> None:
    assert value(Secret("hidden")) == "********"
    assert "hidden" not in repr(encode([value((Secret("hidden"),))]))


@pytest.mark.parametrize(("said", "shown"), [
    (None, "(none)"), ("", "(none)"), ((), "(none)"), (True, "true"), (0, "0"), (("a", "b"), "a, b"),
    ({"a": (1, 2)}, "{a: 1, 2}"),
])
def test_values(said: Any, shown: str) -> None:
    assert value(said) == shown


def test_proposals_differ_part_by_part() -> None:
    kind = KINDS["ipsec_main_mode_crypto_set"]
    parse = kind.properties["proposal"].type.parse
    strong, weak = ({"key_exchange": "dh20", "encryption": e, "hash": "sha384"} for e in ("aes256", "aes128"))
    before, after = (kind.create("set", {"proposal": parse(p)}) for p in ([weak], [strong, weak]))
    shown = change_lines(Change(id_of(before), before, after))
    assert "number 1, encryption: aes128 → aes256\n" in shown
    assert shown.endswith("+ {key_exchange: dh20, encryption: aes128, hash: sha384}")
    shown = change_lines(Change(id_of(before), before, kind.create("set", {"proposal": parse([strong])})))
    assert shown.endswith("number 1, encryption: aes128 → aes256")


def test_equal_outcomes_are_told_once_and_different_ones_apart() -> None:
    outcomes, change = GroupedResults(ChangeOptions()), create("web")
    outcomes.add(HostResult("b", (change,)))
    outcomes.add(HostResult("quiet"))
    outcomes.add(HostResult("a", (create("web"),)))
    outcomes.add(HostResult("c", error=Unreachable("connection_refused", "10.0.0.1:5985")))
    outcomes.add(HostResult("d", (change,), error=HostError("change_rejected", "no")))
    shown = outcomes.flush()
    assert [line for line in shown.splitlines() if not line.startswith(" ") and line] == [
        "2 hosts: a, b  differ", "c  unreachable", "d  failed, 0 of 1 change written"]
    assert "connection refused: 10.0.0.1:5985\n      Check ansible_port" in shown
    assert outcomes.flush() == ""


def test_what_is_held_back_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grouped_results, "MAX_HELD", 10)
    outcomes = GroupedResults(ChangeOptions())
    shown = [outcomes.add(HostResult(f"h{n}", (create(f"r{n}"),))) for n in range(20)]
    assert sum(s.count("+ firewall_rule") for s in shown) >= 10
    assert sum(s.count("+ firewall_rule") for s in [*shown, outcomes.flush()]) == 20


def test_recap() -> None:
    results = [
        HostResult("web10", (create("a"), create("b")), written=frozenset({create("a").id, create("b").id}), seconds=1.25,
                   declared=7, undeclared=400),
        HostResult("db", seconds=0.5),
        HostResult("x", error=GuardRefused("no")),
        HostResult("y", error=StalePlan("old")),
    ]
    report = Report()
    for result in results:
        report.add(result)
    shown = recap([*map(row, results)]) + "\n" + total(report, 2.0)
    assert shown.splitlines() == [
        "host   status   create  update  remove  declared  undeclared  seconds",
        "db     in sync       ·       ·       ·         ·           ·     0.50",
        "web10  changed       2       ·       ·         7         400     1.25",
        "x      refused       ·       ·       ·         ·           ·     0.00",
        "y      stale         ·       ·       ·         ·           ·     0.00",
        "",
        "4 hosts: 1 in sync, 1 changed, 1 refused, 1 stale; 2 changes, 2 written; 2.0 s"]


def test_mistakes_have_their_place_and_way_out() -> None:
    found = [Diagnostic(Where("a.yml", 3), "wrong", "do that"), Diagnostic(Where(""), "mild", severity="warning", host="web1")]
    assert diagnostics_text.diagnostics(found) == "a.yml:3: error: wrong\n    do that\nwarning: mild (host web1)"
    painted = diagnostics_text.diagnostics(found * 2, lambda shown, style: f"<{style}>{shown}</>")
    assert painted.endswith("\n2 errors")
    assert "<error>error</>: wrong" in painted


def test_a_json_report_is_whole_and_fits_its_schema() -> None:
    view, report = VIEWS["json"](ViewOptions(RUN)), Report()
    results = [HostResult("a", (create("x", description="ü\udc80"),), diagnostics=(Diagnostic(Where("f", 1), "s"),)),
               HostResult("b", error=Unreachable("dns")),
               HostResult("c", remaining=(create("y"),), error=HostError("not_converged"))]
    pieces = [view.begin([Diagnostic(Where("w.yml"), "careful", severity="warning")])]
    for result in results:
        report.add(result)
        pieces.append(view.host(result))
    text = "".join([*pieces, view.end(report, 1.0, report.exit_code())])
    assert document_in(text, "report")["exit_code"] == 6
    said = hosts_in(text)
    assert list(said) == ["a", "b", "c"]
    assert said["b"]["error"]["kind"] == "dns"
    assert names(said["a"]["changes"]) == ["x"]


@pytest.fixture(scope="module")
def nothing(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project with one host, for rendering examples in."""
    folder = tmp_path_factory.mktemp("examples")
    tasks = "".join(re.sub("^", "    ", reference.example(kind), flags=re.MULTILINE).rstrip(" ") for kind in KINDS.values())
    (folder / "site.yml").write_text(f"- hosts: all\n  tasks:\n{tasks}", encoding="utf-8")
    return load([folder / "site.yml"], kinds=set(KINDS), inventory=["web1,"])


def test_examples_of_the_reference_are_right(nothing: Project) -> None:
    rendered = nothing.render("web1")
    assert rendered.diagnostics == ()
    desired, problems = DeclarationBuilder(KINDS, lambda id: True).declarations(rendered.tasks)
    assert [p for p in problems if p.severity == "error"] == []
    assert {id.kind for id in desired} == set(KINDS)


@pytest.mark.parametrize("name", sorted(KINDS))
def test_the_reference_names_every_property(name: str) -> None:
    page = reference.page(KINDS[name])
    for prop in KINDS[name].properties.values():
        assert f"| `{prop.name}` |" in page
        assert not prop.parameter or f"`-{prop.parameter}`" in page
    assert yaml.safe_load(re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)[0])


# ------------------------------------------------------------------------------------------------- much from a host

def test_a_long_text_is_shown_from_where_it_differs() -> None:
    long = "a" * 5_000_000
    changed = update(before={"description": long + "b"}, after={"description": long + "c" * 500})
    shown = change_lines(changed)
    assert len(shown) < 1000
    assert f"description  …{'a' * 20}b → …{'a' * 20}c" in shown
    assert "more characters, see --full" in shown
    assert long + "b" in change_lines(changed, ChangeOptions(full=True))


def test_a_long_list_is_shown_from_its_beginning() -> None:
    addresses = tuple(f"10.0.{i // 256}.{i % 256}" for i in range(0, 60_000, 2))
    lists = update(before={"remote_address": addresses}, after={"remote_address": ("10.9.9.9",)})
    shown = change_lines(lists)
    assert "29980 more (see --full)" in shown
    assert len(shown.splitlines()) == 23
    assert len(change_lines(lists, ChangeOptions(full=True)).splitlines()) == 30_002
    assert value(addresses) == ", ".join(addresses[:20]) + " and 29980 more (see --full)"
    assert value(addresses, full=True) == ", ".join(addresses)


def test_many_warnings_of_a_host_are_counted() -> None:
    warnings = tuple(Diagnostic(NOWHERE, f"{i} could not be read: {'x' * 9999}", severity="warning") for i in range(5000))
    shown = GroupedResults(ChangeOptions())
    shown.add(HostResult("web1", diagnostics=warnings))
    text = shown.flush()
    assert len(text) < 100_000
    assert "and 4900 more (see --full)" in text


def test_a_name_of_any_length() -> None:
    assert len(change_lines(create("x" * 1_000_000), ChangeOptions(diff=False))) < 500


def test_a_changed_key_is_told_as_another_one() -> None:
    """It is never shown, so both sides would look the same."""
    old, new = (resources(declared(task("ipsec_phase1_auth_set", {"name": "Psk", "proposal": [
        {"machine": True, "pre_shared_key": Secret(key)}]})))[0] for key in ("one", "two"))
    shown = change_lines(Change(id_of(new), old, new))
    assert shown.splitlines()[-1].strip() == "proposal  {machine: true, pre_shared_key: ********} → another key"


@pytest.mark.parametrize("kind", [k for k in KINDS.values() if k.phrases], ids=lambda k: k.name)
def test_the_line_of_a_rule_says_between_whom(kind: Kind) -> None:
    """Every address and every port that a rule names stands in it."""
    ends = [name for name in kind.properties if name.endswith(("_address", "_port"))]
    assert {"local_address", "remote_address"} <= set(ends)
    for name in ends:
        values = {name: "4711", "protocol": "tcp"} if name.endswith("_port") else {name: "10.1.2.0/24"}
        assert values[name] in meaning_text(kind.create("r", values)), name
