"""How a WinRM service is configured, by Windows' own names where it has them."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from ringfence import batch
from ringfence.lab.session import RegisteredEndpoint, StartPowerShell
from ringfence.lab.winrm.winrm_logon import AuthMethods


@dataclass(frozen=True, slots=True)
class WinRMSettings:
    """How a host's WinRM service is configured; the names are Windows' own where it has them.

    `endpoints`: JEA endpoints (NoLanguage mode, one function) by name, beside the default one. `not_administrators`: accounts
    that the default endpoint refuses; `not_elevated`: administrators with a filtered token. `pwsh`: a real PowerShell behind the
    default endpoint, in `environment`; or as `start` says for each session, behind JEA endpoints too. `silent`: a refused packet
    is dropped instead of answered with a reset.
    """

    methods: AuthMethods = field(default_factory=AuthMethods)
    max_envelope_sizekb: int = 500
    max_shells_per_user: int = 30
    max_concurrent_commands_per_shell: int = 1000
    idle_timeout: float = 7200.0
    default_endpoint: str = "Microsoft.PowerShell"
    endpoints: Mapping[str, RegisteredEndpoint] = field(default_factory=dict)
    not_administrators: frozenset[str] = frozenset()
    not_elevated: frozenset[str] = frozenset()
    pwsh: str | None = None
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    start: StartPowerShell | None = None
    scripts: Callable[[], Sequence[str]] = batch.scripts.scripts
    silent: bool = False
