"""Lists and mappings whose parts are rendered when a template asks for them."""

import threading
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from typing import Any, Protocol

from jinja2.utils import missing

from ringfence.diagnostics import Where
from ringfence.documents.yaml import Map, Seq
from ringfence.secret import Secret
from ringfence.templates.budget import PART, SCOPE, charge
from ringfence.templates.parts import PartsMap, PartsSeq, plain_dict, seen
from ringfence.templates.values import FailedValue, VariablesView

FACTS = frozenset({"ansible_facts", "ringfence_facts"})


class Variables(Protocol):
    """What lazy values and templates need of the scope that they are rendered in."""

    def view(self, raw: Any, key: Hashable, label: str, where: Where) -> Any:
        """A raw value as templates see it; `key` and `label` identify it in a chain of variables."""

    def resolve(self, name: str) -> Any:
        """A variable as a template sees it, or `missing`."""

    def known(self) -> Iterable[str]:
        """The names of all variables."""


class LazyMap(PartsMap):
    """A mapping with templates in it."""

    __slots__ = ("_label", "_memo", "_scope")
    _raw: Map

    def __init__(self, scope: Variables, raw: Map, label: str, secret: Secret | None = None) -> None:
        super().__init__(raw, secret)
        self._scope, self._label = scope, label
        self._memo: dict[Any, Any] = {}

    def member(self, key: Any) -> Any:
        if key not in self._memo:
            label = f"{self._label}.{key}" if self._secret is None else f"{self._label}.…"
            value = self._scope.view(self._raw[key], (id(self._raw), key), label, self._raw.at(key))
            if isinstance(value, FailedValue):
                return value
            self._memo[key] = value
        return self._memo[key]


class LazySeq(PartsSeq):
    """A list with templates in it."""

    __slots__ = ("_label", "_memo", "_scope")
    _raw: Seq

    def __init__(self, scope: Variables, raw: Seq, label: str, secret: Secret | None = None) -> None:
        super().__init__(raw, secret)
        self._scope, self._label = scope, label
        self._memo: dict[int, Any] = {}

    def member(self, index: int) -> Any:
        if index not in self._memo:
            value = self._scope.view(self._raw[index], (id(self._raw), index), f"{self._label}[{index}]", self._raw.at(index))
            if isinstance(value, FailedValue):
                return value
            self._memo[index] = value
        return self._memo[index]


class ScopeView(VariablesView, Mapping[str, Any]):
    """A scope as a mapping: `vars`, and what `hostvars` holds."""

    __slots__ = ("_scope",)

    def __init__(self, scope: Variables) -> None:
        self._scope = scope

    def __getitem__(self, name: str) -> Any:
        return seen(self.member(name))

    def has(self, name: str) -> bool:
        """Whether there is such a variable."""
        return name in self

    def member(self, name: str) -> Any:
        """A variable as it is: a secret is not looked at. Raises KeyError."""
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

    def output(self) -> dict[str, Any]:
        """All variables, without those that hold all variables again and without facts."""
        return plain_dict((n, self._scope.resolve(n)) for n in self if n not in ("hostvars", "vars", *FACTS))


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

    def output(self) -> dict[str, Any]:
        return plain_dict(self.items())
