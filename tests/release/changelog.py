"""CHANGELOG.md as a program reads it: its form, its versions, and whether they agree with the package, a tag and a date.

The form is that of https://keepachangelog.com/en/1.1.0/, versions are those of the Version Specifiers of packaging.python.org.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

from packaging.version import InvalidVersion, Version

UNRELEASED = "Unreleased"
GROUPS = ("Added", "Changed", "Deprecated", "Removed", "Fixed", "Security")
VERSION_LINE = re.compile(r'^__version__ = "(.*)"$', re.MULTILINE)


class Disagreement(Exception):
    """What keeps a version from being released; one line each."""


@dataclass(frozen=True)
class Section:
    """One `## ` of the file. title: a version and its day, or Unreleased · line: where it stands · body: what follows."""

    title: str
    line: int
    body: str

    @property
    def name(self) -> str:
        return self.title.partition(" - ")[0]

    @property
    def version(self) -> Version:
        return Version(self.name)

    @property
    def day(self) -> date:
        return date.fromisoformat(self.title.partition(" - ")[2])


def sections(text: str) -> list[Section]:
    """Those of a changelog, the newest first."""
    starts = [*re.finditer(r"^## (.*)\n", text, re.MULTILINE)]
    ends = [match.start() for match in starts[1:]] + [len(text)]
    return [Section(match[1], text.count("\n", 0, match.start()) + 1, text[match.end():end].strip("\n") + "\n")
            for match, end in zip(starts, ends, strict=True)]


def mistakes(text: str, version: str) -> list[str]:
    """What is wrong with the form of a changelog, and with what it says of the package's version."""
    found = sections(text)
    if [section.title for section in found[:1]] != [UNRELEASED]:
        return [f"CHANGELOG.md: the first section is not ## {UNRELEASED}"]
    wrong = [f"CHANGELOG.md:{section.line}: {what}" for section in found for what in _of_section(section)]
    if wrong:
        return wrong
    released = found[1:]
    for newer, older in pairwise(released):
        if newer.version <= older.version or newer.day < older.day:
            wrong.append(f"CHANGELOG.md:{older.line}: {older.title} stands below {newer.title}, which is not newer")
    if released and released[0].version != Version(version):
        wrong.append(f"CHANGELOG.md:{released[0].line}: the newest version is {released[0].name}, that of the package {version}")
    return wrong


def _of_section(section: Section) -> Iterator[str]:
    if section.title != UNRELEASED:
        try:
            canonical = str(section.version) == section.name
            _ = section.day
        except (InvalidVersion, ValueError):
            canonical = False
        if not canonical:
            yield f"{section.title!r} is not VERSION - YYYY-MM-DD"
    groups = re.findall(r"^### (.*)\n+(?=(.?))", section.body + "\n", re.MULTILINE)
    for name, first in groups:
        if name not in GROUPS:
            yield f"{name} is none of {', '.join(GROUPS)}"
        if first in ("", "#"):
            yield f"nothing stands under {name}"
    for name in {name for name, _ in groups if [n for n, _ in groups].count(name) > 1}:
        yield f"{name} stands there more than once"
    if section.title != UNRELEASED and not groups:
        yield f"nothing stands under {section.title}"


def released(text: str, version: str, tag: str, day: date) -> Section:
    """The section of the version that a tag releases; `day` is that of the tagged commit. Raises Disagreement."""
    wrong = mistakes(text, version)
    if wrong:
        raise Disagreement("\n".join(wrong))
    if tag != f"v{version}":
        raise Disagreement(f"the tag is {tag}, the package's version {version}")
    if Version(version).local or Version(version).dev is not None or (Version(version).pre or ("rc",))[0] != "rc":
        raise Disagreement(f"{version} is neither a release nor a candidate (rc) of one")
    unreleased, *newest = sections(text)
    if not newest:
        raise Disagreement(f"CHANGELOG.md has no section of {version}; `make release-prepare VERSION={version}` makes it")
    if unreleased.body.strip():
        raise Disagreement(f"CHANGELOG.md:{unreleased.line}: what stands under {UNRELEASED} is in no release")
    if abs(newest[0].day - day) > timedelta(days=1):  # a day: that of a committer in another time zone
        raise Disagreement(f"CHANGELOG.md:{newest[0].line}: {newest[0].title} is not the day of the tagged commit, {day}")
    return newest[0]


def prepared(text: str, version: str, day: date) -> str:
    """A changelog whose Unreleased has become a version. Raises Disagreement."""
    unreleased, *older = sections(text)
    if not unreleased.body.strip():
        raise Disagreement(f"CHANGELOG.md: nothing stands under {UNRELEASED}")
    if older and Version(version) <= older[0].version:
        raise Disagreement(f"{version} is not newer than {older[0].name}")
    return text.replace(f"## {UNRELEASED}\n", f"## {UNRELEASED}\n\n## {version} - {day}\n", 1)


def notes(section: Section, address: str) -> str:
    """A section as a release of GitHub shows it, its relative links led to files below `address`."""
    return re.sub(r"\]\((?![a-z]+:|#)([^)]+)\)", lambda link: f"]({address}/{link[1]})", section.body)


def version_of(source: str) -> str:
    """What the text of ringfence/__init__.py says."""
    match = VERSION_LINE.search(source)
    assert match, "no line with __version__"
    return match[1]
