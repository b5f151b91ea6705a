"""ringfence vault: files and values that only a password opens, in Ansible's format."""

import json
import os
import shlex
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated

import yaml

from ringfence.cli.command import usage_error
from ringfence.cli.console import Console
from ringfence.cli.options import Argument, VaultOptions, flag
from ringfence.diagnostics import Diagnostic, InputError, Where
from ringfence.documents import trust_file, vault
from ringfence.errors import ExitCode
from ringfence.files import MAX_DOCUMENT, read_bytes, write_private
from ringfence.project import settings
from ringfence.secret import Secret

HELP = "Files and values that only a password opens, in Ansible's format."
EXAMPLES = """
ringfence vault create inventory/group_vars/all/vault.yml   in an editor: VISUAL, EDITOR
ringfence vault edit inventory/group_vars/all/vault.yml     its password comes from ringfence.yml, or is asked for
ringfence vault view inventory/group_vars/all/vault.yml
ringfence vault encrypt --vault-id prod@.vault-prod secrets.yml   with the label prod
ringfence vault encrypt-string --name ansible_password      one value, to put into a file of variables
ringfence vault decrypt secrets.yml                         `-` is standard input, and then standard output
ringfence vault rekey --new-vault-id prod@prompt secrets.yml
"""
STREAM = "-"
Files = Annotated[list[str], Argument(metavar="FILE", help="Files; - is standard input, and then standard output.")]
File = Annotated[str, Argument(metavar="FILE", help="The file.")]
NewPassword = Annotated[str, flag("--new-vault-password-file", metavar="FILE", help="A file with the new password.")]
NewId = Annotated[str, flag("--new-vault-id", metavar="LABEL@FILE", help="The same with a label. LABEL@prompt asks for it.")]
EncryptId = Annotated[str, flag("--encrypt-vault-id", metavar="LABEL", help="Which of several passwords it is for.")]
Labelled = tuple[str, Secret]
"""(a vault id, its password)"""


def create(console: Console, vaults: VaultOptions, file: File, encrypt_vault_id: EncryptId = "") -> ExitCode:
    """Write a new encrypted file in an editor."""
    if Path(file).exists():
        raise usage_error("there is such a file already", "`ringfence vault edit` changes it", Where(file))
    key = _encrypting(console, vaults, encrypt_vault_id)
    _write(file, vault.encrypt(_edited("", file), key[1], _label(key)))
    return ExitCode.IN_SYNC


def edit(console: Console, vaults: VaultOptions, file: File) -> ExitCode:
    """Change an encrypted file in an editor. Nothing is written where nothing was changed."""
    text = _read(file)
    passwords = _known(console, vaults)
    clear = _opened(text, file, passwords)
    after = _edited(clear, file)
    if after == clear:
        console.say(f"{file}: not changed")
        return ExitCode.IN_SYNC
    key = _key_of(text, file, passwords)
    _write(file, vault.encrypt(after, key[1], _label(key)), _mode(file))
    return ExitCode.IN_SYNC


def view(console: Console, vaults: VaultOptions, files: Files) -> ExitCode:
    """Show what encrypted files say. Nothing is written."""
    passwords = _known(console, vaults)
    texts = [_opened(_read(file), file, passwords) for file in files]
    console.show({"files": [{"file": file, "text": text} for file, text in zip(files, texts, strict=True)]}, "".join(texts))
    return ExitCode.IN_SYNC


def encrypt(console: Console, vaults: VaultOptions, files: Files, encrypt_vault_id: EncryptId = "") -> ExitCode:
    """Encrypt whole files, in their places."""
    texts = {file: _read(file) for file in files}
    for file, text in texts.items():
        if vault.is_vault(text):
            raise usage_error("it is encrypted already", "`ringfence vault rekey` gives it another password", Where(file))
    key = _encrypting(console, vaults, encrypt_vault_id)
    for file, text in texts.items():
        _write(file, vault.encrypt(text, key[1], _label(key)), _mode(file))
    return ExitCode.IN_SYNC


