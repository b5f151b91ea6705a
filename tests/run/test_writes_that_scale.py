"""A host of a thousand rules: how often its cmdlets go through all of them for a hundred changes, and for a few."""

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from batches import open_transport
from core import at, declared, task
from host_script import PWSH, needs_pwsh
from hosts import LabHost

from ringfence.lab import POLICY, Machine, machine
from ringfence.lab.simulated_fleet import SimulatedFleet
from ringfence.model.declaration import Declarations
from ringfence.report import HostResult
from ringfence.run.host import apply_host
from ringfence.run.host_job import HostJob
from ringfence.transports.connection_settings import LocalSettings

RULES = POLICY + r"\FirewallRules"
FIREWALL, IPSEC = "NetFirewallRule", "NetIPsecRule"


def crowded(rules: int) -> Machine:
    """A host with so many rules beside Windows' own."""
    on = machine("srv1")
    for n in range(rules):
        text = f"v2.31|Action=Allow|Active=TRUE|Dir=In|Protocol=6|LPort={n + 1}|Name=old {n}|EmbedCtxt=Old|"
        on.registry.set(RULES, f"old-{n}", text)
    return on


def mixed(created: int, changed: int, regrouped: int, removed: int) -> Declarations:
    """Rules that are not there yet, that have another port, another group, and that shall go."""
    new = [at(1, name=f"new-{n}", protocol="tcp", local_port=8000 + n) for n in range(created)]
    other = [at(2, name=f"old-{n}", display_name=f"old {n}", group="Old", protocol="tcp", local_port=[n + 1, 60000])
             for n in range(changed)]
    group = [at(3, name=f"old-{n}", display_name=f"old {n}", group="New", protocol="tcp", local_port=n + 1)
             for n in range(changed, changed + regrouped)]
    gone = [at(4, name=f"old-{n}", state="absent") for n in range(changed + regrouped, changed + regrouped + removed)]
    return declared(*new, *other, *group, *gone)


@contextmanager
def applying(on: Machine, pwsh: str | None) -> Iterator[Any]:
    """apply, over real sockets."""
    with SimulatedFleet([on], "ssh", pwsh=pwsh) as lab:
        way = open_transport(on.name, lab.running[on.name].variables)
        host = LabHost(on=on)

        def apply(declarations: Declarations) -> HostResult:
            context = replace(host.context(), connect=lambda job: way)
            on.counters.enumerations.clear()
            return apply_host(HostJob(on.name, LocalSettings(), declarations, len(declarations)), context)

        yield apply


@pytest.mark.parametrize(("pwsh", "rules", "tenth"), [(None, 1000, 10), pytest.param(PWSH, 100, 3, marks=needs_pwsh)])
def test_a_hundred_mixed_changes_on_a_host_of_many_rules(pwsh: str | None, rules: int, tenth: int) -> None:
    on, changed, regrouped, removed = crowded(rules), 4 * tenth, tenth, 3 * tenth
    with applying(on, pwsh) as apply:
        result = apply(mixed(2 * tenth, changed, regrouped, removed))
    assert (result.status, len(result.written), result.error) == ("changed", 10 * tenth, None)
    assert on.counters.enumerations == {(FIREWALL, ""): 1, (FIREWALL, "ActiveStore"): 1}
    assert "LPort=60000|" in str(on.registry.get(RULES, "old-0"))
    assert str(on.registry.get(RULES, f"old-{changed}")).endswith("|EmbedCtxt=New|")
    gone, last = changed + regrouped, changed + regrouped + removed - 1
    assert [on.registry.get(RULES, f"old-{n}") is None for n in (gone - 1, gone, last, last + 1)] == [False, True, True, False]


@pytest.mark.parametrize(("pwsh", "rules", "some"), [(None, 1000, 40), pytest.param(PWSH, 100, 6, marks=needs_pwsh)])
def test_renamed_rules_are_searched_for_no_more_than_changed_ones(pwsh: str | None, rules: int, some: int) -> None:
    """The host goes through all rules once for the renames, and once more for the changes of what has another name since."""
    on = crowded(rules)
    tasks = [task("firewall_rule", {"name": f"new-{n}", "display_name": f"old {n}", "group": "New" if n % 3 == 1 else "Old",
                                    "protocol": "tcp", "local_port": 60000 if n % 3 == 2 else n + 1},
                  treatment={"renamed_from": f"old-{n}"}) for n in range(some)]
    with applying(on, pwsh) as apply:
        result = apply({**declared(*tasks), **declared(at(1, name=f"old-{some}", state="absent"))})
    assert (result.status, result.error) == ("changed", None)
    assert Counter(c.action for c in result.changes) == {"rename": some, "update": some - (some + 2) // 3, "remove": 1}
    assert on.counters.enumerations == {(FIREWALL, ""): 2, (FIREWALL, "ActiveStore"): 1}
    assert [on.registry.get(RULES, f"old-{n}") for n in range(some + 1)] == [None] * (some + 1)
    stored = [str(on.registry.get(RULES, f"new-{n}")) for n in range(some)]
    assert ["EmbedCtxt=New|" in text for text in stored] == [n % 3 == 1 for n in range(some)]
    assert ["LPort=60000|" in text for text in stored] == [n % 3 == 2 for n in range(some)]


def test_nouns_are_counted_each_for_itself() -> None:
    """One change of a noun goes by name, two read the objects once; new ones read nothing but the proof."""
    on = crowded(10)
    secure = [at(5, "ipsec_rule", name=n, inbound_security="request", outbound_security="request", enabled=False,
                 remote_address="203.0.113.9") for n in ("a", "b", "c")]
    with applying(on, None) as apply:
        assert apply({**mixed(1, 0, 0, 0), **declared(*secure)}).status == "changed"
        assert on.counters.enumerations == {(FIREWALL, "ActiveStore"): 1, (IPSEC, "ActiveStore"): 1}
        gone = declared(*(at(6, "ipsec_rule", name=n, state="absent") for n in ("a", "b", "c")))
        assert apply({**mixed(0, 1, 0, 0), **gone}).status == "changed"
        assert on.counters.enumerations == {(FIREWALL, ""): 1, (FIREWALL, "ActiveStore"): 1, (IPSEC, ""): 1}
        assert apply(mixed(0, 1, 1, 0)).status == "changed"  # the group alone
        assert on.counters.enumerations == {(FIREWALL, ""): 1, (FIREWALL, "ActiveStore"): 1}
        assert apply(mixed(0, 1, 1, 0)).status == "in_sync"
        assert on.counters.enumerations == {}


def test_what_an_enumeration_costs_is_settable() -> None:
    """The time that a lab's cmdlets take grows with the rules: tests/bench measures with it."""
    on, slept = crowded(100), list[float]()
    on.costs.enumeration, on.costs.per_object = 0.25, 0.01
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(time, "sleep", slept.append)
        on.went_through(FIREWALL, 100)
    assert slept == [1.25]
