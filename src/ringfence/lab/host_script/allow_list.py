"""What the host script lets a batch call: those of the cmdlets in cmdlets.json that ringfence writes with, and parameters."""

import re
from collections.abc import Mapping
from typing import Any

from ringfence.lab.netsecurity.cmdlet_errors import CmdletError
from ringfence.lab.netsecurity.parameter_binding import cmdlets

_VERBS = ("New", "Set", "Remove", "Rename")
_NO_PARAMETERS = {"All", "PolicyStore", "GPOSession", "IPsecRuleName", "RemoteDynamicKeywordAddresses"}
# Files of the host itself; what these two variables stand for begins with a server (Microsoft KB 141714, Q101507).
_ON_THIS_HOST = re.compile(r"\s*([a-z]:|%(?!(logonserver|homeshare)%)[^%\\/]+%)\\", re.IGNORECASE)
_FINDING = {"DisplayName", "DisplayGroup"}  # of Set: what objects are found by


def allowed_parameters(cmdlet: str) -> set[str]:
    """The parameters of a cmdlet that the host script passes on, in lower case; none where it does not run the cmdlet."""
    verb, _, noun = cmdlet.partition("-")
    if verb not in _VERBS:
        return set()
    if verb == "Remove":
        return {"name"}
    if verb == "Rename":  # a set in use is not renamed: only rules are
        return {"name", "newname"} if noun.endswith("Rule") else set()
    known = set(cmdlets()[cmdlet.lower()]["parameters"]) - _NO_PARAMETERS
    if noun == "NetIPsecRule":
        known.add("Name")  # an alias of IPsecRuleName
    if verb == "Set":
        known = known - _FINDING | ({"Group"} if "NewDisplayName" in known else set())
    return {p.lower() for p in known}


def check_call(cmdlet: str, parameters: Mapping[str, Any], *, nested: bool = False) -> None:
    """Whether a cmdlet may be called like this, with the calls inside its parameters. Raises CmdletError."""
    known = cmdlets().get(cmdlet.lower())
    passed = allowed_parameters(known["name"]) if known and cmdlet.lower().endswith("proposal") is nested else set()
    if not passed:
        raise not_allowed(cmdlet)
    for parameter, value in parameters.items():
        if parameter.lower() not in passed:
            raise _denied(f"-{parameter} is not among the parameters of {cmdlet} ringfence uses")
        for item in value if isinstance(value, list) else [value]:
            if parameter.lower() == "logfilename" and not _is_log_of_host(item):
                raise _denied(f"-{parameter} is not on this host, as C:\\... and %SystemRoot%\\... are: {item}")
            if isinstance(item, dict):
                _check_nested(parameter, item)
    if "name" in passed and not cmdlet.lower().startswith("new-") and not _truthy(parameters.get("Name")):
        raise _denied(f"{cmdlet} without a name would touch every object")


def _is_log_of_host(value: Any) -> bool:
    return str(value).lower() == "notconfigured" or bool(_ON_THIS_HOST.match(str(value)))


def _truthy(value: Any) -> bool:
    """As PowerShell takes it: a list of one is what that one is."""
    return bool(value[0] if isinstance(value, list) and len(value) == 1 else value)


def _check_nested(parameter: str, value: Mapping[str, Any]) -> None:
    """A parameter value that stands for the result of another call: proposals only."""
    call = value.get("$call")
    if not isinstance(call, dict):
        raise CmdletError("InvalidArgument", "ringfence.value", f"-{parameter} holds neither values nor calls")
    check_call(str(call.get("cmdlet")), call.get("parameters") or {}, nested=True)


def not_allowed(cmdlet: str) -> CmdletError:
    """The refusal of a cmdlet that is not on the list."""
    return _denied(f"'{cmdlet}' is not among the cmdlets ringfence runs here")


def _denied(message: str) -> CmdletError:
    return CmdletError("PermissionDenied", "ringfence.allowlist", message)
