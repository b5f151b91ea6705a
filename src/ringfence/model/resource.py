"""The table is the resource: a property is declared once, and everything else about it derives from that line.

    @resource("firewall_rule", noun="NetFirewallRule", storage=RuleStrings("FirewallRules", ORDER))
    class FirewallRule(Resource):
        \"\"\"One rule of Windows Defender Firewall.\"\"\"
        direction: str = prop("Which way the traffic goes.", choice("Inbound", "Outbound"), DIRECTION, default="inbound")

`prop` names the meaning, the type (what YAML may say), the registry codec, Windows' default, and, where it is not the
property's own name in PascalCase, the cmdlet parameter. A kind may have methods: `check()`, what Windows refuses of the
combination; `check_references(get)`, of it and those it names (`references=`); `as_filter()`, what it does with traffic.
"""

import dataclasses
import inspect
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, ClassVar, Literal, TypeAlias, TypeVar, dataclass_transform

from ringfence.codecs.registry import RegistryTree, RegistryValue
from ringfence.codecs.rule_string import RuleStringCodec
from ringfence.codecs.source import Source, SourceKey, rewrite
from ringfence.codecs.tokens import Codec, Text, Tokens, TokenSet
from ringfence.diagnostics import Finding
from ringfence.model.filter import Filter
from ringfence.model.narrowing import Narrowing
from ringfence.model.peers import ForPeers
from ringfence.model.phrase import Phrase
from ringfence.model.reduced_resource import reduced
from ringfence.secret import Secret
from ringfence.types.base import PropertyType, as_list, pascal

ALWAYS: Literal["always"] = "always"
RequiredWhen: TypeAlias = "tuple[str, Any] | Literal['always'] | None"
"""When a cmdlet wants a property said that has Windows' default. (property, value): with that, and refuses it without ·
ALWAYS: no page says that New- has the same default, or two pages disagree."""
NO_SET = "none"  # what names a resource may say that it names none
T = TypeVar("T", bound="type[Resource]")
ResourceClass: TypeAlias = "type[Resource]"
StoredAt: TypeAlias = tuple[tuple[str, tuple[str, ...] | None], ...]
"""Keys of a store, each with the names of its values; None: all of the key, and of the keys below it."""
Category: TypeAlias = Literal["", "firewall", "connection_security"]
"""What another firewall product may take over from Windows (NET_FW_RULE_CATEGORY); empty for what no product does."""
Undo: TypeAlias = Literal["import", "none"]  # netsh exports and imports it; the host cannot
_SIMPLE = {str, int}  # classes whose values differ where they are not equal (True is 1, and is none of them)
Role = Literal["condition", "permission", "decision", "text"]
"""What a property does for traffic. A condition narrows: its default matches all. A permission opens: its default gives none. A
decision is neither wider nor narrower than another. A text does nothing."""


class Storage:
    """Where Windows keeps the resources of a kind, and how its cmdlets name them. See storage.py for the ways there are."""

    order: str = ""  # Windows' order of tokens
    removable: bool = True  # profiles and settings are part of Windows
    renamable: bool = False  # whether there is a Rename- cmdlet that works whoever uses them
    fixed_names: tuple[str, ...] = ()  # the resources that every host has
    get_cmdlet: str = ""  # asked where the form in the registry is not known
    keys: tuple[str, ...] = ()  # the registry keys that hold them, below the root of a store; "" is the root itself
    has_enforcement: bool = False  # whether the active store tells of each whether it is enforced

    def read(self, kind: "Kind", tree: RegistryTree, store: str) -> "Iterator[Resource]":
        """The resources in a store of the registry."""
        return iter(())

    def describe(self) -> str:
        """In words, for the reference."""
        return ""

    def new_parameters(self, name: str) -> dict[str, Any]:
        """What New- is told of the name."""
        return {"Name": name}

    def cmdlet_name(self, name: str) -> str:
        """The name under which Set- and Remove- find a resource."""
        return name

    def find_parameters(self, name: str) -> dict[str, Any]:
        """What Set- and Remove- are told of the name."""
        return {"Name": self.cmdlet_name(name)}

    def falls_back(self, name: str) -> bool:
        """Whether Windows' own takes the place of what is removed, as with a default set."""
        return False

    def stored_at(self, name: str, values: Iterable[RegistryValue]) -> "StoredAt":
        """Where the local store keeps a resource; of one that is managed in part, where it keeps these `values`."""
        return ()

    def default_ids(self, tree: RegistryTree) -> frozenset[str]:
        """Other ids (lower case) that the default resource has in a store: Group Policy does not use the fixed ones."""
        return frozenset()


