"""How Windows refuses: PowerShell's error category and id, the message, and the native code behind it.

Shapes of the ids: `wfas` cmdlets are CDXML functions, so a native error reads `Windows System Error N,Cmdlet`, a refused
combination `HRESULT 0x80070057,Cmdlet` with the text of its FW_RULE_STATUS code, and a parameter that does not bind
has the id of PowerShell's own binder.
"""

import json
from importlib import resources


def _load(name: str) -> dict[str, dict[str, object]]:
    loaded: dict[str, dict[str, object]] = json.loads((resources.files(__package__) / name).read_text("utf-8"))
    return loaded


STATUS = {int(code, 16): str(text) for code, text in _load("status.json")["status"].items()}

NATIVE = {
    2: ("ObjectNotFound", "The system cannot find the file specified."),
    5: ("PermissionDenied", "Access is denied."),
    50: ("NotImplemented", "The request is not supported."),
    87: ("InvalidArgument", "The parameter is incorrect."),
    183: ("ResourceExists", "Cannot create a file when that file already exists."),
    1168: ("ObjectNotFound", "Element not found."),
    1355: ("ObjectNotFound", "The specified domain either does not exist or could not be contacted."),
    1753: ("NotSpecified", "There are no more endpoints available from the endpoint mapper."),
    2402: ("NotSpecified", "Active connections still exist."),
}


class Refusal(Exception):
    """An error record: `category` is the ErrorCategory, `id` the FullyQualifiedErrorId, `code` the native code."""

    def __init__(self, category: str, id: str, message: str, code: int | None = None) -> None:
        super().__init__(message)
        self.category, self.id, self.message, self.code = category, id, message, code

    def of(self, cmdlet: str) -> "Refusal":
        """The same with the name of the cmdlet in its id, as PowerShell writes it."""
        return self if "," in self.id or self.id.startswith("ringfence.") else Refusal(
            self.category, f"{self.id},{cmdlet}", self.message, self.code)


class Dropped(ConnectionError):
    """The connection is gone: the server of the lab closes the socket without an answer."""


def status(code: int, what: str = "") -> Refusal:
    """A combination that the firewall service refuses, by its FW_RULE_STATUS code."""
    detail = f" {what}" if what else ""
    return Refusal("InvalidArgument", "HRESULT 0x80070057", f"{STATUS[code]}{detail} (0x{code:08X})", code)


def native(code: int, what: str = "") -> Refusal:
    """A Windows system error."""
    category, text = NATIVE[code]
    return Refusal(category, f"Windows System Error {code}", text + (f" {what}" if what else ""), code)


def binding(id: str, message: str, category: str = "InvalidArgument") -> Refusal:
    """What PowerShell's parameter binder refuses."""
    return Refusal(category, id, message)


def not_found(noun: str, key: str, name: str) -> Refusal:
    """A name without wildcards that matches nothing."""
    return Refusal("ObjectNotFound", f"CmdletizationQuery_NotFound_{key}",
                   f"No {noun} objects found with property '{key}' equal to '{name}'. "
                   "Verify the value of the property and retry.")
