"""YAML that knows its places.

One dialect for every file: YAML 1.1 as PyYAML and Ansible read it, so that a value means the same in a play, in a file of
variables and to Ansible: `no` is false. Where that makes another number of what is written (`3:4` is 184, `010` is 8) there is a
warning.

Values are plain: str, int, float, bool, None, `Map` (a dict), `Seq` (a list), and for Ansible's tags `Vaulted` and
`Unsafe`. Sizes are bounded: bytes of a file, depth of nesting, growth through aliases.
"""

import codecs
import datetime
import functools
import os
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

import yaml

from ringfence import files
from ringfence.diagnostics import NOWHERE, InputError, Problems, Where, quoted
from ringfence.documents import yaml_mistakes
from ringfence.documents.vault import Vaulted

MAX_DEPTH = 64  # levels of lists and mappings inside of each other
MAX_NUMBER = 100  # characters of one number in YAML: parts of sixties and digits cost the square of their count
MAX_DIRECTIVES = 10  # directives of YAML (%TAG …): libyaml compares each with all before it
MAX_ALIASED = 1_000_000  # values that the aliases of a file repeat, all together


UNSAFE = "!unsafe"


_NO_KEYS: frozenset[Any] = frozenset()


class Map(dict[Any, Any]):
    """A mapping that knows its own place and that of each key. Not changed after loading. `disguised`: keys whose value is a
    number that does not look like what it is, 0443 or 1:30."""

    __slots__ = ("__weakref__", "disguised", "locations", "where")

    def __init__(self, values: Mapping[Any, Any] | Iterable[tuple[Any, Any]] = (), where: Where = NOWHERE,
                 locations: Mapping[Any, Where] | None = None) -> None:
        super().__init__(values)
        self.where = where
        self.disguised = _NO_KEYS
        self.locations: dict[Any, Where] = dict(locations or {})

    def at(self, key: Any) -> Where:
        """The place of a key, or of the mapping where the key is unknown."""
        return self.locations.get(key, self.where)

    def merged_over(self, lower: "Map") -> "Map":
        """This mapping laid over another: keys of both, values and places of this one where both have the key."""
        if not lower:
            return self
        return Map({**lower, **self}, self.where, {**lower.locations, **self.locations}) if self else lower


class Seq(list[Any]):
    """A list that knows its own place and that of each item. Not changed after loading."""

    __slots__ = ("__weakref__", "locations", "where")

    def __init__(self, values: Iterable[Any] = (), where: Where = NOWHERE, locations: Iterable[Where] = ()) -> None:
        super().__init__(values)
        self.where = where
        self.locations = list(locations)

    def at(self, index: int) -> Where:
        """The place of an item, or of the list where there is no such item."""
        return self.locations[index] if 0 <= index < len(self.locations) else self.where


class Unsafe(str):
    """A text that is never read as a template (Ansible's `!unsafe`)."""

    __slots__ = ()


_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_PREFIX = "tag:yaml.org,2002:"
_RESOLVERS = {first: [(tag.removeprefix(_PREFIX), pattern) for tag, pattern in rows]
              for first, rows in yaml.SafeLoader.yaml_implicit_resolvers.items()}


def _maker(tag: str) -> Callable[[str], Any]:
    construct = getattr(yaml.constructor.SafeConstructor, f"construct_yaml_{tag}")

    def make(text: str) -> Any:
        value = construct(yaml.constructor.SafeConstructor(), yaml.ScalarNode(_PREFIX + tag, text))
        return value.isoformat() if isinstance(value, datetime.date) else value
    return make


_MAKE = {tag: _maker(tag) for tag in ("null", "bool", "int", "float", "timestamp")}
_OTHERWISE = re.compile(r"[-+]?(?:0[0-7_]+|0[bx].*|.*[:_].*)")  # numbers that do not look like what they are
_SCALAR = yaml.ScalarEvent
_NUMBERS = (int, float)
_CURLY = "“”„‘’"


