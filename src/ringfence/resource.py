"""The table is the resource: a property is declared once, and everything else about it derives from that line.

    @resource("firewall_rule", noun="NetFirewallRule", home=Strings("FirewallRules", ORDER))
    class FirewallRule(Resource):
        \"\"\"One rule of Windows Defender Firewall.\"\"\"
        direction: str = prop("Which way the traffic goes.", choice("Inbound", "Outbound"), GATE, default="inbound")

`prop` names the meaning, the word (what YAML may say), the registry codec, Windows' default, and, where it is not the
property's own name in PascalCase, the cmdlet parameter. A kind may have methods `check()` (what Windows refuses of the
combination), `agree(named)` (of it and those it names: `refers=`) and `expand(host)` / `as_filter()` (design, section 2).

Proposals of sets are parts: classes made by `@part(cmdlet)`, with a table of their own, in a property with `part=` whose
word is `ordered(cls)`. YAML says them as a list of mappings, cmdlets take them as calls.
"""

import dataclasses
import inspect
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, ClassVar, TypeVar, dataclass_transform

from ringfence.codecs import Codec, Pieces, Table, Text, Value
from ringfence.errors import Severity
from ringfence.secret import Secret
from ringfence.words import Word, nearest

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
    """Each resource is one key with values. `names`: name -> keys, of which the first that exists counts.

    `policy`: the same for Group Policy, where it differs; a key after the first is an older one that stands for several
    names and counts where none of them has a key of its own.
    """

    names: Mapping[str, tuple[str, ...]]
    policy: Mapping[str, tuple[str, ...]] | None = None


@dataclass(frozen=True)
class Sets:
    """Each resource is a subkey of one of `subkeys`, with its proposals below it: 0000, 0001 … ([MS-GPFAS] 2.2.4)."""

    subkeys: tuple[str, ...]  # singular and plural: the sources differ, the first is the one of [MS-GPFAS]
    primary: str  # the id of the default set
    order: str = ""


@dataclass(frozen=True)
class Asked:
    """Not in the registry in a known form: read through a Get- cmdlet."""

    cmdlet: str


@dataclass(frozen=True)
class Inside:
    """A part of another resource: a member of an ordered list, made by a New- cmdlet of its own (proposals of sets)."""

    order: str = ""


Home = Strings | Keys | Sets | Asked | Inside
DEFAULT = "default"  # the name of the default set of a kind at home in Sets, whatever its id
Finding = tuple[str, str, str] | tuple[str, str, str, Severity]
"""(property, reason, way out), and how grave it is where it is not an error."""


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
    refers: str = ""  # the kind that it names a resource of
    part: "type[Resource] | None" = None  # the table of its members, which are Inside this resource


