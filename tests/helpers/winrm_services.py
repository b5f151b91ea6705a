"""Services of the lab's WinRM as tests start them."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from lab_servers import OPERATOR, SCRIPT, EchoHost
from pypsrp.exceptions import WSManFaultError

from ringfence.lab.winrm.winrm_logon import AuthMethods
from ringfence.lab.winrm.winrm_server import WinRMServer
from ringfence.lab.winrm.winrm_settings import WinRMSettings

Serve = Callable[..., WinRMServer]
PLAIN = WinRMSettings(scripts=lambda: (SCRIPT,))
SEALED_ONLY = replace(PLAIN, methods=AuthMethods(unencrypted=False))
JEA = replace(PLAIN, endpoints={"Ringfence": OPERATOR})


def host_of(service: WinRMServer) -> EchoHost:
    assert isinstance(service.host, EchoHost)
    return service.host


def fault(code: int) -> Any:
    return pytest.raises(WSManFaultError, check=lambda error: error.code == code)
