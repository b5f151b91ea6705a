"""community.general's `json_query`: JMESPath (https://jmespath.org), within the budget of templates."""

from typing import Any

from jmespath import Options, compile, exceptions, functions, visitor

from ringfence.templates.budget import PART, RenderError, charge, charge_for, charge_whole
from ringfence.templates.values import text

_PARSING = 50  # what a character of an expression costs


class _PaidFunctions(functions.Functions):  # type: ignore[misc]
    """JMESPath's functions, each paid for all that it is given."""

    def call_function(self, function_name: str, resolved_args: Any) -> Any:
        charge(2 * charge_whole(resolved_args))
        return charge_for(super().call_function(function_name, resolved_args))


class _PaidInterpreter(visitor.TreeInterpreter):  # type: ignore[misc]
    """Each visit to a part of an expression is paid, and each list before it is made."""

    def visit(self, node: Any, *args: Any, **more: Any) -> Any:
        charge(PART)
        return charge_for(super().visit(node, *args, **more))

    def visit_flatten(self, node: Any, value: Any) -> Any:
        made = self._children(node, value)
        if isinstance(base := made["children"][0]["value"], list):
            charge(sum(len(one) if isinstance(one, list) else 1 for one in base))
        return super().visit_flatten(made, value)

    def visit_comparator(self, node: Any, value: Any) -> Any:
        made = self._children(node, value)
        charge_whole([side["value"] for side in made["children"]])
        return super().visit_comparator(made, value)

    def _children(self, node: Any, value: Any) -> Any:
        """The node with what its children come to in their places."""
        return {**node, "children": [{"type": "literal", "value": self.visit(child, value), "children": []}
                                     for child in node["children"]]}


def json_query(data: Any, expr: Any) -> Any:
    """What an expression picks out of a value; nothing where there is none of it."""
    charge(_PARSING * len(text(expr)))
    try:
        parsed = compile(text(expr)).parsed
        return _PaidInterpreter(Options(custom_functions=_PaidFunctions())).visit(parsed, data)
    except exceptions.JMESPathError as error:
        raise RenderError(f"json_query: {' '.join(str(error).split())[:200]}") from None


QUERY_FILTERS = {"json_query": json_query}
