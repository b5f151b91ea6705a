"""Hosts of which the guard is asked: a member of a domain with two networks, into which the controller comes from 10.99.0.1."""

from dataclasses import replace
from typing import Any

from core import FACTS, GUID, task
from hosts import PROJECT, SESSION, LabHost

from ringfence.errors import GuardRefused
from ringfence.lab import GROUP_POLICY, POLICY, NetworkAdapter, machine
from ringfence.plan.run_policy import RunPolicy
from ringfence.project.render import RenderedTask
from ringfence.report import HostResult

RUN = RunPolicy(PROJECT, run_id="20261126T115712Z-3f9a1c")
NETWORKS = (NetworkAdapter("Ethernet", GUID, addresses=("10.99.0.10/24",), profile="domain", gateways=("10.99.0.254",)),
            NetworkAdapter("Ethernet 2", FACTS["interfaces"][1]["guid"], index=5, addresses=("192.0.2.10/24",), profile="public"))


# the rules of Windows that matter here: hosts with all of them take three times as long
LETS_IN = "v2.31|Action=Allow|Active=TRUE|Dir=In|Protocol=6|"
RULES = {
    "WINRM-HTTP-In-TCP": LETS_IN + "Profile=Domain|Profile=Private|LPort=5985|App=System|Name=WinRM|",
    "WINRM-HTTP-In-TCP-PUBLIC": LETS_IN + "Profile=Public|LPort=5985|RA4=LocalSubnet|RA6=LocalSubnet|App=System|Name=WinRM|",
    "OpenSSH-Server-In-TCP": LETS_IN + r"LPort=22|App=%SystemRoot%\System32\OpenSSH\sshd.exe|Name=sshd|"}


def host(case: dict[str, Any]) -> LabHost:
    """The host of a row, as it is before its policy comes."""
    on = LabHost(RULES, on=machine("SRV1", interfaces=NETWORKS, domain="corp.example"), owns=False)
    if case.get("port") == 22:
        on.session = replace(SESSION, transport="ssh", local_port=22)
    for root, key in ((POLICY, "registry"), (GROUP_POLICY, "gpo")):
        for path, values in case.get(key, {}).items():
            for name, data in values.items():
                if data is None:
                    on.machine.registry.unset(rf"{root}\{path}", name)
                else:
                    on.machine.registry.set(rf"{root}\{path}", name, data)
    for one in case.get("first", ()):
        done = on.apply(*tasks_of([one]))
        assert done.error is None
    on.policy = RUN
    return on


def tasks_of(said: list[dict[str, Any]]) -> list[RenderedTask]:
    """Tasks; of the rules of Windows they say what they mention, as for these goes without saying."""
    return [task(kind, properties, treatment={"omitted": "keep"} if "WINRM" in str(properties.get("name")) else {})
            for one in said for kind, properties in one.items()]


def refusal(result: HostResult) -> str:
    return str(result.error) if isinstance(result.error, GuardRefused) else ""