@dataclass(frozen=True)
class Property:
    """One row of the table."""

    name: str
    doc: str
    type: PropertyType
    codec: Codec | RegistryValue | None
    default: Any  # what an omitted property means (whole kinds); a callable is not allowed
    absent: Any  # what absence in the registry means
    parameter: str  # the cmdlet's parameter; "" where no cmdlet can set it
    set_parameter: str  # the parameter of Set-, where it differs from that of New-
    filter_object: str  # properties of one filter object travel together
    required: bool
    since: str  # schema version ([MS-FASP] note 12)
    example: Any
    unset: Any = None  # what Windows does where it is stored nowhere, as far as its documents agree; None: not known
    references: str = ""  # the kind that it names a resource of
    one_value: bool = False  # the parameter takes one, though Windows may keep several
    required_when: "RequiredWhen" = None  # the cmdlet is told it there, whatever it is; None: where it is not the default
    role: Role = "condition"
    narrows: Narrowing | None = None  # which of its values make a rule one for somebody or something, and not for all
    proposal: "ResourceClass | None" = None  # the table of its members, which are Inside this resource
    wins: Any = None  # the value that is in force wherever one store has it: "on wins" in [MS-FASP] 3.1.3
    policy_only: bool = False  # Windows takes it from policies alone, never from the local store ([MS-FASP] 3.1.3)
    least: Any = None  # of settings: the value with which least passes; None: it does nothing with traffic
    for_peers: ForPeers | None = None  # of settings: what peers of IPsec have to meet; None: they have not to
    merges: str = ""  # of switches: the local objects that do not count where it is off
    setting_type: int = 0  # of settings: its number in the firewall's events ([MS-FASP] 2.2.38, 2.2.42); 0: it has none
    stays_as: Any = None  # of settings: what is written instead of none, where no cmdlet takes a value away: Windows' own default
    phrase: Phrase | None = None  # how it stands in the line that tells what an object does

    def parse(self, value: Any) -> Any:
        """The canonical value of what YAML says. Raises ValueError.

        A piece of a rule string may be said as it is shown, `LPort2_20=DHCP`, where the host's rule has it.
        """
        if value.__class__ is str:
            return (self._known if len(value) <= 300 else self._parse)(value)
        if isinstance(value, list | tuple) and {one.__class__ for one in value} <= _SIMPLE and sum(
                [len(one) if one.__class__ is str else 20 for one in value]) <= 300:
            return self._known(tuple(value))
        return self._parse(value)

    @cached_property
    def _known(self) -> Callable[[str | tuple[str | int, ...]], Any]:
        """The canonical value of a text or a list of such and numbers; remembered, since rules and fleets repeat themselves."""
        return lru_cache(4096)(lambda said: self._parse(said if isinstance(said, str) else list(said)))

    def _parse(self, value: Any) -> Any:
        if not isinstance(self.codec, TokenSet):
            return self.type.parse(value)
        pieces: list[str] = []
        others: list[Any] = []
        for member in as_list(value):
            (pieces if isinstance(member, str) and self.codec.owns(member) else others).append(member)
        if not pieces:
            return self.type.parse(value)
        parsed = self.type.parse(others) if others else ()
        ((read,), _) = self.codec.read(tuple(pieces))
        return self.codec.canonical({*parsed, *read})


def prop(
    doc: str, type: PropertyType, codec: Codec | RegistryValue | str | None = None, *,
    default: Any = None, absent: Any = ..., parameter: str | None = None, set_parameter: str = "", filter_object: str = "",
    required: bool = False, since: str = "2.0", example: Any = None, unset: Any = None, references: str = "",
    one_value: bool = False, required_when: "RequiredWhen" = None, role: Role = "condition", narrows: Narrowing | None = None,
    proposal: "type[Resource] | None" = None, wins: Any = None, policy_only: bool = False, least: Any = None,
    for_peers: ForPeers | None = None, merges: str = "", setting_type: int = 0, stays_as: Any = None,
    phrase: Phrase | None = None,
) -> Any:
    """One property of a kind; see the module and Property. A `codec` given as text is the token of a plain text."""
    meta = {**locals(), "absent": default if absent is ... else absent}  # a field has its default itself
    del meta["default"]
    return dataclasses.field(default=default, metadata=meta)