def encrypt_string(console: Console, vaults: VaultOptions,
                   name: Annotated[str, flag("--name", "-n", metavar="NAME", help="The variable that it is the value of.")] = "",
                   encrypt_vault_id: EncryptId = "") -> ExitCode:
    """Encrypt one value, for a file of variables. It is read from standard input, or asked for: in arguments others see it."""
    key = _encrypting(console, vaults, encrypt_vault_id)
    value = console.ask_secret("Value: ").reveal() if sys.stdin.isatty() else _from_stdin()
    lines = vault.encrypt(value, key[1], _label(key)).splitlines()
    head = f"{_key(name)}: !vault |" if name else "!vault |"
    shown = "".join(f"{line}\n" for line in (head, *(f"  {line}" for line in lines)))
    console.show({"name": name or None, "value": "\n".join(lines)}, shown)
    return ExitCode.IN_SYNC


def _key(name: str) -> str:
    """A name as a key of YAML: quoted where it would be something else."""
    try:
        plain = yaml.safe_load(f"{name}: 1") == {name: 1}
    except yaml.YAMLError:
        plain = False
    return name if plain else json.dumps(name, ensure_ascii=False)


def decrypt(console: Console, vaults: VaultOptions, files: Files) -> ExitCode:
    """Decrypt whole files, in their places: they are for their owner alone then."""
    passwords = _known(console, vaults)
    texts = {file: _opened(_read(file), file, passwords) for file in files}
    for file, text in texts.items():
        _write(file, text)
    return ExitCode.IN_SYNC


def rekey(console: Console, vaults: VaultOptions, files: Files, new_vault_password_file: NewPassword = "",
          new_vault_id: NewId = "") -> ExitCode:
    """Give encrypted files another password. Where none is named, the new one is asked for."""
    passwords = _known(console, vaults)
    texts = {file: _opened(_read(file), file, passwords) for file in files}
    named = [word for word in (new_vault_password_file, new_vault_id) if word]
    if len(named) > 1:
        raise usage_error("one new password is enough", "give --new-vault-password-file or --new-vault-id")
    key = vault.passwords(named, ask=console.ask_secret)[0] if named else (vault.DEFAULT_LABEL, _twice(console, "New vault"))
    for file, text in texts.items():
        _write(file, vault.encrypt(text, key[1], _label(key)), _mode(file))
    return ExitCode.IN_SYNC


# -- passwords

def _known(console: Console, vaults: VaultOptions) -> list[Labelled]:
    """The passwords that are named, by the user or else by the project; where none is, it is asked for."""
    if vaults.vault:
        return vault.passwords(vaults.vault, trust_file.load(False, [], []), ask=console.ask_secret)
    found = settings.load(Path.cwd())
    named = [*found.vault_password_file, *found.vault_id]
    if named:
        trust = trust_file.load(False, [], []).bounded(found.folder, ())
        return vault.passwords(named, trust, named_by_user=False, ask=console.ask_secret)
    return [(vault.DEFAULT_LABEL, console.ask_secret("Vault password: "))]


def _encrypting(console: Console, vaults: VaultOptions, label: str) -> Labelled:
    """The password that a new text is for. One that is typed is typed twice: nobody could open it after a slip."""
    found = settings.load(Path.cwd())
    named = vaults.vault or [*found.vault_password_file, *found.vault_id]
    if not named or (len(named) == 1 and named[0].rpartition("@")[2] == vault.PROMPT):
        return (named[0].rpartition("@")[0] if named else "") or vault.DEFAULT_LABEL, _twice(console, "Vault")
    known = _known(console, vaults)
    chosen = [one for one in known if label in ("", one[0])]
    if len(chosen) != 1:
        labels = ", ".join(dict.fromkeys(one[0] for one in known))
        what = f"no password has the label {label}" if label and not chosen else "there are several passwords"
        raise usage_error(what, f"--encrypt-vault-id says which one: {labels}")
    return chosen[0]