def prop(doc: str, word: Word, codec: Codec | Value | str | None = None, *, default: Any = None, absent: Any = ...,
         parameter: str | None = None, set_parameter: str = "", group: str = "", required: bool = False,
         since: str = "2.0", example: Any = None, refers: str = "", part: "type[Resource] | None" = None) -> Any:
    """One property of a kind; see the module and Prop. A `codec` given as text is the token of a plain text."""
    meta = {"doc": doc, "word": word, "codec": codec, "absent": default if absent is ... else absent,
            "parameter": parameter, "set_parameter": set_parameter, "group": group, "required": required,
            "since": since, "example": example, "refers": refers, "part": part}
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

    def __repr__(self) -> str:
        return f"<{self.kind.name} {self.name}>" if self.name else str(self)

    def __str__(self) -> str:
        """What is not the default, on one line; a secret shows only that it is there."""
        said = ((p.name, getattr(self, p.name)) for p in self.kind.properties.values())
        shown = ", ".join([*(f"{n}: {_shown(v)}" for n, v in said if v != self.kind.defaults[n]), *self.extra])
        return f"{self.kind.name} {self.name}: {shown}" if self.name else f"{{{shown}}}"

    def replace(self, **values: Any) -> "Resource":
        """The same with other values."""
        return self.kind.make(self.name, {**self.values(), **values}, self.extra)

    def settle(self, values: dict[str, Any]) -> None:
        """Bring combinations of values that mean the same to one form, in place; called once, at the making."""

    def check(self) -> Iterable[Finding]:
        """What Windows refuses of this combination of values."""
        return ()

    def agree(self, named: Callable[[str], "Resource | None"]) -> Iterable[Finding]:
        """What Windows refuses of this resource together with those that it names.

        `named` gives the resource behind a property that refers; None where it is not known here.
        """
        return ()


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

    @property
    def removable(self) -> bool:
        """Whether a resource of this kind can be absent: profiles and settings are part of Windows."""
        return not isinstance(self.home, Keys)

    @cached_property
    def refers(self) -> tuple[Prop, ...]:
        """The properties that name another resource."""
        return tuple(p for p in self.properties.values() if p.refers)

    @cached_property
    def parts(self) -> tuple[Prop, ...]:
        """The properties whose members have a table of their own."""
        return tuple(p for p in self.properties.values() if p.part)

    @cached_property
    def table(self) -> Table:
        """The codecs of rule strings, and of the values of sets and their parts."""
        assert isinstance(self.home, Strings | Sets | Inside)
        codecs = {p.name: (p.codec, p.absent) for p in self.properties.values()}
        return Table({n: (c, absent) for n, (c, absent) in codecs.items() if c and not isinstance(c, Value)}, self.home.order)

    @cached_property
    def values(self) -> dict[str, Value]:
        """The registry values of profile keys, settings and sets."""
        return {p.name: p.codec for p in self.properties.values() if isinstance(p.codec, Value)}

    @cached_property
    def read_string(self) -> Callable[[str, str], Resource]:
        """(name, rule string) -> resource; remembered, since fleets repeat themselves. Never raises."""

        @lru_cache(50_000)
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
        fields = {name: base.__dict__.get(name) for base in reversed(cls.__mro__) for name in inspect.get_annotations(base)}
        properties = {name: _prop(name, field) for name, field in fields.items()
                      if isinstance(field, dataclasses.Field) and "word" in field.metadata}
        doc = re.sub(r"\s+", " ", (cls.__doc__ or "").strip())
        cls.kind = Kind(kind, cls, noun, home, whole, key, key_word, rank, properties, doc)
        return cls

    return decorate


def part(cmdlet: str, order: str = "") -> Callable[[T], T]:
    """Make a class the table of what `cmdlet` (New-…) makes: a part that stands inside other resources."""
    return resource(cmdlet, noun=cmdlet.partition("-")[2], home=Inside(order))


def ordered(cls: "type[Resource]") -> Word:
    """The word of an ordered list of parts: mappings with the properties of `cls`. A cmdlet takes them as calls."""
    kind = cls.kind
    name = f"list of {', '.join(kind.properties)}"

    def parse(value: Any) -> tuple[Resource, ...]:
        given = [value] if isinstance(value, Mapping) else value
        if not isinstance(given, list | tuple) or not given:
            raise ValueError("a list of at least one is expected")  # what stands there may be a misplaced secret
        problems: list[str] = []
        found = tuple(_part(kind, member, f"number {i}: ", problems) for i, member in enumerate(given, 1))
        if problems:
            raise ValueError("; ".join(problems))
        return found

    schema = {"type": "array", "minItems": 1, "items": {"type": "object"}}  # Prop.part has what stands in it
    return Word(name, parse, schema, lambda v: [_made_by_call(one) for one in v])


def _part(kind: Kind, given: Any, label: str, problems: list[str]) -> Resource:
    if not isinstance(given, Mapping):
        problems.append(f"{label}this is not a mapping of {', '.join(kind.properties)}")
        return kind.make("", {})
    values = {}
    for name, value in given.items():
        p = kind.properties.get(name)
        try:
            if p is None:
                raise ValueError(f"unknown{nearest(str(name), list(kind.properties))}")
            values[p.name] = p.word.parse(value)
        except ValueError as error:
            problems.append(f"{label}{name}: {error}")
    problems += [f"{label}{p.name} is missing" for p in kind.properties.values() if p.required and p.name not in given]
    return kind.make("", values)


def _made_by_call(one: Resource) -> dict[str, Any]:
    """The call that makes a part. What is the default is left out: the cmdlet's parameter sets are narrow."""
    values = one.values()
    parameters = {p.parameter: p.word.argument(values[p.name]) for p in one.kind.properties.values()
                  if p.required or values[p.name] != p.default}
    return {"$call": {"cmdlet": one.kind.name, "parameters": parameters}}


def _prop(name: str, field: "dataclasses.Field[Any]") -> Prop:
    meta = dict(field.metadata)
    if isinstance(meta["codec"], str):
        meta["codec"] = Text(meta["codec"])
    if meta["parameter"] is None:
        meta["parameter"] = pascal(name)
    meta["set_parameter"] = meta["set_parameter"] or meta["parameter"]
    return Prop(name=name, default=field.default, **meta)
