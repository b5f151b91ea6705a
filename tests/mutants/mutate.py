"""Small faults put into a module, one at a time."""

import ast
import copy
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate

NOTHING_DONE = ("example", "since", "detail", "strict", "thread_name_prefix", "exc_info")
"""Arguments that only tell people, or that only notice our own faults."""
COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Is: ast.IsNot,
    ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In}
LIMIT = re.compile(r"_?MAX_")
"""The names of bounds of our own: one more is no other meaning, but the other way round is."""
BEYOND: dict[type[ast.cmpop], type[ast.cmpop]] = {ast.Lt: ast.GtE, ast.LtE: ast.Gt, ast.Gt: ast.LtE, ast.GtE: ast.Lt}


@dataclass(frozen=True)
class Mutant:
    """One fault of a module. lines: where its statement stands, first and last · before, after: what stands there without and
    with it · start, end, text: what of the module's bytes is replaced, and by what. Comments and all other lines stay."""

    lines: tuple[int, int]
    before: str
    after: str
    start: int
    end: int
    text: str

    def put_into(self, source: str) -> str:
        held = source.encode()
        return (held[:self.start] + self.text.encode() + held[self.end:]).decode()


def mutants(source: str) -> Iterator[Mutant]:
    """Every mutant of a module."""
    begins = [0, *accumulate(len(line) for line in source.encode().splitlines(keepends=True))]
    for place in _places(ast.parse(source)):
        for changed in faults(place.node, place.field):
            yield _made(place, changed, begins)


@dataclass(frozen=True)
class _Place:
    """A node, how it hangs on its parent, and the nodes around it: what is written again, and its statement."""

    node: ast.AST
    parent: ast.AST
    field: str
    index: int | None
    written: ast.expr | ast.stmt
    statement: ast.stmt


def _places(parent: ast.AST, written: ast.expr | ast.stmt | None = None, statement: ast.stmt | None = None) -> Iterator[_Place]:
    """The nodes in which faults are put: not decorators (frozen, cache sizes), and no annotations. What has no place of its own
    in the text is written again with what is around it: a part of a comprehension, and whatever stands in an f-string."""
    for field, value in ast.iter_fields(parent):
        if field in ("annotation", "returns", "decorator_list"):
            continue
        for index, node in enumerate(value) if isinstance(value, list) else [(None, value)]:
            if isinstance(node, ast.AST) and not _means_nothing(node, parent, written):
                within = node if isinstance(node, ast.stmt) else statement
                stands = node if isinstance(node, ast.expr | ast.stmt) and not isinstance(written, ast.JoinedStr) else written
                if within and stands:
                    yield _Place(node, parent, field, index, stands, within)
                yield from _places(node, stands, within)


def _means_nothing(node: ast.AST, parent: ast.AST, written: ast.AST | None) -> bool:
    """Whether nobody could notice a fault in a node: what only tells people, how much of a text a message shows, a bound."""
    told = isinstance(node, ast.keyword) and node.arg in NOTHING_DONE
    cut = isinstance(parent, ast.Slice) and isinstance(written, ast.JoinedStr)
    names = [each.id for each in ast.walk(node.targets[0]) if isinstance(each, ast.Name)] if isinstance(node, ast.Assign) else []
    return told or cut or bool(names and all(map(LIMIT.match, names)))


def _made(place: _Place, changed: ast.AST, begins: list[int]) -> Mutant:
    def put(what: ast.AST) -> None:
        if place.index is None:
            setattr(place.parent, place.field, what)
        else:
            getattr(place.parent, place.field)[place.index] = what

    written, statement = place.written, place.statement
    put(changed)
    try:
        if isinstance(place.node, ast.If) and isinstance(changed, ast.If):
            written, text = place.node.test, ast.unparse(changed.test)
        else:
            now = ast.fix_missing_locations(changed) if written is place.node else written
            text = ast.unparse(now) if isinstance(now, ast.stmt) else f"({ast.unparse(now)})"
    finally:
        put(place.node)
    assert written.end_lineno is not None
    assert written.end_col_offset is not None
    last = statement.body[0].lineno - 1 if isinstance(statement, ast.If | ast.For | ast.With) else statement.end_lineno
    return Mutant((statement.lineno, max(statement.lineno, last or 0)), ast.unparse(place.node), ast.unparse(changed),
                  begins[written.lineno - 1] + written.col_offset, begins[written.end_lineno - 1] + written.end_col_offset, text)


def faults(node: ast.AST, field: str) -> Iterator[ast.AST]:
    """What may stand in the place of a node. Documentation, annotations and messages are left alone."""
    if field in ("annotation", "returns", "decorator_list"):
        return
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        sides = {side.id for side in (node.left, *node.comparators) if isinstance(side, ast.Name)}
        others = {**COMPARISONS, **(BEYOND if any(map(LIMIT.match, sides)) else {})}
        yield ast.Compare(node.left, [others[type(node.ops[0])]()], node.comparators)
    elif isinstance(node, ast.BoolOp):
        yield ast.BoolOp(ast.Or() if isinstance(node.op, ast.And) else ast.And(), node.values)
        for i in range(len(node.values)):
            rest = node.values[:i] + node.values[i + 1:]
            yield rest[0] if len(rest) == 1 else ast.BoolOp(node.op, rest)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield node.operand
    elif isinstance(node, ast.IfExp):
        yield node.body
        yield node.orelse
    elif isinstance(node, ast.Constant) and (isinstance(node.value, bool) or type(node.value) is int):
        yield ast.Constant(not node.value if isinstance(node.value, bool) else node.value + 1)
    elif isinstance(node, ast.If) and ast.unparse(node.test) != "TYPE_CHECKING":
        yield _with(node, test=ast.Constant(True))
        yield _with(node, test=ast.Constant(False))
    elif isinstance(node, ast.comprehension) and node.ifs:
        yield _with(node, ifs=[])
    elif isinstance(node, ast.Call):
        yield from _calls(node)
    elif isinstance(node, ast.Expr | ast.Raise) and not isinstance(getattr(node, "value", None), ast.Constant):
        yield ast.Pass()


def _calls(node: ast.Call) -> Iterator[ast.AST]:
    name = node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id if isinstance(node.func, ast.Name) else ""
    if name in ("lower", "casefold", "upper", "strip") and isinstance(node.func, ast.Attribute) and not node.args:
        yield node.func.value
    elif name in ("sorted", "tuple", "list") and len(node.args) == 1:
        yield node.args[0] if name == "sorted" else ast.Call(ast.Name(name), [ast.Tuple([])], [])
    elif name in ("any", "all"):
        yield ast.Call(ast.Name("all" if name == "any" else "any"), node.args, node.keywords)
    for i, keyword in enumerate(node.keywords):
        if keyword.arg not in NOTHING_DONE:
            yield _with(node, keywords=node.keywords[:i] + node.keywords[i + 1:])


def _with(node: ast.AST, **changed: object) -> ast.AST:
    made = copy.copy(node)
    for name, value in changed.items():
        setattr(made, name, value)
    return made
