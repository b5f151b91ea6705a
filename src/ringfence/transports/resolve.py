"""From the variables of one host to the settings of its transport, complete and consistent, or every mistake at once."""

import contextlib
import difflib
import functools
import importlib.util
import os
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ringfence.diagnostics import NOWHERE, Diagnostic, Finding, InputError, quoted, suggest
from ringfence.secret import Secret
from ringfence.transports.connection_settings import TRANSPORTS, ConnectionSettings, LocalSettings, PsrpSettings, SshSettings
from ringfence.transports.connection_variables import (
    SYSTEMS_OWN,
    ResolvedVariables,
    choice,
    file,
    host_name,
    path,
    problem,
    read,
    rows,
    secret,
    trusted,
    unknown,
)
from ringfence.transports.ssh_args import ssh_args

CONNECTION = choice(*TRANSPORTS, "winrm", aliases={
    "paramiko": "ssh", "paramiko_ssh": "ssh", "smart": "ssh",
    **{f"ansible.{where}.{name}": name for where in ("builtin", "legacy") for name in (*TRANSPORTS, "winrm")}})

_Check = Callable[[Any, Mapping[str, Any]], Iterator[Finding]]

_OF_CONNECTIONS = ("ansible_winrm_", "ansible_ssh_")  # of psrp a name that does not exist is a mistake
# how Ansible calls OpenSSH's client, which has no part in this (its documentation, "ansible.builtin.ssh connection")
_OF_OPENSSH = frozenset(f"ansible_ssh_{name}" for name in (
    "pipelining", "executable", "transfer_method", "control_path", "control_path_dir", "use_tty", "password_mechanism"))
_POWERSHELLS = ("powershell", "powershell.exe", "pwsh", "pwsh.exe")
# characters that cmd.exe, PowerShell and bash all leave alone in a word
_SAFE_COMMAND = re.compile(r"[A-Za-z0-9_.:~\\/-]+")


def settings_for(host: str, variables: Mapping[str, Any]) -> ConnectionSettings:
    """The settings of the transport that `variables` choose for `host`. Raises InputError with all mistakes."""
    problems = unknown(host, variables, known_names())
    try:
        asked = variables.get("ansible_connection") or _default_connection(variables)
        connection = CONNECTION.parse(asked.reveal() if isinstance(asked, Secret) else asked)
    except ValueError as error:
        problems.append(problem(host, f"ansible_connection: {quoted(variables['ansible_connection'])} {error}",
                                f"allowed: {CONNECTION.accepts}"))
        raise InputError(problems) from None
    settings = TRANSPORTS["psrp" if connection == "winrm" else connection]
    values = read(settings, host, variables, connection == "winrm")
    _complete_host(settings, host, values)
    _COMPLETE.get(settings, _as_they_are)(host, values)
    made = settings(**values.values, from_secrets=tuple(values.from_secrets))
    named = {row.field: row.names[-1] for row in rows(settings)} | values.names
    problems += values.problems
    check: _Check = _CHECK.get(settings, _no_endpoint)
    for found in check(made, variables):
        problems.append(problem(host, f"{named.get(found.property, found.property)}: {made.shown(found.reason)}", found.advice))
    if problems:
        raise InputError(problems)
    return made


def _default_connection(variables: Mapping[str, Any]) -> str:
    """The connection where no variable names it. Ansible's is ssh; here it is PowerShell remoting, unless variables speak of SSH
    and none of that: a shell, which is chosen for SSH alone, port 22, or what only the ssh connection heeds."""
    own = {kind: {name for row in rows(kind) for name in row.names + row.winrm} for kind in (PsrpSettings, SshSettings)}
    of_psrp, of_ssh = own[PsrpSettings] - own[SshSettings], own[SshSettings] - own[PsrpSettings] | {"ansible_shell_type"}
    said = {name for name in variables if name.startswith("ansible_") and variables[name] is not None}
    port = variables.get("ansible_port")
    of_ssh_port = str(port.reveal() if isinstance(port, Secret) else port) == "22"
    return "ssh" if (of_ssh_port or not said.isdisjoint(of_ssh)) and said.isdisjoint(of_psrp) else "psrp"


@functools.cache
def known_names() -> frozenset[str]:
    """The names of all connection variables."""
    return frozenset(name for kind in TRANSPORTS.values() for row in rows(kind) for name in row.names + row.winrm)


_SAYS_SECRET = re.compile(r"pass(word|phrase|wd)?|secret|token|private_key$|pre_?shared|psk", re.I)


def is_secret(name: str) -> bool:
    """Whether a variable holds a secret: one of a connection that does, or one that is named so."""
    return name in _secret_names() or _SAYS_SECRET.search(name) is not None


@functools.cache
def _secret_names() -> frozenset[str]:
    return frozenset(name for kind in TRANSPORTS.values() for row in rows(kind) if row.type is secret
                     for name in row.names + row.winrm)


