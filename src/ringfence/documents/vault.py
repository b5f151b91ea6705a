"""Ansible Vault, formats 1.1 and 1.2 (AES256): `!vault` values and whole files.

The format: a header line `$ANSIBLE_VAULT;1.1;AES256` (1.2 adds `;label`), then the hexadecimal form, in lines of 80,
of three lines: salt, HMAC-SHA-256 and ciphertext, each in hexadecimal. PBKDF2-HMAC-SHA-256 with 10,000 rounds makes 80
bytes of the password and the salt: cipher key, HMAC key, counter start of AES-256-CTR over the text padded by PKCS #7.
"""

import errno
import hashlib
import hmac
import os
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ringfence import files
from ringfence.diagnostics import NOWHERE, Diagnostic, InputError, Where
from ringfence.documents.local_programs import is_program
from ringfence.documents.trust import ALLOW_PROGRAM, Trust, user_file
from ringfence.secret import Secret

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers import Cipher, modes

HEADER = "$ANSIBLE_VAULT;"
DEFAULT_LABEL = "default"
PROMPT, _PROMPTS = "prompt", ("prompt", "prompt_ask_vault_pass")  # in place of a file: the password is asked for
Ask = Callable[[str], Secret]
"""Asks somebody for a secret. Raises InputError where there is nobody."""
_ROUNDS = 10_000
_PASSWORD_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Vaulted:
    """A value that is still encrypted, and its place."""

    ciphertext: str
    where: Where = NOWHERE

    @property
    def label(self) -> str:
        """The vault id that the header names; `default` in format 1.1."""
        fields = self.ciphertext.strip().split("\n", 1)[0].split(";")
        return fields[3].strip() if len(fields) > 3 else DEFAULT_LABEL


class Vault:
    """The passwords of a run, `(label, password)` in the order given."""

    def __init__(self, passwords: Sequence[tuple[str, Secret]] = ()) -> None:
        self._passwords = tuple(passwords)
        self.sealed = False  # whether a file of variables stayed encrypted, so that any variable may be in it
        self._known: dict[str, Secret] = {}

    @property
    def locked(self) -> bool:
        """Whether there is no password at all."""
        return not self._passwords

    @property
    def tries(self) -> int:
        """How many passwords are tried on a value, at most."""
        return len(self._passwords)

    def knows(self, value: Vaulted) -> bool:
        """Whether a value was decrypted before."""
        return value.ciphertext in self._known

    def decrypt(self, value: Vaulted) -> Secret:
        """The text of a value, which must be UTF-8. Passwords of the value's own label are tried first, then the
        others. Raises InputError with the place and never with any part of the text."""
        if value.ciphertext not in self._known:
            self._known[value.ciphertext] = self._decrypt(value)
        return self._known[value.ciphertext]

    def _decrypt(self, value: Vaulted) -> Secret:
        salt, mac, data = _envelope(value)
        if not self._passwords:
            raise _fail(value.where, "an encrypted value, but no vault password",
                        "Give --vault-password-file FILE or --vault-id LABEL@FILE.")
        for _, password in sorted(self._passwords, key=lambda p: p[0] != value.label):
            cipher_key, mac_key, start = _keys(password, salt)
            if hmac.compare_digest(hmac.digest(mac_key, data, "sha256"), mac):
                return Secret(_clear(data, cipher_key, start, value.where), hashlib.sha256(data).hexdigest()[:32])
        tried = ", ".join(dict.fromkeys(label for label, _ in self._passwords))
        raise _fail(value.where, "no vault password fits this value",
                    f"It was encrypted for the vault id {value.label}; passwords tried: {tried}.")


def encrypt(text: str, password: Secret, label: str = "", salt: bytes | None = None) -> str:
    """The vault text of a text: format 1.2 where there is a label, else 1.1. The salt is 32 random bytes."""
    from cryptography.hazmat.primitives import padding

    salt = os.urandom(32) if salt is None else salt
    cipher_key, mac_key, start = _keys(password, salt)
    pad = padding.PKCS7(128).padder()
    encryptor = _aes(cipher_key, start).encryptor()
    data = encryptor.update(pad.update(text.encode()) + pad.finalize()) + encryptor.finalize()
    inner = b"\n".join(part.hex().encode() for part in (salt, hmac.digest(mac_key, data, "sha256"), data)).hex()
    header = f"{HEADER}1.2;AES256;{label}" if label else f"{HEADER}1.1;AES256"
    return "\n".join([header, *(inner[i:i + 80] for i in range(0, len(inner), 80))]) + "\n"


def is_vault(text: str) -> bool:
    """Whether a whole file is encrypted."""
    return text.startswith(HEADER)


