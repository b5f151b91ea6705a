"""Names of Windows' rules without a host: told where a play declares one, its display name, or what looks like it."""

from dataclasses import replace

import pytest
from core import at, declared

from ringfence.diagnostics import Where
from ringfence.model.state import Id
from ringfence.windows.shipped_rules import is_shipped, notes, shipped_names, shipped_rules

RDP, TITLE = "RemoteDesktop-UserMode-In-TCP", "Remote Desktop - User Mode (TCP-In)"


def told(name: str, **properties: object) -> list[str]:
    return [note.summary for note in notes(declared(at(3, name=name, **properties)).values())]


@pytest.mark.parametrize("name", [RDP, RDP.lower(), RDP.upper()])
def test_a_name_of_windows(name: str) -> None:
    assert told(name, protocol="tcp", local_port=3389) == [f"{RDP} is a rule of Windows: {TITLE}"]
    assert told(name, state="absent") == [f"{RDP} is a rule of Windows: {TITLE}"]


def test_the_place_is_that_of_the_name() -> None:
    (note,) = notes(declared(at(3, name=RDP, protocol="tcp")).values())
    assert (note.where, note.severity) == (Where("play.yml", 4), "note")


@pytest.mark.parametrize("name", [TITLE, TITLE.lower()])
def test_a_display_name_in_place_of_a_name(name: str) -> None:
    (note,) = notes(declared(at(1, name=name, state="absent")).values())
    assert note.summary.endswith("is the display name of a rule of Windows, and no name")
    assert RDP in note.detail


@pytest.mark.parametrize("name", [
    "RemoteDesktop-UserMode-In-TC", "RemoteDesktop-UserMode-InTCP", "RemoteDesktop-UserMode-In-TCPP",
    "RemoteDesktop-UserModeIn--TCP", "RemoteDesktop_UserMode-In-TCP", "emoteDesktop-UserMode-In-TCP"])
def test_what_looks_like_a_name_of_windows(name: str) -> None:
    assert told(name) == [f"{name} looks like {RDP}, a rule of Windows: {TITLE}"]


@pytest.mark.parametrize("name", ["corp-rdp", "RemoteDesktop-User-In-TCP", "RDP", "a", "RemoteDesktop", "x" * 511])
def test_other_names(name: str) -> None:
    assert told(name) == []


def test_a_task_that_says_what_it_means_by_a_name_of_windows_is_told_nothing() -> None:
    """It wants the rule as it ships, or has said what becomes of what it does not mention."""
    assert told(RDP, state="default") == []
    for treatment in ({"omitted": "keep"}, {"omitted": "default"}):
        asked = replace(at(3, name=RDP, protocol="tcp", local_port=3389), treatment=treatment)
        assert notes(declared(asked).values()) == ()


@pytest.mark.parametrize("name", [RDP, RDP.upper()])
def test_whether_a_rule_is_one_of_windows(name: str) -> None:
    assert is_shipped(Id("local", "firewall_rule", name))
    assert not is_shipped(Id("local", "ipsec_rule", name))
    assert not is_shipped(Id("local", "firewall_rule", name + "x"))


@pytest.mark.parametrize("title", [TITLE, TITLE.upper()])
def test_the_names_behind_a_display_name(title: str) -> None:
    assert shipped_names(title) == (RDP,)
    assert shipped_names(title + "x") == ()


def test_a_display_name_that_several_rules_have_names_none() -> None:
    titles = list(shipped_rules().values())
    shared = next(t for t in titles if titles.count(t) > 1)
    assert told(shared) == []


def test_other_kinds_have_other_names() -> None:
    rule = {"inbound_security": "require", "outbound_security": "request"}
    assert notes(declared(at(1, "ipsec_rule", name=RDP, **rule)).values()) == ()


def test_each_note_once() -> None:
    declarations = [*declared(at(1, name=RDP)).values(), *declared(at(1, name=RDP)).values(), *declared(at(9, name=RDP)).values()]
    assert [n.where.line for n in notes(declarations)] == [2, 10]
    assert [n.where.line for n in notes(reversed(declarations))] == [2, 10]


def test_the_table_has_names_and_titles() -> None:
    assert len(shipped_rules()) > 350
    assert all(title and not title.startswith("@") for title in shipped_rules().values())
    assert not any(c in name for name in shipped_rules() for c in "\t{}|#")
