"""Whether the pre-shared keys on a host are those that are declared. Only the host knows what it has, so it is asked: the
question names a key by its HMAC, the answer is a word (Key.Compare). Pure."""

from collections.abc import Iterable, Mapping
from typing import Any

from ringfence.batch import AsHmac, Call
from ringfence.batch.scripts import COMPARE_KEYS
from ringfence.model.declaration import Declaration, present
from ringfence.model.resource import Resource
from ringfence.model.state import Id, State
from ringfence.secret import Secret, StoredSecret

WantedKeys = Mapping[Id, tuple[Resource, Secret]]  # the set as it is declared, and its key


def wanted_keys(declarations: Iterable[Declaration]) -> WantedKeys:
    """The sets among what is declared that have a pre-shared key; a set has one at most ([MS-FASP] 2.2.65)."""
    return {d.id: (d.resource, key) for d in present(declarations) for key in _keys(d.resource)}


def compare_call(wanted: WantedKeys) -> Call:
    """The question whether the host has these keys."""
    questions = [{"store": id.store, "kind": r.kind.noun, "name": r.kind.storage.cmdlet_name(r.name), "hmac": AsHmac(key)}
                 for id, (r, key) in wanted.items()]
    return Call(COMPARE_KEYS, {"keys": questions})


def with_known_keys(state: State, wanted: WantedKeys, answer: Any) -> State:
    """The state in which keys that the host calls equal to the wanted ones are these; others stay unknown.

    `answer`: the value of a Key.Compare, a word for each question: equal, differs, none.
    """
    words = answer if isinstance(answer, list) else []
    equal = {id: key for (id, (_, key)), word in zip(wanted.items(), words, strict=False) if word == "equal"}
    return state.updated({id: _with_key(state[id], key) for id, key in equal.items() if id in state})


def _keys(resource: Resource) -> Iterable[Secret]:
    for p in resource.kind.proposals:
        for member in getattr(resource, p.name):
            yield from (v for v in member.values().values() if isinstance(v, Secret))


def _with_key(resource: Resource, key: Secret) -> Resource:
    return resource.replace(**{p.name: tuple(_with_secret(m, key) for m in getattr(resource, p.name))
                               for p in resource.kind.proposals})


def _with_secret(member: Resource, key: Secret) -> Resource:
    known = {name: key for name, value in member.values().items() if isinstance(value, StoredSecret)}
    return member.replace(**known) if known else member
