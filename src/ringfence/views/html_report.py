"""A run as one page that needs nothing but a browser: no network, no other file, and without JavaScript still the facts.

The page holds its data as JSON, and a program of ours that makes lists and a table of hosts and objects of it. What hosts and
playbooks say stands in texts alone: the policy of the page (Content-Security-Policy) allows no other program than that one, by
its digest, and refuses whatever would be read as HTML (Trusted Types).
"""

import base64
import hashlib
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from ringfence.diagnostics import Diagnostic
from ringfence.errors import ExitCode
from ringfence.formats.data import encode
from ringfence.report import HostResult, Report
from ringfence.views.change_words import GONE
from ringfence.views.html_cells import FIELDS
from ringfence.views.html_data import HOST_FIELDS, ReportData, TableText
from ringfence.views.html_tables import PlacedHosts, page_head, page_tables, problems_of
from ringfence.views.html_words import COMMAND_WORDS, LEVELS, SEVERITIES, ToneWord
from ringfence.views.view import ViewOptions

if TYPE_CHECKING:
    from jinja2 import Template

MAX_PAGE = 5_000_000  # bytes of a page; details that would make it larger are left out
MAX_REMAINING = 20_000  # variants of what still differs after a change that are described
MAX_PLAIN = 100_000  # characters of data that stand in the page as they are; more is compressed
_SCRIPTS = ("model.js", "parts.js", "lists.js", "grid.js", "page.js")


class HtmlReport:
    """The page of one run."""

    def __init__(self, options: ViewOptions) -> None:
        self._options = options
        # a check is a plan, by another name
        self._words = COMMAND_WORDS.get(options.run.command, COMMAND_WORDS["plan"])
        self._data = ReportData(self._words.word_of, options.full, self._words.orphans)
        self._warnings: Sequence[Diagnostic] = ()

    def begin(self, warnings: Sequence[Diagnostic]) -> str:
        self._warnings = warnings
        return ""

    def host(self, result: HostResult) -> str:
        self._data.add(result)
        return ""

    def end(self, report: Report, seconds: float, exit_code: ExitCode) -> str:
        hosts = PlacedHosts(self._data, self._options.groups)
        notes = (*self._warnings, *problems_of(report))
        page = page_head(self._options, self._words, report, seconds, exit_code, notes, hosts.away, self._data.words[GONE])
        page |= page_tables(self._data, hosts, self._words)
        described = sum(len(row.known) for row in self._data.changes.rows.values())
        while True:
            changes = TableText(self._data.changes, hosts.moved, hosts.labels, described)
            packed = _PackedData(self._json(hosts, changes))
            text = _rendered(page | {"left_out": changes.left_out}, packed)
            if len(text) <= MAX_PAGE or not described:
                return text
            described = int(described * 0.9 * MAX_PAGE / len(text)) if described > 100 else 0

    def _json(self, hosts: PlacedHosts, changes: TableText) -> Iterator[str]:
        """The data of the page, in pieces."""
        data, words = self._data, self._words
        tones: dict[str, Mapping[Any, ToneWord]] = {"changes": words.changes, "statuses": words.statuses,
                                                    "severities": SEVERITIES, "levels": LEVELS}
        said = {**{name: _plain_words(table) for name, table in tones.items()}, "heading": words.heading, "writes": words.writes,
                "drift": words.drift, "sides": {"found": words.found, "declared": words.declared, "missing": words.missing}}
        told = {"fields": FIELDS, "host_fields": HOST_FIELDS, "hosts": hosts.cells, "groups": hosts.groups, "words": said}
        yield encode(told)[:-1]
        remaining = TableText(data.remaining, hosts.moved, {}, MAX_REMAINING)
        for name, table in (("changes", changes), ("remaining", remaining)):
            yield f',"{name}":'
            yield from table
        for name, shared in (("notes", data.notes), ("obstacles", data.obstacles), ("errors", data.errors), ("who", data.who)):
            yield f',"{name}":{shared.json()}'
        yield "}"


class _PackedData:
    """Data as they stand in a page: JSON of which no text can end the element that it is in, or much of it compressed. It is
    compressed as it comes: whole it takes much more memory than the page."""

    def __init__(self, pieces: Iterable[str]) -> None:
        plain, size, compressed = list[str](), 0, list[bytes]()
        compressor = zlib.compressobj(6, zlib.DEFLATED, 31)  # in the form of gzip, without a time
        for piece in pieces:
            size += len(piece)
            compressed.append(compressor.compress(piece.encode("ascii")))
            if size <= MAX_PLAIN:
                plain.append(piece)
        self.encoding = "gzip" if size > MAX_PLAIN else ""
        if self.encoding:
            self.text = base64.b64encode(b"".join([*compressed, compressor.flush()])).decode()
        else:
            self.text = "".join(plain).replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _plain_words(table: Mapping[Any, ToneWord]) -> dict[str, dict[str, str]]:
    return {str(name): {"sign": w.sign, "word": w.word, "tone": w.tone} for name, w in table.items()}



@cache
def _asset(name: str) -> str:
    """A file of the page."""
    return (resources.files(__package__) / "html" / name).read_text(encoding="utf-8")


@cache
def _script() -> str:
    """The program of the page."""
    parts = "\n".join(_asset(name) for name in _SCRIPTS)
    return f"(() => {{\n'use strict';\n{parts}\n}})();\n"


@cache
def _template() -> "Template":
    from jinja2 import Environment, StrictUndefined

    return Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True).from_string(_asset("report.html.j2"))


def _digest(text: str) -> str:
    """A source of a Content-Security-Policy: the SHA-256 of what stands between the tags (CSP Level 3, 2.3.1)."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def content_policy(style: str, script: str) -> str:
    """What the page may do: run this program, look like this, and nothing else. (CSP Level 3; Trusted Types, 4.)"""
    return (f"default-src 'none'; script-src {_digest(script)}; style-src {_digest(style)}; base-uri 'none'; form-action 'none'; "
            "require-trusted-types-for 'script'; trusted-types 'none'")


def _rendered(page: Mapping[str, Any], packed: _PackedData) -> str:
    style, script = _asset("report.css"), _script()
    return _template().render(page, policy=content_policy(style, script), style=style, script=script, data=packed.text,
                              encoding=packed.encoding)
