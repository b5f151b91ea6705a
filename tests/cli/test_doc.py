"""`ringfence doc`: kinds and properties, as text, as data, and by way of a pager."""

import json
from pathlib import Path

import pytest
from cli_lab import Cli, on_terminal


@pytest.fixture
def cli(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Cli:
    return Cli(tmp_path, capsys)


def test_a_kind_and_a_property(cli: Cli) -> None:
    said = cli("doc", "firewall_rule")
    assert (said.code, said.err) == (0, "")
    assert said.out.startswith("firewall_rule: One rule")
    said = cli("doc", "firewall_rule", "remote_address")
    assert (said.code, said.err) == (0, "")
    assert "-RemoteAddress of New- and Set-NetFirewallRule" in said.out
    assert "proposal:\n" in cli("doc", "ipsec_phase1_auth_set", "proposal.cert").out
    assert "required" in cli("doc", "firewall_rule", "name").out
    assert "state: default" in cli("doc", "firewall_profile", "state").out


@pytest.mark.parametrize(("words", "meant"), [
    (["firewall_rules"], "firewall_rule"), (["firewall_rule", "remote_addr"], "remote_address"),
    (["ipsec_phase1_auth_set", "proposal.certs"], "proposal.cert"), (["firewall_profile", "profile"], "profiles"),
])
def test_did_you_mean(words: list[str], meant: str, cli: Cli) -> None:
    said = cli("doc", *words)
    assert (said.code, said.out) == (1, "")
    assert said.err.splitlines()[0].endswith(f"; did you mean {meant}?")


def test_data(cli: Cli) -> None:
    kind = json.loads(cli("doc", "firewall_rule", "--output", "json").out)["result"]
    assert {"type", "properties", "required", "description"} <= kind.keys()
    found = json.loads(cli("doc", "ipsec_phase1_auth_set", "proposal.authority_type", "--output", "json").out)["result"]
    assert found["kind"] == "ipsec_phase1_auth_set"
    assert found["property"] == "proposal.authority_type"
    assert (found["default"], found["parameter"], found["since"]) == ("root", "-AuthorityType", "2.10")
    assert found["schema"]["anyOf"][0] == {"enum": ["root", "intermediate"]}
    assert "authority_type: intermediate" in found["example"]
    assert json.loads(cli("doc", "firewall_rule", "state", "--output", "json").out)["result"]["default"] == "present"


PAGED = ("doc", "firewall_rule", "action")


@pytest.mark.parametrize(("arguments", "environment", "begins"), [
    (PAGED, {"PAGER": "sed 's/^/paged: /'"}, "paged: "),
    (PAGED, {"PAGER": "sed 's/^/paged: /'; exit 1"}, "paged: "),
    ((*PAGED, "--no-pager"), {"PAGER": "sed 's/^/paged: /'"}, ""),
    (PAGED, {"PAGER": "sed 's/^/paged: /'", "RINGFENCE_NO_PAGER": "1"}, ""),
    (PAGED, {"PAGER": "cat"}, ""),
    (PAGED, {"PAGER": ""}, ""),
    (PAGED, {"PAGER": "sed 's/^/paged: /'", "TERM": "dumb"}, ""),
    ((*PAGED, "--output", "json"), {"PAGER": "sed 's/^/paged: /'"}, '{"format_version"'),
])
def test_a_pager(arguments: tuple[str, ...], environment: dict[str, str], begins: str, cli: Cli) -> None:
    code, shown = on_terminal(cli, "", *arguments, **{"NO_COLOR": "1", **environment})
    assert code == 0
    assert shown.startswith(begins or "firewall_rule action")
    if not begins.startswith("{"):
        assert "-Action of New- and Set-NetFirewallRule" in shown


def test_a_pager_that_is_left_or_is_not_there(cli: Cli) -> None:
    code, shown = on_terminal(cli, "", "doc", "firewall_rule", PAGER="head -1", NO_COLOR="1")
    assert code == 0
    assert shown.startswith("firewall_rule: ")
    assert len(shown.splitlines()) == 1
    code, shown = on_terminal(cli, "", *PAGED, PAGER="no-such-program-here", NO_COLOR="1")
    assert code == 0
    assert "-Action of New- and Set-NetFirewallRule" in shown


def test_without_a_terminal_there_is_no_pager(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAGER", "sed 's/^/paged: /'")
    assert "paged" not in cli(*PAGED).out
