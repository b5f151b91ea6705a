"""What `show` says of an object in JSON is what a task says: it fits the schema of its kind, and declares the same."""

import json
from contextlib import suppress
from typing import Any

import jsonschema
import pytest
from chance import by_chance
from core import KINDS, declare, resources, task
from hypothesis import given
from hypothesis import strategies as st

from ringfence import schemas
from ringfence.model.plain import task_data
from ringfence.model.resource import Kind, Property, Resource
from ringfence.model.understood import is_understood
from ringfence.views.kind_docs import sample

FITS = {name: jsonschema.Draft202012Validator(schemas.kind_schema(kind)) for name, kind in KINDS.items()}


def words(schema: Any) -> list[Any]:
    """The words that a schema knows."""
    if isinstance(schema, dict):
        return [*schema.get("enum", ()), *(w for key in ("anyOf", "items") for w in words(schema.get(key)))]
    return [w for one in schema for w in words(one)] if isinstance(schema, list) else []


def understood(p: Property) -> list[Any]:
    """Canonical values of a property; what is required is never nothing, unless nothing has a word."""
    found = [p.default, p.absent]
    for said in (sample(p), *words(p.type.schema)):
        with suppress(ValueError):  # a word of a list, or one that does not stand alone
            found.append(p.type.parse(said))
    return [value for value in found if is_understood(p, value) and (value != () or p.type.nothing or not p.required)]


@st.composite
def members(draw: st.DrawFn, kind: Kind, named: str = "") -> Resource:
    """An object of a kind, with values that a host may have."""
    values = {}
    for p in kind.properties.values():
        if p.proposal:
            values[p.name] = tuple(draw(st.lists(members(p.proposal.kind), min_size=1, max_size=2)))
        else:
            values[p.name] = draw(st.sampled_from(understood(p)))
    return kind.create(named, values)


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.name)
def test_what_show_says_fits_the_schema_of_tasks(kind: Kind) -> None:
    @by_chance(60)
    @given(st.data())
    def check(data: st.DataObject) -> None:
        found = data.draw(members(kind, "x"))
        key = kind.storage.fixed_names[0] if kind.storage.fixed_names else "x"
        said = {**({} if len(kind.storage.fixed_names) == 1 else {kind.key: key}), **json.loads(json.dumps(task_data(found)))}
        FITS[kind.name].validate(said)

    check()


@pytest.mark.parametrize(("kind", "string", "says"), [
    ("ipsec_rule", "Action=DoNotSecure|Active=TRUE|EP2_4=10.0.0.1|",
     {"inbound_security": "none", "outbound_security": "none", "remote_address": ["10.0.0.1"]}),
    ("ipsec_rule", "Action=Secure|Active=TRUE|Auth2Set={a}|", {"inbound_security": "require", "outbound_security": "require",
                                                               "phase2_auth_set": "{a}"}),
])
def test_what_show_says_of_a_rule_is_a_task(kind: str, string: str, says: dict[str, Any]) -> None:
    found = KINDS[kind].read_string("r", f"v2.31|{string}")
    said = {n: v for n, v in task_data(found).items() if n != "display_name"}
    assert {n: v for n, v in said.items() if n in says or v is None} == says
    (made,) = resources(declare(task(kind, {"name": "r", **said}))[0])
    assert made == found
