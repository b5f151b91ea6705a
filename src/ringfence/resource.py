"""The table is the resource: a property is declared once, and everything else about it derives from that line.

    @resource("firewall_rule", noun="NetFirewallRule", home=Strings("FirewallRules", ORDER))
    class FirewallRule(Resource):
        \"\"\"One rule of Windows Defender Firewall.\"\"\"
        direction: str = prop("Which way the traffic goes.", choice("Inbound", "Outbound"), GATE, default="inbound")

`prop` names the meaning, the word (what YAML may say), the registry codec, Windows' default, and, where it is not the
property's own name in PascalCase, the cmdlet parameter. A kind may have methods `check()` (what Windows refuses of the
combination) and `expand(host)` / `as_filter()` (design, section 2).
"""

import dataclasses
import inspect
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, ClassVar, TypeVar, dataclass_transform

from ringfence.codecs import Codec, Pieces, Table, Value
from ringfence.words import Word

T = TypeVar("T", bound="type[Resource]")
ACRONYMS = {"ipsec": "IPsec", "nat": "NAT", "sa": "SA", "ah": "AH", "esp": "ESP", "dh": "DH"}


def pascal(name: str) -> str:
    """allow_local_ipsec_rules -> AllowLocalIPsecRules: NetSecurity's spelling of a property."""
    return "".join(ACRONYMS.get(part, part[:1].upper() + part[1:]) for part in name.split("_"))


@dataclass(frozen=True)
class Strings:
    """Each resource is one REG_SZ of `subkey`: the value's name is the resource's, its data a rule string."""

    subkey: str
    order: str


@dataclass(frozen=True)
class Keys:
    """Each resource is one key with values. `names` maps the resource's name to its key, per store."""

    names: Mapping[str, tuple[str, ...]]  # name -> keys, the first that exists counts


@dataclass(frozen=True)
class Sets:
    """Each resource is a subkey of one of `subkeys`, with its proposals below it: 0000, 0001 … ([MS-GPFAS] 2.2.4)."""

    subkeys: tuple[str, ...]
    primary: str  # the id of the default set


@dataclass(frozen=True)
class Asked:
    """Not in the registry in a known form: read through a Get- cmdlet."""

    cmdlet: str


Home = Strings | Keys | Sets | Asked


@dataclass(frozen=True)
class Prop:
    """One row of the table."""

    name: str
    doc: str
    word: Word
    codec: Codec | Value | None
    default: Any  # what an omitted property means (whole kinds); a callable is not allowed
    absent: Any  # what absence in the registry means
    parameter: str  # the cmdlet's parameter; "" where no cmdlet can set it
    set_parameter: str  # the parameter of Set-, where it differs from that of New-
    group: str  # properties of one filter object travel together
    required: bool
    since: str  # schema version ([MS-FASP] note 12)
    example: Any


def prop(doc: str, word: Word, codec: Codec | Value | str | None = None, *, default: Any = None, absent: Any = ...,
         parameter: str | None = None, set_parameter: str = "", group: str = "", required: bool = False,
         since: str = "2.0", example: Any = None) -> Any:
    """One property of a kind; see the module and Prop. A `codec` given as text is the token of a plain text."""
    meta = {"doc": doc, "word": word, "codec": codec, "absent": default if absent is ... else absent,
            "parameter": parameter, "set_parameter": set_parameter, "group": group, "required": required,
            "since": since, "example": example}
    return dataclasses.field(default=default, metadata=meta)


class Resource:
    """The base of every kind: frozen values, equal when all values are."""

    kind: ClassVar["Kind"]
    name: str
    extra: Pieces

    def __eq__(self, other: object) -> bool:
        return self is other or (type(self) is type(other) and self.__dict__ == other.__dict__)

    def __hash__(self) -> int:
        return hash((self.kind.name, self.name.casefold()))

    def values(self) -> dict[str, Any]:
        """Every property, in the order of declaration (name and extra apart)."""
        mine = self.__dict__
        return {name: mine[name] for name in self.kind.properties}

    def replace(self, **values: Any) -> "Resource":
        """The same with other values."""
        return self.kind.make(self.name, {**self.values(), **values}, self.extra)

    def settle(self, values: dict[str, Any]) -> None:
        """Bring combinations of values that mean the same to one form, in place; called once, at the making."""

    def check(self) -> Iterable[tuple[str, str, str]]:
        """What Windows refuses of this combination of values: (property, reason, way out)."""
        return ()


