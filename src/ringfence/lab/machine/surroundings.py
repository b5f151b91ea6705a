"""How Windows is set up around the firewall of a simulated host: settings that tests and trainings turn."""

from dataclasses import dataclass, field
from typing import Any

# Win32_Service.StartMode as a fresh Windows has it ("IKEEXT" and "PolicyAgent" are started by triggers).
_START_MODES = {"mpssvc": "Auto", "BFE": "Auto", "IKEEXT": "Manual", "PolicyAgent": "Manual", "WinRM": "Auto", "sshd": "Auto",
                "Schedule": "Auto"}
# Win32_Service.DisplayName of an English Windows, of services that its own rules name and of some beside
_DISPLAY_NAMES = {
    "BFE": "Base Filtering Engine", "BITS": "Background Intelligent Transfer Service", "Dhcp": "DHCP Client",
    "DiagTrack": "Connected User Experiences and Telemetry", "Dnscache": "DNS Client", "DoSvc": "Delivery Optimization",
    "EventLog": "Windows Event Log", "FDResPub": "Function Discovery Resource Publication",
    "fdPHost": "Function Discovery Provider Host", "gpsvc": "Group Policy Client",
    "IKEEXT": "IKE and AuthIP IPsec Keying Modules", "iphlpsvc": "IP Helper",
    "KtmRm": "KtmRm for Distributed Transaction Coordinator", "LanmanServer": "Server", "LanmanWorkstation": "Workstation",
    "mpssvc": "Windows Defender Firewall", "MSiSCSI": "Microsoft iSCSI Initiator Service",
    "MSSQLSERVER": "SQL Server (MSSQLSERVER)", "Netlogon": "Netlogon", "netprofm": "Network List Service",
    "PeerDistSvc": "BranchCache", "PolicyAgent": "IPsec Policy Agent", "QWAVE": "Quality Windows Audio Video Experience",
    "RpcEptMapper": "RPC Endpoint Mapper", "RpcSs": "Remote Procedure Call (RPC)", "Schedule": "Task Scheduler",
    "SNMPTRAP": "SNMP Trap", "Spooler": "Print Spooler", "sshd": "OpenSSH SSH Server", "SSDPSRV": "SSDP Discovery",
    "stisvc": "Windows Image Acquisition (WIA)", "TermService": "Remote Desktop Services", "upnphost": "UPnP Device Host",
    "vds": "Virtual Disk", "W32Time": "Windows Time", "Winmgmt": "Windows Management Instrumentation",
    "WinRM": "Windows Remote Management (WS-Management)", "wuauserv": "Windows Update"}

def _winrm() -> dict[str, Any]:
    """Microsoft, "Installation and configuration for Windows Remote Management": the defaults."""
    return {"MaxEnvelopeSizekb": "500", "Service": {"AllowUnencrypted": "false", "IPv4Filter": "*", "IPv6Filter": "*"},
            "Winrs": {"AllowRemoteShellAccess": "true", "MaxShellsPerUser": "30", "MaxMemoryPerShellMB": "1024"}}


def _listeners() -> list[dict[str, str]]:
    return [{"Address": "*", "Transport": "HTTP", "Port": "5985", "Enabled": "true"}]


@dataclass(slots=True)
class Surroundings:
    """bits: of the PowerShell that sessions get · start_modes: of services · display_names: of the services that are installed ·
    winrm, listeners: as `winrm get winrm/config` and `winrm enumerate winrm/config/listener` show them · endpoints: session
    configurations, name to RunAsVirtualAccount and its groups · taken_over: {display name: rule categories} of the products that
    are registered with the firewall itself (INetFwProduct) · app_control:
    Win32_DeviceGuard.UsermodeCodeIntegrityPolicyEnforcementStatus (0 off, 1 audit, 2 on) · domain_controllers: their addresses;
    None: the DNS servers of the adapters that are in the domain · utc_offset: of its time zone, as ±hh:mm.
    """

    bits: int = 64
    start_modes: dict[str, str] = field(default_factory=_START_MODES.copy)
    display_names: dict[str, str] = field(default_factory=_DISPLAY_NAMES.copy)
    winrm: dict[str, Any] = field(default_factory=_winrm)
    listeners: list[dict[str, str]] = field(default_factory=_listeners)
    endpoints: dict[str, tuple[bool, str]] = field(default_factory=lambda: {"Microsoft.PowerShell": (False, "")})
    taken_over: dict[str, tuple[int, ...]] = field(default_factory=dict)
    app_control: int = 0
    domain_controllers: tuple[str, ...] | None = None
    utc_offset: str = "+00:00"
