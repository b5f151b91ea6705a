"""Lists and mappings whose parts are rendered when a template asks for them."""

import threading
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from jinja2.utils import missing

from ringfence.diagnostics import Where
from ringfence.documents.yaml import Map, Seq, Unsafe
from ringfence.secret import Secret
from ringfence.templates.budget import PART, SCOPE, RenderError, charge, charge_for
from ringfence.templates.sandbox import OMIT, FailedValue, Lazy, VariablesView, materialise

FACTS = frozenset({"ansible_facts", "ringfence_facts"})


class Variables(Protocol):
    """What lazy values and templates need of the scope that they are rendered in."""

    def view(self, raw: Any, key: Hashable, label: str, where: Where) -> Any:
        """A raw value as templates see it; `key` and `label` identify it in a chain of variables."""

    def resolve(self, name: str) -> Any:
        """A variable as a template sees it, or `missing`."""

    def known(self) -> Iterable[str]:
        """The names of all variables."""


class LazyMap(Lazy, Mapping[Any, Any]):
    """A mapping with templates in it."""

    __slots__ = ("_label", "_memo", "_raw", "_scope")

    def __init__(self, scope: Variables, raw: Map, label: str) -> None:
        self._scope, self._raw, self._label = scope, raw, label
        self._memo: dict[Any, Any] = {}

    def __getitem__(self, key: Any) -> Any:
        if key not in self._memo:
            value = self._scope.view(self._raw[key], (id(self._raw), key), f"{self._label}.{key}", self._raw.at(key))
            if isinstance(value, FailedValue):
                return value
            self._memo[key] = value
        return self._memo[key]

    def __contains__(self, key: object) -> bool:
        return key in self._raw

    def __iter__(self) -> Iterator[Any]:
        charge(PART * len(self._raw))
        return iter(self._raw)

    def __len__(self) -> int:
        return len(self._raw)

    def materialise(self) -> dict[Any, Any]:
        return _plain_dict(self)


class LazySeq(Lazy, Sequence[Any]):
    """A list with templates in it."""

    __slots__ = ("_label", "_memo", "_raw", "_scope")

    def __init__(self, scope: Variables, raw: Seq, label: str) -> None:
        self._scope, self._raw, self._label = scope, raw, label
        self._memo: dict[int, Any] = {}

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self._raw)))]
        if index not in self._memo:
            value = self._scope.view(self._raw[index], (id(self._raw), index), f"{self._label}[{index}]",
                                      self._raw.at(index))
            if isinstance(value, FailedValue):
                return value
            self._memo[index] = value
        return self._memo[index]

    def __len__(self) -> int:
        return len(self._raw)

    def __eq__(self, other: object) -> bool:
        return bool(self.materialise() == materialise(other))

    __hash__ = None  # type: ignore[assignment]

    def materialise(self) -> list[Any]:
        return _plain_list(self)


class ScopeView(VariablesView, Mapping[str, Any]):
    """A scope as a mapping: `vars`, and what `hostvars` holds."""

    __slots__ = ("_scope",)

    def __init__(self, scope: Variables) -> None:
        self._scope = scope

    def __getitem__(self, name: str) -> Any:
        value = self._scope.resolve(name)
        if value is missing:
            raise KeyError(name)
        return value

    def __iter__(self) -> Iterator[str]:
        names = dict.fromkeys(self._scope.known())
        charge(PART * len(names))
        return iter(names)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def materialise(self) -> dict[str, Any]:
        """All variables, without those that hold all variables again and without facts."""
        return _plain_dict({n: self._scope.resolve(n) for n in self if n not in ("hostvars", "vars", *FACTS)})


class HostVars(VariablesView, Mapping[str, Any]):
    """`hostvars`: the variables of every host, each host's made when asked for, and by each thread for itself. `unlisted` are
    hosts that are there when asked for, and not among all."""

    __slots__ = ("_hosts", "_make", "_memo", "_unlisted")

    def __init__(self, hosts: Iterable[str], make: Callable[[str], Variables], unlisted: Iterable[str] = ()) -> None:
        self._hosts, self._make, self._unlisted = dict.fromkeys(hosts), make, frozenset(unlisted)
        self._memo: dict[tuple[int, str], ScopeView] = {}

    def __getitem__(self, name: str) -> ScopeView:
        if name not in self._hosts and name not in self._unlisted:
            raise KeyError(name)
        key = threading.get_ident(), name
        charge(SCOPE)
        if key not in self._memo:
            self._memo[key] = ScopeView(self._make(name))
        return self._memo[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._hosts)

    def __len__(self) -> int:
        return len(self._hosts)

    def materialise(self) -> dict[str, Any]:
        return _plain_dict(self)


_PLAIN = frozenset({str, int, float, bool, type(None), Secret, Unsafe, Map, Seq})


def to_plain(value: Any) -> Any:
    """What a template made, as plain values; `OMIT` stays itself. Raises RenderError where a part of it failed."""
    if type(value) in _PLAIN or value is OMIT:
        return value
    if isinstance(value, FailedValue):
        raise value.failure
    if isinstance(value, Lazy):
        return value.materialise()
    if isinstance(value, str):
        return str(value)
    if isinstance(value, Mapping):
        return _plain_dict(value)
    if isinstance(value, Iterable) and not isinstance(value, bytes):
        return _plain_list(value)
    raise RenderError(f"the template gives a {type(value).__name__}, for which YAML has no form")


def _plain_dict(value: Mapping[Any, Any]) -> dict[Any, Any]:
    charge(len(value))
    return {k: p for k, v in value.items() if (p := to_plain(v)) is not OMIT}


def _plain_list(value: Iterable[Any]) -> list[Any]:
    return [p for v in charge_for(list(value)) if (p := to_plain(v)) is not OMIT]
