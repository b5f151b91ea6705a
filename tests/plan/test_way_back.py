"""The commands for the console of a lost host: those that let traffic pass first, in PowerShell's own spelling."""

import json

from core import PROFILE, RULE, rule
from host_script import needs_pwsh, pwsh

from ringfence.model.facts import parse_facts
from ringfence.model.resource import Resource
from ringfence.model.state import Change, State, id_of
from ringfence.plan.plan import HostSnapshot, Plan
from ringfence.plan.way_back import MAX_COMMANDS, way_back


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
