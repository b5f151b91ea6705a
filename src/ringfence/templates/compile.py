"""Texts compiled to templates, once a process and text, and the names that they may use.

A value without templates costs a lookup and stays the same object.
"""

import functools
import re
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

from jinja2 import TemplateSyntaxError, nodes
from jinja2.utils import missing

from ringfence.diagnostics import Problems, Where, suggest
from ringfence.documents.vault import Vaulted
from ringfence.documents.yaml import Map, Seq
from ringfence.secret import Secret
from ringfence.templates.budget import OverBudget, RenderError, charge_for
from ringfence.templates.environment import environment
from ringfence.templates.lazy import ScopeView, Variables
from ringfence.templates.parts import PartsMap, held, seen
from ringfence.templates.sandbox import Environment, TemplateContext
from ringfence.templates.template_reasons import ABSENT, NO_HEADER, WITHOUT_HEADER, syntax_advice
from ringfence.templates.values import FailedValue

OPAQUE = frozenset({"lookup", "query", "q", "vars"})  # what a template that uses them sees cannot be told from its text
REMEMBERED = 2**16  # compiled texts; each takes some kB
_HEADER = "#jinja2:"  # what begins with it is a template in Ansible, whatever follows
_MARKS = re.compile(r"\{\{|\{%|\{#")
_LINE_END = re.compile(r"\r\n?")
_DOTTED = re.compile(r"\{\{ *([A-Za-z_]\w*)((?:\.[A-Za-z_]\w*)*) *\}\}")
_WORDS = frozenset(["true", "false", "none", "True", "False", "None", "not", "and", "or", "in", "is", "if", "else"])


@dataclass(frozen=True, slots=True)
class Template:
    """A compiled text: the names it may use, and what renders it in a scope."""

    names: frozenset[str]
    run: Callable[[Variables], Any]


@functools.lru_cache(maxsize=REMEMBERED)
def template(text: str, of_file: bool = False) -> Template | None:
    """The template of a text, or None where the text is none. A mistake in it is raised by `run`. Raises OverBudget
    where no more are compiled. of_file: in texts of it a backslash escapes, as in no value of YAML.

    The last line end is no part of it, so that `{{ list }}` of a block scalar is a list; a text ends with as many as its
    template, as with Ansible.
    """
    if text.startswith(_HEADER):
        return Template(frozenset(), functools.partial(_fail, NO_HEADER, WITHOUT_HEADER))
    if not _MARKS.search(text):
        return None
    source = _LINE_END.sub("\n", text).removesuffix("\n")
    return _ending(_simple(source) or _compile(source, expression=False, of_file=of_file), _ends(text))


def _ends(text: str) -> int:
    return len(text) - len(text.rstrip("\n"))


def _ending(found: Template, ends: int) -> Template:
    """A template of which a text ends with so many line ends, or more."""
    if not ends or isinstance(found.run, functools.partial):
        return found

    def run(scope: Variables) -> Any:
        value = seen(found.run(scope))
        if not isinstance(value, str) or ends <= _ends(value):
            return value
        return charge_for(value + "\n" * (ends - _ends(value)))
    return Template(found.names, run)


@functools.lru_cache(maxsize=REMEMBERED)
def condition(text: str) -> Template:
    """The template of a bare expression, as `when` has it. Raises OverBudget."""
    return _compile(text, expression=True)


@functools.lru_cache(maxsize=REMEMBERED)
def conjuncts(text: str) -> tuple[Template, ...]:
    """The parts of a bare expression between its outermost `and`, each a template of its own: the whole is false where one of
    them is. Empty where the text is no expression. Raises OverBudget."""
    env = environment()
    try:
        tree = env.read(text, expression=True)
    except (RenderError, TemplateSyntaxError, RecursionError) as error:
        if isinstance(error, OverBudget):
            raise
        return ()
    todo, parts = [next(tree.find_all(nodes.Output)).nodes[0]], []
    while todo:
        node = todo.pop()
        if isinstance(node, nodes.And):
            todo += [node.right, node.left]
        else:
            one = nodes.Template([nodes.Output([node], lineno=1)], lineno=1)
            parts.append(_built(env, cast(nodes.Template, one.set_environment(env))))
    return tuple(parts)


