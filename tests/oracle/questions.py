"""What ansible-core is asked: inventories and patterns of tests/helpers/inventories.py, plays and templates of
tests/helpers/language_cases.py."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_answers import digest
from inventories import ENABLED, WITH_PATTERNS, inventories, of_inventories, patterns_by_chance, sources, write
from language_cases import LanguagePlay, plays, templates


@dataclass(frozen=True, slots=True)
class Question:
    """asked: what ask_ansible.py takes · by_hash: whether the order of an answer may come of the seed of hashes · parts: names
    of the members of the answer, where it is several."""

    name: str
    asked: Mapping[str, Any]
    by_hash: bool = False
    parts: tuple[str, ...] = ()

    def named(self, said: Any) -> Iterator[tuple[str, Any]]:
        """Each answer by its name."""
        yield from zip(self.parts, said, strict=True) if self.parts else ((self.name, said),)


def listings(folder: Path) -> Iterator[Question]:
    """What lists and patterns come to."""
    for number, case in enumerate(inventories()):
        place = _written(folder / str(number), case)
        asked = {"folder": str(place), "enabled": case.get("enabled", ENABLED)}
        named = [word for source in sources(case) for word in ("-i", source)]
        more = ["--playbook-dir", case["beside"]] if "beside" in case else []
        more += ["-l", case["limit"]] if "limit" in case else []
        more += ["--vault-password-file", ".vault"] if "vault" in case else []
        yield Question(case["name"], {**asked, "arguments": ["--list", *named, *more]})
        if case.get("plugin"):
            yield Question(f"{case['name']}, exported", {**asked, "arguments": ["--list", "--export", *named]})
    for number, case in enumerate([c for c in inventories() if c["name"].startswith("by chance")][:WITH_PATTERNS]):
        place = _written(folder / f"patterns{number}", case)
        yield Question(f"patterns {number}", {"folder": str(place), "enabled": ENABLED, "sources": list(sources(case)),
                                              "patterns": patterns_by_chance(number)}, by_hash=True)


def _written(folder: Path, case: Mapping[str, Any]) -> Path:
    folder.mkdir()
    write(folder, case)
    return folder


def of_plays(folder: Path) -> Iterator[Question]:
    """What the tasks of each play come to."""
    for number, play in enumerate(plays()):
        place = folder / str(number) / "project"
        play.write(place)
        flags = [word for flag, values in (("-e", play.extra), ("-t", play.only), ("--skip-tags", play.skip))
                 for value in values for word in (flag, value)]
        yield Question(play.name, {"folder": str(place), "record": str(place.parent / "record"),
                                   "play": ["-i", "hosts.yml", "-c", "local", *flags, "site.yml"]})


def of_templates(folder: Path) -> Iterator[Question]:
    """What each template comes to."""
    asked = templates()
    LanguagePlay("", asked["files"]).write(folder)
    yield Question("templates", {**asked, "folder": str(folder)}, parts=tuple(asked["templates"]))


def of_names(folder: Path) -> Iterator[Question]:
    """Which filters, tests, lookups and variables there are."""
    yield Question("names", {"folder": str(folder), "names": True}, parts=("filters", "tests", "lookups", "variables"))


def questions_of(file: str, folder: Path) -> Iterator[Question]:
    """What stands in a file of answers; what it is about is written into the folder."""
    return _ASKED[file](folder)


_ASKED: Mapping[str, Callable[[Path], Iterator[Question]]] = {
    "answers": listings, "plays": of_plays, "templates": of_templates, "names": of_names}


FILES: Mapping[str, Callable[[], str]] = {
    "answers": of_inventories, "plays": lambda: digest([repr(play) for play in plays()]),
    "templates": lambda: digest(templates()), "names": lambda: digest("names, variables too")}
"""The files of answers in their order, each with the digest of its questions."""
