"""What the pages say for pipelines is a workflow of GitHub or a file of GitLab, as far as that is known without them."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from .blocks import PAGES, Block, blocks

YAML = [block for page in PAGES for block in blocks(page) if block.language == "yaml"]
WORKFLOWS = [block for block in YAML if "runs-on:" in block.text]
GITLAB = [block for block in YAML if re.search("^  script:$", block.text, re.MULTILINE)]


def name(block: Block) -> str:
    return f"{block.page}:{block.line}"


def test_there_are_some() -> None:
    assert len(WORKFLOWS) >= 2
    assert len(GITLAB) >= 3


@pytest.mark.parametrize("block", WORKFLOWS, ids=name)
def test_a_workflow_of_github(block: Block, tmp_path: Path) -> None:
    (tmp_path / "firewall.yml").write_text(block.text.replace("[self-hosted, firewall]", "ubuntu-latest"), encoding="utf-8")
    looked = subprocess.run([Path(sys.executable).with_name("actionlint"), "firewall.yml"], cwd=tmp_path, capture_output=True,
                            text=True, check=False)
    assert (looked.returncode, looked.stdout) == (0, "")


@pytest.mark.parametrize("block", GITLAB, ids=name)
def test_jobs_of_gitlab(block: Block) -> None:
    """Each has a script that is lines, and keeps the files that ringfence writes there."""
    jobs: dict[str, Any] = yaml.safe_load(block.text)
    for job in jobs.values():
        assert all(isinstance(line, str) for line in job["script"])
        kept = job.get("artifacts", {})
        kept = {*kept.get("paths", ()), *kept.get("reports", {}).values()}
        written = re.findall(r"(?:--report \w+=|-o )(\S+)", "\n".join(job["script"]))
        assert set(written) == kept


@pytest.mark.parametrize("block", YAML, ids=name)
def test_yaml_is_yaml(block: Block) -> None:
    assert yaml.compose(block.text) is not None
