"""The reference pages on connections, written from the tables. Pure; a test keeps docs/reference/ equal to them."""

from collections.abc import Sequence

from ringfence.errors import FAILURES
from ringfence.secret import Secret
from ringfence.transports.connection_settings import TRANSPORTS
from ringfence.transports.connection_variables import Variable, rows

_VARIABLES = """\
# Connection variables

<!-- generated from src/ringfence/transports/connection_settings.py: change it there -->

`ansible_connection` chooses the transport: `psrp`, `winrm` (the same protocol, and the `ansible_winrm_…` names count too),
`ssh` or `local`. Where nobody says it Ansible takes `ssh`; here it is `ssh` where variables speak of it (`ansible_shell_type`,
port 22, or one that stands under SSH alone below) and of nothing that is psrp's alone, and else `psrp`. Names and other
defaults are Ansible's where it has them, so an inventory means the same to both; `ringfence_…` are our own. Of several names
for one setting the one further right wins. An unknown variable that begins with `ansible_psrp_` or `ringfence_` is an error;
so is a value that is not allowed. One that begins with `ansible_ssh_` or `ansible_winrm_`, or is almost called like one that
counts, is warned of. Values may be vaulted.

A batch that was sent is never sent again: retries are for connecting alone. Configuration files of OpenSSH are not read.
"""

_FAILURES = """\
# Failures of a host

<!-- generated from src/ringfence/errors.py: change it there -->

What a host can fail with. A message reads `what happened: where and what the other side said. What to do`, and JSON output
carries the kind. A host whose connection never came to a working session is unreachable (exit code 5); every other
failure is one of the host (exit code 6).

| kind | what happened | what to do |
|---|---|---|
"""


def variables_page() -> str:
    """docs/reference/connection-variables.md"""
    shared = set.intersection(*({_key(row) for row in rows(settings)} for settings in TRANSPORTS.values()))
    parts = [_VARIABLES, _table("All transports", [r for r in rows(TRANSPORTS["local"]) if _key(r) in shared])]
    for title, name in (("PowerShell remoting: `psrp`, `winrm`", "psrp"), ("`ssh`", "ssh"), ("`local`", "local")):
        parts.append(_table(title, [row for row in rows(TRANSPORTS[name]) if _key(row) not in shared]))
    return "\n".join(parts)


def failures_page() -> str:
    """docs/reference/failures.md"""
    return _FAILURES + "".join(f"| `{kind}` | {what} | {advice} |\n" for kind, (what, advice) in FAILURES.items())


def _key(row: Variable) -> tuple[str, ...]:
    return row.names


def _table(title: str, table: Sequence[Variable]) -> str:
    lines = "".join(f"| {_names(row)} | {row.type.accepts} | {_default(row)} | {_cell(row.meaning)} |\n" for row in table)
    return f"## {title}\n\n| variable | value | default | meaning |\n|---|---|---|---|\n{lines}"


def _names(row: Variable) -> str:
    names = ", ".join(f"`{name}`" for name in row.names)
    return names + "".join(f", with `winrm` `{name}`" for name in row.winrm)


def _default(row: Variable) -> str:
    value = row.default
    if row.default_text or value in (None, (), "") or isinstance(value, Secret):
        return _cell(row.default_text) or "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else _cell(str(value))


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
