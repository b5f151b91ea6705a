"""Texts without what tells whose they are: names of hosts, people, domains and addresses become numbered words, the same ones
everywhere in a bundle."""

import ipaddress
import re
from collections.abc import Iterable
from functools import partial
from typing import Any

# what has a form of its own; the first that fits. Versions, times and paths of this program stay as they are
_FORMS = (
    ("guid", re.compile(r"\{?[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\}?", re.I)),
    ("sid", re.compile(r"S-1-5-21(?:-\d{1,10}){3,5}", re.I)),
    ("address", re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w.])")),
    ("address", re.compile(r"(?<![\w:.])(?=[0-9a-f]*:[0-9a-f]*:)[0-9a-f:]{3,39}(?![\w:])", re.I)),
    ("mail", re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,5}")),
    ("account", re.compile(r"(?<![\w\\:.])[A-Za-z][\w-]{1,14}\\[\w.$-]{1,64}")),
    ("name", re.compile(r"(?<![\w.@/\\-])(?:[a-z0-9-]{1,63}\.){1,6}"
                        r"(?:com|net|org|corp|local|lan|internal|intra|home|test|example|de|uk|fr)(?![\w.-])", re.I)),
)
_KEPT = {"127.0.0.1", "0.0.0.0", "::1"}
_SHORT = 3  # letters of a name that is too short to be looked for in other words


class Redaction:
    """One bundle's. names: what is known to be a name: of hosts, groups, users, folders."""

    def __init__(self, names: Iterable[tuple[str, str]] = ()) -> None:
        self._known: dict[str, str] = {}
        self._counts: dict[str, int] = {}
        found = sorted({(word, sort) for word, sort in names if len(word) >= _SHORT}, key=lambda one: (-len(one[0]), one))
        for word, sort in found:
            self.word(word, sort)
        alternatives = "|".join(re.escape(word) for word, _ in found)
        self._named = re.compile(rf"(?<![\w-])(?:{alternatives})(?![\w-])", re.I) if alternatives else None

    def text(self, text: str) -> str:
        """A text with words in place of names."""
        if self._named:
            text = self._named.sub(lambda match: self.word(match[0], "name"), text)
        for sort, form in _FORMS:
            text = form.sub(partial(self._replaced, sort), text)
        return text

    def _replaced(self, sort: str, match: re.Match[str]) -> str:
        found = match[0]
        return found if found in _KEPT or (sort == "address" and not _is_address(found)) else self.word(found, sort)

    def data(self, value: Any) -> Any:
        """Plain values, keys of mappings too."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {self.text(str(key)): self.data(one) for key, one in value.items()}
        if isinstance(value, list | tuple):
            return [self.data(one) for one in value]
        return value

    def word(self, name: str, sort: str) -> str:
        """What stands for a name."""
        key = name.casefold()
        if key not in self._known:
            self._counts[sort] = self._counts.get(sort, 0) + 1
            self._known[key] = f"<{sort}-{self._counts[sort]}>"
        return self._known[key]


def _is_address(text: str) -> bool:
    """A time has colons too."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
