"""A resource as pickle writes it: without the values that are the default, which most are, and what was worked out of it."""

from collections.abc import Mapping
from typing import Any


def reduced(resource: Any, defaults: Mapping[str, Any], stored: Any, read_as: Mapping[str, Any]) -> tuple[Any, ...]:
    """What `__reduce__` of a resource gives. stored, read_as: what it was read from, and the values that this means."""
    own = resource.__dict__
    return _made_again, (type(resource), _said(own, defaults), stored, None if read_as is own else _said(read_as, defaults))


def _said(values: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name not in defaults or value is not defaults[name]}


def _made_again(cls: type[Any], said: dict[str, Any], stored: Any, read_as: dict[str, Any] | None) -> Any:
    made: Any = object.__new__(cls)
    defaults = made.kind.defaults
    made.__dict__ = {**defaults, **said}
    made._stored, made._read_as = stored, made.__dict__ if read_as is None else {**defaults, **read_as}
    return made