def _twice(console: Console, what: str) -> Secret:
    first = console.ask_secret(f"{what} password: ")
    if console.ask_secret(f"Confirm {what.lower()} password: ").reveal() != first.reveal():
        raise usage_error("the two passwords are not the same")
    return first


def _key_of(text: str, file: str, passwords: Sequence[Labelled]) -> Labelled:
    """The password that opens a text, with the label that the text has."""
    label = vault.Vaulted(text).label
    for one in passwords:
        try:
            vault.Vault([one]).decrypt(vault.Vaulted(text, Where(file)))
            return label, one[1]
        except InputError:
            continue
    raise AssertionError("it was opened with one of them")


def _label(key: Labelled) -> str:
    return "" if key[0] == vault.DEFAULT_LABEL else key[0]


# -- files

def _read(file: str) -> str:
    """The text of a file. Raises InputError."""
    if file == STREAM:
        return _from_stdin()
    try:
        return read_bytes(file, MAX_DOCUMENT).decode()
    except UnicodeDecodeError:
        raise InputError([Diagnostic(Where(file), "it is no text in UTF-8", "Values of variables are texts.")]) from None
    except (OSError, ValueError) as error:
        raise InputError([Diagnostic(Where(file), getattr(error, "strerror", None) or str(error))]) from None


def _from_stdin() -> str:
    data = sys.stdin.buffer.read(MAX_DOCUMENT + 1)
    if len(data) > MAX_DOCUMENT:
        raise usage_error(f"standard input has more than {MAX_DOCUMENT} bytes")
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise usage_error("standard input is no text in UTF-8") from None


def _opened(text: str, file: str, passwords: Sequence[Labelled]) -> str:
    """What an encrypted text says. Raises InputError."""
    if not vault.is_vault(text):
        raise usage_error("it is not encrypted", "Single values in it may be (`!vault`): these are opened when it is used",
                          Where("" if file == STREAM else file))
    return str(vault.Vault(passwords).decrypt(vault.Vaulted(text, Where(file))).reveal())


def _write(file: str, text: str, mode: int | None = None) -> None:
    """Write a file whole or not at all, in a folder that is made where there is none. `mode`: its permissions; without it they
    are for the owner alone."""
    if file == STREAM:
        sys.stdout.write(text)
        return
    try:
        Path(file).parent.mkdir(parents=True, exist_ok=True)
        write_private(file, [text])
        if mode is not None:
            os.chmod(file, mode)
    except OSError as error:
        raise InputError([Diagnostic(Where(file), error.strerror or str(error))]) from None


def _mode(file: str) -> int | None:
    """The permissions of a file: what is encrypted may be read by whom it was for."""
    return None if file == STREAM else stat.S_IMODE(os.stat(file).st_mode)


def _edited(text: str, file: str) -> str:
    """A text as somebody leaves it in an editor. It lies in a folder that nobody else can look into, and is wiped afterwards."""
    with tempfile.TemporaryDirectory(prefix="ringfence-") as folder:
        path = Path(folder) / (Path(file).name or "vault.yml")  # its ending tells the editor what it is
        write_private(path, [text])
        try:
            _run_editor(path)
            return _read(str(path))
        finally:
            for left in Path(folder).iterdir():  # what editors leave beside it too
                _wipe(left)


def _run_editor(path: Path) -> None:
    """Raises InputError."""
    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR") or ("notepad" if os.name == "nt" else "vi")
    words: Iterable[str] = shlex.split(editor, posix=os.name != "nt")
    try:
        done = subprocess.run([*words, str(path)], check=False)
    except OSError as error:
        raise usage_error(f"the editor {editor} cannot be run: {error.strerror or error}", "Set EDITOR.") from None
    if done.returncode:
        raise usage_error(f"the editor {editor} ended with {done.returncode}", "Nothing was written.")


def _wipe(path: Path) -> None:
    """Best effort: on what kinds of disks this reaches the old blocks, nobody can say."""
    if path.is_file() and not path.is_symlink():
        with path.open("r+b") as stream:
            stream.write(bytes(path.stat().st_size))
            stream.flush()
            os.fsync(stream.fileno())
