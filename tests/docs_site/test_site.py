"""The site has every page, its navigation leads to each, and links hold; `make docs` looks at anchors as well."""

import posixpath
from pathlib import Path
from typing import Any

import pytest
import yaml

from .pages import BESIDE, FENCE, FILES, LINK, ROOT, pages

PAGES = pages()
SETTINGS = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))


def leaves(entries: list[Any]) -> list[str]:
    """The pages of a navigation, in its order."""
    found: list[str] = []
    for entry in entries:
        for value in entry.values() if isinstance(entry, dict) else [entry]:
            found += leaves(value) if isinstance(value, list) else [value]
    return found


def test_the_navigation_has_every_page_once() -> None:
    assert sorted(leaves(SETTINGS["nav"])) == sorted(name for name in PAGES if not name.startswith(f"{FILES}/"))


def test_every_page_of_the_repository_is_one_of_the_site() -> None:
    assert {p.relative_to(ROOT / "docs").as_posix() for p in (ROOT / "docs").rglob("*.md")} <= set(PAGES)


@pytest.mark.parametrize("name", sorted(PAGES))
def test_links_hold_in_the_site(name: str) -> None:
    folder = posixpath.dirname(name)
    targets = [posixpath.normpath(posixpath.join(folder, link[1])) for link in LINK.finditer(FENCE.sub("", PAGES[name]))]
    assert [t for t in targets if t not in PAGES and not (ROOT / "docs" / t).is_file()] == []
    assert [t for t in targets if "/." in t] == []  # what begins with a dot is left out of a site


def test_a_link_is_rewritten_where_the_site_has_another_place(tmp_path: Path) -> None:
    (tmp_path / "docs" / "guide").mkdir(parents=True)
    (tmp_path / "playbooks").mkdir()
    (tmp_path / "playbooks" / "site.yml").write_text("- hosts: all\n", encoding="utf-8")
    (tmp_path / "README.md").write_text("[a](docs/guide/a.md#top) [p](playbooks) [w](https://example.com) [h](#here)\n"
                                        "```\n[not](a-link)\n```\n", encoding="utf-8")
    (tmp_path / "docs" / "guide" / "a.md").write_text("[home](../../README.md) [r](../../SECURITY.md)\n", encoding="utf-8")
    for name in BESIDE:
        (tmp_path / name).write_text("", encoding="utf-8")
    made = pages(tmp_path)
    assert made["index.md"] == ("[a](guide/a.md#top) [p](repository/playbooks.md) [w](https://example.com) [h](#here)\n"
                                "```\n[not](a-link)\n```\n")
    assert made["guide/a.md"] == "[home](../index.md) [r](../SECURITY.md)\n"
    assert made["repository/playbooks.md"] == "# playbooks\n\n## site.yml\n\n```yaml\n- hosts: all\n```\n"


def test_nothing_of_the_site_comes_from_elsewhere() -> None:
    assert SETTINGS["theme"]["font"] is False
    assert "extra_javascript" not in SETTINGS
