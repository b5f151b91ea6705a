"""One inventory, as `-i` or a folder names it: where it is and what stands in it, read once whichever readers ask."""

import os
import re
from functools import cached_property
from pathlib import Path
from typing import Any

from ringfence.diagnostics import Problems, Where
from ringfence.documents import encrypted, yaml
from ringfence.documents.local_programs import is_program
from ringfence.documents.vault import is_vault
from ringfence.inventory.inventory import Inventory

_PLUGIN = re.compile(r"""^(["']?)plugin\1[ \t]*:""", re.MULTILINE)


class InventorySource:
    """A file, or where there is none the text of a list of hosts. inventory: what was read before it · sealed: of a file that is
    encrypted the digest of its ciphertext, once its text was asked for."""

    def __init__(self, given: str, inventory: Inventory) -> None:
        self.given, self.inventory, self.sealed = given, inventory, ""
        self.path = Path(os.path.expanduser(given))
        self.file = os.fspath(self.path)
        self.ending = self.path.suffix

    @cached_property
    def lists_hosts(self) -> bool:
        """Whether it is a list of names: it has a comma, and no file is called so."""
        return "," in self.given and not os.path.exists(self.path)

    @cached_property
    def read(self) -> tuple[str | None, Problems]:
        """The clear text of the file, or what stands in the way."""
        problems, files = Problems(), self.inventory.files
        text = yaml.read_text(self.path, problems)
        if text is None or not is_vault(text):
            return text, problems
        secret = encrypted.clear_text(text, Where(self.file), files.vault, files.trust, problems)
        if secret is None:
            return None, problems
        self.sealed = secret.sealed
        return secret.reveal(), problems

    @property
    def text(self) -> str:
        """The text of the file; empty where it cannot be read."""
        return self.read[0] or ""

    @cached_property
    def is_script(self) -> bool:
        """Whether it is executable and looks like a program: what the system would not start is no script, as Ansible finds out
        by trying (file systems of Windows have every file executable)."""
        return not self.lists_hosts and is_program(self.path) and (self.read[0] is None or self.text.startswith("#!"))

    @cached_property
    def names_plugin(self) -> bool:
        """Whether it may be the configuration of an inventory plugin."""
        return self.ending in (".yml", ".yaml") and _PLUGIN.search(self.text) is not None

    @cached_property
    def yaml(self) -> tuple[Any, Problems]:
        """The value of its text as YAML, and what is wrong with it."""
        problems = Problems()
        return yaml.parse(self.text, self.file, problems), problems
