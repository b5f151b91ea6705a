"""Variables of inventories as people and programs see them, with secrets hidden or not."""

from typing import Any

import yaml

from ringfence.diagnostics import Diagnostic, InputError
from ringfence.documents.vault import Vault, Vaulted
from ringfence.documents.yaml import Unsafe
from ringfence.inventory.listing import plain
from ringfence.inventory.script_inventory import ProgramText
from ringfence.secret import MASK, Secret
from ringfence.transports.resolve import is_secret


class ShownVariables:
    """Values as plain data. vault: opens what is encrypted; without it all that is secret is hidden: what is vaulted, and what is
    called a password."""

    def __init__(self, vault: Vault | None) -> None:
        self.vault = vault

    def as_ansible(self, name: str, value: Any) -> Any:
        """As Ansible's JSON has it: what is vaulted by itself stays encrypted."""
        return plain(value if self.vault else _masked(name, value))

    def as_written(self, name: str, value: Any) -> Any:
        """For `in_yaml`, with the tags of what is encrypted or unsafe."""
        return _untyped(value if self.vault else _masked(name, value))

    def decrypted(self, name: str, value: Any) -> Any:
        """As it counts. Raises InputError where no password fits."""
        return self._clear(value) if self.vault else self._clear(_masked(name, value))

    def _clear(self, value: Any) -> Any:
        if isinstance(value, Vaulted) and self.vault:
            try:
                return plain(self.vault.decrypt(value))
            except InputError as error:
                raise InputError([Diagnostic(value.where, d.summary, d.detail) for d in error.diagnostics]) from None
        if isinstance(value, dict):
            return {str(k) if isinstance(k, str) else k: self._clear(v) for k, v in value.items()}
        if isinstance(value, list):
            return [self._clear(v) for v in value]
        return str(value) if isinstance(value, str) else plain(value)


def _masked(name: str, value: Any) -> Any:
    if isinstance(value, Vaulted | Secret) or is_secret(name):
        return MASK
    if isinstance(value, dict):
        return {k: _masked(str(k), v) for k, v in value.items()}
    return [_masked("", v) for v in value] if isinstance(value, list) else value


def _untyped(value: Any) -> Any:
    """Lists and mappings as Python has them, and secrets as what they are."""
    if isinstance(value, dict):
        return {k: _untyped(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_untyped(v) for v in value]
    return plain(value) if isinstance(value, Secret | ProgramText) else value


class _Dumper(yaml.SafeDumper):
    """YAML with Ansible's tags."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


_Dumper.add_representer(Vaulted, lambda dumper, value: dumper.represent_scalar("!vault", value.ciphertext, style="|"))
_Dumper.add_representer(Unsafe, lambda dumper, value: dumper.represent_scalar("!unsafe", str(value)))


def in_yaml(value: Any) -> str:
    """A value as YAML that can be read again."""
    text: str = yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, default_flow_style=False)
    return text
