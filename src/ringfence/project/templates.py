"""Templates on values: compiled once, rendered when asked for, memoised by what they can see.

`Engine` compiles texts (once a process and text). `Scope` is what one host sees: raw variables, each rendered when it
is first used. A value without templates costs a lookup and stays the same object.
"""

import functools
import re
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jinja2 import TemplateSyntaxError, nodes
from jinja2.utils import missing

from ringfence.errors import NOWHERE, InputError, Where
from ringfence.project.bounds import RenderError, UndefinedFacts, UndefinedValue, refill
from ringfence.project.filters import environment
from ringfence.project.lazy import FACTS, LazyMap, LazySeq, ScopeView, plain
from ringfence.project.problems import Problems, article, nearest
from ringfence.project.sandbox import OMIT, Marker, Names
from ringfence.project.vault import Vault, Vaulted
from ringfence.project.yaml import Map, Seq

OPAQUE = frozenset({"lookup", "query", "q", "vars"})  # what a template that uses them sees cannot be told from its text

_MARKS = re.compile(r"\{\{|\{%|\{#")
_DOTTED = re.compile(r"\{\{ *([A-Za-z_]\w*)((?:\.[A-Za-z_]\w*)*) *\}\}")
_WORDS = frozenset(["true", "false", "none", "True", "False", "None", "not", "and", "or", "in", "is", "if", "else"])


@dataclass(frozen=True, slots=True)
class Template:
    """A compiled text: the names it may use, and what renders it in a scope."""

    names: frozenset[str]
    run: Callable[["Scope"], Any]


@functools.lru_cache(maxsize=2**16)
def template(text: str) -> Template | None:
    """The template of a text, or None where the text is none. Never raises: a mistake is raised by `run`."""
    if not _MARKS.search(text):
        return None
    simple = _DOTTED.fullmatch(text)
    if simple and simple[1] not in _WORDS:
        return _dotted(simple[1], simple[2].split(".")[1:])
    return _compile(text, expression=False)


@functools.lru_cache(maxsize=2**14)
def condition(text: str) -> Template:
    """The template of a bare expression, as `when` has it."""
    return _compile(text, expression=True)


def _dotted(name: str, path: Sequence[str]) -> Template:
    """`{{ name.key.key }}`: by far the most common template needs no compiler."""
    env = environment()

    def run(scope: "Scope") -> Any:
        value = scope.look(name)
        if value is missing:
            value = env.globals.get(name, missing)
        if value is missing:
            value = Marker(name=name)
        for key in path:
            value = env.getattr(value, key)
        return value
    return Template(frozenset({name}), run)


def _compile(text: str, *, expression: bool) -> Template:
    env = environment()
    try:
        tree = env.read(text, expression=expression)
        names = frozenset(n.name for n in tree.find_all(nodes.Name) if n.ctx == "load")
        root = env.build(tree)
    except RenderError as error:
        return Template(frozenset(), functools.partial(_fail, error.summary, error.detail))
    except TemplateSyntaxError as error:
        known = re.match(r"No (filter|test) named '(.*)'", error.message or "")
        detail = nearest(known[2], env.filters if known[1] == "filter" else env.tests) if known else ""
        return Template(frozenset(), functools.partial(_fail, f"the template is wrong: {error.message}", detail))
    except (RecursionError, MemoryError, SyntaxError, ValueError, OverflowError):
        return Template(frozenset(), functools.partial(_fail, "the template is too deeply nested", ""))

    def run(scope: "Scope") -> Any:
        return env.join(root(Names(env, scope.look, scope)))
    return Template(names, run)


def _fail(summary: str, detail: str, scope: "Scope | None" = None) -> Any:
    raise RenderError(summary, detail)


def check(value: Any, where: Where, problems: Problems) -> None:
    """Note every template in a value whose text is wrong, before any host is known."""
    if isinstance(value, Map):
        for key, inner in value.items():
            check(inner, value.at(key), problems)
    elif isinstance(value, Seq):
        for index, inner in enumerate(value):
            check(inner, value.at(index), problems)
    elif type(value) is str and (found := template(value)):
        check_template(found, where, problems)


def check_template(found: Template, where: Where, problems: Problems) -> None:
    """Note a compiled template whose text is wrong."""
    if isinstance(found.run, functools.partial):
        problems.error(where, *found.run.args)


def names_in(value: Any) -> frozenset[str] | None:
    """The names that templates in a value may use; None where there is nothing to render."""
    kind = type(value)
    if kind is str:
        found = template(value)
        return found.names if found else None
    if kind is Map or kind is Seq:
        if value.names is None:
            inner = [n for v in (value.values() if kind is Map else value) if (n := names_in(v)) is not None]
            value.names = (frozenset().union(*inner) if inner else None,)
        found_names: frozenset[str] | None = value.names[0]
        return found_names
    return frozenset() if kind is Vaulted else None


# ------------------------------------------------------------------------------------------------------------ scopes

