"""Ansible's filters of lists and mappings, each part of a result paid before it is made."""

import functools
import itertools
import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from jinja2 import pass_environment
from jinja2.filters import do_unique

from ringfence.diagnostics import describe
from ringfence.templates.budget import RenderError, charge, charge_for, charge_whole, first_of_each, key_of


def items(value: Any) -> list[Any]:
    """The items of a list. Raises RenderError where it is none."""
    if isinstance(value, str | Mapping) or not isinstance(value, Iterable):
        raise RenderError(f"a list is needed here, not {describe(value)}")
    return list(value)


@pass_environment
def unique(env: Any, values: Any, case_sensitive: bool | None = None, attribute: str | None = None) -> list[Any]:
    """Of equal items the first, whatever their case unless that counts; of lists and mappings by all that is in them."""
    found = items(values)
    try:
        return list(do_unique(env, found, bool(case_sensitive), attribute))
    except TypeError:  # what cannot be hashed
        if attribute is not None:
            raise
        return first_of_each(found)


def without(values: Any, others: Any, *, kept: bool = False) -> list[Any]:
    """The values that are not among others, or (`kept`) those that are."""
    known = set(map(key_of, items(others)))
    return [v for v in items(values) if (key_of(v) in known) is kept]


def union(left: Any, right: Any) -> list[Any]:
    return first_of_each(items(left) + items(right))


def intersect(left: Any, right: Any) -> list[Any]:
    return first_of_each(without(left, right, kept=True))


def difference(left: Any, right: Any) -> list[Any]:
    return first_of_each(without(left, right))


def symmetric_difference(left: Any, right: Any) -> list[Any]:
    return without(union(left, right), intersect(left, right))


def flatten(values: Any, levels: int | None = None, skip_nulls: bool = True) -> list[Any]:
    flat: list[Any] = []
    for value in items(values):
        if skip_nulls and value in (None, "None", "null"):
            continue
        if isinstance(value, list | tuple) and (levels is None or levels > 0):
            flat += flatten(value, None if levels is None else levels - 1, skip_nulls)
        else:
            flat.append(value)
    return flat


def combine(*maps: Any, recursive: bool = False, list_merge: str = "replace") -> dict[Any, Any]:
    if list_merge not in _LIST_MERGES:
        raise RenderError(f'list_merge cannot be "{list_merge}"', f"Allowed: {', '.join(_LIST_MERGES)}.")
    found = flatten(maps, 1)
    for value in found:
        if not isinstance(value, Mapping):
            raise RenderError(f"combine takes mappings, not {describe(value)}")
    return functools.reduce(lambda low, high: _merge(low, high, recursive, list_merge), found, {})


_LIST_MERGES: dict[str, Callable[[Any, Any], Any]] = {
    "replace": lambda low, high: high,
    "keep": lambda low, high: low,
    "append": lambda low, high: low + high,
    "prepend": lambda low, high: high + low,
    "append_rp": lambda low, high: without(low, high) + high,
    "prepend_rp": lambda low, high: high + without(low, high),
}


def _merge(low: Mapping[Any, Any], high: Mapping[Any, Any], recursive: bool, list_merge: str) -> dict[Any, Any]:
    merged = dict(low)
    for key, value in high.items():
        before = merged.get(key)
        if recursive and isinstance(before, Mapping) and isinstance(value, Mapping):
            value = _merge(before, value, recursive, list_merge)
        elif isinstance(before, list) and isinstance(value, list):
            value = _LIST_MERGES[list_merge](before, value)
        merged[key] = value
    return merged


def dict2items(value: Any, key_name: str = "key", value_name: str = "value") -> list[dict[str, Any]]:
    if not isinstance(value, Mapping):
        raise RenderError(f"dict2items takes a mapping, not {describe(value)}")
    return [{key_name: k, value_name: v} for k, v in value.items()]


def items2dict(values: Any, key_name: str = "key", value_name: str = "value") -> dict[Any, Any]:
    found = items(values)
    if not all(isinstance(v, Mapping) and key_name in v and value_name in v for v in found):
        raise RenderError(f"items2dict takes a list of mappings with the keys {key_name} and {value_name}")
    return {v[key_name]: v[value_name] for v in found}


def subelements(value: Any, path: Any, skip_missing: bool = False) -> list[tuple[Any, Any]]:
    pairs = []
    for element in value.values() if isinstance(value, Mapping) else items(value):
        inner = element
        for key in path if isinstance(path, list) else str(path).split("."):
            if isinstance(inner, Mapping) and key in inner:
                inner = inner[key]
            elif skip_missing:
                inner = []
                break
            else:
                raise RenderError(f'subelements: there is no key "{key}" in an item')
        pairs += [(element, one) for one in items(inner)]
    return pairs


