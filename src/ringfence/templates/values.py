"""Values of templates that are none of YAML: what failed, what is left out, and what is rendered when it is asked for."""

from collections.abc import Mapping, Sequence
from typing import Any

from jinja2 import TemplateRuntimeError
from jinja2.exceptions import UndefinedError
from jinja2.runtime import Undefined
from jinja2.utils import missing

from ringfence.diagnostics import allowed, describe, suggest
from ringfence.templates.budget import RenderError, UndefinedValue, charge_whole, undefined
from ringfence.templates.host_facts import HostFacts
from ringfence.templates.taint import unveil_all
from ringfence.templates.template_reasons import type_name


class FailedValue(Undefined):
    """A value that cannot be had. Any use raises the reason; asking for its parts gives itself."""

    __slots__ = ("failure",)

    def __init__(self, hint: str | None = None, obj: Any = missing, name: str | None = None,
                 exc: type[TemplateRuntimeError] = UndefinedError) -> None:
        super().__init__(hint, obj, name, exc)
        self.failure: RenderError = _reason(self)

    @classmethod
    def of(cls, failure: RenderError) -> "FailedValue":
        """The marker of something that failed."""
        marker = cls()
        marker.failure = failure
        return marker

    @property
    def undefined(self) -> bool:
        """Whether it is merely not defined (so that a default may take its place)."""
        return isinstance(self.failure, UndefinedValue)

    def _raise(self, *_: Any, **__: Any) -> Any:
        raise self.failure

    def __getattr__(self, name: str) -> Any:
        if name[:2] == "__":
            raise AttributeError(name)
        return self

    def __getitem__(self, key: Any) -> "FailedValue":  # type: ignore[override]
        return self

    _fail_with_undefined_error = _raise
    __iter__ = __str__ = __len__ = __eq__ = __ne__ = __bool__ = __contains__ = _raise
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = _raise
    __floordiv__ = __rfloordiv__ = __mod__ = __rmod__ = __pos__ = __neg__ = __pow__ = __rpow__ = _raise
    __lt__ = __le__ = __gt__ = __ge__ = __int__ = __float__ = __complex__ = __call__ = _raise
    __hash__ = object.__hash__


_STEPS = frozenset({"append", "extend", "insert", "update", "pop", "remove", "setdefault", "clear", "sort", "reverse"})


def _reason(marker: FailedValue) -> RenderError:
    hint, obj, name = marker._undefined_hint, marker._undefined_obj, marker._undefined_name
    if marker._undefined_exception is not UndefinedError:
        return RenderError(hint or "not allowed in a template")
    if obj is missing or hint:
        return UndefinedValue(hint or undefined(name), name=None if hint else name)
    if isinstance(obj, HostFacts):
        return RenderError(f'there is no fact "{name}"', allowed(name, obj))
    if isinstance(obj, Mapping):
        return UndefinedValue(f'there is no key "{name}"', suggest(name, [k for k in obj if isinstance(k, str)]))
    if isinstance(obj, Sequence) and isinstance(name, int):
        return UndefinedValue(f"there is no item {name} in a list of {len(obj)}")
    hint = "A state is not changed step by step: build lists with +, `map` and `select`, mappings with `combine`."
    return UndefinedValue(f'{type_name(type(obj).__name__)} has no "{name}"', hint if name in _STEPS else "")


class Omit:
    """The value of `omit`: a property with this value is left out."""

    def __repr__(self) -> str:
        return "omit"

    def __str__(self) -> str:
        raise RenderError("omit cannot be part of a text", "Give it as the whole value of a property.")


OMIT = Omit()


class Lazy:
    """A list or mapping whose parts are rendered when asked for."""

    __slots__ = ()

    def output(self) -> Any:
        """The plain list or dict, with Secrets where they are. Raises RenderError."""
        raise RenderError("a value without form")

    def materialise(self) -> Any:
        """The plain list or dict as a template works with it. Raises RenderError."""
        return unveil_all(self.output())


class VariablesView(Lazy):
    """All variables of a host, or of all hosts: too much to render unless somebody really wants the whole."""

    __slots__ = ()


def materialise(value: Any) -> Any:
    """The plain value of something lazy, anything else (a view too) as it is."""
    return value.materialise() if isinstance(value, Lazy) and not isinstance(value, VariablesView) else value


def plain(value: Any) -> Any:
    """A value, and all that is in it, without anything lazy."""
    if isinstance(value, Lazy):
        return value.materialise()
    if type(value) is dict:
        return {key: plain(one) for key, one in value.items()}
    return type(value)(map(plain, value)) if type(value) in (list, tuple) else value


def text(value: Any) -> str:
    """The text of a plain value; a list or a mapping has none. Raises RenderError."""
    if isinstance(value, str | int | float):
        return str(value)
    raise RenderError(f"a text is needed here, not {describe(value)}")


def as_text(value: Any) -> str:
    """The text that a value becomes among others."""
    value = value.materialise() if isinstance(value, Lazy) else value
    charge_whole(value)
    return value if isinstance(value, str) else str(plain(value))
