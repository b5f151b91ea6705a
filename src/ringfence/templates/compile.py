"""Texts compiled to templates, once a process and text, and the names that they may use.

A value without templates costs a lookup and stays the same object.
"""

import functools
import re
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from jinja2 import TemplateSyntaxError, nodes
from jinja2.utils import missing

from ringfence.diagnostics import Problems, Where, suggest
from ringfence.documents.vault import Vaulted
from ringfence.documents.yaml import Map, Seq
from ringfence.templates.budget import RenderError
from ringfence.templates.filters import environment
from ringfence.templates.lazy import Variables
from ringfence.templates.sandbox import FailedValue, TemplateContext

OPAQUE = frozenset({"lookup", "query", "q", "vars"})  # what a template that uses them sees cannot be told from its text
_MARKS = re.compile(r"\{\{|\{%|\{#")
_DOTTED = re.compile(r"\{\{ *([A-Za-z_]\w*)((?:\.[A-Za-z_]\w*)*) *\}\}")
_WORDS = frozenset(["true", "false", "none", "True", "False", "None", "not", "and", "or", "in", "is", "if", "else"])


@dataclass(frozen=True, slots=True)
class Template:
    """A compiled text: the names it may use, and what renders it in a scope."""

    names: frozenset[str]
    run: Callable[[Variables], Any]


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

    def run(scope: Variables) -> Any:
        value = scope.resolve(name)
        if value is missing:
            value = env.globals.get(name, missing)
        if value is missing:
            value = FailedValue(name=name)
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
        detail = suggest(known[2], env.filters if known[1] == "filter" else env.tests) if known else ""
        return Template(frozenset(), functools.partial(_fail, f"the template is wrong: {error.message}", detail))
    except (RecursionError, MemoryError, SyntaxError, ValueError, OverflowError):
        return Template(frozenset(), functools.partial(_fail, "the template is too deeply nested", ""))

    def run(scope: Variables) -> Any:
        return env.join(root(TemplateContext(env, scope.resolve, scope)))
    return Template(names, run)


def _fail(summary: str, detail: str, scope: Variables | None = None) -> Any:
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


def check_template(compiled: Template, where: Where, problems: Problems) -> None:
    """Note a compiled template whose text is wrong."""
    if isinstance(compiled.run, functools.partial):
        problems.error(where, *compiled.run.args)


# what is known of mappings and lists, by id(): they never change after loading, and cannot be hashed
_CONTAINERS: dict[int, tuple[weakref.ref[Any], frozenset[str] | None]] = {}


def _forget(id: int, reference: weakref.ref[Any]) -> None:
    if (known := _CONTAINERS.get(id)) is not None and known[0] is reference:
        del _CONTAINERS[id]


def names_in(value: Any) -> frozenset[str] | None:
    """The names that templates in a value may use; None where there is nothing to render."""
    kind = type(value)
    if kind is str:
        found = template(value)
        return found.names if found else None
    if kind is Map or kind is Seq:
        known = _CONTAINERS.get(id(value))
        if known is None or known[0]() is not value:
            inner = [n for v in (value.values() if kind is Map else value) if (n := names_in(v)) is not None]
            known = weakref.ref(value, functools.partial(_forget, id(value))), frozenset[str]().union(*inner) if inner else None
            _CONTAINERS[id(value)] = known
        return known[1]
    return frozenset() if kind is Vaulted else None
