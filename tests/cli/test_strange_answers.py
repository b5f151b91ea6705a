"""Answers of a host with values of a wrong type, wherever they may stand: no command fails, and none fails for the others."""

import json
import os
from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from chance import rounds
from cli_lab import Cli, fleet
from strange_values import made_strange

from ringfence.batch import MAX_REPLY, Answer, Batch, Call, Reply

PLAYBOOK = """\
- hosts: all
  tasks:
    - firewall_profile: {profiles: [domain, private, public], enabled: true, default_inbound_action: block}
    - firewall_rule: {name: a, protocol: tcp, local_port: PORT, remote_address: [10.0.0.1]}
    - firewall_rule: {name: b, protocol: tcp, local_port: 3390, remote_address: [10.0.0.1], interface_alias: [Ethernet]}
    - firewall_rule: {name: c, protocol: tcp, local_port: 3391, remote_address: [10.0.0.1], service: W32Time}
"""
EVALUATE = ("evaluate", "all", "--direction", "inbound", "--protocol", "tcp", "--local-port", "3389",
            "--remote-address", "10.0.0.1")
COMMANDS = (("plan", "--full"), ("apply", "--yes", "--window", "00:00-23:59"), ("show",), EVALUATE, ("status",), ("ping",),
            ("doctor", "pc2"), ("drift", "--who"), ("compare-defaults",))
SAYING = {"Facts.Read", "Conditions.Read", "Interfaces.Read", "Management.Read", "Services.Read", "Domain.Read",
          "Account.Resolve", "Session.Read", "Surroundings.Read"}


@pytest.fixture
def cli(tmp_path: Any, capsys: pytest.CaptureFixture[str]) -> Cli:
    return Cli(tmp_path, capsys)


def answering(monkeypatch: pytest.MonkeyPatch, change: Callable[[Call, Answer], Answer]) -> None:
    """What hosts answer becomes what `change` makes of it."""
    decode = Batch.decode

    def strangely(self: Batch, output: Any, limit: int = MAX_REPLY) -> Reply:
        found = decode(self, output, limit)
        return Reply({label: change(self.calls[label], answer) for label, answer in found.answers.items()})

    monkeypatch.setattr(Batch, "decode", strangely)


@pytest.mark.chance
def test_no_answer_fails_a_command(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    random = Random(int.from_bytes(os.urandom(4)))
    told: list[Any] = []

    def change(call: Call, answer: Answer) -> Answer:
        if call.verb not in SAYING or answer.error or random.random() < 0.5:
            return answer
        strange = made_strange(random, answer.value)
        told.append((call.verb, strange))
        return Answer(strange)

    with fleet(cli, 2):
        answering(monkeypatch, change)
        for number in range(rounds(160)):
            cli.write({"site.yml": PLAYBOOK.replace("PORT", str(4000 + number % 2))})
            command = random.choice(COMMANDS)
            told.clear()
            said = cli(*command)
            shown = said.out + said.err
            assert "ringfence itself failed" not in shown, (command, repr(told)[:5000], shown[-800:])


def test_one_host_of_strange_interfaces_among_others(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def change(call: Call, answer: Answer) -> Answer:
        if call.verb == "Interfaces.Read" and not answer.error:
            return Answer({"interfaces": [{"alias": "Ethernet", "guid": "{A}", "profile": ["x"]}]})
        return answer

    with fleet(cli, 3):
        answering(monkeypatch, change)
        said = cli("show", "--output", "json")
    assert (said.code, len(json.loads(said.out)["result"]["hosts"])) == (0, 3)
