"""A host puts the password of the connection into every text that it answers: no command shows it, in whatever form."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from cli_lab import RULES, SETTINGS, Cli, fleet

from ringfence.lab import Machine
from ringfence.lab.host_script.executor import HostScript

PASSWORD = "Ringfence-lab-1"  # of the account on simulated hosts
PLAYBOOK = """\
- hosts: all
  tasks:
    - firewall_profile: {profiles: [domain, private, public], enabled: true, default_inbound_action: block}
    - firewall_rule: {name: corp-rdp, protocol: tcp, local_port: 4000, remote_address: [10.0.0.1]}
    - firewall_rule: {name: corp-if, protocol: tcp, local_port: 3390, remote_address: [10.0.0.1], interface_alias: [Ethernet]}
    - firewall_rule: {name: corp-user, protocol: tcp, local_port: 3391, remote_address: [10.0.0.1], service: W32Time}
    - ipsec_phase1_auth_set: {name: p1, proposal: [{machine: true, kerberos: true}]}
    - ipsec_rule: {name: to-all, inbound_security: request, outbound_security: request, remote_address: [10.9.0.0/16],
                   phase1_auth_set: p1}
"""
OBJECTS = "v2.31|Action=Allow|Active=TRUE|Dir=In|Protocol=6|LPort={port}|App=C:\\{secret}\\x.exe|Name={name}|Desc=see {secret}|"
REPORTS = [word for kind in ("md", "junit", "sarif", "html", "json") for word in ("--report", f"{kind}=report.{kind}")]
COMMANDS: dict[str, list[str]] = {
    "plan": ["plan", "--full", "-o", "plan.json", *REPORTS], "plan as JSON": ["plan", "--output", "json", "-v"],
    "drift": ["drift", "--who", *REPORTS], "doctor": ["doctor", "web1"], "doctor as JSON": ["doctor", "web1", "--output", "json"],
    "status": ["status"], "status as JSON": ["status", "--output", "json"], "ledger": ["ledger", "show"],
    "ledger as JSON": ["ledger", "show", "--output", "json"], "show": ["show"], "show as JSON": ["show", "--output", "json"],
    "ping": ["ping"], "ping as JSON": ["ping", "--output", "json"], "compare-defaults": ["compare-defaults"],
    "compare-defaults as JSON": ["compare-defaults", "--output", "json"],
    "evaluate": ["evaluate", "web1", "--direction", "inbound", "--protocol", "tcp", "--local-port", "3389", "--remote-address",
                 "10.0.0.1"],
    "evaluate as JSON": ["evaluate", "web1", "--direction", "inbound", "--protocol", "tcp", "--local-port", "3389",
                         "--remote-address", "10.0.0.1", "--output", "json"],
    "apply": ["apply", "--yes", *REPORTS], "runs": ["runs", "show"], "confirm": ["confirm", "--yes"],
    "rollback": ["rollback", "--yes"]}
POLICY = ("Policy.Read", "Defaults.Read")  # what is in there the objects of the host have
ENDS = {"wire": "", "language_mode": "", "time": ""}  # facts without which nothing else would be looked at


def planted(value: Any, without: Mapping[str, Any] = {}) -> Any:
    """An answer with the password in every text, and in place of what it does not tell."""
    if isinstance(value, dict):
        return {key: member if key in without else planted(member) for key, member in value.items()}
    if isinstance(value, list):
        return [planted(member) for member in value]
    return f"{value} {PASSWORD}" if isinstance(value, str) else f"x {PASSWORD}" if value is None else value


def differing(hosts: Mapping[str, Machine]) -> None:
    """Something to say of each object: some are changed by others, and some have the secret in what they are."""
    registry = hosts["web1"].registry
    for name in ("corp-rdp", "corp-user"):
        registry.set(RULES, name, OBJECTS.format(port=1, secret=PASSWORD, name=PASSWORD))
    registry.set(RULES, f"x-{PASSWORD}", OBJECTS.format(port=2, secret=PASSWORD, name=f"x {PASSWORD}"))
    registry.set(RULES, f"odd-{PASSWORD}", f"v2.31|Action=Allow|Q={PASSWORD}|Name=odd|")
    registry.set(RULES.replace("FirewallRules", PASSWORD), PASSWORD, PASSWORD)


class Planting:
    """A host, asked over SSH, that answers one verb so. `ends`: also in facts without which nothing else is looked at."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.verb, self.ends, self.asked = "", False, set[str]()
        value = HostScript._value

        def said(script: HostScript, call: Mapping[str, Any], *rest: Any) -> str:
            verb = str(call.get("verb"))
            self.asked.add(verb)
            text = value(script, call, *rest)
            if verb != self.verb:
                return text
            return json.dumps(planted(json.loads(text), {} if self.ends else ENDS))

        monkeypatch.setattr(HostScript, "_value", said)


def seen(cli: Cli, command: list[str]) -> str:
    """Where the password is to be seen: in what is printed, in reports, plan files and records."""
    said = cli(*command)
    texts = {"output": said.out, "errors": said.err}
    files = [*cli.folder.glob("report.*"), *cli.folder.glob("plan.json"), *cli.folder.glob(".ringfence/runs/*")]
    texts |= {path.name: path.read_text(encoding="utf-8", errors="replace") for path in files}
    assert "ringfence itself failed" not in said.err
    for place, text in texts.items():
        if found := re.search(rf".{{0,80}}{PASSWORD}.{{0,20}}", text, re.IGNORECASE):
            for path in files:
                path.unlink()  # what is in one is not found again
            return f"{place}: {found[0]}"
    return ""


@pytest.mark.parametrize("name", COMMANDS)
def test_nobody_sees_it(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    cli, planting, told = Cli(tmp_path, capsys), Planting(monkeypatch), dict[str, str]()
    with fleet(cli, 1) as hosts:
        cli.write({"site.yml": PLAYBOOK, "ringfence.yml": SETTINGS})
        assert cli("apply", "--yes").code == 0
        differing(hosts)
        planting.asked = set()
        told["its policy"] = seen(cli, COMMANDS[name])
        for verb in sorted(planting.asked - {*POLICY}):
            for ends in (False, True) if verb == "Facts.Read" else (False,):
                if name == "apply":
                    differing(hosts)
                planting.verb, planting.ends = verb, ends
                told[verb] = told.get(verb) or seen(cli, COMMANDS[name])
    assert {verb: text for verb, text in told.items() if text} == {}
    assert "Facts.Read" in told or name == "runs"
