"""How Windows is set up around the firewall of a simulated host: settings that tests and trainings turn."""

from dataclasses import dataclass, field
from typing import Any

# Win32_Service.StartMode as a fresh Windows has it ("IKEEXT" and "PolicyAgent" are started by triggers).
_START_MODES = {"mpssvc": "Auto", "BFE": "Auto", "IKEEXT": "Manual", "PolicyAgent": "Manual", "WinRM": "Auto", "sshd": "Auto",
                "Schedule": "Auto"}

def _winrm() -> dict[str, Any]:
    """Microsoft, "Installation and configuration for Windows Remote Management": the defaults."""
    return {"MaxEnvelopeSizekb": "500", "Service": {"AllowUnencrypted": "false", "IPv4Filter": "*", "IPv6Filter": "*"},
            "Winrs": {"AllowRemoteShellAccess": "true", "MaxShellsPerUser": "30", "MaxMemoryPerShellMB": "1024"}}


def _listeners() -> list[dict[str, str]]:
    return [{"Address": "*", "Transport": "HTTP", "Port": "5985", "Enabled": "true"}]


@dataclass(slots=True)
class Surroundings:
    """bits: of the PowerShell that sessions get · clock_offset: seconds by which the host's clock is fast · start_modes: of
    services · winrm, listeners: as `winrm get winrm/config` and `winrm enumerate winrm/config/listener` show them · endpoints:
    session configurations, name to RunAsVirtualAccount and its groups · taken_over: {display name: rule categories} of the
    products that are registered with the firewall itself (INetFwProduct) · app_control:
    Win32_DeviceGuard.UsermodeCodeIntegrityPolicyEnforcementStatus (0 off, 1 audit, 2 on).
    """

    bits: int = 64
    clock_offset: float = 0.0
    start_modes: dict[str, str] = field(default_factory=_START_MODES.copy)
    winrm: dict[str, Any] = field(default_factory=_winrm)
    listeners: list[dict[str, str]] = field(default_factory=_listeners)
    endpoints: dict[str, tuple[bool, str]] = field(default_factory=lambda: {"Microsoft.PowerShell": (False, "")})
    taken_over: dict[str, tuple[int, ...]] = field(default_factory=dict)
    app_control: int = 0
