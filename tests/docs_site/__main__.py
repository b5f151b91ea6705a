"""`python -m tests.docs_site`: the sources of the site into build/docs, from which `make docs` builds it."""

import shutil

from .pages import ROOT, pages

SOURCES = ROOT / "build" / "docs"

shutil.rmtree(SOURCES, ignore_errors=True)
for name, text in pages().items():
    (SOURCES / name).parent.mkdir(parents=True, exist_ok=True)
    (SOURCES / name).write_text(text, encoding="utf-8")
shutil.copytree(ROOT / "docs" / "images", SOURCES / "images")
