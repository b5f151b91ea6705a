"""What people read is what hosts call things; asked once, after everything else; what cannot be told stays as it is stored."""

import json
from dataclasses import replace
from typing import Any

import pytest
from core import GUID, PROFILE, at, declared, facts
from hosts import RULES, LabHost

from ringfence.batch import Answer, Batch, Failure, Reply
from ringfence.errors import HostError
from ringfence.formats.data import change_text
from ringfence.lab import machine
from ringfence.model.facts import Facts
from ringfence.model.state import State
from ringfence.plan.plan import HostSnapshot
from ringfence.project.render import RenderedTask
from ringfence.report import HostResult
from ringfence.run.host import apply_host, plan_host
from ringfence.run.host_job import RunContext
from ringfence.run.names import names_on_host
from ringfence.views.change_text import change_lines as change
from ringfence.windows.stored_names import StoredNames, display_name

RDP = "RemoteDesktop-UserMode-In-TCP"
OPS = "S-1-5-21-1-2-3-1104"
DISABLE = at(1, name=RDP, protocol="tcp", local_port=3389, enabled=False)  # its texts are left out: shown as going away


def context_of(host: LabHost) -> RunContext:
    return replace(host.context(), names=names_on_host)


def planned(host: LabHost, *tasks: RenderedTask) -> HostResult:
    return plan_host(host.job(declared(*tasks)), context_of(host))


def shown(result: HostResult) -> str:
    assert result.error is None
    return "\n".join(change(c, names=tuple(result.names.items())) for c in result.changes)


def test_texts_of_windows_read_as_windows_shows_them() -> None:
    host = LabHost(on=machine("a"))
    result = planned(host, DISABLE)
    text = shown(result)
    assert '"Remote Desktop - User Mode (TCP-In)"' in text
    assert "display_name  Remote Desktop - User Mode (TCP-In) → " in text
    assert "group         Remote Desktop → (none)" in text
    assert "@FirewallAPI.dll" not in text
    assert json.loads(change_text(result.changes[0]))["before"]["group"].startswith("@FirewallAPI.dll,-")


def test_accounts_and_interfaces_by_name() -> None:
    host = LabHost({"r": f"v2.31|Action=Allow|Active=TRUE|Dir=In|IF={GUID}|Name=r|LUAuth=O:LSD:(A;;CC;;;{OPS})|LUOwn={OPS}|"},
                   accounts={r"CORP\Ops": OPS})
    text = shown(planned(host, at(1, name="r", state="absent")))
    assert ", on Ethernet" in text
    assert r"D:(A;;CC;;;CORP\Ops)" in text
    assert r"owner       CORP\Ops" in text


def test_an_account_that_comes_by_its_name_as_well_as_one_that_goes() -> None:
    """And a text that stays is shown in words all the same: it is what the rule is called."""
    other = "S-1-5-21-1-2-3-1105"
    host = LabHost({"r": f"v2.31|Action=Allow|Active=TRUE|Dir=In|Name=@a.dll,-2|LUOwn={OPS}|"}, on=machine("a"),
                   accounts={r"CORP\Ops": OPS, r"CORP\Dev": other})
    host.machine.add_text("@a.dll,-2", "Two")
    text = shown(planned(host, replace(at(1, name="r", owner=other), treatment={"omitted": "keep"})))
    assert r"owner  CORP\Ops → CORP\Dev" in text
    assert '"Two"' in text


def test_what_a_kind_without_display_names_calls_its_objects_is_nothing() -> None:
    assert display_name(PROFILE.create("domain", {})) == ""


def test_an_interface_by_its_name_where_nothing_else_is_asked() -> None:
    host = LabHost({"r": f"v2.31|Action=Allow|Active=TRUE|Dir=In|IF={GUID}|Name=r|"})
    assert ", on Ethernet" in shown(planned(host, at(1, name="r", state="absent")))


def test_packages_by_their_names_without_asking() -> None:
    host = LabHost({"r": "v2.31|Action=Allow|Dir=In|Name=@{Contoso.App_1.2_x64__abc?ms-resource://Contoso/Name}|"})
    assert '"Contoso.App"' in shown(planned(host, at(1, name="r", state="absent")))
    assert host.connections == 1


@pytest.mark.parametrize(("tasks", "connections"), [
    ([at(1, name="new", protocol="tcp", local_port=80)], 1),  # nothing to ask
    ([at(1, name="none", state="absent")], 1),  # nothing to show
    ([DISABLE], 2)])
def test_only_what_is_shown_is_asked(tasks: Any, connections: int) -> None:
    host = LabHost(on=machine("a"))
    planned(host, *tasks)
    assert len(host.batches) == connections
    quiet = LabHost(on=machine("a"))  # programs are told what is stored
    quiet.plan(*tasks)
    assert len(quiet.batches) == 1


def test_what_one_host_says_is_not_shown_of_another() -> None:
    """Else a host that lies would choose what people read of the rules of all."""
    told = []
    for title in ("Harmless", "Remote Desktop"):
        host = LabHost(on=machine("a"))
        host.machine.add_text("@FirewallAPI.dll,-28752", title)
        told.append(planned(host, DISABLE).names["@FirewallAPI.dll,-28752"])
    assert told == ["Harmless", "Remote Desktop"]


