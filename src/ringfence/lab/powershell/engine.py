"""A simulated host on which a real PowerShell runs the host script, against the machine of the lab.

The engine, its parameter binder, its errors and its remoting are real; the cmdlets of NetSecurity and what else the host
script asks of Windows are functions (shims/, generated_module.py) that the machine answers. What that leaves unproven:
Windows PowerShell 5.1 on .NET Framework, and the modules of Windows themselves.
"""

import os
import re
import sys
from collections.abc import Mapping
from importlib import resources
from pathlib import Path

from ringfence.batch import jea
from ringfence.lab.listeners import Acceptor
from ringfence.lab.machine.machine import Machine
from ringfence.lab.powershell import generated_module
from ringfence.lab.powershell.bridge import Bridge
from ringfence.lab.session import PowerShellStart, Session

# The modules of Windows by which a session finds what the shims answer; and what Windows has without any.
_MODULES_OF = {"CimCmdlets": "Get-CimInstance", "Microsoft.PowerShell.Diagnostics": "Get-WinEvent",
               "Microsoft.WSMan.Management": "Get-WSManInstance", "ScheduledTasks": "*-ScheduledTask*"}
_EVERYWHERE = ("Invoke-LabCmdlet, Get-PSSessionConfiguration, Get-Item, Get-Service, Test-RingfenceElevation, "
               "Get-RingfenceIdentity, Get-RingfenceProducts, Get-RingfenceRegistry, New-RingfenceSecurity, "
               "Convert-RingfenceAccount, Read-RingfenceFile, Test-Path, New-Item, Rename-Item, Remove-Item, Get-ChildItem, "
               "Get-Date, Get-RingfenceUptime, Open-RingfenceFolder, Read-RingfenceHive, Sync-RingfenceFile, "
               "Test-RingfenceDomain")
_PART_OF_WINDOWS = """\
Import-Module RingfenceLab -DisableNameChecking
Export-ModuleMember -Function {functions}
"""


def imported_modules(endpoint: jea.JeaEndpoint) -> str:
    """What the exported role capability of an endpoint imports, as a PowerShell list."""
    text = endpoint.files()[f"{endpoint.module}/RoleCapabilities/{endpoint.role}.psrc"]
    found = re.search("ModulesToImport = (.+)", text)
    assert found
    return found[1]


# A session as New-PSSession finds it at a registered endpoint of JEA: one command, nothing else, no language. `pwsh -s` knows
# no session configuration, so the session is shut from within, as endpoints were before there were such files. What is
# imported is what the exported role names, beside the two that a session of that type has on Windows.
_JEA = """
$global:PSModuleAutoLoadingPreference = 'None'
Import-Module Microsoft.PowerShell.Utility, Microsoft.PowerShell.Management
Import-Module RingfenceLab -DisableNameChecking -Function {everywhere}
Import-Module {imported}
foreach ($command in Get-Command -ListImported -CommandType Function, Cmdlet, Alias, Filter) {{
    if ($command.Name -ne '{function}') {{ $command.Visibility = 'Private' }}
}}
$ExecutionContext.SessionState.Applications.Clear()
$ExecutionContext.SessionState.Scripts.Clear()
$ExecutionContext.SessionState.LanguageMode = 'NoLanguage'
"""

_MODULES = "PSModulePath"
_LOCAL = """\
#!{python} -IS
import base64, os, sys
os.environ.update({environment!r})
arguments = sys.argv[1:]
if len(arguments) > 1 and arguments[-2].lower() == "-encodedcommand":
    text = {text!r} + base64.b64decode(arguments[-1]).decode("utf-16-le")
    arguments[-1] = base64.b64encode(text.encode("utf-16-le")).decode()
os.execv({pwsh!r}, [{pwsh!r}, *arguments])
"""


def write_modules(folder: Path) -> Path:
    """Writes the modules that such hosts share into a new folder below `folder`, for PSModulePath."""
    shims, target = resources.files(__package__) / "shims", folder / "Modules"
    shared = "".join((shims / f"{part}.psm1").read_text("utf-8") for part in ("RingfenceLab", "TasksAndFiles"))
    texts = {"RingfenceLab/RingfenceLab.psm1": shared,
             "NetSecurity/NetSecurity.psm1": generated_module.module_text(),
             "NetSecurity/NetSecurity.psd1": generated_module.manifest_text(),
             **{f"{name}/{name}.psm1": _PART_OF_WINDOWS.format(functions=functions) for name, functions in _MODULES_OF.items()},
             **{path: text for endpoint in jea.ENDPOINTS for path, text in endpoint.files().items()}}
    for path, text in texts.items():
        (target / path).parent.mkdir(parents=True, exist_ok=True)
        (target / path).write_text(text, "utf-8")
    return target


class RealPowerShell:
    """The PowerShell of one host: `pwsh` is the executable, `folder` holds the modules (see `write_modules`)."""

    def __init__(self, acceptor: Acceptor, machine: Machine, pwsh: str, folder: Path) -> None:
        self.machine, self.pwsh, self.folder = machine, pwsh, folder
        self.bridge = Bridge(acceptor, machine)

    def start(self, session: Session) -> PowerShellStart:
        """How a session starts: its environment, and what the engine runs before anything else."""
        mode = self.machine.faults.language_mode
        text = _shut(session.endpoint.exported) if session.endpoint else "Import-Module RingfenceLab -DisableNameChecking\n"
        if mode != "FullLanguage" and not session.endpoint:
            text += f"$ExecutionContext.SessionState.LanguageMode = '{mode}'\n"
        with self.machine.lock:
            self.machine.counters.batches += 1
        variables = {**self.machine.environment, "windir": self.machine.environment["SystemRoot"]}
        same = {name.lower(): value for name, value in variables.items()}  # on Windows these names have no letter case
        token = self.bridge.register(session)
        return PowerShellStart({**_inherited(), **same, **variables, **self._own(session, token)}, text,
                               lambda: self.bridge.works_on(token))

    def _own(self, session: Session, token: str) -> Mapping[str, str]:
        path = os.pathsep.join(p for p in (str(self.folder), os.environ.get(_MODULES, "")) if p)
        return {"COMPUTERNAME": self.machine.name, "USERNAME": session.user, _MODULES: path,
                "RINGFENCE_LAB_PORT": str(self.bridge.port), "RINGFENCE_LAB_TOKEN": token}

    def executable(self, folder: Path) -> Path:
        """A program in `folder` that is the PowerShell of this host for a local administrator (`ringfence_powershell`)."""
        user = next(iter(self.machine.accounts))
        address = self.machine.address
        start = self.start(Session("local", user, True, address, 0, address, 0))
        own = {k: v for k, v in start.environment.items() if os.environ.get(k) != v}
        file = folder / f"{self.machine.name}-pwsh"
        file.write_text(_LOCAL.format(python=sys.executable, environment=own, text=start.text, pwsh=self.pwsh), "utf-8")
        file.chmod(0o700)
        return file

    def close(self) -> None:
        """Stop answering."""
        self.bridge.close()


def _shut(endpoint: jea.JeaEndpoint) -> str:
    """What makes a session one of the endpoint."""
    return _JEA.format(everywhere=_EVERYWHERE, imported=imported_modules(endpoint), function=jea.FUNCTION)


def _inherited() -> dict[str, str]:
    """The environment of this process without what says how it was reached itself."""
    return {k: v for k, v in os.environ.items() if k not in ("SSH_CONNECTION", "SSH_CLIENT", "SSH_TTY")}
