"""What is said of changes that somebody agreed to and that a host needs no more: that it has them, or nobody asks for them."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from core import KINDS, task
from hosts import LEDGER, LabHost

from ringfence.formats.approval import Approval
from ringfence.model.declaration import Declarations
from ringfence.model.state import Change, Id
from ringfence.project.declare import DeclarationBuilder
from ringfence.project.render import RenderedTask
from ringfence.report import HostResult
from ringfence.run.host import apply_host, plan_host
from ringfence.types.moments import moment_text
from ringfence.windows.shipped_rules import is_shipped

START = "v2.31|Action=Allow|Active=TRUE|Dir=In|Protocol=6|"
WEB, SSH = f"{START}LPort=80|RA4=10.0.0.1|Name=web|", f"{START}LPort=22|RA4=10.0.0.1|Name=web|"
OF_WEB = Id("local", "firewall_rule", "web")


def rule(name: str = "web", port: int = 80, treatment: dict[str, Any] | None = None, **more: Any) -> RenderedTask:
    return task("firewall_rule", {"name": name, "protocol": "tcp", "local_port": port, "remote_address": "10.0.0.1", **more},
                treatment=treatment)


NEW = rule("new", display_name="web")
RENAMED = rule("new", display_name="web", treatment={"renamed_from": "web"})
ABSENT = task("firewall_rule", {"name": "web", "state": "absent"})


def declared(*tasks: RenderedTask) -> Declarations:
    found, problems = DeclarationBuilder(KINDS, is_shipped).declarations(tasks)
    assert not problems
    return found


def planned(host: LabHost, *tasks: RenderedTask) -> tuple[Change, ...]:
    return plan_host(host.job(declared(*tasks)), host.context()).changes


def made(host: LabHost, *tasks: RenderedTask) -> None:
    assert apply_host(host.job(declared(*tasks)), host.context()).status == "changed"


def looked_at(host: LabHost, agreed: tuple[Change, ...], *tasks: RenderedTask) -> HostResult:
    context = replace(host.context(), possible=lambda name, facts: frozenset())
    return apply_host(host.job(declared(*tasks)), context, Approval(agreed), False)


def said(host: LabHost, agreed: tuple[Change, ...], *tasks: RenderedTask) -> str:
    """Of one agreed change, which is not to be made any more."""
    assert len(agreed) == 1
    result = looked_at(host, agreed, *tasks)
    assert (result.error, result.changes) == (None, ())
    (told,) = [d.summary for d in result.diagnostics if "approved" in d.summary or "not made" in d.summary]
    if told == "done already: 1 of 1 approved changes are there":
        return "there"
    assert told == f"not made: {agreed[0]}: the project does not ask for it any more"
    return "not made"


Happens = Callable[[LabHost], object]


@pytest.mark.parametrize(("found", "agreed", "happens", "then", "comes_to"), [
    # create
    ({}, [rule()], lambda host: made(host, rule()), [rule()], "there"),
    ({}, [rule()], lambda host: host.put("web", WEB), [], "there"),
    ({}, [rule()], lambda host: host.put("web", SSH), [], "not made"),
    ({}, [rule()], lambda host: host.put("web", WEB.replace("RA4", "Profile=Domain|RA4")), [], "not made"),
    ({}, [rule()], lambda host: None, [], "not made"),
    # remove
    ({"web": WEB}, [ABSENT], lambda host: host.remove("web"), [], "there"),
    ({"web": WEB}, [ABSENT], lambda host: None, [], "not made"),
    # update: of what nobody agreed to change it may have become another
    ({"web": WEB}, [rule(port=443)], lambda host: host.put("web", WEB.replace("80", "443").replace("10.0.0.1", "10.0.0.2")), [],
     "there"),
    ({"web": WEB}, [rule(port=443, profile="domain")], lambda host: host.put("web", WEB.replace("80", "443")), [], "not made"),
    ({"web": WEB}, [rule(port=443)], lambda host: None, [], "not made"),
    ({"web": WEB}, [rule(port=443)], lambda host: host.remove("web"), [], "not made"),
    # rename
    ({"web": WEB}, [RENAMED], lambda host: made(host, RENAMED), [NEW], "there"),
    ({"web": WEB}, [RENAMED], lambda host: None, [], "not made"),
])
def test_a_change_that_is_not_to_be_made_any_more(
        found: dict[str, str], agreed: list[RenderedTask], happens: Happens, then: list[RenderedTask], comes_to: str) -> None:
    host = LabHost(found)
    changes = planned(host, *agreed)
    happens(host)
    assert said(host, changes, *then) == comes_to


@pytest.mark.parametrize(("happens", "then", "comes_to"), [
    (lambda host: made(host, rule()), [rule()], "there"),
    (lambda host: host.take_over([OF_WEB], "mentioned"), [], "not made"), (lambda host: None, [], "not made")])
def test_what_was_to_be_taken_over(happens: Happens, then: list[RenderedTask], comes_to: str) -> None:
    """The host has it as before: whose it is stands in the ledger."""
    host = LabHost({"web": WEB}, owns=False)
    changes = planned(host, rule())
    assert [c.action for c in changes] == ["adopt"]
    happens(host)
    assert said(host, changes, *then) == comes_to


def test_what_somebody_else_has_created_as_it_was_agreed_to() -> None:
    host = LabHost({}, owns=False)
    changes = planned(host, rule())
    host.put("web", WEB)
    assert said(host, changes) == "there"


@pytest.mark.parametrize("released", [True, False])
def test_what_was_to_be_let_go_of(released: bool) -> None:
    host = LabHost({"web": WEB}, owns=False)
    host.policy = replace(host.policy, prune="created")
    host.take_over([OF_WEB], "adopted")
    changes = looked_at(host, ()).changes
    assert [c.action for c in changes] == ["release"]
    host.policy = replace(host.policy, prune="report")
    if released:
        host.machine.registry.unset(LEDGER, "firewall_rule|local|web")
    assert said(host, changes) == ("there" if released else "not made")


@pytest.mark.parametrize("task_is", ["as agreed", "of another rule", "at another time", "switched off", "gone", "never made"])
def test_what_the_host_was_to_end_by_itself(task_is: str) -> None:
    """It is there as agreed where its task is too: the rule alone would be there for good."""
    host = LabHost({}, owns=False)
    now = host.machine.clock.wall().replace(microsecond=0)

    def ends(hours: int, name: str = "web") -> RenderedTask:
        life = {"expires": moment_text(now + timedelta(hours=hours)), "expires_on_host": True}
        return rule(name, treatment=life)

    changes = planned(host, ends(1))
    if task_is == "of another rule":
        made(host, ends(1, "other"), rule())
    elif task_is == "never made":
        made(host, rule())
    else:
        made(host, ends(2 if task_is == "at another time" else 1))
    for one in [*host.machine.tasks.tasks()]:
        if task_is == "switched off":
            host.machine.tasks.enable(one.path, False)
        elif task_is == "gone":
            host.machine.tasks.unregister(one.path)
    assert said(host, changes) == ("there" if task_is == "as agreed" else "not made")