@dataclass(frozen=True)
class Kind:
    """What `@resource` derives from a class: the whole table of a kind."""

    name: str
    cls: type[Resource]
    noun: str
    home: Home
    whole: bool
    key: str  # the YAML key that names the resource(s)
    key_word: Word | None
    rank: int  # supporting objects have a smaller rank than what names them
    properties: Mapping[str, Prop]
    doc: str

    def make(self, name: str, values: Mapping[str, Any], extra: Pieces = ()) -> Resource:
        """An instance from canonical values; those left out take Windows' defaults."""
        return self.take({**self.defaults, **values, "name": name, "extra": extra})

    def take(self, values: dict[str, Any]) -> Resource:
        """An instance that owns `values`: every property, `name` and `extra`."""
        made = object.__new__(self.cls)
        made.__dict__ = values
        made.settle(values)
        return made

    @cached_property
    def defaults(self) -> dict[str, Any]:
        return {p.name: p.default for p in self.properties.values()}

    @cached_property
    def table(self) -> Table:
        """The codecs of rule strings. Only for kinds at home in Strings."""
        assert isinstance(self.home, Strings)
        codecs = {p.name: (p.codec, p.absent) for p in self.properties.values()}
        return Table({n: (c, absent) for n, (c, absent) in codecs.items() if c and not isinstance(c, Value)}, self.home.order)

    @cached_property
    def values(self) -> dict[str, Value]:
        """The registry values of profile keys, settings and sets."""
        return {p.name: p.codec for p in self.properties.values() if isinstance(p.codec, Value)}

    @cached_property
    def read_string(self) -> Callable[[str, str], Resource]:
        """(name, rule string) -> resource; remembered, since fleets repeat themselves. Never raises."""

        @lru_cache(200_000)
        def read(name: str, string: str) -> Resource:
            values, extra = self.table.read(string)
            values["name"], values["extra"] = name, extra
            return self.take(values)

        return read

    def write_string(self, resource: Resource, version: str = "v2.31") -> str:
        """The rule string of a resource, in Windows' token order."""
        return self.table.write(resource.values(), resource.extra, version)


@dataclass_transform(field_specifiers=(prop,), frozen_default=True, kw_only_default=True)
def resource(kind: str, *, noun: str, home: Home, whole: bool = True, key: str = "name", key_word: Word | None = None,
             rank: int = 5) -> Callable[[T], T]:
    """Make a class the table of `kind`. `noun` is NetSecurity's (New-NOUN, Set-NOUN, …).

    `whole`: a declared resource is entirely as declared, what is omitted is Windows' default; else only what is
    mentioned is managed. `key` names the resource in YAML; `key_word` where one declaration names several.
    """

    def decorate(cls: T) -> T:
        properties = {}
        for name in inspect.get_annotations(cls):
            field = cls.__dict__.get(name)
            if isinstance(field, dataclasses.Field) and "word" in field.metadata:
                properties[name] = _prop(name, field)
                delattr(cls, name)
        doc = re.sub(r"\s+", " ", (cls.__doc__ or "").strip())
        cls.kind = Kind(kind, cls, noun, home, whole, key, key_word, rank, properties, doc)
        return cls

    return decorate


def _prop(name: str, field: "dataclasses.Field[Any]") -> Prop:
    from ringfence.codecs import Text

    meta = dict(field.metadata)
    if isinstance(meta["codec"], str):
        meta["codec"] = Text(meta["codec"])
    if meta["parameter"] is None:
        meta["parameter"] = pascal(name)
    meta["set_parameter"] = meta["set_parameter"] or meta["parameter"]
    return Prop(name=name, default=field.default, **meta)