def passwords(files: Sequence[str], trust: Trust = Trust(), named_by_user: bool = True, ask: Ask | None = None,
              ) -> list[tuple[str, Secret]]:
    """The passwords of `--vault-password-file FILE` and `--vault-id LABEL@FILE` arguments, in order. An executable
    file is run and its output taken, where the user named or allowed it; one whose name ends in `-client` gets
    `--vault-id LABEL`, as with Ansible. In place of a file `prompt` asks for it. Raises InputError."""
    found: list[tuple[str, Secret]] = []
    bad: list[Diagnostic] = []
    for argument in files:
        label, at, path = argument.partition("@")
        if not at:
            label, path = DEFAULT_LABEL, argument
        label = label or DEFAULT_LABEL
        if path in _PROMPTS and ask is None:
            raise _fail(NOWHERE, f"nobody can be asked for the vault password of {label}", "Name a file in place of `prompt`.")
        if path in _PROMPTS and ask:
            found.append((label, ask(f"Vault password ({label}): ")))
            continue
        try:
            file = Path(os.path.expanduser(path))
            runs = is_program(file)
            if runs and (trust.untrusted or not named_by_user):
                _check_allowed(file, trust)
            found.append((label, _password(file, label, runs)))
        except InputError as error:
            bad += error.diagnostics
    if bad:
        raise InputError(bad)
    return found


def _check_allowed(path: Path, trust: Trust) -> None:
    """Raises InputError where a project names a program, and its user did not allow it or others may write it."""
    if trust.untrusted:
        raise _fail(Where(os.fspath(path)), "the vault password is a program, which does not run for an untrusted project")
    if not trust.allows_program(path):
        raise _fail(Where(os.fspath(path)), "the vault password is a program, and a project may not run programs",
                    f"Allow it: --allow-program {path}, {ALLOW_PROGRAM}, or `programs` in {user_file()}; or name it with "
                    "--vault-password-file yourself. A file with the password must not be executable.")
    trust.check_owners([path, path.parent])


def _password(path: Path, label: str, runs: bool) -> Secret:
    where = Where(os.fspath(path))
    try:
        text = _output(path, label) if runs else files.read_bytes(path, files.MAX_PASSWORD, pipes=True).strip()
        password = text.decode()
    except UnicodeDecodeError:
        raise _fail(where, "the vault password is not text in UTF-8") from None
    except (OSError, ValueError) as error:
        raise _fail(where, f"cannot read the vault password: {getattr(error, 'strerror', None) or error}",
                    "The file is executable, and no program: chmod -x." if getattr(error, "errno", 0) == errno.ENOEXEC else ""
                    ) from None
    except subprocess.SubprocessError as error:
        reason = "took too long" if isinstance(error, subprocess.TimeoutExpired) else "failed"
        raise _fail(where, f"the vault password program {reason}",
                    "It has to print the password and end with exit code 0.") from None
    if not password:
        raise _fail(where, "the vault password is empty")
    return Secret(password)


def _output(path: Path, label: str) -> bytes:
    client = ["--vault-id", label] if path.stem.endswith("-client") and label != DEFAULT_LABEL else []
    done = subprocess.run([path.resolve(), *client], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL,
                          timeout=_PASSWORD_SECONDS, check=True)
    return done.stdout.strip(b"\r\n")


def _fail(where: Where, summary: str, detail: str = "") -> InputError:
    return InputError([Diagnostic(where, summary, detail)])


def _envelope(value: Vaulted) -> tuple[bytes, bytes, bytes]:
    """Salt, HMAC and data of a vault text."""
    header, _, body = value.ciphertext.strip().partition("\n")
    fields = [f.strip() for f in header.split(";")]
    if fields[:1] != [HEADER[:-1]] or len(fields) < 3:
        raise _fail(value.where, "not an encrypted value", f"It has to begin with {HEADER}1.1;AES256.")
    if fields[1] not in ("1.1", "1.2") or fields[2] != "AES256":
        raise _fail(value.where, f"the vault format {';'.join(fields[1:3])[:40]} is not known",
                    "Known: 1.1;AES256 and 1.2;AES256. Encrypt it again with ansible-vault.")
    try:
        salt, mac, data = (bytes.fromhex(part.decode()) for part in bytes.fromhex("".join(body.split())).split(b"\n"))
    except ValueError:
        raise _fail(value.where, "the encrypted value is damaged", "Encrypt it again with ansible-vault.") from None
    return salt, mac, data


def _keys(password: Secret, salt: bytes) -> tuple[bytes, bytes, bytes]:
    """Cipher key, HMAC key and counter start."""
    from cryptography.hazmat.primitives import hashes  # takes long to import, and few projects have a vault
    from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC

    made = PBKDF2HMAC(hashes.SHA256(), 80, salt, _ROUNDS).derive(password.reveal().encode())
    return made[:32], made[32:64], made[64:]


def _aes(key: bytes, start: bytes) -> "Cipher[modes.CTR]":
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    return Cipher(algorithms.AES(key), modes.CTR(start))


def _clear(data: bytes, key: bytes, start: bytes, where: Where) -> str:
    from cryptography.hazmat.primitives import padding

    decryptor = _aes(key, start).decryptor()
    unpad = padding.PKCS7(128).unpadder()
    try:
        clear = unpad.update(decryptor.update(data) + decryptor.finalize()) + unpad.finalize()
        return clear.decode()
    except ValueError:
        raise _fail(where, "the encrypted value is not a text in UTF-8") from None