def test_a_host_that_cannot_tell_shows_what_is_stored() -> None:
    for fault in ("older", "gone", "nonsense"):
        host = LabHost(on=machine("a"))

        def broken(batch: Batch, fault: str = fault) -> Reply | None:
            if "texts" not in batch.calls:
                return None
            if fault == "gone":
                raise HostError("connection_lost")
            wrong = Answer(error=Failure("InvalidArgument", "ringfence.verb", "no")) if fault == "older" else Answer(["x", 5])
            return Reply({"texts": wrong, "accounts": wrong})

        host.before = broken
        text = shown(planned(host, DISABLE))
        assert "group         @FirewallAPI.dll,-28752 → (none)" in text, text


def test_what_is_longer_is_another_text() -> None:
    """`…,-2` is resolved and `…,-25` is not: the one does not stand in the other."""
    host = LabHost({"r": "v2.31|Action=Allow|Dir=In|Name=@a.dll,-2|Desc=@a.dll,-25|"}, on=machine("a"))
    host.machine.add_text("@a.dll,-2", "Two")
    text = shown(planned(host, at(1, name="r", state="absent")))
    assert '"Two"' in text
    assert "@a.dll,-25" in text


def test_what_a_host_says_cannot_command_a_terminal() -> None:
    host = LabHost({"r": "v2.31|Action=Allow|Dir=In|Name=@a.dll,-2|"}, on=machine("a"))
    host.machine.add_text("@a.dll,-2", "\x1b[2Jgone")
    assert "\\x1b[2Jgone" in shown(planned(host, at(1, name="r", state="absent")))


def test_apply_tells_the_same_after_it_has_written() -> None:
    host = LabHost(on=machine("a"))
    result = apply_host(host.job(declared(DISABLE)), context_of(host))
    assert result.status == "changed"
    assert "Remote Desktop" in shown(result)
    assert [*host.batches[-1].calls] == ["texts"]
    assert host.machine.registry.get(RULES, RDP)


@pytest.mark.parametrize("stored", [OPS, OPS.lower()])
def test_a_sid_is_the_same_in_either_case(stored: str) -> None:
    """An account that was resolved before is not asked for again."""
    def ask(batch: Batch) -> Reply:
        raise AssertionError(batch)

    for told in OPS, OPS.lower():
        found = HostSnapshot(Facts(), State(), {r"CORP\Ops": {"sid": told}, "other": "?"})
        assert names_on_host(found, StoredNames(accounts=(stored,)), ask) == {stored: r"CORP\Ops"}


def test_interfaces_that_a_host_has_told_are_not_asked_for_again() -> None:
    """A task that names one has them told with the first question."""
    host = LabHost({"r": f"v2.31|Action=Allow|Active=TRUE|Dir=In|IF={GUID}|Name=r|"})
    named = at(2, name="n", protocol="tcp", local_port=1, interface_alias="Ethernet")
    result = planned(host, at(1, name="r", state="absent"), named)
    assert ", on Ethernet" in shown(result)
    assert len(host.verbs("Interfaces.Read")) == 1


def test_an_account_by_its_name_where_nothing_else_is_asked() -> None:
    host = LabHost({"r": f"v2.31|Action=Allow|Active=TRUE|Dir=In|Name=r|LUOwn={OPS}|"}, accounts={r"CORP\Ops": OPS})
    assert r"owner  CORP\Ops" in shown(planned(host, at(1, name="r", state="absent")))


@pytest.mark.parametrize("stored", ["{ABCDEF00-0000-0000-0000-00000000000A}", "{abcdef00-0000-0000-0000-00000000000a}"])
def test_an_interface_is_the_same_in_either_case_and_one_that_is_gone_has_no_name(stored: str) -> None:
    def ask(batch: Batch) -> Reply:
        raise AssertionError(batch)

    for told in stored.upper(), stored.lower():
        found = HostSnapshot(facts(interfaces=[{"alias": "Uplink", "guid": told}]), State())
        assert names_on_host(found, StoredNames(interfaces=(stored, GUID)), ask) == {stored: "Uplink"}


@pytest.mark.parametrize("nonsense", [None, 5, ["x"], "x", {OPS: 5}, {OPS: {"name": 5}}, {OPS: {"name": OPS}}, {OPS: {}}])
def test_what_a_host_cannot_say_of_accounts_costs_no_other_name(nonsense: Any) -> None:
    """Nor is a SID a name."""
    stored = StoredNames(texts=("@a.dll,-1", "@a.dll,-2"), accounts=(OPS,))
    said = {"texts": Answer({"@a.dll,-1": "One", "@a.dll,-2": 7}), "accounts": Answer(nonsense)}
    found = HostSnapshot(Facts(), State())
    assert names_on_host(found, stored, lambda batch: Reply(said)) == {"@a.dll,-1": "One"}


def test_a_host_that_has_failed_is_not_asked_for_names() -> None:
    host = LabHost(on=machine("a"))

    def breaks(batch: Batch) -> Reply | None:
        if batch.stop_on_error:
            raise HostError("connection_lost")
        return None

    host.before = breaks
    result = apply_host(host.job(declared(DISABLE)), context_of(host))
    assert (result.status, len(result.changes), host.verbs("Texts.Read")) == ("unknown", 1, [])
