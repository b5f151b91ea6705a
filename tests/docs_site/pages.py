"""The pages of the site: docs/ and what lies beside it, with links that hold in the site as they do in the repository.

The README is the first page. A link to a folder or a file of the repository that is no page leads to a page with its content.
"""

import posixpath
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
BESIDE = ("CONTRIBUTING.md", "RELEASING.md", "SECURITY.md", "CHANGELOG.md")
FILES = "repository"  # what is shown of the repository, and is no page of its own
LINK = re.compile(r"(?<=\]\()(?![a-z]+:|#)([^)#\s]+)(#[^)\s]*)?(?=\))")
FENCE = re.compile(r"^ *```.*?^ *```$", re.DOTALL | re.MULTILINE)
LANGUAGES = {".yml": "yaml", ".ps1": "powershell", ".json": "json"}


def pages(root: Path = ROOT) -> dict[str, str]:
    """{path in the site: Markdown}."""
    sources = ["README.md", *BESIDE, *(p.relative_to(root).as_posix() for p in sorted((root / "docs").rglob("*.md")))]
    outside: set[str] = set()
    made = {place(name): relinked((root / name).read_text(encoding="utf-8"), name, root, outside) for name in sources}
    return made | {place(name, root): shown(root / name, name) for name in sorted(outside)}


def place(name: str, root: Path = ROOT) -> str:
    """Where in the site a file or folder of the repository is."""
    if name == "README.md":
        return "index.md"
    if name in BESIDE:
        return name
    path = root / name
    if name.startswith("docs/") and path.suffix in (".md", ".png", ".svg"):
        return name.removeprefix("docs/")
    return f"{FILES}/{name}.md"


def relinked(text: str, name: str, root: Path, outside: set[str]) -> str:
    """The Markdown of a page, its links as the site has them. What they lead to outside of the pages is added to `outside`."""
    here, folder = posixpath.dirname(place(name, root)), posixpath.dirname(name)

    def link(match: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(folder, match[1]))
        there = place(target, root)
        if there.startswith(f"{FILES}/"):
            outside.add(target)
        return posixpath.relpath(there, here or ".") + (match[2] or "")

    parts, end = [], 0
    for fence in FENCE.finditer(text):
        parts += [LINK.sub(link, text[end:fence.start()]), fence[0]]
        end = fence.end()
    return "".join([*parts, LINK.sub(link, text[end:])])


def shown(path: Path, name: str) -> str:
    """A page with a file, or with the files of a folder."""
    files = [p for p in sorted(path.rglob("*")) if p.is_file() and "__pycache__" not in p.parts] if path.is_dir() else [path]
    lines = [f"# {name}", ""]
    for file in files:
        if file != path:
            lines += [f"## {file.relative_to(path).as_posix()}", ""]
        fence = "````" if "```" in (text := file.read_text(encoding="utf-8")) else "```"
        lines += [f"{fence}{LANGUAGES.get(file.suffix, 'text')}", text.rstrip("\n"), fence, ""]
    return "\n".join(lines)