class Scope:
    """The variables that a host sees at one point of a play.

    `variables` are raw (templates and vaulted values as written), the merged result of all layers; `magic` are values
    that are never templates and win over variables; `facts` are the host's, or None where they are not known yet.
    """

    def __init__(self, variables: Map, magic: Mapping[str, Any], facts: Mapping[str, Any] | None, vault: Vault,
                 beneath: "Scope | None" = None) -> None:
        self.variables, self.magic, self.facts, self.vault = variables, magic, facts, vault
        self._beneath = beneath
        self._own = frozenset(variables) if beneath else frozenset()
        self._memo: dict[str, Any] = {}
        self._active: dict[Hashable, str] = beneath._active if beneath else {}

    def child(self, variables: Map, magic: Mapping[str, Any] | None = None) -> "Scope":
        """This scope with more variables on top (of a task), and values (of a loop) on top of those."""
        if magic:
            layer = Scope(Map(variables), {**self.magic, **magic}, self.facts, self.vault, self)
            layer._own = frozenset(variables) | frozenset(magic)
            return layer
        return Scope(variables, self.magic, self.facts, self.vault, self) if variables else self

    # -- raw

    def raw(self, name: str) -> Any:
        """A variable as written, or `missing`."""
        if name in self.magic:
            return self.magic[name]
        if name in FACTS:
            return self.facts if self.facts is not None else missing
        scope: Scope | None = self
        while scope is not None:
            if name in scope.variables:
                return scope.variables[name]
            scope = scope._beneath
        return missing

    def where(self, name: str) -> Where:
        """The place where a variable was given its value."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.variables:
                return scope.variables.at(name)
            scope = scope._beneath
        return NOWHERE

    def known(self) -> list[str]:
        """The names of all variables."""
        beneath = self._beneath.known() if self._beneath else [*self.magic, *FACTS]
        return [str(n) for n in (*self._own, *self.variables)] + beneath

    def reach(self, names: Iterable[str]) -> dict[str, Any] | None:
        """Every name that templates with `names` can see, directly or through variables, with its raw value; None
        where they may see anything."""
        seen: dict[str, Any] = {}
        todo = list(names)
        while todo:
            name = todo.pop()
            if name in seen:
                continue
            if name in OPAQUE:
                return None
            seen[name] = raw = self.raw(name)
            if name not in self.magic and (inner := names_in(raw)):
                todo += inner
        return seen

    # -- rendered

    def look(self, name: str) -> Any:
        """A variable as a template sees it: plain, lazy, a Marker where it failed, or `missing`."""
        if name in self._memo:
            return self._memo[name]
        if self._beneath and name not in self._own and not self._changed(name):
            return self._beneath.look(name)
        if name in FACTS and self.facts is None:
            value: Any = Marker.of(UndefinedFacts("the facts of the host are not known yet"))
        elif name in self.magic:
            value = self.magic[name]
        elif name == "vars":
            return ScopeView(self)
        else:
            value = self.view(self.raw(name), ("variable", name), name, self.where(name))
            if isinstance(value, Marker):  # depends on what was being rendered when a cycle was met
                return value
        self._memo[name] = value
        return value

    def _changed(self, name: str) -> bool:
        """Whether a variable from beneath would be rendered differently here."""
        names = names_in(self.raw(name)) if name not in self.magic else None
        if not names:
            return False
        seen = self.reach(names)
        return seen is None or not self._own.isdisjoint(seen)

    def view(self, raw: Any, key: Hashable, label: str, where: Where) -> Any:
        """A raw value as templates see it. `key` and `label` identify it in a chain of variables."""
        if names_in(raw) is None:
            return raw
        if type(raw) is Map:
            return LazyMap(self, raw, label)
        if type(raw) is Seq:
            return LazySeq(self, raw, label)
        if key in self._active:
            chain = [*self._active.values(), label]
            chain = chain[chain.index(label):]
            return Marker.of(RenderError("a variable refers to itself: " + " → ".join(chain), where=where))
        self._active[key] = label
        try:
            return self._one(raw, where)
        except RenderError as error:
            return Marker.of(error)
        finally:
            del self._active[key]

    def _one(self, raw: Any, where: Where) -> Any:
        """A text or vaulted value, rendered. Raises RenderError with a place."""
        if type(raw) is Vaulted:
            return self._guarded(lambda: self.vault.decrypt(raw), where)
        found = template(raw)
        return self._guarded(lambda: plain(found.run(self)), where) if found else raw

    def _guarded(self, run: Callable[[], Any], where: Where) -> Any:
        """What `run` gives; whatever it raises becomes a RenderError with a place."""
        try:
            return run()
        except UndefinedValue as error:
            if error.name and not error.detail:
                error.detail = nearest(error.name, self.known())
            error.where = where if error.where == NOWHERE else error.where
            raise
        except RenderError as error:
            error.where = where if error.where == NOWHERE else error.where
            raise
        except InputError as error:
            wrong = error.diagnostics[0]
            raise RenderError(wrong.summary, wrong.detail, wrong.where) from None
        except RecursionError:
            raise RenderError("the template never ends", where=where) from None
        except Exception as error:
            reason = " ".join(str(error).split())[:200] or type(error).__name__
            raise RenderError(f"the template failed: {reason}", where=where) from None

    def render(self, value: Any, where: Where = NOWHERE) -> Any:
        """A raw value with everything in it rendered: plain str, int, float, bool, None, list, dict, and Secret. The
        same object where there is nothing to render. `OMIT` where the value is `omit`. Raises RenderError."""
        if not self._active:
            refill()
        if names_in(value) is None:
            return value
        if type(value) is Map:
            pairs = ((k, self.render(v, value.at(k))) for k, v in value.items())
            return {k: v for k, v in pairs if v is not OMIT}
        if type(value) is Seq:
            items = (self.render(v, value.at(i)) for i, v in enumerate(value))
            return [v for v in items if v is not OMIT]
        return self._one(value, where)

    def test(self, expression: str, where: Where) -> bool:
        """The truth of a `when` expression. Raises RenderError, also where it is neither true nor false."""
        if not self._active:
            refill()
        compiled = template(expression) or condition(expression)
        value = self._guarded(lambda: plain(compiled.run(self)), where)
        if isinstance(value, bool):
            return value
        raise RenderError(f"a condition has to be true or false, and this is {article(value)}",
                          "Compare it, or use `| bool`, `is defined`, `| length > 0`.", where)
