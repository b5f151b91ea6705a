"""A JEA endpoint for ringfence, as files: the host script as the one command of a session that can do nothing else.

Such a session runs in NoLanguage mode, where only the function's caller is restricted: the function itself, coming from
a module, runs in full. With a virtual account the connecting user needs no right on the host but to connect.
"""

import uuid

from ringfence import __version__
from ringfence.batch.scripts import script

MODULE, ROLE, FUNCTION = "RingfenceHost", "Ringfence", "Invoke-RingfenceBatch"
ENDPOINT = "ringfence"  # the name in the install notes; `ringfence_endpoint` has to name the same

_MODULE_GUID = uuid.uuid5(uuid.NAMESPACE_DNS, "RingfenceHost.module.ringfence")
_ROLE_GUID = uuid.uuid5(uuid.NAMESPACE_DNS, "Ringfence.role.ringfence")
_SESSION_GUID = uuid.uuid5(uuid.NAMESPACE_DNS, "Ringfence.session.ringfence")

_MANIFEST = f"""\
@{{
    RootModule = '{MODULE}.psm1'
    ModuleVersion = '{__version__}'
    GUID = '{_MODULE_GUID}'
    Author = 'ringfence'
    Description = 'Reads and changes the Windows Defender Firewall and IPsec policy for ringfence.'
    PowerShellVersion = '5.1'
    FunctionsToExport = @('{FUNCTION}')
    CmdletsToExport = @()
    VariablesToExport = @()
    AliasesToExport = @()
}}
"""

_CAPABILITY = f"""\
@{{
    GUID = '{_ROLE_GUID}'
    Author = 'ringfence'
    Description = 'May run ringfence batches and nothing else.'
    ModulesToImport = '{MODULE}'
    VisibleFunctions = '{FUNCTION}'
}}
"""

_SESSION = f"""\
@{{
    SchemaVersion = '2.0.0.0'
    GUID = '{_SESSION_GUID}'
    Author = 'ringfence'
    Description = 'ringfence endpoint: {FUNCTION} under a virtual account.'
    SessionType = 'RestrictedRemoteServer'
    LanguageMode = 'NoLanguage'
    ExecutionPolicy = 'RemoteSigned'
    RunAsVirtualAccount = $true
    # Who may connect. Replace the group by one of your own, e.g. 'CORP\\Ringfence controllers'.
    RoleDefinitions = @{{ 'BUILTIN\\Administrators' = @{{ RoleCapabilities = '{ROLE}' }} }}
}}
"""

_README = f"""\
# ringfence endpoint

A session of this endpoint offers one command, `{FUNCTION}`, and runs it under a virtual account that is an
administrator of the host for the time of the session. Who connects needs no administrative right on the host. What the
command may touch is a constant of the module; what it is told is data.

Install on every host, in an elevated Windows PowerShell, from the folder that holds this file:

1. In `{ROLE}.pssc`, let `RoleDefinitions` name the group that may connect.
2. Copy the module where only administrators can write:

   ```powershell
   Copy-Item -Recurse -Force .\\{MODULE} "$env:ProgramFiles\\WindowsPowerShell\\Modules\\"
   ```

3. Check and register the endpoint (WinRM restarts; other sessions end):

   ```powershell
   Test-PSSessionConfigurationFile -Path .\\{ROLE}.pssc
   Register-PSSessionConfiguration -Name {ENDPOINT} -Path .\\{ROLE}.pssc -Force
   ```

4. In the inventory: `ringfence_endpoint: {ENDPOINT}` (with `ansible_connection: psrp`).

To update, copy the module again; the endpoint stays. To remove it: `Unregister-PSSessionConfiguration -Name {ENDPOINT}`.

Module logging, where it is on, writes the batch to the event log, and a batch may hold pre-shared keys.
"""


def module() -> str:
    """The text of the module: the host script as the body of a function."""
    return f"function {FUNCTION} {{\n{script(writes=True)}}}\nExport-ModuleMember -Function {FUNCTION}\n"


def files() -> dict[str, str]:
    """{path: text} of what an administrator installs on hosts; paths are relative and use `/`."""
    return {
        f"{MODULE}/{MODULE}.psd1": _MANIFEST,
        f"{MODULE}/{MODULE}.psm1": module(),
        f"{MODULE}/RoleCapabilities/{ROLE}.psrc": _CAPABILITY,
        f"{ROLE}.pssc": _SESSION,
        "README.md": _README,
    }
