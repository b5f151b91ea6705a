"""A Jinja2 sandbox: listed attributes only, a work budget, native types.

A template made of exactly one expression gives that expression's own value; everything else gives a text. What went
wrong inside of a variable is a `Marker`: it costs nothing until somebody uses the value, as with Ansible.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, cast

from jinja2 import Template, TemplateRuntimeError, nodes
from jinja2.exceptions import UndefinedError
from jinja2.nativetypes import NativeCodeGenerator
from jinja2.parser import Parser
from jinja2.runtime import Context, LoopContext, Undefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import missing

from ringfence.diagnostics import allowed, describe, suggest
from ringfence.secret import Secret, contains_secret
from ringfence.templates.budget import (
    MAX_BITS,
    PART,
    RenderError,
    UndefinedValue,
    charge,
    charge_compiled,
    charge_container,
    charge_for,
    charge_whole,
    charged,
    charged_replace,
    check_format,
    limit_width,
    safe_range,
    undefined,
)
from ringfence.templates.host_facts import HostFacts
from ringfence.templates.template_reasons import type_name

MAX_TEMPLATE = 100_000  # characters of one template's text
_OVERHEAD = 4  # parts that compiling costs beside those that are there


class FailedValue(Undefined):
    """A value that cannot be had. Any use raises the reason; asking for its parts gives itself."""

    __slots__ = ("failure",)

    def __init__(self, hint: str | None = None, obj: Any = missing, name: str | None = None,
                 exc: type[TemplateRuntimeError] = UndefinedError) -> None:
        super().__init__(hint, obj, name, exc)
        self.failure: RenderError = _reason(self)

    @classmethod
    def of(cls, failure: RenderError) -> "FailedValue":
        """The marker of something that failed."""
        marker = cls()
        marker.failure = failure
        return marker

    @property
    def undefined(self) -> bool:
        """Whether it is merely not defined (so that a default may take its place)."""
        return isinstance(self.failure, UndefinedValue)

    def _raise(self, *_: Any, **__: Any) -> Any:
        raise self.failure

    def __getattr__(self, name: str) -> Any:
        if name[:2] == "__":
            raise AttributeError(name)
        return self

    def __getitem__(self, key: Any) -> "FailedValue":  # type: ignore[override]
        return self

    _fail_with_undefined_error = _raise
    __iter__ = __str__ = __len__ = __eq__ = __ne__ = __bool__ = __contains__ = _raise
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = _raise
    __floordiv__ = __rfloordiv__ = __mod__ = __rmod__ = __pos__ = __neg__ = __pow__ = __rpow__ = _raise
    __lt__ = __le__ = __gt__ = __ge__ = __int__ = __float__ = __complex__ = __call__ = _raise
    __hash__ = object.__hash__


_STEPS = frozenset({"append", "extend", "insert", "update", "pop", "remove", "setdefault", "clear", "sort", "reverse"})


def _reason(marker: FailedValue) -> RenderError:
    hint, obj, name = marker._undefined_hint, marker._undefined_obj, marker._undefined_name
    if marker._undefined_exception is not UndefinedError:
        return RenderError(hint or "not allowed in a template")
    if obj is missing or hint:
        return UndefinedValue(hint or undefined(name), name=None if hint else name)
    if isinstance(obj, HostFacts):
        return RenderError(f'there is no fact "{name}"', allowed(name, obj))
    if isinstance(obj, Mapping):
        return UndefinedValue(f'there is no key "{name}"', suggest(name, [k for k in obj if isinstance(k, str)]))
    if isinstance(obj, Sequence) and isinstance(name, int):
        return UndefinedValue(f"there is no item {name} in a list of {len(obj)}")
    hint = "A state is not changed step by step: build lists with +, `map` and `select`, mappings with `combine`."
    return UndefinedValue(f'{type_name(type(obj).__name__)} has no "{name}"', hint if name in _STEPS else "")


class Omit:
    """The value of `omit`: a property with this value is left out."""

    def __repr__(self) -> str:
        return "omit"

    def __str__(self) -> str:
        raise RenderError("omit cannot be part of a text", "Give it as the whole value of a property.")


OMIT = Omit()


class Lazy:
    """A list or mapping whose parts are rendered when asked for; `force` gives all of it as plain values."""

    __slots__ = ()

    def materialise(self) -> Any:
        """The plain list or dict. Raises RenderError."""
        raise RenderError("a value without form")


class VariablesView(Lazy):
    """All variables of a host, or of all hosts: too much to render unless somebody really wants the whole."""

    __slots__ = ()


# -------------------------------------------------------------------------------------------------------- operators

def materialise(value: Any) -> Any:
    """The plain value of something lazy, anything else (a view too) as it is."""
    return value.materialise() if isinstance(value, Lazy) and not isinstance(value, VariablesView) else value


def _multiply(left: Any, right: Any) -> Any:
    for one, other in ((left, right), (right, left)):
        if isinstance(one, str | list | tuple) and isinstance(other, int):
            charge(len(one) * max(other, 0))
    return left * right


def _power(left: Any, right: Any) -> Any:
    if isinstance(left, int) and isinstance(right, int) and right > 0 and left.bit_length() * right > MAX_BITS:
        raise RenderError(f"a number of more than {MAX_BITS} bits")
    return left ** right


def _modulo(left: Any, right: Any) -> Any:
    if isinstance(left, str):
        check_format(left)
        charge((left.count("%") if isinstance(right, Mapping) else 1) * charge_whole(right))
    return left % right


def text(value: Any) -> str:
    """The text of a plain value; a secret, a list or a mapping has none. Raises RenderError, TypeError."""
    if isinstance(value, Secret):
        raise TypeError("a secret cannot become part of a text: give it as the whole value")
    if isinstance(value, str | int | float):
        return str(value)
    raise RenderError(f"a text is needed here, not {describe(value)}")


def as_text(value: Any) -> str:
    """The text that a value becomes among others. Raises TypeError where a secret is in it."""
    value = value.materialise() if isinstance(value, Lazy) else value
    charge_whole(value)
    if contains_secret(value):
        raise TypeError("a secret cannot become part of a text: give it as the whole value")
    return value if isinstance(value, str) else str(value)


# ------------------------------------------------------------------------------------------------------ environment

_TEXT = frozenset([
    "capitalize", "casefold", "center", "count", "endswith", "expandtabs", "find", "format", "format_map", "index",
    "isalnum", "isalpha", "isascii", "isdecimal", "isdigit", "isidentifier", "islower", "isnumeric", "isprintable",
    "isspace", "istitle", "isupper", "join", "ljust", "lower", "lstrip", "partition", "removeprefix", "removesuffix",
    "replace", "rfind", "rindex", "rjust", "rpartition", "rsplit", "rstrip", "split", "splitlines", "startswith",
    "strip", "swapcase", "title", "upper", "zfill",
])
_MAP, _LIST = frozenset({"keys", "values", "items", "get"}), frozenset({"index", "count"})


def _methods(value: Any) -> frozenset[str]:
    """The methods of a value that a template may call: none of them changes anything."""
    if isinstance(value, str):
        return _TEXT
    if isinstance(value, Mapping):
        return _MAP
    return _LIST if isinstance(value, Sequence) else frozenset()


class _Generator(NativeCodeGenerator):
    def _output_const_repr(self, group: Iterable[Any]) -> str:
        values = list(group)
        return repr(values[0]) if len(values) == 1 else repr("".join(map(str, values)))


class Environment(ImmutableSandboxedEnvironment):
    """The one environment of a project."""

    code_generator_class = _Generator
    intercepted_binops = frozenset({"+", "-", "*", "**", "%"})

    def __init__(self) -> None:
        super().__init__(undefined=cast(Any, FailedValue), trim_blocks=True, keep_trailing_newline=True, optimized=False,
                         cache_size=0)
        self.binop_table.update({"*": _multiply, "**": _power, "%": _modulo})
        self.globals = {"range": safe_range, "dict": dict, "namespace": self.globals["namespace"]}
        self.filters["_concat"] = lambda parts: charge_for("".join(map(as_text, parts)))
        self.filters["_counted"] = lambda values, each: values if isinstance(values, FailedValue) else charged(values, each)
        self.filters["_entered"] = charge
        self.filters["_compared"], self.filters["_searched"] = _compared, _searched

    def read(self, text: str, *, expression: bool) -> nodes.Template:
        """The syntax tree of a template, or of a bare expression. Raises jinja2.TemplateSyntaxError, RenderError."""
        if len(text) > MAX_TEMPLATE:
            raise RenderError(f"a template of more than {MAX_TEMPLATE} characters")
        if expression:
            parser = Parser(self, text, state="variable")
            expression_node = parser.parse_expression()
            if not parser.stream.eos:
                parser.fail(f"unexpected {parser.stream.current.value!r}")
            tree = nodes.Template([nodes.Output([expression_node], lineno=1)], lineno=1)
        else:
            tree = self.parse(self._literal_backslashes(text) if "\\" in text else text)
        for concat in list(tree.find_all(nodes.Concat)):
            _become(concat, nodes.Filter(nodes.List(concat.nodes), "_concat", [], [], None, None))
        for operand in tree.find_all(nodes.Operand):
            if not isinstance(operand.expr, nodes.Const):
                paid = "_searched" if operand.op in ("in", "notin") else "_compared"
                operand.expr = nodes.Filter(operand.expr, paid, [], [], None, None)
        for loop in tree.find_all(nodes.For):
            each = nodes.Const(PART * _parts([loop.test]) if loop.test else 0)
            loop.iter = nodes.Filter(loop.iter, "_counted", [each], [], None, None)
        _pay_when_entered(tree)
        return cast(nodes.Template, tree.set_environment(self))

    def _literal_backslashes(self, text: str) -> str:
        """Backslashes of texts inside of `{{ }}` mean themselves, as with Ansible: `regex_replace('(a)', '\\1')`."""
        pieces, inside = [], False
        for _, kind, piece in self.lex(text):
            inside = kind == "variable_begin" or (inside and kind != "variable_end")
            pieces.append(piece.replace("\\", "\\\\") if inside and kind == "string" else piece)
        return "".join(pieces)

    def build(self, tree: nodes.Template) -> Callable[[Context], Iterable[Any]]:
        """What renders a tree. Raises jinja2.TemplateSyntaxError where a filter or test is unknown."""
        render = Template.from_code(self, self.compile(tree), self.globals).root_render_func
        render.__globals__["Undefined"] = FailedValue  # what an inline `if` without `else` gives
        return render

    def join(self, parts: Iterable[Any]) -> Any:
        """One part keeps its type; several become a text."""
        found = list(charged(parts))
        if len(found) == 1:
            return found[0]
        for part in found:
            charge(len(part) if isinstance(part, str) else 1)
        return "".join("" if part is None else as_text(part) for part in found)

    @property
    def concat(self) -> Any:  # type: ignore[override]
        return self.join

    def getattr(self, obj: Any, attribute: str) -> Any:
        if isinstance(obj, FailedValue):
            return obj
        if attribute in _methods(obj):
            method = getattr(obj, attribute)
            if attribute in ("format", "format_map"):
                check_format(obj)
                return _paid_format(obj, self.wrap_str_format(method))
            return method
        if isinstance(obj, Mapping):
            return obj[attribute] if attribute in obj else self.undefined(obj=obj, name=attribute)
        if type(obj).__module__.startswith("jinja2."):
            return super().getattr(obj, attribute)
        return self.undefined(obj=obj, name=attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        if isinstance(obj, FailedValue):
            return obj
        if isinstance(argument, FailedValue):
            raise argument.failure
        try:
            if isinstance(obj, Mapping | Sequence):
                return charge_for(obj[argument]) if isinstance(argument, slice) else obj[argument]
        except (TypeError, LookupError):
            pass
        if isinstance(argument, str):
            return self.getattr(obj, argument)
        return self.undefined(obj=obj, name=argument)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        return charge_for(self.binop_table[operator](materialise(left), materialise(right)))

    def call(self, context: Context, called: Any, /, *args: Any, **kwargs: Any) -> Any:
        if isinstance(called, FailedValue):
            raise called.failure
        owner, name = getattr(called, "__self__", None), getattr(called, "__name__", "")
        args = tuple(map(materialise, args))
        if isinstance(owner, str | list | tuple | LoopContext):
            charge_whole((() if isinstance(owner, LoopContext) else owner, args, kwargs))
        if isinstance(owner, str):
            if name == "expandtabs":
                charge(owner.count("\t") * (args[0] if args and isinstance(args[0], int) else 8))
            if name in ("center", "ljust", "rjust", "zfill", "expandtabs"):
                limit_width(args)
            elif name == "join":
                args = ([as_text(a) for a in args[0]],)
                charge(len(owner) * len(args[0]) + sum(map(len, args[0])))
            elif name == "replace":
                called = lambda *a: charged_replace(owner, *a)  # noqa: E731
        return charge_for(super().call(context, called, *args, **kwargs))


def _paid_format(template: str, method: Any) -> Callable[..., str]:
    """`str.format`, with what each place of the template may take paid for."""
    def paid(*args: Any, **kwargs: Any) -> str:
        charge(template.count("{") * charge_whole((args, kwargs)))
        return str(method(*args, **kwargs))
    return paid


def _compared(value: Any) -> Any:
    """The right side of a comparison, paid for."""
    charge_whole(value := materialise(value))
    return value


def _searched(value: Any) -> Any:
    """The right side of `in`, paid for."""
    if not isinstance(value, Mapping):
        charge_container(value := materialise(value))
    return value


_ENTERED = (nodes.Template, nodes.For, nodes.Macro, nodes.CallBlock, nodes.Block)  # what may run again and again


def _parts(roots: Iterable[nodes.Node]) -> int:
    """Of how many nodes some trees consist, without what pays for itself when it is entered."""
    count, todo = 0, list(roots)
    while todo:
        node = todo.pop()
        count += 1
        todo += node.iter_child_nodes(exclude=("body", "test") if isinstance(node, _ENTERED) else None)
    return count


def _pay_when_entered(tree: nodes.Template) -> None:
    """Let the template, and each loop and macro in it, pay for its parts whenever it begins anew."""
    blocks: list[Any] = [tree, *tree.find_all(_ENTERED)]
    sizes = [_parts(block.body) for block in blocks]
    charge_compiled(_OVERHEAD + sum(sizes))
    for block, size in zip(blocks, sizes, strict=True):
        paying = nodes.Filter(nodes.Const(PART * size), "_entered", [], [], None, None)
        block.body.insert(0, nodes.ExprStmt(paying))


def _become(node: nodes.Node, other: nodes.Node) -> None:
    """Let a node of a tree turn into another, whoever holds it."""
    lineno = node.lineno
    node.__class__ = other.__class__
    node.__dict__.clear()
    node.__dict__.update(other.__dict__, lineno=lineno)


class TemplateContext(Context):
    """Where a template finds its names: its own, then those that `look` knows, then the environment's."""

    def __init__(self, environment: Environment, resolve_name: Callable[[str], Any], scope: Any) -> None:
        super().__init__(environment, {}, None, {})
        self.resolve_name, self.scope = resolve_name, scope

    def resolve_or_missing(self, key: str) -> Any:
        if key in self.vars:
            return self.vars[key]
        value = self.resolve_name(key)
        return self.environment.globals.get(key, missing) if value is missing else value
