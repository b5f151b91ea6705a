"""JEA endpoints for ringfence, as files: the host script as the one command of a session that can do nothing else.

There are two: operators run the writer, auditors the reader. Such a session runs in NoLanguage mode, where only the
function's caller is restricted: the function itself, coming from a module, runs in full. With a virtual account the
connecting user needs no right on the host but to connect.
"""

import uuid
from dataclasses import dataclass, replace

from ringfence import __version__
from ringfence.batch.scripts import install_text, script_named

FUNCTION = "Invoke-RingfenceBatch"

# Where a role names VisibleFunctions, PowerShell sets $PSModuleAutoLoadingPreference to None for the session
# (PowerShell/PowerShell, InitialSessionStateProvider.cs, "Now apply visibility logic"), so whatever the function calls has to
# be imported by the role (PowerShell/JEA#42). Microsoft.PowerShell.* come with the session type.
ROLE_MODULES = ("CimCmdlets", "Microsoft.PowerShell.Diagnostics", "Microsoft.WSMan.Management", "NetSecurity",
                "ScheduledTasks")

# No account has this name, and registering looks accounts up: a file that nobody has edited cannot be registered.
PLACEHOLDER = "REPLACE-ME\\the group that may connect"


@dataclass(frozen=True, slots=True)
class JeaEndpoint:
    """One endpoint: `name` in the install notes and for `ringfence_endpoint`, `module`, and `role`, also that of its files;
    `version` is that of the module."""

    name: str
    module: str
    role: str
    writes: bool
    purpose: str
    compares_keys: bool = False  # of a reader: the writer always does
    version: str = __version__

    def module_text(self) -> str:
        """The module: a script as the body of the function."""
        name = "writer" if self.writes else "key-auditor" if self.compares_keys else "auditor"
        return f"function {FUNCTION} {{\n{script_named(name)}}}\nExport-ModuleMember -Function {FUNCTION}\n"

    def files(self) -> dict[str, str]:
        """{path: text} of what is installed for it."""
        return {f"{self.module}/{self.module}.psd1": self._manifest(), f"{self.module}/{self.module}.psm1": self.module_text(),
                f"{self.module}/RoleCapabilities/{self.role}.psrc": self._capability(), f"{self.role}.pssc": self._session()}

    def _id(self, what: str) -> uuid.UUID:
        return uuid.uuid5(uuid.NAMESPACE_DNS, f"{self.role}.{what}.ringfence")

    def _manifest(self) -> str:
        return f"""\
@{{
    RootModule = '{self.module}.psm1'
    ModuleVersion = '{self.version}'
    GUID = '{self._id("module")}'
    Author = 'ringfence'
    Description = '{self.purpose}'
    PowerShellVersion = '5.1'
    FunctionsToExport = @('{FUNCTION}')
    CmdletsToExport = @()
    VariablesToExport = @()
    AliasesToExport = @()
}}
"""

    def _capability(self) -> str:
        modules = ", ".join(f"'{name}'" for name in (*ROLE_MODULES, self.module))
        return f"""\
@{{
    GUID = '{self._id("role")}'
    Author = 'ringfence'
    Description = '{self.purpose}'
    ModulesToImport = {modules}
    VisibleFunctions = '{FUNCTION}'
}}
"""

    def _session(self) -> str:
        return f"""\
@{{
    SchemaVersion = '2.0.0.0'
    GUID = '{self._id("session")}'
    Author = 'ringfence'
    Description = 'ringfence endpoint: {FUNCTION} under a virtual account.'
    SessionType = 'RestrictedRemoteServer'
    LanguageMode = 'NoLanguage'
    ExecutionPolicy = 'RemoteSigned'
    RunAsVirtualAccount = $true
    # Who may connect: a group of your own. Until it is named this file cannot be registered.
    RoleDefinitions = @{{ '{PLACEHOLDER}' = @{{ RoleCapabilities = '{self.role}' }} }}
}}
"""


OPERATOR = JeaEndpoint("ringfence", "RingfenceHost", "Ringfence", True,
                       "Reads and changes the Windows Defender Firewall and IPsec policy for ringfence.")
AUDITOR = JeaEndpoint("ringfence-audit", "RingfenceAudit", "RingfenceAudit", False,
                      "Reads the Windows Defender Firewall and IPsec policy for ringfence; no command that writes is in it.")
ENDPOINTS = (OPERATOR, AUDITOR)

def files(auditors_compare_keys: bool = False) -> dict[str, str]:
    """{path: text} of what an administrator installs on hosts; paths are relative and use `/`.

    auditors_compare_keys: the auditors' endpoint also says whether a stored pre-shared key is a certain one.
    """
    auditor = replace(AUDITOR, compares_keys=auditors_compare_keys)
    return {**OPERATOR.files(), **auditor.files(), **{name: install_text(name) for name in ("README.md", "sign.ps1")}}
