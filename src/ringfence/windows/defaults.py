"""What Windows itself ships, as a host keeps it: the answer of a Defaults.Read -> State.

`SharedAccess\\Defaults\\FirewallPolicy` is the DefaultsStore of [MS-FASP] 3.1.1 (NetSecurity: SystemDefaults), which a reset
copies over the local policy. Scripts delete it and edit it: that it is missing says nothing of the host's rules.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any

from ringfence.codecs.registry import parse_tree
from ringfence.model.facts import unread
from ringfence.model.resource import Kind, Resource
from ringfence.model.state import LOCAL, Change, Id, State, diff, id_of

_STORE = "defaults"  # none that a resource is in: only what its keys name is read of it
_RULES = "firewallrules"


@dataclass(frozen=True)
class Defaults:
    """Windows' own policy on one host.

    language: that in which the host would tell its texts (en-US) · unread: what could not be read of it, and why · read:
    makes `state`, when somebody looks at it.
    """

    language: str = ""
    unread: tuple[tuple[str, str], ...] = ()
    read: Callable[[], State] = field(default=State, compare=False, repr=False)

    @cached_property
    def state(self) -> State:
        """Its objects under the ids that they have in the local store; empty where the host keeps none."""
        return self.read()


def parse_defaults(answer: Any, policy: Any, kinds: Mapping[str, Kind]) -> Defaults:
    """Windows' own policy from the value of a Defaults.Read, and that of the Policy.Read of the same batch, in which the
    rules stand that the host named only. Lenient: what has another shape counts as not said."""
    told = answer if isinstance(answer, dict) else {}
    return Defaults(str(told.get("language") or ""), unread(told), partial(_state, told, policy, kinds))


def _state(told: Mapping[str, Any], policy: Any, kinds: Mapping[str, Kind]) -> State:
    rows, same = ([*v] if isinstance(v := told.get(name), list) else [] for name in ("rows", "same"))
    tree = parse_tree(rows)
    if same:
        live = _live_rules(policy)
        named = {n.lower(): n for n in same if isinstance(n, str)}  # once, in however many spellings
        tree.setdefault(_RULES, {}).update((n, live[lower]) for lower, n in named.items() if lower in live)
    found: dict[Id, Resource] = {}
    for kind in kinds.values():
        found.update((id_of(r), r) for r in kind.storage.read(kind, tree, _STORE))
    return State(found)


def compare(shipped: State, found: State) -> tuple[Change, ...]:
    """How the local policy differs from what Windows ships: before is as it ships, after as it is. What is there and does
    not ship is a create, what ships and is gone a remove. Parts of Windows that the host's table does not have are left out;
    a setting that is stored with the value that it has unstored is not changed: Windows itself writes such."""
    shipped = State({id: r.in_effect() for id, r in shipped.items()})
    found = State({**found, **{id: found[id].in_effect() for id in shipped if id in found}})
    ids = {*shipped, *(id for id, r in found.items() if id.store == LOCAL and r.kind.storage.removable)}
    return diff(shipped, found, sorted(ids))


def _live_rules(policy: Any) -> dict[str, tuple[str, Any]]:
    """The stored rules of the local policy: {name in lower case: (type, data)}."""
    rows = policy.get(LOCAL) if isinstance(policy, dict) else None
    held = rows if isinstance(rows, list) else ()
    tree = parse_tree(r for r in held if isinstance(r, list) and str(*r[:1]).lower() == _RULES)
    return {name.lower(): value for name, value in tree.get(_RULES, {}).items()}
