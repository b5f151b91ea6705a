"""evaluate --of declared, where some of what is declared waits for facts: never surer than what is known."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from cli_lab import Cli, fleet
from documents import hosts_in

CASES = yaml.safe_load((Path(__file__).parents[1] / "cases" / "awaited.yml").read_text(encoding="utf-8"))
BLOCKS = {"firewall_profile": {"profiles": ["domain", "private", "public"], "enabled": True, "default_inbound_action": "block"}}
ASKED = ("evaluate", "web1", "--direction", "inbound", "--protocol", "tcp", "--local-port", "95", "--remote-address", "8.8.8.8",
         "--program", r"C:\x.exe", "--service", "none", "--security", "clear")


@pytest.fixture
def cli(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Cli:
    return Cli(tmp_path, capsys)


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case["what"]))
def test_what_waits_for_facts_is_not_known(case: dict[str, Any], cli: Cli) -> None:
    """The host, whose facts are known, has the last word: what it says was one of the answers."""
    with fleet(cli, 1, transport="ssh"):
        first = [{"hosts": "all", "tasks": [BLOCKS]}] if case.get("blocks", True) else []
        play = {"hosts": "all", "tasks": case["tasks"], **case.get("play", {})}
        cli.write({"site.yml": json.dumps([*first, play]), "web1.yml": "{}\n"})
        for profile in ("private", "public"):
            asked = (*ASKED, "--profile", profile, "--output", "json")
            of = {of: hosts_in(cli(*asked, "--of", of).out, "evaluation")["web1"] for of in ("declared", "planned")}
            declared, planned = of["declared"], of["planned"]
            assert (declared["status"], declared["verdict"]) == ("reachable", case["verdict"]), declared
            assert declared["verdict"] in ("unknown", planned["verdict"]), of
            told = json.dumps(declared["not_known"])
            for name in case.get("names", ()):
                assert name in told, told
            assert bool(case.get("names")) == ("waits for facts of the host (site.yml:1)" in told)


def test_a_gate_is_not_green_by_what_waits(cli: Cli) -> None:
    """No host is asked, and none is there; the place that waits is named."""
    cli.write({"ringfence.yml": "inventory: hosts.yml\nplaybooks: site.yml\n", "hosts.yml": "all: {hosts: {web1: }}\n",
               "site.yml": "- hosts: all\n  tasks:\n    - firewall_profile: {profiles: [domain, private, public], enabled: true, "
               "default_inbound_action: block}\n    - firewall_rule:\n        name: opened\n        protocol: tcp\n        "
               "local_port: 95\n        remote_address: any\n        description: on {{ ansible_facts.hostname }}\n"})
    for expected in ("allow", "block"):
        said = cli(*ASKED, "--of", "declared", "--expect", expected)
        assert said.code == 7, said
        assert "web1: unknown" in said.out
        assert "firewall_rule opened; not known: what waits for facts of the host (site.yml:9)" in said.out
