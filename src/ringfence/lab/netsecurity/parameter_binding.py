"""Parameter binding as PowerShell does it, for the cmdlets in cmdlets.json.

Names are bound without case and by alias; values are converted to the parameter's type or refused. Enumerations take
their names (unique beginnings too), never booleans; [bool] and switch parameters take booleans and numbers, never
text; a single value binds to an array parameter as an array of one.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from ringfence.lab.netsecurity.cmdlet_errors import CmdletError, binding_error

# about_Numeric_Literals
RANGES = {"UInt16": 2**16, "UInt32": 2**32, "UInt64": 2**64}


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a New-NetIPsec…Proposal cmdlet gives: an object of one class, with the properties that were named."""

    cls: str
    values: Mapping[str, Any]


@cache
def cmdlets() -> dict[str, Any]:
    """The cmdlets that the lab plays, by their lower-case names."""
    table = json.loads((resources.files(__package__) / "cmdlets.json").read_text("utf-8"))["cmdlets"]
    return {name.lower(): {"name": name, **cmdlet} for name, cmdlet in table.items()}


@cache
def _names(cmdlet: str) -> dict[str, str]:
    parameters = cmdlets()[cmdlet]["parameters"]
    return {n.lower(): p for p, v in parameters.items() for n in (p, *v.get("aliases", ()))}


# about_Parameters
def bind(cmdlet: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """{parameter: value} under the declared names, the values converted. Raises CmdletError."""
    declared, names = cmdlets()[cmdlet.lower()], _names(cmdlet.lower())
    bound: dict[str, Any] = {}
    for name, value in arguments.items():
        parameter = names.get(name.lower())
        if parameter is None:
            raise binding_error("NamedParameterNotFound", f"A parameter cannot be found that matches parameter name '{name}'.")
        if parameter in bound:
            raise binding_error("ParameterAlreadyBound", "Cannot bind parameter because parameter "
                                f"'{parameter}' is specified more than once.")
        bound[parameter] = _convert(parameter, declared["parameters"][parameter], value)
    _parameter_set(declared, bound)
    return bound


# about_Parameter_Sets
def _parameter_set(declared: Mapping[str, Any], bound: Mapping[str, Any]) -> None:
    sets, parameters = declared["sets"], declared["parameters"]
    fitting = [s for s in sets if all(s in parameters[p].get("sets", sets) for p in bound)]
    if not fitting:
        raise binding_error("AmbiguousParameterSet", "Parameter set cannot be resolved using the specified named parameters.")
    missing = {s: [p for p, v in parameters.items() if s in v.get("mandatory", ()) and p not in bound] for s in fitting}
    if all(missing.values()):
        named = declared.get("default", min(fitting, key=lambda s: len(missing[s])))
        lacking = missing.get(named) or missing[fitting[0]]
        if len(fitting) > 1 and "default" not in declared:
            raise binding_error("AmbiguousParameterSet",
                                "Parameter set cannot be resolved using the specified named parameters.")
        raise binding_error("MissingMandatoryParameter", "Cannot process command because of one or more missing mandatory "
                            f"parameters: {' '.join(lacking)}.")


# about_Functions_Advanced_Parameters
def _convert(name: str, declared: Mapping[str, Any], value: Any) -> Any:
    type_name: str = declared["type"]
    try:
        if value is None and type_name == "String":
            value = ""
        texts = value if isinstance(value, list) else [value]
        if declared.get("mandatory") and type_name.startswith("String") and "" in texts:
            raise binding_error("ParameterArgumentValidationErrorEmptyStringNotAllowed",
                                f"Cannot bind argument to parameter '{name}' because it is an empty string.", "InvalidData")
        if value is None:
            raise ValueError("Cannot bind argument to a null value")
        if type_name.endswith("[]"):
            return _array(type_name[:-2], declared, value)
        if isinstance(value, list) and declared.get("values"):
            return _enum(declared, value)
        return _scalar(type_name, declared, value)
    except CmdletError:
        raise
    except ValueError as error:
        raise binding_error("ParameterArgumentTransformationError",
                            f"Cannot process argument transformation on parameter '{name}'. {error}.", "InvalidData") from None


# about_Functions_Advanced_Parameters
def _array(type_name: str, declared: Mapping[str, Any], value: Any) -> list[Any]:
    items = value if isinstance(value, list) else [value]
    if not items and declared.get("mandatory"):
        raise binding_error("ParameterArgumentValidationErrorEmptyArrayNotAllowed",
                            "Cannot bind argument because it is an empty array.", "InvalidData")
    if type_name == "CimInstance" and not all(isinstance(i, Proposal) for i in items):
        raise ValueError('Cannot convert value to type "Microsoft.Management.Infrastructure.CimInstance[]"')
    return items if type_name == "CimInstance" else [_scalar(type_name, declared, item) for item in items]


# about_Type_Conversion
def _scalar(type_name: str, declared: Mapping[str, Any], value: Any) -> Any:
    if declared.get("values"):
        return _enum(declared, value)
    if type_name in ("Boolean", "SwitchParameter"):
        if isinstance(value, bool | int | float):
            return bool(value)
        raise ValueError('Cannot convert value "System.String" to type "System.Boolean". Boolean parameters accept '
                         "only Boolean values and numbers, such as $True, $False, 1 or 0")
    if type_name in RANGES:
        return _number(type_name, value)
    if isinstance(value, dict | list | Proposal):
        raise ValueError(f'Cannot convert value to type "System.{type_name}"')
    return str(value) if not isinstance(value, float) else f"{value:g}"


# about_Type_Conversion
def _number(type_name: str, value: Any) -> int:
    try:
        number = int(value) if not isinstance(value, list | dict | Proposal) else -1
    except (ValueError, OverflowError):
        number = -1
    if not 0 <= number < RANGES[type_name]:
        raise ValueError(f'Cannot convert value "{value}" to type "System.{type_name}"')
    return number


# about_Enum
def _enum(declared: Mapping[str, Any], value: Any) -> Any:
    """One name, or for a flags enumeration the list of its names in their order: it is a number.

    The first name is 0 and adds nothing to others.
    """
    parts = value if isinstance(value, list) else [value]
    if not parts or not all(isinstance(p, str) for p in parts):
        raise ValueError(f'Cannot convert value "{value}" to an enumeration ({", ".join(declared["values"])})')
    names = [name.strip() for part in parts for name in part.split(",")]
    if len(names) > 1 and not declared.get("flags"):
        raise ValueError(f'Cannot convert "{value}": one value of ({", ".join(declared["values"])}) is expected')
    members = [_member(declared["values"], name) for name in names]
    if not declared.get("flags"):
        return members[0]
    return [v for v in declared["values"][1:] if v in members] or members[:1]


# about_Enum. open: unique-beginnings
def _member(values: list[str], word: str) -> str:
    exact = [v for v in values if v.lower() == word.lower()]
    matching = exact or [v for v in values if word and v.lower().startswith(word.lower())]
    if len(matching) != 1:
        raise ValueError(f'Unable to match the identifier name {word} to a valid enumerator name. Specify one of: '
                         f'{", ".join(values)}')
    return matching[0]
