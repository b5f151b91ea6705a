"""What the README and the pages beside it point at is there, and the playbooks in them are right."""

import re
from pathlib import Path

import pytest
from cli_lab import Cli

ROOT = Path(__file__).parents[1]
HOSTS = "all: {children: {web: {hosts: {web1: }}, databases: {hosts: {db1: }}, staging: {}}}\n"
DOCUMENTS = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")] + sorted(
    p for p in (ROOT / "docs").rglob("*.md") if "reference" not in p.parts)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda p: str(p.relative_to(ROOT)))
def test_playbooks_in_the_documents_are_valid(document: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cli = Cli(tmp_path, capsys)
    for block in re.findall(r"^```yaml\n(- .*?)^```$", document.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE):
        cli.write({"site.yml": block, "hosts.yml": HOSTS})
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