def misspelt(host: str, variables: Mapping[str, Any]) -> Iterator[Diagnostic]:
    """A warning for each variable that has almost the name of one that says how the host is reached, or is called like one."""
    for name in variables:
        if name.startswith("ansible_") and (advice := _instead_of(name)):
            yield Diagnostic(NOWHERE, f"{name}: it is no variable of the connection", advice, "warning", host)


@functools.lru_cache(10_000)
def _instead_of(name: str) -> str:
    known = {*known_names(), "ansible_connection"}
    if name in known or name in _OF_OPENSSH or len(name) > 60:
        return ""
    if close := difflib.get_close_matches(name, known, 1, 0.9):
        return f"did you mean {close[0]}?"
    if not name.startswith(_OF_CONNECTIONS):
        return ""
    return suggest(name, known) or "docs/reference/connection-variables.md lists those that count"


def insecure(host: str, made: ConnectionSettings) -> Iterator[Diagnostic]:
    """A warning for each check that the variables of a host turn off."""
    if isinstance(made, SshSettings) and made.host_key_policy == "off":
        yield _unsafe(host, "the keys of SSH hosts are not checked (host key policy off)",
                      "Whoever is on the way can take the host's place. Write its key into known_hosts, or use accept-new.")
    if isinstance(made, PsrpSettings) and made.ssl and made.cert_validation == "ignore" and not made.cert_fingerprint:
        yield _unsafe(host, "TLS certificates are not checked (ansible_psrp_cert_validation: ignore)",
                      "Whoever is on the way can take the host's place. Name the authority in ansible_psrp_ca_cert, or "
                      "the certificate in ringfence_cert_fingerprint.")
    if isinstance(made, PsrpSettings) and not made.ssl and made.message_encryption == "never":
        password = ", and so is the password (basic)" if made.auth == "basic" else ""
        yield _unsafe(host, f"messages are sent in clear text over http{password}",
                      "Use https, or leave ansible_psrp_message_encryption at auto.")


def missing_packages(host: str, made: ConnectionSettings) -> Iterator[Diagnostic]:
    """Packages that a connection needs and this machine does not have: Kerberos and CredSSP are extras."""
    needed = {"kerberos": "gssapi", "credssp": "requests_credssp"} if os.name != "nt" else {"credssp": "requests_credssp"}
    auth = made.auth if isinstance(made, PsrpSettings) else ""
    if auth in needed and not importlib.util.find_spec(needed[auth]):
        yield Diagnostic(NOWHERE, f"ansible_psrp_auth: {auth} needs a package that is not installed here",
                         f"pip install ringfence[{auth}]", host=host)


def _unsafe(host: str, summary: str, detail: str) -> Diagnostic:
    return Diagnostic(NOWHERE, summary, detail, "warning", host)


def named_program(settings: LocalSettings) -> str:
    """The program that the variables choose to run on this machine; nothing where it is PowerShell of the PATH."""
    return "" if settings.powershell.lower() in _POWERSHELLS else settings.powershell


