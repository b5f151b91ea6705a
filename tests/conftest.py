"""Fixtures that several rooms use."""

import logging
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from host_script import PWSH
from kerberos_realm import running_realm
from lab_servers import EchoHost
from winrm_services import PLAIN, Serve

from ringfence.lab.listeners import Acceptor
from ringfence.lab.winrm.winrm_server import WinRMServer
from ringfence.lab.winrm.winrm_settings import WinRMSettings

# Tests start the program some hundred times: it is compiled once, not each time, whatever the surroundings say.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that need a PowerShell are skipped where there is none."""
    for item in items:
        if PWSH is None and item.get_closest_marker("powershell"):
            item.add_marker(pytest.mark.skip(reason="no pwsh on the PATH"))


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Services that are closed at the end, and with them every thread."""
    before = set(threading.enumerate())
    services: list[WinRMServer] = []
    with Acceptor() as gate:
        def start(host: EchoHost | None = None, settings: WinRMSettings = PLAIN, **more: Any) -> WinRMServer:
            services.append(WinRMServer(gate, host or EchoHost(), settings, **more))
            return services[-1]
        yield start
        for service in services:
            service.close()
    assert set(threading.enumerate()) <= before


@pytest.fixture
def no_noise(caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> Iterator[None]:
    """Nothing of paramiko reaches logs or standard error."""
    caplog.set_level(logging.DEBUG)
    logging.getLogger("faulty").setLevel(logging.CRITICAL + 1)
    yield
    assert [r for r in caplog.records if not r.name.startswith("ringfence")] == []
    assert capfd.readouterr().err == ""


@pytest.fixture(scope="module")
def realm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A realm of Kerberos with a real KDC, in a folder."""
    with running_realm(tmp_path_factory.mktemp("realm")) as directory:
        yield directory
