"""A policy of the size that the limits speak of: 300 rules a host, most of them the same everywhere, some templated."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

RULES = 300
NETWORKS = ("10.0.0.0/8", "10.20.0.0/16", "192.168.0.0/16", "172.16.0.0/12", "LocalSubnet", "10.1.4.0/28", "10.1.5.10-10.1.5.20")
SERVICES = ("W32Time", "TermService", "WinRM", "MSSQLSERVER", "W3SVC", "Spooler", "LanmanServer", "Dnscache")
PROFILES = ("domain", "private", ["domain", "private"], "any")


def tasks(changed: int = 0) -> list[dict[str, Any]]:
    """Rules as people write them; one in five holds a template, one in twenty-five depends on the host itself.

    The first `changed` of them are switched off.
    """
    off = [{"enabled": False} if i < changed else {} for i in range(RULES)]
    return [{"name": f"Rule {i}", "firewall_rule": {**dict(rule_properties(i)), **off[i]}} for i in range(RULES)]


def rule_properties(i: int) -> Iterator[tuple[str, Any]]:
    yield "name", f"corp-{i:03}"
    yield "display_name", f"Corporate service {i} of the catalogue"
    yield "description", f"Service {i}: owned by team {i % 17}, reviewed in quarter {i % 4 + 1}"
    yield "group", f"Corp group {i % 12}"
    yield "direction", "outbound" if i % 4 == 3 else "inbound"
    yield "action", "block" if i % 10 == 9 else "allow"
    yield "profile", PROFILES[i % 4]
    if i % 15 == 14:
        yield "protocol", "icmpv4"
        yield "icmp_type", ["8", f"3:{i % 16}"]
    else:
        yield "protocol", "udp" if i % 3 == 2 else "tcp"
        yield "remote_port" if i % 4 == 3 else "local_port", [1024 + i, f"{20000 + i}-{20010 + i}"] if i % 2 else 1024 + i
    yield "remote_address", _remote(i)
    if i % 3 == 0:
        yield "program", rf"%ProgramFiles%\Corp\service{i}\service{i}.exe"
    if i % 6 == 1:
        yield "service", SERVICES[i % len(SERVICES)]


def _remote(i: int) -> Any:
    if i % 25 == 5:
        return ["{{ backup_server }}", f"10.77.{i % 256}.0/24"]
    if i % 5 == 0:
        return "{{ jump_hosts }}"
    return [NETWORKS[i % len(NETWORKS)], f"10.{i % 200}.{i % 250}.{i % 255}"]


def play(changed: int = 0, each_its_own: bool = False) -> list[dict[str, Any]]:
    """The playbook. `each_its_own`: no rule of a host is like one of another host."""
    profile = {"profiles": ["domain", "private", "public"], "enabled": True, "default_inbound_action": "block"}
    rules = tasks(changed)
    for task in rules if each_its_own else ():
        task["firewall_rule"]["description"] += " on {{ inventory_hostname }}"
    return [{"name": "The corporate policy", "hosts": "all", "vars": {"jump_hosts": ["10.1.4.0/28", "10.1.5.7"]},
             "tasks": [{"name": "Profiles", "firewall_profile": profile}, *rules]}]


def host_variables(number: int) -> Mapping[str, Any]:
    """What differs from host to host."""
    return {"backup_server": f"10.200.{number // 250}.{number % 250 + 1}"}


def entries(names: Iterable[str]) -> dict[str, str]:
    """What the ledger of a host has for rules that a run made: names of values and their texts."""
    made = {"how": "created", "playbooks": ["site.yml"], "run": "20261126T115712Z-3f9a1c", "hash": "5f" * 32}
    return {f"firewall_rule|local|{name}": json.dumps(made) for name in names}


DISTINCT = 45_000  # from there on ports would be too large


def strings(count: int = 1000) -> list[tuple[str, str]]:
    """Rule strings like those of real machines: (name, string). Tokens and forms are Windows'; the first DISTINCT all differ."""
    names = (f"{{{i:08X}-2222-3333-4444-555555555555}}" if i % 2 else f"Corp-{i}-In" for i in range(count))
    return [(name, _string(i % DISTINCT)) for i, name in enumerate(names)]


def _string(i: int) -> str:
    pieces = ["Action=Block" if i % 10 == 9 else "Action=Allow", "Active=FALSE" if i % 3 == 0 else "Active=TRUE",
              "Dir=Out" if i % 4 == 3 else "Dir=In"]
    if i % 15 == 14:
        pieces += ["Protocol=1", "ICMP4=8:*"]
    elif i % 15 != 13:
        token = "RPort" if i % 4 == 3 else "LPort"
        pieces += ["Protocol=17" if i % 3 == 2 else "Protocol=6"]
        pieces += {1: ["Profile=Domain"], 2: ["Profile=Domain", "Profile=Private"]}.get(i % 4, [])
        pieces += [f"{token}={1024 + i}"] if i % 5 else [f"{token}={1024 + i}", f"{token}2_10={20000 + i}-{20010 + i}"]
    if i % 7 == 0:
        pieces += ["RA42=IntErnet", "RA62=IntErnet"]
    if i % 3 == 1:
        pieces += ["RA4=LocalSubnet", "RA6=LocalSubnet"]
    elif i % 3 == 2:
        pieces += [f"RA4=10.{i % 256}.{i // 256}.0/255.255.255.0", f"RA4=10.9.{i % 256}.7", "RA6=fe80::/64"]
    if i % 2:
        pieces += [r"App=%SystemRoot%\system32\svchost.exe", f"Svc=service{i % 40}"]
    elif i % 6 == 0:
        pieces += [rf"App=C:\Program Files\Corp\app{i}\app.exe"]
    pieces += [f"Name=@FirewallAPI.dll,-{25000 + i}", f"Desc=@FirewallAPI.dll,-{26000 + i}"]
    if i % 11 == 0:
        pieces += [f"LUOwn=S-1-5-21-1-2-3-{1000 + i % 5}", f"AppPkgId=S-1-15-2-{i}-2-3"]
    pieces += [f"EmbedCtxt=@FirewallAPI.dll,-{25000 + i % 40}"]
    if i % 11 == 0:
        pieces += ["Platform=2:6:2", "Platform2=GTEQ"]
    if i % 13 == 0 and i % 4 != 3:
        pieces += ["Edge=TRUE", "Defer=App"]
    return "v2.31|" + "|".join(pieces) + "|"
