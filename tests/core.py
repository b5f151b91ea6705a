"""What the tests of the core share: kinds, declared tasks, and a host that answers batches from memory."""

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from ringfence import kinds
from ringfence.batch import Answer, Batch, Call, Failure, Reply
from ringfence.errors import NOWHERE, Diagnostic, Where
from ringfence.facts import Facts, facts_of
from ringfence.project.desired import Declarer
from ringfence.resource import Kind, Resource
from ringfence.run.converge import Job, Later
from ringfence.state import Desired

CASES = Path(__file__).parent / "cases"
KINDS: Mapping[str, Kind] = kinds.load()
RULE, PROFILE = KINDS["firewall_rule"], KINDS["firewall_profile"]
GUID = "{11111111-2222-3333-4444-555555555555}"

FACTS: dict[str, Any] = {
    "computer": "SRV1", "os": {"build": 20348, "product": "server"}, "elevated": True,
    "interfaces": [{"alias": "Ethernet", "guid": GUID, "profile": "domain"},
                   {"alias": "Ethernet 2", "guid": "{22222222-2222-3333-4444-555555555555}", "profile": "public"}],
    "services": {"mpssvc": "running", "BFE": "running"}, "legacy_ipsec_policy": None}


@cache
def cases(name: str) -> Any:
    """The content of tests/cases/NAME.yml."""
    return yaml.safe_load((CASES / f"{name}.yml").read_text(encoding="utf-8"))


@dataclass(frozen=True, eq=False)
class Said:
    """A rendered task, as project/desired.py sees it."""

    kind: str
    properties: Mapping[str, Any]
    where: Where = NOWHERE
    places: Mapping[str, Where] = field(default_factory=dict)
    written: Mapping[str, Any] | None = None

    @property
    def raw(self) -> Mapping[str, Any]:
        return self.properties if self.written is None else self.written


def at(line: int, kind: str = "firewall_rule", /, **properties: Any) -> Said:
    """A task at play.yml:LINE whose properties follow on the lines below it."""
    places = {name: Where("play.yml", line + 1 + i) for i, name in enumerate(properties)}
    return Said(kind, properties, Where("play.yml", line), places)


def declare(*tasks: Said) -> tuple[Desired, list[Diagnostic]]:
    return Declarer(KINDS).desired(tasks)


def want(*tasks: Said) -> Desired:
    """What tasks declare; they have to be right."""
    desired, problems = declare(*tasks)
    assert not [p for p in problems if p.severity == "error"], problems
    return desired


def rule(name: str = "r", **properties: Any) -> Resource:
    """A rule as YAML would declare it."""
    (only,) = want(Said("firewall_rule", {"name": name, **properties})).values()
    assert only.resource is not None
    return only.resource


def facts(**changed: Any) -> Facts:
    return facts_of({**FACTS, **changed})


# PascalCase parameter -> property, for a host that understands Net.Call without being the lab
_PROPERTY = {kind.name: {p.parameter: p.name for p in kind.properties.values()} | {
    p.set_parameter: p.name for p in kind.properties.values()} for kind in (RULE, PROFILE)}