def named_files(variables: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The connection variables that name files, with what they name."""
    types = {name: row.type for settings in TRANSPORTS.values() for row in rows(settings) for name in row.names + row.winrm}
    for name in sorted(types.keys() & variables.keys()):
        kind, value = types[name], variables[name]
        value = value.reveal() if isinstance(value, Secret) else value
        if kind in (file, path, trusted) and isinstance(value, str) and value != SYSTEMS_OWN:
            yield name, value
        elif kind is ssh_args:
            with contextlib.suppress(ValueError):  # settings_for says what is wrong with it
                parsed = ssh_args.parse(value)
                yield from ((name, parsed[field]) for field in ("private_key_file", "known_hosts") if field in parsed)


def _complete_host(settings: type, host: str, resolved: ResolvedVariables) -> None:
    """Without a variable of its own a host is reached by its name in the inventory."""
    named = next((row for row in rows(settings) if row.field == "host"), None)
    wrong = named and any(d.summary.startswith(f"{name}:") for d in resolved.problems for name in named.names + named.winrm)
    if "host" in resolved.values or wrong:
        return
    try:
        resolved.values["host"] = host_name.parse(host) if named else host
    except ValueError as error:
        resolved.problems.append(problem(host, f"the name of the host {error}", "set ansible_host to its address"))


def _as_they_are(host: str, resolved: ResolvedVariables) -> None:
    """Of a transport whose settings do not depend on each other."""


def _complete_psrp(host: str, resolved: ResolvedVariables) -> None:
    """Protocol and port follow from each other, as in Ansible's psrp plugin."""
    values = resolved.values
    values.setdefault("protocol", "http" if values.get("port") == 5985 else "https")
    values.setdefault("port", 5986 if values["protocol"] == "https" else 5985)
    if values.get("auth") == "ssl":
        values["auth"] = "certificate" if "certificate_pem" in values else "basic"
    if "path" in values:
        values["path"] = values["path"].strip("/")


def _complete_ssh(host: str, resolved: ResolvedVariables) -> None:
    """What the arguments for OpenSSH say counts where no variable of its own says it, and of several the first, in the order in
    which Ansible gives them; it gives what `host_key_checking: no` comes to after ssh_args."""
    values = resolved.values
    if values.get("host_key_checking"):
        values.setdefault("host_key_policy", "strict")
    _take_ssh_arguments(host, resolved, "args")
    if not values.get("host_key_checking", True):
        values.setdefault("host_key_policy", "off")
    for field in ("common_args", "extra_args"):
        _take_ssh_arguments(host, resolved, field)
    values["known_hosts"] = os.path.expanduser(values.get("known_hosts", "~/.ssh/known_hosts"))


def _take_ssh_arguments(host: str, resolved: ResolvedVariables, args: str) -> None:
    for field, value in (resolved.values.get(args) or {}).items():
        if field == "private_key_file" and not os.path.isfile(os.path.expanduser(value)):
            named = "it names" if any(secret == Secret(value) for secret in resolved.from_secrets) else value
            resolved.problems.append(problem(host, f"{resolved.names[args]}: the key file {named} does not exist",
                                          "correct the path after -i or IdentityFile"))
        else:
            resolved.values.setdefault(field, os.path.expanduser(value) if isinstance(value, str) else value)


def _check_psrp(made: PsrpSettings, variables: Mapping[str, Any]) -> Iterator[Finding]:
    if made.read_timeout <= made.operation_timeout:
        yield Finding("read_timeout", f"{made.read_timeout:g} s is not more than the operation timeout of "
               f"{made.operation_timeout} s", "a host at work may be silent that long")
    if made.auth in ("basic", "certificate") and not made.ssl and made.message_encryption != "never":
        yield Finding("auth", f"{made.auth} over http cannot encrypt", "use https or another method; where clear text is "
               "meant, set ansible_psrp_message_encryption: never")
    if made.auth in ("basic", "certificate") and made.ssl and made.message_encryption == "always":
        yield Finding("message_encryption", f"always is not possible with {made.auth}", "use auto: TLS encrypts already")
    if made.auth == "certificate":
        if not made.ssl:
            yield Finding("auth", "certificate needs https", "set ansible_psrp_protocol: https")
        for field in ("certificate_pem", "certificate_key_pem"):
            if not getattr(made, field):
                yield Finding(field, "is needed with ansible_psrp_auth: certificate", "allowed: the path of a PEM file")
    elif made.auth in ("basic", "ntlm", "credssp"):
        for field in ("user", "password"):
            if getattr(made, field) is None:
                name = f"ansible_{field}"
                yield Finding(field, f"is needed with ansible_psrp_auth: {made.auth}", f"set {name}")
    for field in ("cert_fingerprint", "ca_cert"):
        if getattr(made, field) and not made.ssl:
            yield Finding(field, "a certificate is only checked with https", "set ansible_psrp_protocol: https")
    if made.proxy and not re.match(r"https?://[^/\s]+", made.proxy):
        yield Finding("proxy", "is not an http or https URL", "allowed: http://[user:password@]host:port")
    for field in ("endpoint", "configuration_name"):
        if re.search(r"[^\w. -]", getattr(made, field) or ""):
            yield Finding(field, "is not the name of an endpoint", "allowed: letters, digits, . _ -")


def _check_ssh(made: SshSettings, variables: Mapping[str, Any]) -> Iterator[Finding]:
    yield from _no_endpoint(made, variables)
    if not _SAFE_COMMAND.fullmatch(made.powershell):
        yield Finding("powershell", f"{made.powershell!r} has characters that not every shell on a host leaves alone",
               "allowed: letters, digits, . _ - : ~ / \\ ; for a path with spaces its short form, "
               "C:\\Progra~1\\PowerShell\\7\\pwsh.exe")
    if made.private_key and made.private_key_file:
        yield Finding("private_key", "there is a private key file too", "give one of the two")


def _no_endpoint(made: ConnectionSettings, variables: Mapping[str, Any]) -> Iterator[Finding]:
    """Silently using full PowerShell where somebody asked for a restricted endpoint would be wrong."""
    if variables.get("ringfence_endpoint") is not None:
        yield Finding("ringfence_endpoint", "JEA endpoints are reached over PSRP only",
               "set ansible_connection: psrp, or leave ringfence_endpoint out")


# what a transport has beyond its variables; one that stands in neither has nothing
_COMPLETE: dict[type, Callable[[str, ResolvedVariables], None]] = {
    PsrpSettings: _complete_psrp, SshSettings: _complete_ssh}
_CHECK: dict[type, _Check] = {
    PsrpSettings: _check_psrp, SshSettings: _check_ssh}
