"""Files that may be encrypted as a whole: playbooks, files of tasks and variables, inventories. No clear text is told."""

import os
from pathlib import Path
from typing import Any

from ringfence.diagnostics import NOWHERE, InputError, Problems, Where
from ringfence.documents import yaml
from ringfence.documents.trust import Trust
from ringfence.documents.vault import Vault, Vaulted, is_vault
from ringfence.secret import Secret


def clear_text(text: str, where: Where, vault: Vault, trust: Trust, problems: Problems) -> Secret | None:
    """The text of an encrypted file, or None with why it cannot be had."""
    if trust.untrusted and vault.locked:
        vault.sealed = True
        problems.warn(where, "not checked: an encrypted file, and nobody gave its password for an untrusted project",
                      "What uses variables that are defined nowhere else is not checked either.")
        return None
    try:
        return vault.decrypt(Vaulted(text, where))
    except InputError as error:
        vault.sealed = True
        problems.extend(error.diagnostics)
        return None


def hide(found: Problems, problems: Problems) -> None:
    """Tell of mistakes in a clear text by their lines only."""
    for where in dict.fromkeys(d.where for d in found.all if d.severity == "error"):
        problems.error(where, "the encrypted file has a mistake in this line of its clear text")


def load(path: Path, problems: Problems, vault: Vault, trust: Trust, wanted_at: Where = NOWHERE, *,
         excerpts: bool = False) -> tuple[Any, str]:
    """The value of a YAML file as `yaml.load` gives it, and of one that is encrypted the digest of its ciphertext."""
    text, file = yaml.read_text(path, problems, wanted_at), os.fspath(path)
    if text is None or not is_vault(text):
        return (None if text is None else yaml.parse(text, file, problems, excerpts=excerpts)), ""
    secret, found = clear_text(text, Where(file), vault, trust, problems), Problems()
    if secret is None:
        return None, ""
    value = yaml.parse(secret.reveal(), file, found)
    hide(found, problems)
    return value, secret.sealed