class Resource:
    """The base of every kind: frozen values, equal when all values are.

    `source` is the rule string or the key that it, or what it was made of by `replace`, was read from. It is no value: two
    resources are equal whatever they were read from.
    """

    __slots__ = ("__dict__", "__weakref__", "_read_as", "_stored", "worked_out")
    kind: ClassVar["Kind"]
    name: str
    unknown_tokens: Tokens
    _stored: str | SourceKey | None
    _read_as: Mapping[str, Any]
    worked_out: dict[str, Any]  # see once.py

    def __eq__(self, other: object) -> bool:
        return self is other or (type(self) is type(other) and self.__dict__ == other.__dict__)

    def __hash__(self) -> int:
        return hash((self.kind.name, self.name.casefold()))

    def __reduce__(self) -> tuple[Any, ...]:
        return reduced(self, self.kind.defaults, self._stored, self._read_as)

    def values(self) -> dict[str, Any]:
        """Every property, in the order of declaration (name and unknown tokens apart)."""
        mine = self.__dict__
        return {name: mine[name] for name in self.kind.properties}

    def __repr__(self) -> str:
        return f"<{self.kind.name} {self.name}>" if self.name else str(self)

    def __str__(self) -> str:
        """What is not the default, on one line; a secret shows only that it is there."""
        values = ((p.name, getattr(self, p.name)) for p in self.kind.properties.values())
        shown = ", ".join([*(f"{n}: {_shown(v)}" for n, v in values if v != self.kind.defaults[n]), *self.unknown_tokens])
        return f"{self.kind.name} {self.name}: {shown}" if self.name else f"{{{shown}}}"

    @property
    def source(self) -> Source | None:
        """What it was read from, and the values that it was read as; None where it was made otherwise."""
        return None if self._stored is None else Source(self._stored, self._read_as, self._read_as["unknown_tokens"])

    def replace(self, **values: Any) -> "Resource":
        """The same with other values."""
        return self.kind.create(self.name, {**self.values(), **values}, self.unknown_tokens, self.source)

    def read_as(self, **values: Any) -> "Resource":
        """The same read otherwise: its source, as it stands, means these values."""
        found = self.replace(**values)
        found._read_as = found.__dict__
        return found

    def in_effect(self) -> "Resource":
        """The same with what Windows does in place of what is stored nowhere, as far as that is known."""
        mine = self.__dict__
        unset = {p.name: p.unset for p in self.kind.properties.values() if p.unset is not None and mine[p.name] == p.absent}
        return self.replace(**unset) if unset else self

    def normalise(self, values: dict[str, Any]) -> None:
        """Normalises equivalent value combinations in place; called once on construction."""

    def check(self) -> Iterable[Finding]:
        """What Windows refuses of this combination of values."""
        return ()

    def check_mentioned(self, mentioned: Collection[str], closed: Collection[str] = ()) -> Iterable[Finding]:
        """What must not be left to silence: a rule that opens or closes everything needs a word that says so.

        mentioned: the properties that the task says · closed: profiles in which what goes out is blocked unless a rule allows
        it, as far as that is known.
        """
        return ()

    @property
    def unheeded(self) -> Collection[str]:
        """The conditions that do not count, whatever they say: another property has Windows not look at them."""
        return ()

    def check_references(self, get: Callable[[str], "Resource | None"]) -> Iterable[Finding]:
        """What Windows refuses of this resource together with those that it names.

        `get` gives the resource behind a property that refers; None where it is not known here.
        """
        return ()

    def as_filter(self) -> Filter | None:
        """What it does with traffic; None where it does nothing with traffic by itself (sets, profiles)."""
        return None


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return "[" + ", ".join(map(_shown, value)) + "]"
    return repr(value) if isinstance(value, Secret) else str(value)