def product(*lists: Any) -> list[list[Any]]:
    found = [items(v) for v in lists]
    charge(functools.reduce(lambda size, values: size * len(values), found, 1) * (1 + len(found)))
    return [list(row) for row in itertools.product(*found)]


def zip_longest(*lists: Any, fillvalue: Any = None) -> list[list[Any]]:
    found = [items(v) for v in lists]
    charge(max(map(len, found), default=0) * (1 + len(found)))
    return [list(row) for row in itertools.zip_longest(*found, fillvalue=fillvalue)]


def _choices(value: Any, length: Any, count: Callable[[int, int], int]) -> tuple[list[Any], int]:
    """The items, and how many of them a choice takes; all choices are paid."""
    found = list(value) if isinstance(value, str) else items(value)
    length = len(found) if length is None else length
    if not isinstance(length, int) or length < 0:
        raise RenderError(f"a choice takes a number of items, not {describe(length)}")
    if min(length, len(found) - length) > 64 or len(found) > 10_000:  # the number of choices is too large to be worked out
        raise RenderError(f"too many choices of {length} of {len(found)} items")
    charge(count(len(found), length) * (1 + length))
    return found, length


def combinations(value: Any, length: int) -> list[list[Any]]:
    found, length = _choices(value, length, math.comb)
    return [list(row) for row in itertools.combinations(found, length)]


def permutations(value: Any, length: int | None = None) -> list[list[Any]]:
    found, length = _choices(value, length, lambda size, length: math.perm(size, length) if length < 20 else 10**18)
    return [list(row) for row in itertools.permutations(found, length)]


def rekey_on_member(value: Any, key: Any, duplicates: str = "error") -> dict[Any, Any]:
    """Mappings by one of their members."""
    if duplicates not in ("error", "overwrite"):
        raise RenderError(f"rekey_on_member: duplicates is error or overwrite, not {duplicates!r}")
    made: dict[Any, Any] = {}
    for one in value.values() if isinstance(value, Mapping) else items(value):
        if not isinstance(one, Mapping) or key not in one:
            raise RenderError(f'rekey_on_member: there is no key "{key}" in an item')
        if one[key] in made and duplicates == "error":
            raise RenderError(f'rekey_on_member: two items have the same "{key}"')
        made[one[key]] = one
    return made


def keys_of(kept: bool) -> Callable[..., Any]:
    """`keep_keys` or `remove_keys` of ansible.utils: mappings at any depth with some of their keys."""
    def choose(data: Any, target: Any, matching_parameter: str = "equality") -> Any:
        if matching_parameter not in _MATCHES:
            raise RenderError(f"matching_parameter is {', '.join(_MATCHES)}, not {matching_parameter!r}")
        wanted, matches = [str(one) for one in (target if isinstance(target, list) else [target])], _MATCHES[matching_parameter]
        charge(charge_whole(data) * len(wanted))

        def walk(value: Any) -> Any:
            if isinstance(value, Mapping):
                chosen = {k: v for k, v in value.items() if any(matches(str(k), one) for one in wanted) is kept}
                inner = {} if not kept else {k: w for k, v in value.items() if k not in chosen
                                             and isinstance(v, Mapping | list) and (w := walk(v))}
                return {**{k: v if kept else walk(v) for k, v in chosen.items()}, **inner}
            return [w for one in value if (w := walk(one))] if isinstance(value, list) else value
        return walk(data)
    return choose


_MATCHES: dict[str, Callable[[str, str], bool]] = {
    "equality": lambda key, one: key == one, "starts_with": str.startswith, "ends_with": str.endswith}


@pass_environment
def total(env: Any, values: Any, attribute: Any = None, start: Any = 0) -> Any:
    """Jinja2's `sum`, with each of the sums on the way paid: those of lists are copies."""
    found = items(values) if attribute is None else [env.getitem(v, attribute) for v in items(values)]
    return functools.reduce(lambda low, high: charge_for(low + high), found, start)


@pass_environment
def extract(env: Any, key: Any, container: Any, more: Any = None) -> Any:
    for one in [key, *(more if isinstance(more, list) else [] if more is None else [more])]:
        container = env.getitem(container, one)
    return container


LIST_FILTERS: dict[str, Callable[..., Any]] = {
    "unique": unique, "union": union, "intersect": intersect, "difference": difference,
    "symmetric_difference": symmetric_difference, "flatten": flatten, "combine": combine, "dict2items": dict2items,
    "items2dict": items2dict, "subelements": subelements, "extract": extract, "product": product, "sum": total,
    "zip": lambda *lists: [list(row) for row in zip(*lists, strict=False)], "zip_longest": zip_longest,
    "combinations": combinations, "permutations": permutations, "rekey_on_member": rekey_on_member}
LIST_UTILS: dict[str, Callable[..., Any]] = {"keep_keys": keys_of(True), "remove_keys": keys_of(False)}
