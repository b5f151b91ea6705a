"""What the README tells a newcomer to do works, in the order in which it is told, and what it points at is there."""

import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from cli_lab import SMALL_PROJECT, Cli, environment, undisturbed

ROOT = Path(__file__).parents[1]
DOCUMENTS = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")] + sorted(
    p for p in (ROOT / "docs").rglob("*.md") if "reference" not in p.parts)
TOUR = "## Five minutes"


def commands(text: str) -> list[str]:
    """The lines of code blocks that call the program, without comments."""
    blocks = re.findall(r"^ *```\n(.*?)^ *```$", text, re.DOTALL | re.MULTILINE)
    lines = [line.partition("#")[0].strip() for block in blocks for line in block.splitlines()]
    return [line for line in lines if line.startswith("ringfence")]


def test_the_tour(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = commands((ROOT / "README.md").read_text(encoding="utf-8").partition(TOUR)[2])
    assert told == ["ringfence init my-policy && cd my-policy", "ringfence validate",
                    "ringfence lab up --hosts 3 --inventory inventory/lab.yml", "ringfence plan -i inventory/lab.yml",
                    "ringfence apply -i inventory/lab.yml", "ringfence apply -i inventory/lab.yml",
                    "ringfence drift -i inventory/lab.yml"]
    cli = Cli(tmp_path, capsys)
    assert cli("init", "my-policy").code == 0
    cli.folder = tmp_path / "my-policy"
    assert cli("validate").code == 0
    with subprocess.Popen([sys.executable, "-m", "ringfence.cli", *told[2].split()[1:]], cwd=cli.folder, env=environment(),
                          stderr=subprocess.PIPE, text=True) as lab:
        try:
            assert lab.stderr
            assert "3 hosts up" in lab.stderr.readline()
            results = [cli(*line.split()[1:], *(["--yes"] if " apply " in line else [])) for line in told[3:]]
            assert [r.code for r in results] == [0, 0, 0, 0]
            assert [("in sync; 0 changes" in r.out, "0 of 3 hosts drifted" in r.out) for r in results] == [
                (False, False), (False, False), (True, False), (False, True)]
            reviewed = cli("plan", "-i", "inventory/lab.yml", "-o", "site.plan.json")
            assert reviewed.code == 0
            assert cli("apply", "site.plan.json", "--yes").code == 0
            lab.send_signal(signal.SIGINT)
            assert lab.wait(20) == 0
        finally:
            lab.kill()  # an assertion that fails must not wait for a lab that runs for ever


def test_every_command_in_the_documents_is_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cli = Cli(tmp_path, capsys)
    said = {name for document in DOCUMENTS for name in re.findall(r"`ringfence ([a-z-]+)", document.read_text(encoding="utf-8"))}
    assert [name for name in sorted(said) if cli(name, "--help").code != 0] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda p: str(p.relative_to(ROOT)))
def test_playbooks_in_the_documents_are_valid(document: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cli = Cli(tmp_path, capsys)
    for block in re.findall(r"^```yaml\n(- .*?)^```$", document.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE):
        cli.write({"site.yml": block, "hosts.yml": "all: {children: {web: {hosts: {web1: }}, staging: {}}}\n"})
        said = cli("validate", "-i", "hosts.yml", "-e", "jump_hosts=10.1.4.0/28", "site.yml")
        assert (said.code, said.err) == (0, ""), block


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_lead_somewhere(document: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)[^)]*\)", document.read_text(encoding="utf-8"))
    missing = [link for link in links if "://" not in link and not (document.parent / link).exists()]
    assert missing == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda p: str(p.relative_to(ROOT)))
def test_files_that_are_named_exist(document: Path) -> None:
    """Paths in `code` that begin with a folder of the repository."""
    named = re.findall(r"`((?:src|tests|docs|modules|schemas|playbooks|inventory|\.ci|\.github)/[\w./-]+)`",
                       document.read_text(encoding="utf-8"))
    examples = ("inventory/lab.yml", "inventory/hosts.yml", "inventory/group_vars/all.yml")
    assert [name for name in named if name not in examples and not (ROOT / name).exists()] == []


REPORTS_GUIDE = (ROOT / "docs" / "guide" / "reports.md").read_text(encoding="utf-8")


def test_the_workflow_of_the_guide_to_reports_is_one(tmp_path: Path) -> None:
    github, gitlab = re.findall(r"^```yaml\n(.*?)^```$", REPORTS_GUIDE, re.DOTALL | re.MULTILINE)
    (tmp_path / "firewall.yml").write_text(github.replace("[self-hosted, firewall]", "ubuntu-latest"), encoding="utf-8")
    looked = subprocess.run([Path(sys.executable).with_name("actionlint"), "firewall.yml"], cwd=tmp_path, capture_output=True,
                            text=True, check=False)
    assert (looked.returncode, looked.stdout) == (0, "")
    assert yaml.safe_load(gitlab)["drift"]["artifacts"]["reports"]["junit"] == "drift.xml"


def test_the_commands_of_the_guide_to_reports_are_understood(tmp_path: Path, capsys: pytest.CaptureFixture[str],
                                                             monkeypatch: pytest.MonkeyPatch) -> None:
    down = "all: {hosts: {web1: {ansible_host: 127.0.0.1, ansible_port: 1, ansible_connection: ssh}}}\n"
    cli = undisturbed(tmp_path, capsys, monkeypatch, SMALL_PROJECT | {"hosts.yml": down})
    called = re.findall(r"(?:^|run: |- |`)ringfence ([^`\n]*--report[^`\n]*)", REPORTS_GUIDE, re.MULTILINE)
    assert len(called) == 4
    for words in called:
        assert cli(*words.split()).code in (0, 5), words
