"""What the host script lets a batch call: the cmdlets of cmdlets.json, each with the parameters that ringfence uses."""

import re
from collections.abc import Mapping
from typing import Any

from ringfence.lab.netsecurity.cmdlet_errors import CmdletError
from ringfence.lab.netsecurity.parameter_binding import cmdlets

_SELECTING = {"Remove": {"Name", "PolicyStore"}, "Rename": {"Name", "NewName", "PolicyStore"},
              "Copy": {"Name", "NewName", "NewPolicyStore", "PolicyStore"}, "Enable": {"Name", "Group", "PolicyStore"},
              "Disable": {"Name", "Group", "PolicyStore"}}
_NEVER = {"GPOSession", "NewGPOSession", "IPsecRuleName", "All"}


def allowed_parameters(cmdlet: str) -> set[str]:
    """The parameters of a cmdlet that the host script passes on, in lower case."""
    verb = cmdlet.partition("-")[0]
    known = set(cmdlets()[cmdlet.lower()]["parameters"]) | ({"Name"} if cmdlet.endswith("-NetIPsecRule") else set())
    if verb == "Set":
        known = known - {"DisplayName", "DisplayGroup"} | ({"Group"} if "NewDisplayName" in known else set())
    return {p.lower() for p in (known & _SELECTING.get(verb, known)) - _NEVER}


def check_cmdlet(name: str) -> None:
    """Whether a cmdlet may be called at all. Raises CmdletError."""
    if name.lower() not in cmdlets():
        raise not_allowed(name)


def check_parameters(cmdlet: str, parameters: Mapping[str, Any]) -> None:
    """Whether a cmdlet of the list may be called like this, with the calls inside its parameters. Raises CmdletError."""
    passed = allowed_parameters(cmdlets()[cmdlet.lower()]["name"])
    for parameter, value in parameters.items():
        if parameter.lower() not in passed:
            raise _denied(f"-{parameter} is not among the parameters of {cmdlet} ringfence uses")
        for item in value if isinstance(value, list) else [value]:
            if _is_elsewhere(parameter.lower(), str(item)):
                raise _denied(f"-{parameter} is not on this host: {item}")
            if isinstance(item, dict):
                _check_nested(parameter, item)
    if cmdlet.partition("-")[0].lower() not in ("new", "set") and not (parameters.get("Name") or parameters.get("Group")):
        raise _denied(f"{cmdlet} without a name would touch every object")


def _is_elsewhere(parameter: str, value: str) -> bool:
    """Whether a store is a policy of a domain, or a log a share or a device."""
    if parameter == "logfilename":
        return re.match(r"[\\/]{2}", value) is not None
    return parameter.endswith("policystore") and "\\" in value


def _check_nested(parameter: str, value: Mapping[str, Any]) -> None:
    """A parameter value that stands for the result of another call: proposals only."""
    call = value.get("$call")
    if not isinstance(call, dict):
        raise CmdletError("InvalidArgument", "ringfence.value", f"-{parameter} holds neither values nor calls")
    name = str(call.get("cmdlet"))
    if name.lower() not in cmdlets() or not name.lower().endswith("proposal"):
        raise not_allowed(name)
    check_parameters(name, call.get("parameters") or {})


def not_allowed(cmdlet: str) -> CmdletError:
    """The refusal of a cmdlet that is not on the list."""
    return _denied(f"'{cmdlet}' is not among the cmdlets ringfence runs here")


def _denied(message: str) -> CmdletError:
    return CmdletError("PermissionDenied", "ringfence.allowlist", message)
