"""What is worked out of a resource once for all hosts: its values never change, and hosts that store the same string share it."""

from collections.abc import Callable
from functools import wraps
from sys import intern
from typing import Any, TypeVar

from ringfence.model.filter import Filter
from ringfence.model.resource import Resource

T = TypeVar("T")


def once(function: Callable[[Any], T]) -> Callable[[Resource], T]:
    """A pure function of a resource, whose result is kept with the resource."""
    name = intern(f"{function.__module__}.{function.__qualname__}")  # a text, so that resources can be pickled

    @wraps(function)
    def call(resource: Resource) -> T:
        try:
            known: T = resource.worked_out[name]
            return known
        except AttributeError:
            resource.worked_out = {}
        except KeyError:
            pass
        found = resource.worked_out[name] = function(resource)
        return found

    return call


_ALIKE: dict[tuple[int, int], tuple[Resource, Resource]] = {}  # pairs that are equal, by who they are; kept, so that they stay so
_PAIRS = 5_000


def alike(one: Resource, other: Resource) -> bool:
    """Whether they are equal. Pairs that were are remembered: a fleet has the same ones on every host. What is worked out of the
    one holds for the other then."""
    pair = (id(one), id(other))
    if pair in _ALIKE or one is other:
        return True
    if one != other:
        return False
    try:
        one.worked_out = other.worked_out
    except AttributeError:
        one.worked_out = other.worked_out = {}
    if len(_ALIKE) >= _PAIRS:
        _ALIKE.clear()
    _ALIKE[pair] = one, other
    return True


@once
def filter_of(resource: Resource) -> Filter | None:
    """What a resource does with traffic: its `as_filter()`."""
    return resource.as_filter()