@functools.lru_cache(maxsize=2**16)
def _plain(text: str) -> tuple[Any, Literal["", "number", "quotes"]]:
    """A plain scalar's value, and what may be otherwise than it was meant. Raises ValueError."""
    for tag, pattern in _RESOLVERS.get(text[:1], ()):
        if pattern.match(text):
            return _tagged(tag, text), "number" if tag in ("int", "float") and _OTHERWISE.fullmatch(text) else ""
    return text, "quotes" if text[:1] in _CURLY and text else ""


def _tagged(tag: str, text: str) -> Any:
    if tag in ("int", "float") and len(text) > MAX_NUMBER:
        raise ValueError(f"a number of more than {MAX_NUMBER} characters; write it in quotes if a text is meant")
    return _MAKE[tag](text) if tag in _MAKE else text


class _Stop(Exception):
    """The rest of the file cannot be read; the reason is noted already."""


class _Parser(yaml.cyaml.CParser):  # type: ignore[misc, name-defined]
    """libyaml's events."""


class _Builder:
    """Values from the parser's events."""

    def __init__(self, text: str, file: str, problems: Problems) -> None:
        self.text, self.file, self.problems = text, file, problems
        self.parser: Any = None
        self.anchors: dict[str, tuple[Any, int] | None] = {}  # with how many values it consists of; None: being built
        self.built = 0  # values so far
        self.aliased = self.unsafe = 0
        self.templates: set[int] = set()  # lines with one that has no quotes
        self.wheres: dict[int, Where] = {}

    def where(self, event: Any) -> Where:
        line: int = event.start_mark.line + 1
        if (found := self.wheres.get(line)) is None:
            found = self.wheres[line] = Where(self.file, line)
        return found

    def document(self) -> Any:
        """The one document of the file, or None."""
        self.parser = _Parser(self.text)
        self.parser.get_event()  # the stream's start
        if isinstance(self.parser.peek_event(), yaml.StreamEndEvent):
            return None
        self.parser.get_event()
        value = self.node(self.parser.get_event(), 0)
        self.parser.get_event()
        if not isinstance(self.parser.peek_event(), yaml.StreamEndEvent):
            self.stop(self.parser.peek_event(), "a second document starts here", "Write one document a file.")
        return value

    def stop(self, event: Any, summary: str, detail: str = "") -> None:
        self.problems.error(self.where(event), summary, detail)
        raise _Stop

    def node(self, event: Any, depth: int) -> Any:
        """A value."""
        kind, before = type(event), self.built
        self.built += 1
        if kind is _SCALAR:
            if event.tag is None and event.anchor is None and not (event.implicit[0] or self.unsafe):
                return event.value  # in quotes
            value = self.scalar(event)
            if self.unsafe and type(value) is str:
                value = Unsafe(value)
        elif kind is yaml.AliasEvent:
            return self.alias(event)
        else:
            if depth >= MAX_DEPTH:
                self.stop(event, f"nested deeper than {MAX_DEPTH} levels")
            if event.anchor is not None:
                self.anchors[event.anchor] = None
            build = self.mapping if kind is yaml.MappingStartEvent else self.sequence
            self.unsafe += event.tag == UNSAFE
            value = self.container_tag(event, build(event, depth + 1))
            self.unsafe -= event.tag == UNSAFE
        if event.anchor is not None:
            self.anchors[event.anchor] = value, self.built - before
        return value

    def alias(self, event: Any) -> Any:
        if event.anchor not in self.anchors:
            self.stop(event, f"unknown alias *{event.anchor}", f"Write &{event.anchor} before the value it means.")
        found = self.anchors[event.anchor]
        if found is None:
            self.stop(event, f"*{event.anchor} stands inside of what it means")
        assert found is not None
        self.aliased += found[1]
        if self.aliased > MAX_ALIASED:
            self.stop(event, f"aliases repeat more than {MAX_ALIASED} values")
        self.built += found[1] - 1
        return _unsafe(found[0]) if self.unsafe else found[0]

    def scalar(self, event: Any) -> Any:
        tag, text = event.tag, event.value
        try:
            if tag is None and event.implicit[0]:
                value, odd = _plain(text)
                if odd == "number":
                    self.problems.warn(self.where(event), f"{text} is the number {value} in YAML 1.1",
                                       f'Write "{text}" in quotes if a text is meant.')
                elif odd == "quotes":
                    self.problems.warn(self.where(event), f"{text[:60]}: the curly quotes are part of the text",
                                       "Write straight ones, \" or ', if they were meant to quote it.")
                return value
            if tag is None or tag in ("!", _PREFIX + "str"):
                return text
            if tag == UNSAFE:
                return Unsafe(text)
            if tag in ("!vault", "!vault-encrypted"):
                return Vaulted(text, self.where(event))
            if tag.removeprefix(_PREFIX) in _MAKE:
                return _tagged(tag.removeprefix(_PREFIX), text)
            self.bad_tag(event)
        except (ValueError, KeyError, IndexError, OverflowError) as error:
            self.problems.error(self.where(event), f"{text[:60]} is not a valid value: {error}")
        return text

    def bad_tag(self, event: Any) -> None:
        self.problems.error(self.where(event), f"unknown tag {event.tag.replace(_PREFIX, '!!')}",
                            "Write a list." if event.tag.removeprefix(_PREFIX) in ("set", "omap", "pairs") else
                            "Tags that are known: !vault, !unsafe.")

    def container_tag(self, event: Any, value: Any) -> Any:
        expected = "seq" if isinstance(value, Seq) else "map"
        if event.tag not in (None, "!", UNSAFE, _PREFIX + expected):
            self.bad_tag(event)
        return value

    def sequence(self, event: Any, depth: int) -> Seq:
        values, next_event = Seq(where=self.where(event)), self.parser.get_event
        while type(item := next_event()) is not yaml.SequenceEndEvent:
            values.append(self.node(item, depth))
            values.locations.append(self.where(item))
        return values

    def mapping(self, event: Any, depth: int) -> Map | str:
        values, next_event, locations = Map(where=self.where(event)), self.parser.get_event, dict[Any, Where]()
        merged: list[Map] = []
        template = False
        while type(item := next_event()) is not yaml.MappingEndEvent:
            built, key, where = self.built, self.node(item, depth), self.where(item)
            self.built = built  # a key is none of its values
            if type(key) is Unsafe:
                key = str(key)
            text = type(key) is str
            value = self.node(of_value := next_event(), depth)
            if key == "<<" and type(item) is yaml.ScalarEvent and item.implicit[0]:
                merged += self.merge(value, where)
            elif not text and isinstance(key, dict) and event.flow_style and item.start_mark.index == event.start_mark.index + 1:
                template = True
            elif not text and isinstance(key, dict | list | Vaulted):
                self.problems.error(where, "a key has to be a plain value")
            elif key in values:
                self.problems.error(where, f'the key "{key if isinstance(key, str) else quoted(key)}" was given before, at '
                                    f"{locations[key]}", "Remove one of the two.")
            else:
                values[key], locations[key] = value, where
                if value.__class__ in _NUMBERS and type(of_value) is yaml.ScalarEvent and _OTHERWISE.fullmatch(of_value.value):
                    values.disguised |= {key}
        if template:  # what was meant stands in the text: nothing else is wrong with it
            self.templates.add(values.where.line)
            self.problems.error(values.where, "a template without quotes: for YAML {{ begins a mapping",
                                'Put quotes around the whole value: "{{ … }}".')
            return self.text[event.start_mark.index:item.end_mark.index]  # type: ignore[union-attr]
        for lower in merged:  # explicit keys win, then the earlier of the merged
            for key in lower:
                if key not in values:
                    values[key], locations[key] = lower[key], lower.at(key)
        values.locations = locations
        return values

    def merge(self, value: Any, where: Where) -> list[Map]:
        maps = value if isinstance(value, list) else [value]
        if all(isinstance(m, Map) for m in maps):
            return maps
        self.problems.error(where, "<< takes a mapping or a list of mappings")
        return []


