"""How a simulated Windows is set up around its firewall, as Surroundings.Read answers: by the objects that Windows shows."""

from typing import Any

from ringfence.lab.machine.machine import Machine

_POLICIES, _CURRENT = r"SOFTWARE\Policies\Microsoft\Windows", r"SOFTWARE\Microsoft\Windows\CurrentVersion"
_REGISTRY = {
    "scripts_enabled": (rf"{_POLICIES}\PowerShell", "EnableScripts"),
    "execution_policy": (rf"{_POLICIES}\PowerShell", "ExecutionPolicy"),
    "transcription": (rf"{_POLICIES}\PowerShell\Transcription", "EnableTranscripting"),
    "transcript_folder": (rf"{_POLICIES}\PowerShell\Transcription", "OutputDirectory"),
    "script_block_logging": (rf"{_POLICIES}\PowerShell\ScriptBlockLogging", "EnableScriptBlockLogging"),
    "module_logging": (rf"{_POLICIES}\PowerShell\ModuleLogging", "EnableModuleLogging"),
    "applocker_scripts": (rf"{_POLICIES}\SrpV2\Script", "EnforcementMode"),
    "new_tasks_forbidden": (rf"{_POLICIES}\Task Scheduler5.0", "Task Creation"),
    "mdm_wins": (r"SOFTWARE\Microsoft\PolicyManager\current\device\ControlPolicyConflict", "MDMWinsOverGP"),
}


def services(machine: Machine) -> list[dict[str, str]]:
    """Win32_Service: what runs or is stopped on the machine, and what else is installed."""
    around = machine.surroundings
    return [{"Name": name, "State": machine.services.get(name, "stopped").capitalize(),
             "StartMode": around.start_modes.get(name, "Manual"), "DisplayName": around.display_names.get(name, name)}
            for name in {**machine.services, **around.display_names}]


def session_configurations(machine: Machine) -> list[dict[str, Any]]:
    """What Get-PSSessionConfiguration shows."""
    return [{"Name": name, "RunAsVirtualAccount": "true" if virtual else "false", "RunAsVirtualAccountGroups": groups}
            for name, (virtual, groups) in machine.surroundings.endpoints.items()]


def surrounding_facts(machine: Machine) -> dict[str, Any]:
    """The value of a Surroundings.Read."""
    around, registry = machine.surroundings, machine.registry
    found: dict[str, Any] = {name: registry.get(*place) for name, place in _REGISTRY.items()}
    renames = registry.get(r"SYSTEM\CurrentControlSet\Control\Session Manager", "PendingFileRenameOperations")
    rules = registry.key(_REGISTRY["applocker_scripts"][0])
    found |= {"applocker_script_rules": len(rules.keys) if rules else 0,
              "services": {s["Name"]: {"state": s["State"].lower(), "start": s["StartMode"].lower()}
                           for s in services(machine) if s["Name"] in machine.services},
              "restart_for_components": registry.key(rf"{_CURRENT}\Component Based Servicing\RebootPending") is not None,
              "restart_for_updates": registry.key(rf"{_CURRENT}\WindowsUpdate\Auto Update\RebootRequired") is not None,
              "restart_for_files": (len(renames) + 1) // 2 if isinstance(renames, list) else 0, "app_control": around.app_control,
              "unread": []}
    if machine.services["WinRM"] == "running":
        config = around.winrm
        found["winrm"] = {
            "max_envelope_kb": config["MaxEnvelopeSizekb"], "allow_unencrypted": config["Service"]["AllowUnencrypted"],
            "ipv4_filter": config["Service"]["IPv4Filter"], "ipv6_filter": config["Service"]["IPv6Filter"],
            "remote_shells": config["Winrs"]["AllowRemoteShellAccess"], "shells_per_user": config["Winrs"]["MaxShellsPerUser"],
            "memory_per_shell_mb": config["Winrs"]["MaxMemoryPerShellMB"]}
        found["listeners"] = [{name.lower(): value for name, value in one.items()} for one in around.listeners]
        found["endpoints"] = [{"name": e["Name"], "virtual_account": e["RunAsVirtualAccount"],
                               "groups": e["RunAsVirtualAccountGroups"]} for e in session_configurations(machine)]
        if not machine.system.powershell.startswith("5."):
            found |= {"endpoints": [], "unread": [
                {"fact": "endpoints", "why": "those of Windows PowerShell are not known from PowerShell 7"}]}
    return found
