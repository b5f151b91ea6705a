"""What is to be asked of a host about what is declared for it, and what its answers add to what was read."""

from collections.abc import Container, Hashable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ringfence.batch import Answer, Call, Reply
from ringfence.errors import HostError
from ringfence.model.declaration import Declarations, present
from ringfence.model.facts import Facts, HostConditions, parse_conditions, parse_keywords, with_network
from ringfence.model.filter import DYNAMIC_KEYWORD
from ringfence.model.resource import Kind
from ringfence.plan import bind
from ringfence.plan.plan import HostSnapshot
from ringfence.windows.endpoint import endpoint_of
from ringfence.windows.keys import WantedKeys, compare_call, wanted_keys, with_known_keys
from ringfence.windows.read import read_objects

INTERFACES, MANAGEMENT, SERVICES, CONTROLLERS = "Interfaces.Read", "Management.Read", "Services.Read", "Domain.Read"
WHOSE_SESSION = "Session.Read"
"""Facts that cost a host more: asked where something needs them."""
KEYWORDS = "Get-NetFirewallDynamicKeywordAddress"
"""The addresses of dynamic keywords, asked where a rule has some. Windows older than Server 2022 has no such cmdlet."""
EXPORT_ANEW = "the endpoint cannot be asked: export it anew (`ringfence jea export`)"
_NO_ANSWER = "the endpoint does not compare keys, which the one for operators does"


@dataclass(frozen=True)
class Questions:
    """facts: the verbs for those beyond the usual (INTERFACES, MANAGEMENT, SERVICES) · accounts: names that the host has to
    translate · kinds: those that only a cmdlet tells of · keys: pre-shared keys that it has to compare with its own · judged:
    whether it has to say what decides what is in force."""

    facts: frozenset[str] = frozenset()
    accounts: tuple[str, ...] = ()
    kinds: tuple[Kind, ...] = ()
    keys: WantedKeys = field(default_factory=dict)
    judged: bool = False

    def __bool__(self) -> bool:
        return bool(self.facts or self.accounts or self.kinds or self.keys)

    def beyond(self, asked: "Questions") -> "Questions":
        """Those of these that were not asked yet. A key that has become another one is asked for anew."""
        return Questions(self.facts - asked.facts, tuple(n for n in self.accounts if n not in asked.accounts),
                         tuple(k for k in self.kinds if k not in asked.kinds),
                         {id: w for id, w in self.keys.items() if id not in asked.keys or asked.keys[id][1] != w[1]})

    def calls(self) -> dict[Hashable, Call]:
        """The calls for all of these, under labels that `answered` knows."""
        calls: dict[Hashable, Call] = {verb: Call(verb) for verb in sorted(self.facts)}
        calls |= {kind.name: Call("Net.Get", {"cmdlet": kind.storage.get_cmdlet}) for kind in self.kinds}
        if self.accounts:
            calls["accounts"] = Call("Account.Resolve", {"names": list(self.accounts)})
        if self.keys:
            calls["keys"] = compare_call(self.keys)
        if self.judged:
            calls["conditions"] = Call("Conditions.Read")
        return calls

    def answered(self, found: HostSnapshot, reply: Reply) -> HostSnapshot:
        """What was found, with the answers. Raises HostError."""
        state = found.state
        for kind in self.kinds:
            state = state.updated(read_objects(kind, reply[kind.name]))
        facts = with_network(found.facts, *(reply[verb] for verb in sorted(self.facts - {SERVICES})))
        if SERVICES in self.facts:  # older endpoints do not know the question: then nothing is said of services
            facts = with_network(facts, reply.answers.get(SERVICES, Answer()).value)
        found = replace(found, state=state, facts=facts)
        if self.accounts:
            found = replace(found, accounts={**found.accounts, **_dict(reply["accounts"])})
        if "conditions" in reply.answers:
            found = self._with_conditions(found, reply.answers["conditions"])
        return self._with_keys(found, reply.answers["keys"]) if self.keys else found

    def _with_conditions(self, found: HostSnapshot, answer: Answer) -> HostSnapshot:
        """What could not be had of it is told: policy is judged by all the rest."""
        if answer.error:
            conditions = HostConditions(unread=(("what decides beside policy whether it is in force", answer.error.message),))
        else:
            conditions = parse_conditions(answer.value)
        unread = (*found.facts.unread, *conditions.unread)
        return replace(found, conditions=conditions, facts=replace(found.facts, unread=unread))

    def _with_keys(self, found: HostSnapshot, answer: Answer) -> HostSnapshot:
        """A key that the host does not compare is taken for the declared one, and that is told: it is no difference."""
        if answer.error is None:
            return replace(found, state=with_known_keys(found.state, self.keys, answer.value))
        if answer.error.is_lack and endpoint_of(found.facts).writes:
            raise HostError("endpoint", "it does not compare pre-shared keys")
        why = _NO_ANSWER if answer.error.is_lack else answer.error.message
        unread = tuple((f"the pre-shared key of {id}", why) for id in self.keys if id in found.state)
        return replace(found, state=with_known_keys(found.state, self.keys, ["equal"] * len(self.keys)),
                       facts=replace(found.facts, unread=(*found.facts.unread, *unread)))


def about(declarations: Declarations, kinds: Mapping[str, Kind]) -> Questions:
    """The questions about what is declared."""
    asked = [kinds[name] for name in sorted({id.kind for id in declarations})]
    named = [d for d in present(declarations.values()) if d.host_names]
    looked_up = {d.resource.kind.properties[p].type.resolved_by_host for d in named for p in d.host_names}
    facts = {verb for verb, names in ((INTERFACES, {"interface", "alias"}), (SERVICES, {"service"})) if names & looked_up}
    return Questions(frozenset(facts), bind.account_names(named),
                     tuple(k for k in asked if k.storage.get_cmdlet), wanted_keys(declarations.values()),
                     judged=True)


def of_kinds(questions: Questions, names: Container[str], kinds: Mapping[str, Kind]) -> Questions:
    """The questions, and those for such kinds by name of which only a cmdlet tells."""
    more = tuple(k for k in kinds.values() if k.name in names and k.storage.get_cmdlet and k not in questions.kinds)
    return replace(questions, kinds=(*questions.kinds, *more)) if more else questions


def about_keywords(found: HostSnapshot) -> dict[Hashable, Call]:
    """The call for the dynamic keywords of a host, where a rule of it has any and they are not known."""
    if found.facts.dynamic_keywords is not None or not any(
            t.lower().startswith(DYNAMIC_KEYWORD) for r in found.state.values() for t in r.unknown_tokens):
        return {}
    return {KEYWORDS: Call("Net.Get", {"cmdlet": KEYWORDS})}


def with_keywords(facts: Facts, reply: Reply) -> Facts:
    """Facts with the answer to that."""
    if KEYWORDS not in reply.answers:
        return facts
    return replace(facts, dynamic_keywords=parse_keywords(reply.answers[KEYWORDS].value))


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
