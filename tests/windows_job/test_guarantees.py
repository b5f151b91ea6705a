"""The list of what only Windows can prove: its page is current, the documents link to it, and verdicts say what was seen."""

import re
from pathlib import Path

import pytest

from . import guarantees
from .guarantees import Guarantee
from .job import Job

ALL = guarantees.guarantees()


def test_the_page_is_current() -> None:
    assert (guarantees.ROOT / guarantees.PAGE).read_text("utf-8") == guarantees.page(), "run `make generate`"


@pytest.mark.parametrize("one", ALL.values(), ids=ALL)
def test_the_documents_link_to_what_they_rest_on(one: Guarantee) -> None:
    for document in one.documents:
        assert f"guarantees.md#{one.id})" in (guarantees.ROOT / document).read_text("utf-8"), document


def test_no_document_links_to_what_is_not_listed() -> None:
    documents = [*(guarantees.ROOT / "docs").rglob("*.md"), *guarantees.ROOT.glob("*.md")]
    linked = {id for file in documents for id in re.findall(r"guarantees\.md#([\w-]+)", file.read_text("utf-8"))}
    assert linked - set(ALL) == set()


def test_verdicts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    job = Job(tmp_path)
    job.saw("log-path", "local", [])
    job.saw("converges", "local", [])
    others = [*ALL.keys() - {"log-path", "converges"}]
    for id in others[1:]:
        job.not_reached(id, "local", "no such server")
    assert guarantees.run(job) == 1  # nobody has looked
    said = capsys.readouterr().out.splitlines()
    assert f"{others[0]}: no step has noted anything of it" in said
    assert f"{others[1]}, over local: not reached: no such server" in said
    job.not_reached(others[0], "local", "no such server")
    assert guarantees.run(job) == 0
    capsys.readouterr()
    assert guarantees.run(job) == 0
    job.saw("converges", "psrp-http", ["drift ended with 2"])
    assert guarantees.run(job) == 1
    said = capsys.readouterr().out.splitlines()
    assert "| log-path | PROVEN | local |" in said
    assert "| converges | REFUTED | psrp-http |" in said
    assert "converges, over psrp-http: drift ended with 2" in said
    assert "| jea-writes | NOT REACHED |  |" in said
    assert not any("no step has noted" in line for line in said)
    assert len([line for line in said if re.match(r"\| [a-z]+(-[a-z]+)* \|", line)]) == 2 * len(ALL) + 2


def test_what_is_noted_of_no_guarantee_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    job = Job(tmp_path)
    for id in ALL:
        job.saw(id, "local", [])
    assert guarantees.run(job) == 0
    job.saw("log-paths", "local", [])
    assert guarantees.run(job) == 1
    assert "log-paths: is noted, and no guarantee has this id" in capsys.readouterr().out
