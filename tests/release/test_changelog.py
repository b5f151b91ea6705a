"""Version, changelog, tag and day have to agree before anything is built; so must the form, always."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from ringfence import __version__

from . import changelog, steps
from .changelog import Disagreement

ROOT = Path(__file__).parents[2]
CASES = yaml.safe_load((ROOT / "tests" / "cases" / "changelogs.yml").read_text(encoding="utf-8"))
TITLE = "# Changes\n\nSome words.\n\n"
DAY = date(2026, 12, 3)
GOOD = TITLE + CASES[0]["sections"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: (case.get("form") or [case.get("release", "good")])[0][:70])
def test_form_and_release(case: dict[str, Any]) -> None:
    text = TITLE + case["sections"]
    form, release = case.get("form", []), case.get("release", "")
    assert changelog.mistakes(text, "1.2.0") == form
    if not (form or release):
        assert changelog.released(text, "1.2.0", "v1.2.0", DAY).body == "### Added\n\n- A thing.\n"
        return
    with pytest.raises(Disagreement) as refused:
        changelog.released(text, "1.2.0", "v1.2.0", DAY)
    assert str(refused.value) == (release or "\n".join(form))


@pytest.mark.parametrize(("version", "tag", "why"), [
    ("1.2.0", "v1.2.1", "the tag is v1.2.1, the package's version 1.2.0"),
    ("1.2.0", "1.2.0", "the tag is 1.2.0, the package's version 1.2.0"),
    ("1.3.0b1", "v1.3.0b1", "1.3.0b1 is neither a release nor a candidate (rc) of one"),
    ("1.3.0.dev1", "v1.3.0.dev1", "1.3.0.dev1 is neither a release nor a candidate (rc) of one"),
    ("1.3.0rc1", "v1.3.0rc1", ""),
])
def test_a_tag_is_that_of_the_version(version: str, tag: str, why: str) -> None:
    text = GOOD.replace("## 1.2.0 ", f"## {version} ")
    if why:
        with pytest.raises(Disagreement) as refused:
            changelog.released(text, version, tag, DAY)
        assert str(refused.value) == why
    else:
        assert changelog.released(text, version, tag, DAY).name == version


def test_a_release_is_prepared_of_what_is_unreleased() -> None:
    text = GOOD.replace("## Unreleased\n", "## Unreleased\n\n### Fixed\n\n- New.\n")
    made = changelog.prepared(text, "1.2.1", DAY)
    assert changelog.released(made, "1.2.1", "v1.2.1", DAY).body == "### Fixed\n\n- New.\n"
    assert [section.name for section in changelog.sections(made)] == ["Unreleased", "1.2.1", "1.2.0", "1.1.10", "1.1.9"]
    for version, why in (("1.2.0", "1.2.0 is not newer than 1.2.0"), ("1.1.11", "1.1.11 is not newer than 1.2.0")):
        with pytest.raises(Disagreement, match=why):
            changelog.prepared(text, version, DAY)
    with pytest.raises(Disagreement, match="nothing stands under Unreleased"):
        changelog.prepared(made, "1.2.2", DAY)


def test_notes_lead_to_the_files_of_the_tag() -> None:
    section = changelog.Section("1.2.0 - 2026-12-03", 7, "- [a](docs/a.md#b), [c](https://example.com), [d](#e)\n")
    assert changelog.notes(section, "https://github.com/o/r/blob/v1.2.0") == (
        "- [a](https://github.com/o/r/blob/v1.2.0/docs/a.md#b), [c](https://example.com), [d](#e)\n")


def test_ours() -> None:
    steps.check()
    assert steps.version() == __version__