def _unsafe(value: Any) -> Any:
    if isinstance(value, Map):
        return Map({k: _unsafe(v) for k, v in value.items()}, value.where, value.locations)
    if isinstance(value, Seq):
        return Seq(map(_unsafe, value), value.where, value.locations)
    return Unsafe(value) if type(value) is str else value


_DIRECTIVE = re.compile(r"^%(?:TAG|YAML)\b", re.MULTILINE)


def parse(text: str, file: str, problems: Problems, *, excerpts: bool = False) -> Any:
    """The value of a YAML text. `file` names it in messages. Mistakes go to `problems`, and None is returned where
    the text cannot be read to its end. excerpts: lines of it may be shown; none of a file that may hold secrets."""
    builder = _Builder(text, file, problems)
    try:
        if len(_DIRECTIVE.findall(text)) > MAX_DIRECTIVES:
            problems.error(Where(file), f"more than {MAX_DIRECTIVES} directives (lines that begin with %)")
            return None
        return builder.document()
    except (_Stop, InputError):  # told in `problems`
        return None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        problems.error(Where(file, line), f"not YAML: {error.reason}")
    except yaml.MarkedYAMLError as error:
        place, summary, detail = _syntax(error, text, file, excerpts)
        if place.line not in builder.templates:
            problems.error(place, summary, detail)
    except UnicodeEncodeError:
        problems.error(Where(file), "not YAML: the text has characters that UTF-8 cannot write")
    return None


