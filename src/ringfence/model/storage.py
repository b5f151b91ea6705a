"""The ways in which Windows keeps resources: rule strings, keys with values, keys of sets, objects that a cmdlet tells of."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ringfence.codecs.registry import RegistryTree, RegistryValue, has_key, values_at
from ringfence.codecs.source import WRITERS, SourceKey
from ringfence.codecs.tokens import Text
from ringfence.model.resource import Kind, Property, Resource, Storage, StoredAt
from ringfence.model.state import GROUP_POLICY, LOCAL
from ringfence.secret import Secret, StoredSecret
from ringfence.types.base import SECRET, CaseInsensitive

POLICY_ROOT = "FirewallPolicy"  # the root of every store, as docs name it
DEFAULT = "default"  # the name of the default set of a kind kept in SetKeys, whatever its id
WITHHELD = "Secret"  # the type of a value whose data a host does not tell


@dataclass(frozen=True)
class RuleStrings(Storage):
    """Each resource is one REG_SZ of `subkey`: the value's name is the resource's, its data a rule string."""

    subkey: str
    order: str
    has_enforcement = True
    renamable = True

    @property
    def keys(self) -> tuple[str, ...]:  # type: ignore[override]
        return (self.subkey,)

    def read(self, kind: Kind, tree: RegistryTree, store: str) -> Iterator[Resource]:
        read_string = kind.read_string
        return iter([read_string(name, data) for name, (type, data) in tree.get(self.subkey.lower(), {}).items()
                     if self.is_rule(name, type, data)])

    @staticmethod
    def is_rule(name: str, type: str, data: Any) -> bool:
        """Whether a value of the key is a rule."""
        return bool(name) and type in ("String", "ExpandString") and data.__class__ is str

    def stored_at(self, name: str, values: Iterable[RegistryValue]) -> StoredAt:
        return ((self.subkey, (name,)),)

    def describe(self) -> str:
        return rf"Strings under `{POLICY_ROOT}\{self.subkey}`, one a resource."


@dataclass(frozen=True)
class RegistryKeys(Storage):
    """Each resource is one key with values. `names`: name -> keys, of which the first that exists counts.

    `policy`: the same for Group Policy, where it differs. Later keys are legacy (StandardProfile serves private and
    public); they are used only if none of these names has its own key ([MS-GPFAS] 2.2.3).
    """

    names: Mapping[str, tuple[str, ...]]
    policy: Mapping[str, tuple[str, ...]] | None = None
    removable = False

    @property
    def fixed_names(self) -> tuple[str, ...]:  # type: ignore[override]
        return tuple(self.names)

    @property
    def keys(self) -> tuple[str, ...]:  # type: ignore[override]
        return tuple({key: None for named in (self.names, self.policy or {}) for keys in named.values() for key in keys})

    def read(self, kind: Kind, tree: RegistryTree, store: str) -> Iterator[Resource]:
        """They are there on every machine; in the other stores only where their key is, and of the root where a value is."""
        of_policy = store == GROUP_POLICY and self.policy is not None
        for name, keys in self._names_in(tree, store).items():
            key = next((k for k in keys if has_key(tree, k.lower())), None)
            values = values_at(tree, key or keys[0], kind.registry_values, of_policy and key not in (None, keys[0]))
            if store == LOCAL or key or (key is not None and values):
                yield kind.create(name, values)

    def stored_at(self, name: str, values: Iterable[RegistryValue]) -> StoredAt:
        known = list(values)
        return tuple(("\\".join(filter(None, (key, v.path))), (v.name,)) for key in self.names[name] for v in known)

    def roots_in(self, tree: RegistryTree, store: str) -> set[str]:
        """The keys that are read of a store: of two for one profile, that which counts."""
        found = (next((k for k in keys if has_key(tree, k.lower())), keys[0]) for keys in self._names_in(tree, store).values())
        return set(found)

    def _names_in(self, tree: RegistryTree, store: str) -> Mapping[str, tuple[str, ...]]:
        return self._without_legacy(self.policy, tree) if store == GROUP_POLICY and self.policy else self.names

    def _without_legacy(self, names: Mapping[str, tuple[str, ...]], tree: RegistryTree) -> Mapping[str, tuple[str, ...]]:
        newer = any(has_key(tree, keys[0].lower()) for keys in names.values() if len(keys) > 1)
        return {name: keys[:1] if newer else keys for name, keys in names.items()}

    def describe(self) -> str:
        keys = ", ".join(f"`{keys[0]}`" if keys[0] else "the root" for keys in self.names.values())
        return f"Values under `{POLICY_ROOT}`: {keys}."

    def cmdlet_name(self, name: str) -> str:
        return name.title()

    def find_parameters(self, name: str) -> dict[str, Any]:
        return {} if self.names[name] == ("",) else super().find_parameters(name)  # the root is one: its cmdlet asks for no name


@dataclass(frozen=True)
class SetKeys(Storage):
    r"""Each resource is a subkey of one of `subkeys`, with its proposals below it ([MS-GPFAS] 2.2.4, 2.2.5):

        Phase1AuthenticationSets\{9323C5D2-…}         Version=2.30, Name=…
        Phase1AuthenticationSets\{9323C5D2-…}\0000    Method=MachineCert, CAName=…, SkipVersion=2.0

    Every value is REG_SZ, numbers too. The default set has a fixed id, `primary`. Group Policy stores it under another
    id: a value of the parent key, named by the fixed id, tells it. Here it is `default` in both cases.
    """

    subkeys: tuple[str, ...]  # singular and plural: the sources differ, the first is the one of [MS-GPFAS]
    primary: str
    order: str = ""

    @property
    def keys(self) -> tuple[str, ...]:  # type: ignore[override]
        return self.subkeys

    def read(self, kind: Kind, tree: RegistryTree, store: str) -> Iterator[Resource]:
        seen = set[str]()
        for parent in (k.lower() for k in self.subkeys):
            default = {self.primary.lower(), self._default_id(tree, parent).lower()}
            for path in tree.below.get(parent, ()):
                id = tree.spelled[path].rpartition("\\")[2]
                name = DEFAULT if id.lower() in default else id
                if name.lower() not in seen:
                    seen.add(name.lower())
                    yield _read_set(kind, name, tree, path)

    def stored_at(self, name: str, values: Iterable[RegistryValue]) -> StoredAt:
        return tuple((f"{key}\\{self.cmdlet_name(name)}", None) for key in self.subkeys)

    def describe(self) -> str:
        return f"Keys under `{POLICY_ROOT}`: {', '.join(f'`{k}`' for k in self.subkeys)}."

    def new_parameters(self, name: str) -> dict[str, Any]:
        return {"Default": True} if name == DEFAULT else {"Name": name}

    def cmdlet_name(self, name: str) -> str:
        return self.primary if name == DEFAULT else name

    def falls_back(self, name: str) -> bool:
        return name == DEFAULT

    def default_ids(self, tree: RegistryTree) -> frozenset[str]:
        return frozenset(self._default_id(tree, k.lower()).lower() for k in self.subkeys) - {""}

    def _default_id(self, tree: RegistryTree, parent: str) -> str:
        """The id under which Group Policy stores the default set, or nothing."""
        found = (data for name, (_, data) in tree.get(parent, {}).items() if name.lower() == self.primary.lower())
        return next((str(d) for d in found), "")


@dataclass(frozen=True)
class ByCmdlet(Storage):
    """Not in the registry in a known form: read through a Get- cmdlet."""

    get_cmdlet: str

    def describe(self) -> str:
        return f"Read with `{self.get_cmdlet}`."


@dataclass(frozen=True)
class PartOf(Storage):
    """A part of another resource: a member of an ordered list, made by a New- cmdlet of its own (proposals of sets)."""

    order: str = ""


def _read_set(kind: Kind, name: str, tree: RegistryTree, path: str) -> Resource:
    stored = _stored_key(kind, tree.spelled.get(path, path), tree.get(path, {}))
    values, unknown_tokens = kind.codec.read_pieces(_pieces(stored))
    for p in kind.proposals:
        assert p.proposal is not None
        below = sorted(tree.below.get(path, ()))
        values[p.name] = tuple(_read_proposal(p.proposal.kind, tree.spelled[k].rpartition("\\")[2], tree[k]) for k in below)
    return kind.read_key(name, values, unknown_tokens, stored)


def _read_proposal(kind: Kind, number: str, values_there: dict[str, tuple[str, Any]]) -> Resource:
    stored = _stored_key(kind, number, values_there)
    values, unknown_tokens = kind.codec.read_pieces(_pieces(stored))
    for p in kind.properties.values():
        if p.type is SECRET and (kept := next((v for n, v in values_there.items() if _holds(p, n)), None)):
            type, data = kept
            values[p.name] = StoredSecret() if type == WITHHELD else Secret(str(data)) if data else None
    return kind.read_key("", values, unknown_tokens, stored)


def _stored_key(kind: Kind, path: str, values: dict[str, tuple[str, Any]]) -> SourceKey:
    """A key as it stands, without what is secret in it."""
    secret = [p for p in kind.properties.values() if p.type is SECRET]
    return SourceKey(path, tuple((name, type, data) for name, (type, data) in values.items()
                                 if not any(_holds(p, name) for p in secret)))


def _holds(p: Property, name: str) -> bool:
    """Whether a value of the registry is that of a property."""
    return isinstance(p.codec, Text) and name.lower() == p.codec.tokens[0].lower()


def _pieces(key: SourceKey) -> Iterator[str]:
    """The values of a key as tokens of a rule string: `Name=data`."""
    for name, _, data in key.values:
        if name and name.lower() not in WRITERS:
            yield f"{name}={data}"


def with_default_set(resource: Resource, ids: Mapping[str, frozenset[str]]) -> Resource:
    """A rule that names a default set by the id under which Group Policy keeps it names `default`. `ids` by kind."""
    values = {p.name: CaseInsensitive(DEFAULT) for p in resource.kind.references
              if str(getattr(resource, p.name)).lower() in ids.get(p.references, ())}
    return resource.read_as(**values) if values else resource
