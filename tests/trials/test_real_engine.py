"""Some trials with a real PowerShell on the host, reached over a real WinRM: what the host script does is no imitation there."""

from collections.abc import Callable
from pathlib import Path

import pytest
from cli_lab import Cli, fleet
from host_script import PWSH, needs_pwsh
from hosts import stored_policy

from ringfence.lab import CarriesOn, PowerLost

pytestmark = needs_pwsh

ADDS = """\
- hosts: all
  tasks:
    - firewall_rule: {name: one, protocol: tcp, local_port: 7001, remote_address: 10.0.0.0/8}
    - firewall_rule: {name: two, protocol: tcp, local_port: 7002, remote_address: 10.0.0.0/8}
"""
LOCKS_OUT = ADDS + "    - firewall_rule: {name: oops, action: block, protocol: tcp, local_port: any, remote_address: any}\n"


@pytest.fixture
def cli(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Cli:
    return Cli(tmp_path, capsys)


def at_write(number: int, happens: Callable[[], None]) -> Callable[[int, str], None]:
    """What happens before the so manieth call that writes a rule."""
    left = [number]

    def before(call: int, what: str) -> None:
        if what == "New-NetFirewallRule":
            left[0] -= 1
            if left[0] == 0:
                happens()

    return before


def fails(error: Exception) -> Callable[[], None]:
    def happens() -> None:
        raise error

    return happens


FAULTS: dict[str, tuple[str, Exception | None]] = {
    "locked out": (LOCKS_OUT, None), "it goes on alone": (ADDS, CarriesOn()), "power is lost": (ADDS, PowerLost())}


@pytest.mark.parametrize("name", FAULTS)
def test_the_host_has_its_old_policy_or_the_new_one(name: str, cli: Cli) -> None:
    site, error = FAULTS[name]
    with fleet(cli, 1, transport="psrp", pwsh=PWSH) as hosts:
        cli.write({"site.yml": site})
        (web1,) = hosts.values()
        old = stored_policy(web1)
        if error is not None:
            web1.faults.before_call = at_write(2, fails(error))
            if isinstance(error, PowerLost):
                web1.clock.call_in(60, web1.power_on)
        said = cli("apply", "--yes", "--force", "lockout")
        web1.faults.before_call = None
        assert ("restored" in said.out) is (name != "it goes on alone"), said.out
        if not web1.is_on:
            web1.power_on()
        web1.clock.advance(7200)
        there = stored_policy(web1)
        assert said.code == (0 if there != old else 6), said.out
        assert cli("drift").code in (0, 2)
        if there != old:
            assert {"one", "two"} <= {n.rpartition("\\")[2] for n in there}
        assert not web1.tasks.tasks()
