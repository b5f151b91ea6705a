"""Rules that a simulated host ends by itself, by the executor in Python and by a real PowerShell. The task that both register is
that of the host script; what it does the simulated Windows decides."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from asked_hosts import RULES, AskedHost, asked_host, happens, of_a_run
from core import cases
from host_script import needs_pwsh, pwsh

from ringfence.batch import Answer, Call
from ringfence.lab import Machine
from ringfence.lab.machine.scheduled_tasks import ScheduledTask

RULE = "v2.31|Action=Allow|Active=TRUE|Dir=In|Protocol=6|LPort=22|Name=x|"
FOLDER = "\\ringfence\\expires\\"


@pytest.fixture
def host(request: pytest.FixtureRequest) -> Iterator[AskedHost]:
    with asked_host(request.param) as found:
        yield found


def with_moments(value: Any, began: datetime) -> Any:
    """{+60} becomes a moment, wherever it stands."""
    if isinstance(value, dict):
        return {key: with_moments(one, began) for key, one in value.items()}
    if isinstance(value, list):
        return [with_moments(one, began) for one in value]
    if isinstance(value, str) and value.startswith("{+"):
        return f"{began + timedelta(seconds=float(value[2:-1])):%Y-%m-%dT%H:%M:%SZ}"
    return value


def has(found: Any, wanted: Any) -> bool:
    """Whether an answer has what it is to have."""
    if isinstance(wanted, dict):
        return isinstance(found, dict) and all(has(found.get(key), one) for key, one in wanted.items())
    if isinstance(wanted, list):
        return isinstance(found, list) and len(found) == len(wanted) and all(map(has, found, wanted))
    return bool(found == wanted)


def of_rules(host: AskedHost) -> dict[str, str]:
    """The task of each rule that has one, by the name of the rule."""
    found: Answer = host.ask(Call("Expiry.Read"))
    assert found.error is None
    assert {one["task"] for one in found.value} == {path[len(FOLDER):] for path in paths(host.on)}
    return {one["name"]: one["task"] for one in found.value}


def paths(on: Machine) -> list[str]:
    return [task.path for task in on.tasks.tasks() if task.path.startswith(FOLDER)]


CASES = cases("host_script_expiry")


@pytest.mark.parametrize(("host", "case"), [
    pytest.param(way, case, id=f"{case['name']} ({way})", marks=[needs_pwsh] if way == "pwsh" else [])
    for case in CASES for way in ("python", *(["pwsh"] if case.get("pwsh") else []))], indirect=["host"])
def test_a_rule_that_ends_by_itself(host: AskedHost, case: dict[str, Any]) -> None:
    began, names = host.on.clock.wall(), ("bg", "other", *case.get("rules", ()))
    for name in names:
        host.on.registry.set(RULES, name, RULE)
    for step in with_moments(case["steps"], began):
        if "do" in step:
            if step["do"] in ("on", "off"):
                {"on": host.on.power_on, "off": host.on.power_off}[step["do"]]()
            else:
                happens(host.on, step["do"])
        elif "remove" in step:
            task = of_rules(host).get(step["remove"], "0" * 32)
            assert host.ask(Call("Expiry.Remove", {"task": task})).error is None
        else:
            verb, arguments = step["call"]
            answer = host.ask(Call(verb, of_a_run(arguments)))
            told = answer.error and {"category": answer.error.category, "id": answer.error.id}
            assert told == step.get("error"), (step, answer.error)
            assert has(answer.value, step.get("value", answer.value)), (step, answer.value)
        if "rules" in step:
            assert [name for name in names if host.on.registry.get(RULES, name) is not None] == step["rules"], step
        if "tasks" in step:
            assert sorted(of_rules(host)) == sorted(step["tasks"]), step


CHANGES = [("98,103", "98,104"), ("-ErrorAction Stop }", "-ErrorAction Continue }"), ("powershell.exe", "cmd.exe"),
           ("2099-01-01T00:00:00Z</StartBoundary></Boot", "2098-01-01T00:00:00Z</StartBoundary></Boot")]


@pytest.mark.parametrize("host", ["python", pytest.param("pwsh", marks=needs_pwsh)], indirect=True)
def test_a_task_that_somebody_has_changed_does_not_fit(host: AskedHost) -> None:
    host.ask(Call("Expiry.Write", {"noun": "NetFirewallRule", "name": "bg", "at": "2099-01-01T00:00:00Z"}))
    (path,) = paths(host.on)
    xml = host.on.tasks.find(path).definition.xml
    for old, new in CHANGES:
        assert old in xml
        host.on.tasks.register(path, xml.replace(old, new), update=True)
        (found,) = host.ask(Call("Expiry.Read")).value
        assert found["fits"] is False, new
    host.on.tasks.register(path, xml, update=True)
    assert host.ask(Call("Expiry.Read")).value[0]["fits"]
    host.on.tasks.enable(path, False)
    assert not host.ask(Call("Expiry.Read")).value[0]["fits"]


@pytest.mark.parametrize("host", ["python", pytest.param("pwsh", marks=needs_pwsh)], indirect=True)
def test_a_task_that_is_not_as_it_was_registered_does_not_stay(host: AskedHost) -> None:
    """It is told that there is none, so nobody would take it back."""
    register = host.on.tasks.register

    def another(path: str, xml: str, *, update: bool = False) -> ScheduledTask:
        return register(path, xml.replace("-NonInteractive", ""), update=update)

    host.on.tasks.register = another  # type: ignore[method-assign]
    told = host.ask(Call("Expiry.Write", {"noun": "NetFirewallRule", "name": "bg", "at": "2099-01-01T00:00:00Z"}))
    assert told.error
    assert (told.error.category, told.error.id) == ("InvalidOperation", "ringfence.expiry")
    assert "is not as it was registered" in told.error.message
    assert paths(host.on) == []


CONSTRAINED = """
$text, $stands = $env:TEXT, @{
    'Remove-NetFirewallRule' = 'param($Name) "name=$Name"; Write-Error -Category ObjectNotFound x'
    'Get-ScheduledTask' = 'param($TaskPath, $TaskName) Write-Error -Category ObjectNotFound y'
    'Unregister-ScheduledTask' = 'param($TaskPath, $TaskName, [switch]$Confirm) "unregistered $TaskPath$TaskName"'
}
$state = [Management.Automation.Runspaces.InitialSessionState]::CreateDefault2()
$entry = [Management.Automation.Runspaces.SessionStateFunctionEntry]
foreach ($one in $stands.GetEnumerator()) { $state.Commands.Add($entry::new($one.Key, "[CmdletBinding()] $($one.Value)")) }
$state.LanguageMode = 'ConstrainedLanguage'
$space = [runspacefactory]::CreateRunspace($state)
$space.Open()
$shell = [powershell]::Create()
$shell.Runspace = $space
[void]$shell.AddScript('$ExecutionContext.SessionState.LanguageMode; ' + $text)
$shell.Invoke()
$shell.Streams.Error | ForEach-Object { "error: $_" }
"""


@needs_pwsh
def test_what_a_task_does_runs_in_constrained_language() -> None:
    """As App Control has PowerShell run what it does not know; the text is that which a host registers."""
    with asked_host("python") as host:
        name = "a'; exit 9; \u2019$x"
        told = host.ask(Call("Expiry.Write", {"noun": "NetFirewallRule", "name": name, "at": "2099-01-01T00:00:00Z"}))
        (path,) = paths(host.on)
        arguments = host.on.tasks.find(path).definition.actions[0].arguments
    text = arguments.partition('-Command "')[2].removesuffix('"')
    assert '"' not in text
    ran = pwsh("-Command", CONSTRAINED, environment={"TEXT": text})
    said = ran.stdout.decode().splitlines()
    assert said == ["ConstrainedLanguage", f"name={name}", f"unregistered {FOLDER}{told.value['task']}"]
