"""Small faults put into a module, one at a time."""

import ast
import copy
from collections.abc import Iterator
from dataclasses import dataclass

COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Is: ast.IsNot,
    ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In}


@dataclass(frozen=True)
class Mutant:
    """A module with one fault. line: where · before, after: what stands there without and with it · source: all of it."""

    line: int
    before: str
    after: str
    source: str


def mutants(source: str) -> Iterator[Mutant]:
    """Every mutant of a module."""
    tree = ast.parse(source)
    for parent in ast.walk(tree):
        for field, value in ast.iter_fields(parent):
            for index, node in enumerate(value) if isinstance(value, list) else [(None, value)]:
                if isinstance(node, ast.AST):
                    for changed in faults(node, field):
                        yield _made(tree, parent, field, index, node, changed)


def _made(tree: ast.Module, parent: ast.AST, field: str, index: int | None, node: ast.AST, changed: ast.AST) -> Mutant:
    def put(what: ast.AST) -> None:
        if index is None:
            setattr(parent, field, what)
        else:
            getattr(parent, field)[index] = what

    put(changed)
    try:
        return Mutant(getattr(node, "lineno", getattr(parent, "lineno", 0)), ast.unparse(node), ast.unparse(changed),
                      ast.unparse(ast.fix_missing_locations(tree)))
    finally:
        put(node)


def faults(node: ast.AST, field: str) -> Iterator[ast.AST]:
    """What may stand in the place of a node. Documentation, annotations and messages are left alone."""
    if field in ("annotation", "returns", "decorator_list"):
        return
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        yield ast.Compare(node.left, [COMPARISONS[type(node.ops[0])]()], node.comparators)
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
    elif isinstance(node, ast.If):
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
        if keyword.arg not in ("example", "since", "detail"):
            yield _with(node, keywords=node.keywords[:i] + node.keywords[i + 1:])


def _with(node: ast.AST, **changed: object) -> ast.AST:
    made = copy.copy(node)
    for name, value in changed.items():
        setattr(made, name, value)
    return made