class FakeHost:
    """A host in memory that the engine reaches by a transport of one verb.

    It keeps rule strings by name and profile values by key, as Policy.Read shows them. `before` may answer a batch in
    its own way (give a Reply, raise, or return None to go on); `after_write` changes things behind the engine's back.
    """

    def __init__(self, rules: Mapping[str, str] | None = None, *, accounts: Mapping[str, str] | None = None,
                 **changed_facts: Any) -> None:
        self.rules = dict(rules or {})
        self.profiles: dict[str, dict[str, tuple[str, Any]]] = {}
        self.facts = {**copy.deepcopy(FACTS), **changed_facts}
        self.accounts = dict(accounts or {})
        self.batches: list[Batch] = []
        self.connections = 0
        self.before: Callable[[Batch], Reply | None] = lambda batch: None
        self.after_write: Callable[[], None] = lambda: None
        self.refuse: dict[str, Failure] = {}  # what this host answers to changes of a rule
        self.enforcement: dict[str, Any] = {}

    def job(self, desired: Desired | Later, **more: Any) -> Job:
        return Job("srv1", desired, self.connect, **more)

    def connect(self) -> "FakeHost":
        self.connections += 1
        return self

    def run(self, batch: Batch) -> Reply:
        self.batches.append(batch)
        batch.encode()  # everything in it can travel
        if (reply := self.before(batch)) is not None:
            return reply
        answers: list[Answer] = []
        for call in batch.calls:
            answers.append(self._answer(call))
            if batch.stop and answers[-1].error:
                break
        if batch.stop:
            self.after_write()
        return Reply(tuple(answers))

    @property
    def writes(self) -> list[Call]:
        return [c for b in self.batches for c in b.calls if c.verb == "Net.Call"]

    def _answer(self, call: Call) -> Answer:
        match call.verb:
            case "Facts.Read":
                return Answer(self.facts)
            case "Policy.Read":
                return Answer(self.policy())
            case "Account.Resolve":
                return Answer({n: {"sid": self.accounts[n.casefold()], "name": n} if n.casefold() in self.accounts
                               else {"error": "No mapping between account names and security IDs was done."}
                               for n in call.args["names"]})
            case "Enforcement.Read":
                return Answer({n: self.enforcement.get(n, {"enforcement": ["Enforced"]}) for n in call.args["names"]})
            case "Net.Call":
                return self._call(call.args["cmdlet"], dict(call.args["parameters"]))
        raise AssertionError(call.verb)

    def policy(self) -> dict[str, Any]:
        rows: list[Any] = [["FirewallRules", [[n, "String", s] for n, s in self.rules.items()]]]
        rows += [[key, [[n, t, v] for n, (t, v) in values.items()]] for key, values in self.profiles.items()]
        return {"local": rows, "group_policy": [], "mdm": []}

    def _call(self, cmdlet: str, parameters: dict[str, Any]) -> Answer:
        verb, _, noun = cmdlet.partition("-")
        name = parameters.pop("Name")
        if name in self.refuse:
            return Answer(error=self.refuse[name])
        if noun == "NetFirewallProfile":
            return self._profile(name, parameters)
        held = next((n for n in self.rules if n.lower() == name.lower()), None)
        if verb == "Remove":
            del self.rules[held or name]
            return Answer()
        if (verb == "New") == (held is not None):
            return Answer(error=Failure("ResourceExists" if held else "ObjectNotFound", "", f"{cmdlet} {name}", 183))
        before = RULE.read_string(held, self.rules[held]).values() if held else dict(RULE.defaults)
        given = {_PROPERTY["firewall_rule"][p]: v for p, v in parameters.items()}
        values = {p: self._value(RULE, p, v) for p, v in given.items()}
        self.rules[held or name] = RULE.write_string(RULE.make(held or name, {**before, **values}))
        return Answer()

    def _value(self, kind: Kind, name: str, value: Any) -> Any:
        """A parameter's value as Windows would store it, by way of the word that reads it."""
        p = kind.properties[name]
        if p.word.binds == "interface":
            alias = {i["alias"]: i["guid"] for i in self.facts["interfaces"]}
            value = [alias[v] for v in value] if isinstance(value, list) else value
        return p.default if value in ("", []) else p.word.parse(value)

    def _profile(self, name: str, parameters: dict[str, Any]) -> Answer:
        key = {"Domain": "DomainProfile", "Private": "StandardProfile", "Public": "PublicProfile"}[name]
        for parameter, value in parameters.items():
            property = _PROPERTY["firewall_profile"][parameter]
            codec = PROFILE.values[property]
            path = "\\".join(filter(None, (key, codec.path)))
            data = codec.write(self._value(PROFILE, property, value))
            self.profiles.setdefault(path, {})[codec.name] = (codec.type, data)
        return Answer()


def declared_calls(batches: Sequence[Batch]) -> list[tuple[str, Any]]:
    """(cmdlet, Name) of every change that was sent, in order."""
    return [(c.args["cmdlet"], c.args["parameters"]["Name"]) for b in batches for c in b.calls if c.verb == "Net.Call"]