def _syntax(error: yaml.MarkedYAMLError, text: str, file: str, excerpts: bool) -> tuple[Where, str, str]:
    """The place of a mistake of syntax, what it is, and what to do."""
    reason = " ".join(filter(None, (error.context, error.problem)))
    begins = error.context_mark if "simple key" in reason or "quoted scalar" in reason else None  # it is told where it ends
    mark = begins or error.problem_mark or error.context_mark
    if mark is None:
        return Where(file), f"not YAML: {reason}", ""
    lines = text[:files.MAX_DOCUMENT].splitlines()
    line = lines[mark.line] if mark.line < len(lines) else ""
    advice = yaml_mistakes.advice(reason, line)
    shown = yaml_mistakes.excerpt(line, mark.column) if excerpts and line else ""
    detail = "\n".join(filter(None, (reason if advice else "", shown)))
    return Where(file, mark.line + 1), f"not YAML: {advice or reason}", detail


def read_text(path: str | Path, problems: Problems, wanted_at: Where = NOWHERE, limit: int = files.MAX_DOCUMENT) -> str | None:
    """The text of a regular file of at most `limit` bytes in UTF-8, or None with a mistake noted. `wanted_at` is the place that
    names the file; without it the file itself is the place."""
    place = Where(os.fspath(path)) if wanted_at == NOWHERE else wanted_at
    try:
        data = files.read_bytes(path, limit)
    except (OSError, ValueError) as error:
        said = "cannot be read" if place == Where(os.fspath(path)) else f"cannot read {path}"  # the place names it already
        problems.error(place, f"{said}: {getattr(error, 'strerror', None) or error}")
        return None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        advice = "It looks like UTF-16, as Windows PowerShell's > writes it: save it as UTF-8." if data[:2] in _UTF16 else ""
        problems.error(Where(os.fspath(path), data.count(b"\n", 0, error.start) + 1), "not text in UTF-8", advice)
        return None


def load(path: str | Path, problems: Problems, wanted_at: Where = NOWHERE, limit: int = files.MAX_DOCUMENT, *,
         excerpts: bool = False) -> Any:
    """The value of a YAML file; see `parse` and `read_text`. An empty file is None without a mistake."""
    text = read_text(path, problems, wanted_at, limit)
    return None if text is None else parse(text, os.fspath(path), problems, excerpts=excerpts)
