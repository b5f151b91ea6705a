"""How Windows refuses: PowerShell's error category and id, the message, and the system error behind it.

Shapes of the ids: `wfas` cmdlets are CDXML functions, so a system error reads `Windows System Error N,Cmdlet`, a refused
combination `HRESULT 0x80070057,Cmdlet` with the text of its FW_RULE_STATUS code, and a parameter that does not bind
has the id of PowerShell's own binder. Error records of Windows that people published show these ids: 183 of New-NetFirewallRule,
the address and the port keyword that it refuses (dotnet-architecture/eShopOnContainers issue 43, dsccommunity/NetworkingDsc issue
34), the name that Set-NetFirewallRule does not find (MicrosoftDocs/azure-docs pull request 76433).
"""

import json
from collections.abc import Callable, Iterable
from importlib import resources
from typing import TypeVar

T = TypeVar("T")
Check = tuple[int, str, Callable[[T], bool]]  # an FW_RULE_STATUS code, a detail for its text, whether it applies


def _rule_status() -> dict[int, str]:
    """{code: text} of FW_RULE_STATUS."""
    table = json.loads((resources.files(__package__) / "rule_status.json").read_text("utf-8"))["status"]
    return {int(code, 16): str(text) for code, text in table.items()}


STATUS_TEXTS = _rule_status()

# [MS-ERREF] 2.2; which of them the service returns: [MS-FASP] 3.1.4.6 and the methods after it
SYSTEM_ERRORS = {
    2: ("ObjectNotFound", "The system cannot find the file specified."),
    5: ("PermissionDenied", "Access is denied."),
    50: ("NotImplemented", "The request is not supported."),
    87: ("InvalidArgument", "The parameter is incorrect."),
    183: ("ResourceExists", "Cannot create a file when that file already exists."),
    1168: ("ObjectNotFound", "Element not found."),
    1355: ("ObjectNotFound", "The specified domain either does not exist or could not be contacted."),
    1734: ("InvalidArgument", "The array bounds are invalid."),
    1753: ("NotSpecified", "There are no more endpoints available from the endpoint mapper."),
    2402: ("NotSpecified", "Active connections still exist."),
}


class CmdletError(Exception):
    """An error record: `category` is the ErrorCategory, `id` the FullyQualifiedErrorId, `code` the system error."""

    def __init__(self, category: str, id: str, message: str, code: int | None = None) -> None:
        super().__init__(message)
        self.category, self.id, self.message, self.code = category, id, message, code

    def raised_by(self, cmdlet: str) -> "CmdletError":
        """The same with the name of the cmdlet in its id, as PowerShell writes it."""
        if "," in self.id or self.id.startswith("ringfence."):  # it has one already, or is the host script's own
            return self
        return CmdletError(self.category, f"{self.id},{cmdlet}", self.message, self.code)


def rule_error(code: int, what: str = "") -> CmdletError:
    """A combination that the firewall service refuses, by its FW_RULE_STATUS code. The message has the code's text and not the
    code (dsccommunity/NetworkingDsc issue 34 shows that of 0x00100021); what stands behind the text is the lab's."""
    return CmdletError("InvalidArgument", "HRESULT 0x80070057", f"{STATUS_TEXTS[code]}{f' {what}' if what else ''}", code)


def refuse_first(checks: Iterable[Check[T]], subject: T) -> None:
    """Raises the error of the first check that applies to the subject; a detail may name parts of it, as in `{0.name}`."""
    for code, detail, applies in checks:
        if applies(subject):
            raise rule_error(code, detail.format(subject))


def system_error(code: int, what: str = "") -> CmdletError:
    """A Windows system error."""
    category, text = SYSTEM_ERRORS[code]
    return CmdletError(category, f"Windows System Error {code}", text + (f" {what}" if what else ""), code)


def binding_error(id: str, message: str, category: str = "InvalidArgument") -> CmdletError:
    """What PowerShell's parameter binder refuses."""
    return CmdletError(category, id, message)


def not_found(cim_class: str, key: str, name: str) -> CmdletError:
    """A name without wildcards that matches nothing."""
    return CmdletError("ObjectNotFound", f"CmdletizationQuery_NotFound_{key}",
                       f"No {cim_class} objects found with property '{key}' equal to '{name}'. "
                       "Verify the value of the property and retry.")
