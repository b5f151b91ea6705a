"""The commands for the console of a lost host: those that let traffic pass first, in PowerShell's own spelling."""

import json
from typing import Any

from core import PROFILE, RULE, declared, resources, rule, task
from host_script import needs_pwsh, pwsh

from ringfence.model.facts import parse_facts
from ringfence.model.resource import Resource
from ringfence.model.state import Change, State, id_of
from ringfence.plan.plan import HostSnapshot, Plan
from ringfence.plan.way_back import MAX_COMMANDS, undone_change, way_back
from ringfence.secret import MASK


def commands(*changes: tuple[Resource | None, Resource | None]) -> list[str]:
    made = tuple(Change(id_of(one), before, after) for before, after in changes if (one := after or before))
    plan = Plan("h", {}, HostSnapshot(parse_facts({}), State({})), changes=made)
    return [*way_back(plan, frozenset(c.id for c in made), {})]


def test_what_shuts_comes_first_and_the_last_written_before_it() -> None:
    allow = rule("allow", protocol="tcp", local_port=80, remote_address="10.0.0.0/8")
    assert commands(
        (None, rule("first", action="block", protocol="tcp", local_port=1)), (None, allow),
        (None, rule("second", action="block", protocol="tcp", local_port=2)),
        (rule("narrowed", protocol="tcp", local_port=[5985, 5986]), rule("narrowed", protocol="tcp", local_port=5986)),
        (rule("gone", protocol="tcp", local_port=22), None),
        (PROFILE.create("public", {"enabled": False}), PROFILE.create("public", {"enabled": True}))) == [
            "Set-NetFirewallProfile -Name Public -Enabled False",
            "New-NetFirewallRule -Name gone -DisplayName gone -Protocol TCP -LocalPort '22'",
            "Set-NetFirewallRule -Name narrowed -Protocol TCP -LocalPort '5985-5986'",
            "Remove-NetFirewallRule -Name second", "Remove-NetFirewallRule -Name first", "Remove-NetFirewallRule -Name allow"]


def a_set(*proposal: dict[str, Any]) -> Resource:
    (found,) = resources(declared(task("ipsec_phase1_auth_set", {"name": "s", "proposal": [*proposal]})))
    return found


def test_what_was_removed_comes_back_after_what_passes_by_itself() -> None:
    """A block shuts again what the rules before it let pass; a set, or a setting, may be why nothing passes."""
    kerberos, ntlm = a_set({"machine": True, "kerberos": True}), a_set({"machine": True, "ntlm": True})
    assert commands((kerberos, ntlm), (None, rule("allow", protocol="tcp", local_port=80)),
                    (rule("closed", protocol="tcp", local_port=22), None),
                    (rule("open", action="block", protocol="tcp", local_port=23), None), (ntlm, None)) == [
        "New-NetFirewallRule -Name closed -DisplayName closed -Protocol TCP -LocalPort '22'",
        "Set-NetIPsecPhase1AuthSet -Name s -Proposal (New-NetIPsecAuthProposal -Machine $true -Kerberos $true)",
        "New-NetIPsecPhase1AuthSet -Name s -DisplayName s -Proposal (New-NetIPsecAuthProposal -Machine $true -Ntlm $true)",
        "New-NetFirewallRule -Name open -DisplayName open -Action Block -Protocol TCP -LocalPort '23'",
        "Remove-NetFirewallRule -Name allow"]


def test_a_secret_is_not_told() -> None:
    before = a_set({"machine": True, "pre_shared_key": "open sesame"})
    (told,) = commands((before, None))
    assert ("open sesame" in told, f"'{MASK}'" in told) == (False, True)


def test_a_rename_is_undone_by_the_new_name() -> None:
    old, new = rule("old", protocol="tcp", local_port=7), rule("New", protocol="tcp", local_port=7)
    change = Change(id_of(old), old, new, as_action="rename")
    plan = Plan("h", {}, HostSnapshot(parse_facts({}), State({})), changes=(change,))
    assert way_back(plan, frozenset({change.id}), {}) == ("Rename-NetFirewallRule -Name New -NewName old",)
    assert (undone_change(change).id, undone_change(change).after) == (id_of(new), old)
    assert undone_change(Change(id_of(old), old, None)).id == id_of(old)


def test_values_that_are_no_text() -> None:
    was = RULE.read_string("e", "v2.31|Action=Allow|Active=TRUE|Dir=In|Name=e|Protocol=6|LPort=8|LOM=TRUE|")
    now = RULE.read_string("e", "v2.31|Action=Allow|Active=TRUE|Dir=In|Name=e|Protocol=6|LPort=8|")
    assert commands((was, now), (now, was)) == ["Set-NetFirewallRule -Name e -LocalOnlyMapping $true",
                                                "Set-NetFirewallRule -Name e -LocalOnlyMapping $false"]
    sizes = [PROFILE.create("domain", {"log_max_size_kilobytes": size}) for size in (4096, 8192)]
    assert commands((sizes[0], sizes[1])) == ["Set-NetFirewallProfile -Name Domain -LogMaxSizeKilobytes 4096"]


def test_only_what_was_written_and_not_too_much() -> None:
    made = [(None, rule(f"r{n}", action="block", protocol="tcp", local_port=n)) for n in range(1, 40)]
    assert len(commands(*made)) == MAX_COMMANDS
    plan = Plan("h", {}, HostSnapshot(parse_facts({}), State({})), changes=(Change(id_of(made[0][1]), None, made[0][1]),))
    assert way_back(plan, frozenset(), {}) == ()


NASTY = ["plain", "two words", "it's", "‘typographic’ “quotes”‚ ‛", "$(Remove-Item C:\\)", "`n$x", "-Force", "5985", "0x10",
         "1e3", "1..9", "@(1)", "a,b", ";rm", "# no", "'; Stop-Computer; '", "{0}", "%PATH%", "a|b&c", "äöü 日本", "\"", "[1]",
         "*", "a-b.c_d", "--%"]


@needs_pwsh
def test_powershell_reads_the_text_that_was_meant() -> None:
    """The engine itself says what it takes a value for."""
    told = [commands((None, RULE.create(name, {})))[0] for name in NASTY]
    assert [line.partition(" -Name ")[0] for line in told] == ["Remove-NetFirewallRule"] * len(NASTY)
    seen = "function Remove-NetFirewallRule($Name) { if ($Name -isnot [string]) { throw $Name }; $Name | ConvertTo-Json }\n"
    done = pwsh("-File", "-", stdin=(seen + "\n".join(told) + "\n").encode())
    assert [json.loads(line) for line in done.stdout.decode().splitlines() if line.startswith('"')] == NASTY, done
