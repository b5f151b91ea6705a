"""Lists and mappings that templates see part by part, as each may be a secret; and plain values of what a template made."""

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ringfence.documents.yaml import Map, Seq, Unsafe
from ringfence.secret import Secret, contains_secret, revealed_all
from ringfence.templates.budget import PART, RenderError, charge, charge_for, charge_whole
from ringfence.templates.taint import unveil
from ringfence.templates.values import OMIT, FailedValue, Lazy, materialise


def seen(value: Any) -> Any:
    """A value as a template sees it: a secret is looked at."""
    if type(value) is not Secret:
        return value
    inner = unveil(value)
    charge_whole(inner)
    return seen(held(inner))


def held(value: Any) -> Any:
    """A plain value; a list or mapping with secrets in it as one of which each is looked at where it is asked for."""
    return _held(value) if isinstance(value, dict | list) and contains_secret(value) else value


def _held(value: Any) -> Any:
    return HeldMap(value) if isinstance(value, dict) else HeldSeq(value) if isinstance(value, list) else value


class PartsMap(Lazy, Mapping[Any, Any]):
    """A mapping whose members may be secrets. `_secret`: the one that it is itself, so that not even its keys are shown."""

    __slots__ = ("_raw", "_secret")

    def __init__(self, raw: Mapping[Any, Any], secret: Secret | None = None) -> None:
        self._raw, self._secret = raw, secret

    def _unveil(self) -> None:
        if self._secret is not None:
            unveil(self._secret)

    def has(self, key: Any) -> bool:
        """Whether there is such a member, which no template is told."""
        return key in self._raw

    @abstractmethod
    def member(self, key: Any) -> Any:
        """One member as it is: a secret is not looked at. Raises KeyError."""

    def __getitem__(self, key: Any) -> Any:
        return seen(self.member(key))

    def __contains__(self, key: object) -> bool:
        self._unveil()
        return key in self._raw

    def __iter__(self) -> Iterator[Any]:
        self._unveil()
        charge(PART * len(self._raw))
        return iter(self._raw)

    def __reversed__(self) -> Iterator[Any]:
        return iter([*self][::-1])

    def __len__(self) -> int:
        self._unveil()
        return len(self._raw)

    def output(self) -> Any:
        charge(PART * len(self._raw))
        plain = plain_dict((key, self.member(key)) for key in self._raw)
        return plain if self._secret is None else Secret(revealed_all(plain), self._secret.sealed, self._secret.sources)


class PartsSeq(Lazy, Sequence[Any]):
    """A list whose members may be secrets. `_secret`: the one that it is itself, so that not even its length is shown."""

    __slots__ = ("_raw", "_secret")

    def __init__(self, raw: Sequence[Any], secret: Secret | None = None) -> None:
        self._raw, self._secret = raw, secret

    def _unveil(self) -> None:
        if self._secret is not None:
            unveil(self._secret)

    @abstractmethod
    def member(self, index: int) -> Any:
        """One member as it is: a secret is not looked at. Raises IndexError."""

    def __getitem__(self, index: Any) -> Any:
        self._unveil()
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self._raw)))]
        return seen(self.member(index))

    def __len__(self) -> int:
        self._unveil()
        return len(self._raw)

    def __eq__(self, other: object) -> bool:
        return bool(self.materialise() == materialise(other))

    __hash__ = None  # type: ignore[assignment]

    def output(self) -> Any:
        plain = _plain_list(self.member(index) for index in range(len(self._raw)))
        return plain if self._secret is None else Secret(revealed_all(plain), self._secret.sealed, self._secret.sources)


class HeldMap(PartsMap):
    """A mapping that a template made, with secrets in it."""

    __slots__ = ()

    def member(self, key: Any) -> Any:
        return _held(self._raw[key])


class HeldSeq(PartsSeq):
    """A list that a template made, with secrets in it."""

    __slots__ = ()

    def member(self, index: int) -> Any:
        return _held(self._raw[index])


_PLAIN = frozenset({str, int, float, bool, type(None), Secret, Unsafe, Map, Seq})


def to_plain(value: Any) -> Any:
    """What a template made, as plain values; `OMIT` stays itself. Raises RenderError where a part of it failed."""
    if type(value) in _PLAIN or value is OMIT:
        return value
    if isinstance(value, FailedValue):
        raise value.failure
    if isinstance(value, Lazy):
        return value.output()
    if isinstance(value, str):
        return str(value)
    if isinstance(value, Mapping):
        return plain_dict(value.items())
    if isinstance(value, Iterable) and not isinstance(value, bytes):
        return _plain_list(value)
    raise RenderError(f"the template gives a {type(value).__name__}, for which YAML has no form")


def plain_dict(items: Iterable[tuple[Any, Any]]) -> dict[Any, Any]:
    items = list(items)
    charge(len(items))
    for failed in (key for key, _ in items if isinstance(key, FailedValue)):
        raise failed.failure
    return {key: plain for key, value in items if (plain := to_plain(value)) is not OMIT}


def _plain_list(value: Iterable[Any]) -> list[Any]:
    return [p for v in charge_for(list(value)) if (p := to_plain(v)) is not OMIT]