def _simple(text: str) -> Template | None:
    """Texts with nothing but `{{ name.key.key }}` in them: by far the most common templates need no compiler."""
    pieces = _DOTTED.split(text)  # text, name, keys, text, name, keys, text …
    literals, names = pieces[::3], pieces[1::3]
    if not names or any(map(_MARKS.search, literals)) or not _WORDS.isdisjoint(names):
        return None
    env, ways = environment(), [(name, keys.split(".")[1:]) for name, keys in zip(names, pieces[2::3], strict=True)]
    if not any(literals) and len(ways) == 1:
        return Template(frozenset(names), lambda scope: _value(scope, *ways[0]))  # a secret as it is

    def run(scope: Variables) -> Any:
        parts = [literals[0]] if literals[0] else []
        for way, literal in zip(ways, literals[1:], strict=True):
            parts += [seen(_value(scope, *way)), *([literal] if literal else [])]
        return env.join(parts)
    return Template(frozenset(names), run)


def _value(scope: Variables, name: str, keys: Sequence[str]) -> Any:
    """What `name.key.key` means in a scope."""
    env = environment()
    value = scope.resolve(name)
    if value is missing:
        value = env.globals.get(name, missing)
    if value is missing:
        value = FailedValue(name=name)
    for key in keys:
        if isinstance(value, Secret):
            value = _secret_member(value, key)
        elif isinstance(value, PartsMap | ScopeView) and value.has(key):
            value = value.member(key)
        else:
            value = env.getattr(value, key)
    return value


def _secret_member(secret: Secret, key: str) -> Any:
    """What `secret.key` means. Nothing else that is in the secret is told where there is no such key."""
    try:
        return secret.member(key)
    except (LookupError, TypeError):
        return FailedValue(f'there is no key "{key}"')


def _compile(text: str, *, expression: bool, of_file: bool = False) -> Template:
    env = environment()
    try:
        return _built(env, env.read(text, expression=expression, literal_backslashes=not of_file))
    except OverBudget:  # not of this text: it is not remembered
        raise
    except RenderError as error:
        return Template(frozenset(), functools.partial(_fail, error.summary, error.detail))
    except TemplateSyntaxError as error:
        known = re.match(r"No (filter|test) named '(.*)'", error.message or "")
        if known:
            there = env.filters if known[1] == "filter" else env.tests
            detail = ABSENT.get(known[2].rpartition(".")[2], "") or suggest(known[2], there)
            return Template(frozenset(), functools.partial(_fail, f'there is no {known[1]} "{known[2]}"', detail))
        return Template(frozenset(), functools.partial(_fail, f"the template is wrong: {error.message}",
                                                       syntax_advice(error.message or "")))
    except (RecursionError, MemoryError, SyntaxError, ValueError, OverflowError):
        return Template(frozenset(), functools.partial(_fail, "the template is too deeply nested", ""))


def _built(env: Environment, tree: nodes.Template) -> Template:
    """What renders a syntax tree. Raises jinja2.TemplateSyntaxError."""
    names = frozenset(n.name for n in tree.find_all(nodes.Name) if n.ctx == "load")
    root = env.build(tree)

    def run(scope: Variables) -> Any:
        return env.join(root(TemplateContext(env, lambda name: held(scope.resolve(name)), scope)))
    return Template(names, run)


def _fail(summary: str, detail: str, scope: Variables | None = None) -> Any:
    raise RenderError(summary, detail)


def check(value: Any, where: Where, problems: Problems) -> None:
    """Note every template in a value whose text is wrong, before any host is known. Raises OverBudget with a place."""
    if isinstance(value, Map):
        for key, inner in value.items():
            if type(inner) is not str or "{" in inner or inner.startswith(_HEADER):  # all others are no templates
                check(inner, value.at(key), problems)
    elif isinstance(value, Seq):
        for index, inner in enumerate(value):
            check(inner, value.at(index), problems)
    elif type(value) is str:
        try:
            check_template(template(value), where, problems)
        except OverBudget as error:
            error.where = where
            raise


def check_template(compiled: Template | None, where: Where, problems: Problems) -> None:
    """Note a compiled template whose text is wrong."""
    if compiled and isinstance(compiled.run, functools.partial):
        problems.error(where, *compiled.run.args)


# what is known of mappings and lists, by id(): they never change after loading, and cannot be hashed
_CONTAINERS: dict[int, tuple[weakref.ref[Any], frozenset[str] | None]] = {}


def _forget(id: int, reference: weakref.ref[Any]) -> None:
    if (known := _CONTAINERS.get(id)) is not None and known[0] is reference:
        del _CONTAINERS[id]


def names_in(value: Any) -> frozenset[str] | None:
    """The names that templates in a value may use; None where there is nothing to render."""
    kind = type(value)
    if kind is Secret:
        return names_in(value.reveal()) or frozenset()
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
