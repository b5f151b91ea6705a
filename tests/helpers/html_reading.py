"""Reading a page of the HTML report without a browser: its elements, its tables as texts, and the data that its program reads."""

import base64
import gzip
import json
from html.parser import HTMLParser
from typing import Any

VOID = {"meta", "link", "br", "input", "rect"} - {"rect"}


class ReadPage(HTMLParser):
    """A page, taken apart. open: elements that nobody closed · rows: the texts of the cells of each line of a table."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[tuple[dict[str, str | None], str]] = []
        self.comments: list[str] = []
        self.open: list[str] = []
        self.rows: list[list[str]] = []
        self.lists: dict[str, list[str]] = {}
        self.style = self.title = self.text = self.policy = ""
        self._list = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        assert len(attributes) == len(attrs), f"an attribute twice: {attrs}"
        self.elements.append((tag, attributes))
        if tag not in VOID:
            self.open.append(tag)
        if tag == "script":
            self.scripts.append((attributes, ""))
        elif tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th") and self.rows:
            self.rows[-1].append("")
        elif tag == "ul":
            self._list = attributes.get("class") or ""
        elif tag == "li":
            self.lists.setdefault(self._list, []).append("")
        elif tag == "meta" and attributes.get("http-equiv") == "Content-Security-Policy":
            self.policy = attributes["content"] or ""

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open[-1] == tag, f"</{tag}> closes <{self.open[-1]}>"
        self.open.pop()
        if tag in ("bdi", "div", "li", "span", "b") and ("td" in self.open or "th" in self.open) and self.rows:
            self.rows[-1][-1] += " "

    def handle_data(self, data: str) -> None:
        inside = self.open[-1] if self.open else ""
        if inside == "script":
            attributes, text = self.scripts[-1]
            self.scripts[-1] = attributes, text + data
            return
        if inside == "style":
            self.style += data
            return
        if inside == "title":
            self.title += data
        self.text += data
        if "td" in self.open or "th" in self.open:
            self.rows[-1][-1] += data
        if "li" in self.open and self._list:
            self.lists[self._list][-1] += data

    def handle_comment(self, data: str) -> None:
        self.comments.append(data)

    def close(self) -> None:
        super().close()
        self.rows = [[" ".join(cell.split()) for cell in row] for row in self.rows]

    def items(self, name: str) -> list[str]:
        """The texts of the members of a list of this class, without the sign before each."""
        return [" ".join(text.split()[1:]) for text in self.lists[name]]

    @property
    def encoding(self) -> str:
        """How the data are written."""
        return next(a.get("data-encoding") or "" for a, _ in self.scripts if a.get("type") == "application/json")

    @property
    def data(self) -> dict[str, Any]:
        """What the program of the page reads."""
        text = next(text for a, text in self.scripts if a.get("type") == "application/json")
        found = json.loads(gzip.decompress(base64.b64decode(text)) if self.encoding else text)
        assert isinstance(found, dict)
        return found


def patched(cells: list[Any], patch: list[Any]) -> list[Any]:
    """The cells that a patch of the page makes of others."""
    made = list(cells)
    for number, cell in zip(patch[::2], patch[1::2], strict=True):
        if number == -1:
            made = (made + [None] * cell)[:cell]
        else:
            made[number] = cell
    return made


def changes_of(data: dict[str, Any], table: str = "changes") -> dict[str, dict[str, list[Any]]]:
    """{host: {name of an object: cells}} of a table of the page."""
    found: dict[str, dict[str, list[Any]]] = {}
    for _, _, name, _, family, patch, sets, patches, _ in data[table]["rows"]:
        base = patched(data[table]["families"][family], patch)
        for number, own in zip(sets, patches, strict=True):
            runs = data[table]["sets"][number]
            for first, many in zip(runs[::2], runs[1::2], strict=True):
                for host in range(first, first + many):
                    found.setdefault(data["hosts"][host][0], {})[name] = patched(base, own)
    return found
