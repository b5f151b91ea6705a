"""What Windows had no value for has none again, or what that means: each such property of every kind, by every way back."""

from typing import Any

import pytest
from core import KINDS, declared, resources, task
from hosts import LabHost

from ringfence.errors import GuardRefused
from ringfence.lab import POLICY
from ringfence.model.kept import as_writable
from ringfence.model.ledger import Entry
from ringfence.model.plain import plain_data
from ringfence.model.resource import Kind, Property, Resource
from ringfence.model.state import Change, Id
from ringfence.plan.pruning import _first
from ringfence.plan.way_back import _undone
from ringfence.run.hosts_before import Before
from ringfence.run.rollback import rollback
from ringfence.views.kind_docs import sample
from ringfence.windows.calls import cmdlet_calls

RUN = "20261126T115712Z-3f9a1c"
INSTEAD = {"max_sa_idle_time_seconds": 300, "log_max_size_kilobytes": 4096}  # no cmdlet takes them away
SETTINGS = [pytest.param(kind, p, id=f"{kind.name}.{p.name}") for kind in KINDS.values() if kind.storage.fixed_names
            for p in kind.properties.values() if p.parameter]
OTHERS = [pytest.param(kind, p, id=f"{kind.name}.{p.name}") for kind in KINDS.values() if not kind.storage.fixed_names
          for p in kind.properties.values() if p.parameter and p.default is None and not p.required]


def id_of(kind: Kind) -> Id:
    return Id("local", kind.name, kind.storage.fixed_names[0])


def value_of(p: Property) -> Any:
    return {"interface": ["Ethernet"], "account": "S-1-5-11"}.get(p.type.resolved_by_host, sample(p))


def with_and_without(kind: Kind, p: Property) -> tuple[LabHost, Resource, Resource]:
    """A host that has a value of the property since a run, and the resource as it was before, and is."""
    host = LabHost()
    for key, names in kind.storage.stored_at(id_of(kind).name, [kind.registry_values[p.name]]):
        for name in names or ():
            host.machine.registry.unset("\\".join(filter(None, (POLICY, key))), name)
    before = host.read().state[id_of(kind)]
    assert getattr(before, p.name) == p.default
    assert host.apply(task(kind.name, {kind.key: id_of(kind).name, p.name: value_of(p)})).error is None
    found = host.read().state[id_of(kind)]
    assert getattr(found, p.name) != p.default
    return host, before, found


@pytest.mark.parametrize(("kind", "p"), SETTINGS)
def test_a_setting_is_rolled_back_to_none(kind: Kind, p: Property) -> None:
    host, before, _ = with_and_without(kind, p)
    wanted = {"srv1": Before({id_of(kind): before}, runs=(RUN,), writers={RUN: True})}
    said = rollback(host.job({}), host.context(), True, wanted)
    assert (said.status, said.error) == ("changed", None)
    assert host.read().state[id_of(kind)] == before.replace(**{p.name: INSTEAD.get(p.name, p.default)})
    again = rollback(host.job({}), host.context(), True, wanted)
    assert (again.status, again.changes) == ("in_sync", ())


@pytest.mark.parametrize(("kind", "p"), SETTINGS)
def test_what_a_setting_had_first_can_be_written(kind: Kind, p: Property) -> None:
    """prune: restore, and the commands for the console of a host that was lost."""
    _, before, found = with_and_without(kind, p)
    first = _first(Entry("mentioned", first={p.name: plain_data(p.default)}), found)
    assert first == before.replace(**{p.name: INSTEAD.get(p.name, p.default)})
    assert len([*_undone(Change(id_of(kind), before, found), {})]) == 1


@pytest.mark.parametrize(("kind", "p"), OTHERS)
def test_no_parameter_is_told_nothing(kind: Kind, p: Property) -> None:
    """What no cmdlet takes away is refused before anything is written, with the reason."""
    [wanted] = resources(declared(task(kind.name, {"name": "x", **{q.name: sample(q) for q in kind.properties.values()
                                                                   if q.required}})))
    found = wanted.replace(**{p.name: p.parse(value_of(p))})
    change = Change(Id("local", kind.name, "x"), found, as_writable(wanted, found))
    if kind.name == "ipsec_dosp_setting" and p.type.to_parameter(None) is None:
        with pytest.raises(GuardRefused, match=f"no cmdlet takes {p.name} away again"):
            cmdlet_calls([change], {})
    else:
        [call] = cmdlet_calls([change], {}).values()
        assert call.args["parameters"].get(p.set_parameter, p.name) is not None
