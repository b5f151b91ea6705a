"""The HTML report of real runs over simulated hosts: what each command writes."""

from pathlib import Path

import pytest
from cli_lab import RULES, Cli, fleet, undisturbed
from html_reading import ReadPage, changes_of


@pytest.fixture
def cli(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Cli:
    return undisturbed(tmp_path, capsys, monkeypatch, {})


def read(cli: Cli) -> ReadPage:
    return ReadPage((cli.folder / "run.html").read_text(encoding="utf-8"))


def test_the_page_of_each_command(cli: Cli) -> None:
    report = ("--report", "html=run.html")
    with fleet(cli, 3) as hosts:
        assert cli("validate", *report).code == 0
        assert read(cli).items("facts") == ["no mistakes: 15 declarations for 3 hosts"]

        assert cli("plan", *report).code == 0
        page = read(cli)
        assert page.items("facts")[0].startswith("3 of 3 reached hosts would be changed: ")
        assert "ringfence apply" in page.text
        assert changes_of(page.data).keys() == {"web1", "pc2", "web3"}
        assert page.data["groups"] == [["servers", [1, 2]], ["workstations", [0, 1]]]
        (rdp,) = [row for row in page.rows if "corp-rdp" in row[1]]
        assert rdp[2].startswith("allow inbound tcp 3389 from 10.0.0.1, 10.0.0.3, any profile")
        assert rdp[3] == "site.yml:4"

        assert cli("apply", "--yes", *report).code == 0
        page = read(cli)
        assert page.title.startswith("ringfence apply · test · ")
        assert page.items("facts")[0].startswith("3 of 3 reached hosts were changed: ")
        made, proven = (page.data["host_fields"].index(name) for name in ("made", "proven"))
        assert {(host[made], host[proven]) for host in page.data["hosts"]} == {(1, 1)}

        hosts["web1"].registry.unset(RULES, "corp-rdp")
        assert cli("drift", *report).code == 2
        page = read(cli)
        assert page.items("facts") == ["1 of 3 reached hosts is not as declared; 2 in sync: 1 difference"]
        assert [row[0] for row in page.rows if "corp-rdp" in row[1]] == ["− MISSING"]
        assert ["web1", "≠ drifted"] in [row[:2] for row in page.rows]

        assert cli("compare-defaults", *report).code in (0, 2)
        page = read(cli)
        assert page.items("facts")[0].startswith("3 of 3 reached hosts are not as Windows ships them: ")
        assert [row[0] for row in page.rows if "corp-rdp" in row[1]] == ["+ added"]


def test_mistakes_are_a_page(cli: Cli) -> None:
    with fleet(cli, 1):
        cli.write({"site.yml": "- hosts: all\n  tasks:\n    - firewall_rule: {name: a, protocl: tcp}\n"})
        for words in ("validate", "drift"):
            assert cli(words, "--report", "html=run.html").code == 1
            page = read(cli)
            assert page.items("facts") == ["ended before its end: 1 mistake"]
            (row,) = [row for row in page.rows if row[0] == "✗ error"]
            assert row[1] == "site.yml:3"
            assert "protocl" in row[2]


def test_an_error_that_is_no_mistake_of_a_file_is_told_too(cli: Cli) -> None:
    with fleet(cli, 1):
        found = cli("apply", "--report", "html=run.html")  # nobody is there to be asked
        assert found.code == 1
        assert read(cli).items("facts") == ["ended before its end"]
        assert "--yes" in " ".join(row[2] for row in read(cli).rows if row[0] == "✗ error")
