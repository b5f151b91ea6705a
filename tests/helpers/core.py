"""What the tests of the core share: kinds, cases, tasks and what they declare, facts."""

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from ringfence import kinds
from ringfence.diagnostics import NOWHERE, Diagnostic, Where
from ringfence.model.declaration import Declarations, present
from ringfence.model.facts import Facts, parse_facts
from ringfence.model.resource import Kind, Resource
from ringfence.project.declare import DeclarationBuilder
from ringfence.project.render import RenderedTask

CASES = Path(__file__).parents[1] / "cases"
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
    return read_yaml(CASES / f"{name}.yml")


def read_yaml(path: Path) -> Any:
    """The content of a file of ours, by libyaml where PyYAML was built with it."""
    return yaml.load(path.read_text(encoding="utf-8"), getattr(yaml, "CSafeLoader", yaml.SafeLoader))


def task(kind: str, properties: Mapping[str, Any], where: Where = NOWHERE, locations: Mapping[str, Where] | None = None,
         written: Mapping[str, Any] | None = None, treatment: Mapping[str, Any] | None = None) -> RenderedTask:
    """A rendered task; `written`: its properties as they stand in the play, where they differ; `treatment`: the keys beside
    `when`."""
    return RenderedTask(kind, "", properties, properties if written is None else written, where, locations or {},
                        treatment=treatment or {})


def at(line: int, kind: str = "firewall_rule", /, **properties: Any) -> RenderedTask:
    """A task at play.yml:LINE whose properties follow on the lines below it."""
    locations = {name: Where("play.yml", line + 1 + i) for i, name in enumerate(properties)}
    return task(kind, properties, Where("play.yml", line), locations)


def declare(*tasks: RenderedTask, words: bool = False) -> tuple[Declarations, list[Diagnostic]]:
    """What tasks declare, and what is wrong with them. `words`: rules for everything and everybody have to say so, as in
    projects they do; most tests are of something else, and their rules say no more than that needs."""
    declarations, problems = DeclarationBuilder(KINDS, lambda id: not words).declarations(tasks)
    for one in () if words else present([*declarations.values()]):
        refused = {f"{one.id.kind}: {one.resource.name}: {finding.reason}" for finding in one.resource.check()}
        wrong = [d for d in one.if_whole if d.summary in refused]
        problems += wrong
        declarations[one.id] = replace(one, if_whole=())
        if any(d.severity == "error" for d in wrong):
            del declarations[one.id]
    return declarations, problems


def declared(*tasks: RenderedTask) -> Declarations:
    """What tasks declare; they have to be right."""
    declarations, problems = declare(*tasks)
    assert not [p for p in problems if p.severity == "error"], "\n".join(map(str, problems))
    return declarations


def resources(declarations: Declarations) -> list[Resource]:
    """The resources that shall be there."""
    return [d.resource for d in present(declarations.values())]


def rule(name: str = "r", **properties: Any) -> Resource:
    """A rule as YAML would declare it."""
    (only,) = resources(declared(task("firewall_rule", {"name": name, **properties})))
    return only


def afresh(resource: Resource, version: str = "v2.31") -> str:
    """The rule string of a resource in Windows' words and order, whatever it was read from."""
    return resource.kind.codec.write(resource.values(), resource.unknown_tokens, version)


def facts(**changed: Any) -> Facts:
    return parse_facts({**FACTS, **changed})