@dataclass(frozen=True)
class Kind:
    """What `@resource` derives from a class: the whole table of a kind."""

    name: str
    cls: type[Resource]
    noun: str
    storage: Storage
    whole: bool
    key: str  # the YAML key that names the resource(s)
    name_type: PropertyType | None
    write_order: int  # supporting objects have a smaller one than what names them
    properties: Mapping[str, Property]
    doc: str
    services: tuple[str, ...] = ()  # Windows services without which nothing of this kind takes effect
    merged_by: str = ""  # the property of profiles by which Group Policy lets local resources of this kind count or not
    example_name: str = ""  # how the reference names one, in YAML
    category: Category = ""
    undo: Undo = "import"

    def __reduce__(self) -> "tuple[Callable[[type[Resource]], Kind], tuple[type[Resource]]]":
        return _kind_of, (self.cls,)

    def create(self, name: str, values: Mapping[str, Any], unknown_tokens: Tokens = (), source: Source | None = None) -> Resource:
        """An instance from canonical values; those left out take Windows' defaults."""
        owned = {**self.defaults, **values, "name": name, "unknown_tokens": unknown_tokens}
        return self._of(owned, source.stored, source.values) if source else self._of(owned, None, owned)

    def read_key(self, name: str, values: Mapping[str, Any], unknown_tokens: Tokens, key: SourceKey) -> Resource:
        """An instance from what a key of the registry was read as."""
        owned = {**self.defaults, **values, "name": name, "unknown_tokens": unknown_tokens}
        return self._of(owned, key, owned)

    def _of(self, values: dict[str, Any], stored: str | SourceKey | None, read_as: Mapping[str, Any]) -> Resource:
        """An instance that owns `values`: every property, `name` and `unknown_tokens`; `read_as` are the values of `stored`."""
        made = object.__new__(self.cls)
        made.__dict__ = values
        made._stored, made._read_as = stored, read_as
        made.normalise(values)
        return made

    @cached_property
    def defaults(self) -> dict[str, Any]:
        return {p.name: p.default for p in self.properties.values()}

    @cached_property
    def references(self) -> tuple[Property, ...]:
        """The properties that name another resource."""
        return tuple(p for p in self.properties.values() if p.references)

    @cached_property
    def proposals(self) -> tuple[Property, ...]:
        """The properties whose members have a table of their own."""
        return tuple(p for p in self.properties.values() if p.proposal)

    @cached_property
    def phrases(self) -> tuple[Property, ...]:
        """The properties of the line that tells what an object does, in its order."""
        return tuple(sorted((p for p in self.properties.values() if p.phrase), key=lambda p: p.phrase.place if p.phrase else 0))

    @cached_property
    def codec(self) -> RuleStringCodec:
        """The codecs of rule strings, and of the values of sets and their parts."""
        return RuleStringCodec({p.name: (p.codec, p.absent) for p in self.properties.values()
                                if p.codec and not isinstance(p.codec, RegistryValue)}, self.storage.order)

    @cached_property
    def registry_values(self) -> dict[str, RegistryValue]:
        """The registry values of profile keys, settings and sets."""
        return {p.name: p.codec for p in self.properties.values() if isinstance(p.codec, RegistryValue)}

    @cached_property
    def read_string(self) -> Callable[[str, str], Resource]:
        """(name, rule string) -> resource; remembered, since fleets repeat themselves. Never raises."""

        def read(name: str, string: str) -> Resource:
            values, unknown_tokens = self.codec.read(string)
            values["name"], values["unknown_tokens"] = name, unknown_tokens
            return self._of(values, string, values)

        known = lru_cache(16_384)(read)  # what hosts say is of any length: a number alone bounds no memory
        return lambda name, string: (known if len(name) + len(string) <= 1000 else read)(name, string)

    def write_string(self, resource: Resource, version: str = "", source: Source | None = None) -> str:
        """The rule string of a resource. What `source` (by default: its own) says of values that are the same stands as it stood
        there, to the letter; all else is in Windows' words and order. `version` is the prefix: that of the source, else v2.31."""
        if (found := source or resource.source) is not None:
            return rewrite(self.codec, found, resource.values(), resource.unknown_tokens, version)
        return self.codec.write(resource.values(), resource.unknown_tokens, version or "v2.31")


def _kind_of(cls: type[Resource]) -> Kind:
    return cls.kind


@dataclass_transform(field_specifiers=(prop,), frozen_default=True, kw_only_default=True)
def resource(kind: str, *, noun: str, storage: Storage, whole: bool = True, key: str = "name",
             name_type: PropertyType | None = None, write_order: int = 5, services: tuple[str, ...] = (),
             merged_by: str = "", example_name: str = "", category: Category = "", undo: Undo = "import") -> Callable[[T], T]:
    """Make a class the table of `kind`. `noun` is NetSecurity's (New-NOUN, Set-NOUN, …).

    `whole`: a declared resource is entirely as declared, what is omitted is Windows' default; else only what is mentioned is
    managed. `key` names it in YAML; its `name_type` may give several names. `undo`: how the host brings it back by itself.
    """

    def decorate(cls: T) -> T:
        fields = {name: base.__dict__.get(name) for base in reversed(cls.__mro__) for name in inspect.get_annotations(base)}
        properties = {name: _prop(name, field) for name, field in fields.items()
                      if isinstance(field, dataclasses.Field) and "doc" in field.metadata}
        doc = re.sub(r"\s+", " ", (cls.__doc__ or "").strip())
        cls.kind = Kind(kind, cls, noun, storage, whole, key, name_type, write_order, properties, doc, services, merged_by,
                        example_name or f"example-{kind.replace('_', '-')}", category, undo)
        return cls

    return decorate


def _prop(name: str, field: "dataclasses.Field[Any]") -> Property:
    meta = dict(field.metadata)
    if isinstance(meta["codec"], str):
        meta["codec"] = Text(meta["codec"])
    if meta["parameter"] is None:
        meta["parameter"] = pascal(name)
    meta["set_parameter"] = meta["set_parameter"] or meta["parameter"]
    return Property(name=name, default=field.default, **meta)
