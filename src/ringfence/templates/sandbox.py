"""A Jinja2 sandbox: listed attributes only, a work budget, native types.

A template made of exactly one expression gives that expression's own value; everything else gives a text. What went
wrong inside of a variable is a `Marker`: it costs nothing until somebody uses the value, as with Ansible.
"""

import datetime
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, cast

from jinja2 import Template, nodes
from jinja2.compiler import Frame
from jinja2.nativetypes import NativeCodeGenerator
from jinja2.parser import Parser
from jinja2.runtime import Context, LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import missing

from ringfence.templates.budget import (
    MAX_BITS,
    PART,
    RenderError,
    charge,
    charge_compiled,
    charge_container,
    charge_for,
    charge_whole,
    charged,
    charged_replace,
    check_format,
    check_time_format,
    limit_width,
    safe_range,
)
from ringfence.templates.parts import seen
from ringfence.templates.taint import Mark
from ringfence.templates.template_reasons import ABSENT_STATEMENTS, NO_STATEMENT
from ringfence.templates.values import FailedValue, as_text, materialise

INTERNAL = ("-concat", "-counted", "-entered", "-compared", "-searched", "-mark")
"""Filters that templates get and cannot name."""
MAX_TEMPLATE = 100_000  # characters of one template's text
_OVERHEAD = 4  # parts that compiling costs beside those that are there


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


# ------------------------------------------------------------------------------------------------------ environment

_TEXT = frozenset([
    "capitalize", "casefold", "center", "count", "endswith", "expandtabs", "find", "format", "format_map", "index",
    "isalnum", "isalpha", "isascii", "isdecimal", "isdigit", "isidentifier", "islower", "isnumeric", "isprintable",
    "isspace", "istitle", "isupper", "join", "ljust", "lower", "lstrip", "partition", "removeprefix", "removesuffix",
    "replace", "rfind", "rindex", "rjust", "rpartition", "rsplit", "rstrip", "split", "splitlines", "startswith",
    "strip", "swapcase", "title", "upper", "zfill",
])
_TIMES = frozenset(["year", "month", "day", "hour", "minute", "second", "days", "seconds", "total_seconds", "timestamp",
                    "isoformat", "weekday", "isoweekday"])
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
        values = [value for value in group if value is not None]
        return repr("".join(map(str, values)) if len(values) > 1 else values[0] if values else None)

    def visit_Name(self, node: nodes.Name, frame: Frame) -> None:
        """All names are looked up when a template begins; a secret is looked at where its name stands."""
        self.write("seen(" if node.ctx == "load" else "")
        super().visit_Name(node, frame)
        self.write(")" if node.ctx == "load" else "")


class Environment(ImmutableSandboxedEnvironment):
    """The one environment of a project."""

    code_generator_class = _Generator
    intercepted_binops = frozenset({"+", "-", "*", "**", "%"})

    def __init__(self) -> None:
        super().__init__(undefined=cast(Any, FailedValue), trim_blocks=True, keep_trailing_newline=True, optimized=False,
                         cache_size=0)
        self.binop_table.update({"*": _multiply, "**": _power, "%": _modulo})
        self.globals = {"range": safe_range, "dict": dict, "namespace": self.globals["namespace"]}
        self.filters["-concat"] = lambda parts: charge_for("".join(map(as_text, parts)))
        self.filters["-counted"] = lambda values, each: values if isinstance(values, FailedValue) else charged(values, each)
        self.filters["-entered"], self.filters["-mark"] = charge, lambda nothing: Mark()
        self.filters["-compared"], self.filters["-searched"] = _compared, _searched

    def read(self, text: str, *, expression: bool, literal_backslashes: bool = True) -> nodes.Template:
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
            tree = self.parse(self._literal_backslashes(text) if literal_backslashes and "\\" in text else text)
        if other := next(tree.find_all((nodes.Include, nodes.Import, nodes.FromImport, nodes.Extends)), None):
            word = "from" if isinstance(other, nodes.FromImport) else type(other).__name__.lower()
            raise RenderError(NO_STATEMENT.format(word, other.lineno), ABSENT_STATEMENTS[word])
        for concat in list(tree.find_all(nodes.Concat)):
            _become(concat, nodes.Filter(nodes.List(concat.nodes), "-concat", [], [], None, None))
        for shown in [f for f in tree.find_all(nodes.Filter) if f.name == "public" and f.node is not None]:
            mark = nodes.Filter(nodes.Const(None), "-mark", [], [], None, None)  # before the value is begun
            shown.node, shown.args = mark, [cast(nodes.Expr, shown.node), *shown.args]
        for operand in tree.find_all(nodes.Operand):
            if not isinstance(operand.expr, nodes.Const):
                paid = "-searched" if operand.op in ("in", "notin") else "-compared"
                operand.expr = nodes.Filter(operand.expr, paid, [], [], None, None)
        for loop in tree.find_all(nodes.For):
            each = nodes.Const(PART * _parts([loop.test]) if loop.test else 0)
            loop.iter = nodes.Filter(loop.iter, "-counted", [each], [], None, None)
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
        render.__globals__["seen"] = seen
        return render

    def join(self, parts: Iterable[Any]) -> Any:
        """One part keeps its type; several become a text. What is none is no part, and no part at all is none."""
        found = [part for part in charged(parts) if part is not None]
        if len(found) < 2:
            return found[0] if found else None
        for part in found:
            charge(len(part) if isinstance(part, str) else 1)
        return "".join(map(as_text, found))

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
        if isinstance(obj, datetime.datetime | datetime.timedelta) and attribute in _TIMES:
            return getattr(obj, attribute)
        if isinstance(obj, datetime.datetime) and attribute == "strftime":
            return lambda format: obj.strftime(check_time_format(format))
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
        paying = nodes.Filter(nodes.Const(PART * size), "-entered", [], [], None, None)
        block.body.insert(0, nodes.ExprStmt(paying))


def _become(node: nodes.Node, other: nodes.Node) -> None:
    """Let a node of a tree turn into another, whoever holds it."""
    lineno = node.lineno
    node.__class__ = other.__class__
    node.__dict__.clear()
    node.__dict__.update(other.__dict__, lineno=lineno)


class TemplateContext(Context):
    """Where a template finds its names: its own, then those that `unveil` knows, then the environment's."""

    def __init__(self, environment: Environment, resolve_name: Callable[[str], Any], scope: Any) -> None:
        super().__init__(environment, {}, None, {})
        self.resolve_name, self.scope = resolve_name, scope

    def resolve_or_missing(self, key: str) -> Any:
        if key in self.vars:
            return self.vars[key]
        value = self.resolve_name(key)
        return self.environment.globals.get(key, missing) if value is missing else value
