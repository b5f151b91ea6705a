"""docs/reference/settings.md, from the table of settings."""

from ringfence.run_settings import PROJECT_KEYS, SETTINGS, RunSetting

_HEAD = """\
# Settings

<!-- generated from src/ringfence/run_settings.py: change it there -->

What a flag says, a variable of the environment says too, and most of it `ringfence.yml`. The first of these counts that says
something of a setting:

1. the flag on the command line;
2. its `RINGFENCE_…` variable, where it is not empty;
3. its key in `ringfence.yml`, which is looked for in the current folder and above it;
4. Ansible's variable of the same meaning, unless `--ignore-ansible-cfg` is given. It stands below `ringfence.yml`, for it is
   meant for another program: where the project says something itself, a warning tells that the variable is not heeded;
5. the default.

A mistake names where the value came from; `-vv` and `--log` tell of each setting that somebody set who it was. A variable that
has almost the name of a setting is warned of. What a file of the project switches on, a variable switches off:
`RINGFENCE_QUIET=0`.

In variables, `true`, `yes`, `on`, `1` and `false`, `no`, `off`, `0` are on and off. Of settings that can be repeated, paths stand
as in `PATH` (`a:b`, on Windows `a;b`), and everything else is one value; a value of `RINGFENCE_INVENTORY` with a comma is a list
of hosts. In `ringfence.yml` a repeated setting is a list or one value, and paths are relative to the file. A `ringfence.yml` that
belongs to another user, or that everybody may write, is refused ([SECURITY.md](../../SECURITY.md)).

Some can be given on the command line alone: what switches a guard off has to be said for each run, by somebody who looks at it.
What is written to, `log`, `report` and `run_dir`, a project may name inside of its folder only, and not in `.git`; other places
are said by the flag or the variable.
**Of an untrusted project** (`--untrusted`), `ringfence.yml` says what is looked at, inside of its folder: inventory, playbooks,
variables, tags. How the run goes and is told, and where something is written, is only its user's to say.

Flags that are not in the table (`--out`, `--resume`, `--name` …) ask something of one call, and have neither variable nor key.

`vault_password_file` and `vault_id` are for the same: where the user names one of them, both of `ringfence.yml` do not count.

`ringfence schema` writes `schemas/settings.schema.json`, the JSON Schema of `ringfence.yml`, for editors. Those that use the YAML
language server (VS Code's YAML extension, for one) take it from a first line in the file:
`# yaml-language-server: $schema=schemas/settings.schema.json`.
"""
_FLAGS = """
## Flags

| flag | variable | key in ringfence.yml | value | default | meaning |
|---|---|---|---|---|---|
"""
_KEYS = """
## Other keys of ringfence.yml

| key | meaning |
|---|---|
"""
_QUIET = """
## Scheduled jobs: `--quiet`

In text, `plan`, `apply`, `drift` and `ping` show then those hosts alone that are not in sync (or that `apply` changed), the recap
of these and the sum of all; where every host is in sync, and for `validate` where nothing is wrong, they write nothing at all.
There is no progress and no line per host of `apply`, and what is a warning or a note is not told, but for an undo that waits on a
host. Mistakes, the exit code, the record of a run and its JSON stay as they are. Other commands show what they were asked for.
`-v` logs beside it.

## A log: `--log`

Everything that `-vv` would say is appended, with date and time, to a file that only its owner may read if ringfence makes it.
Secrets are masked in it as on the screen. A log that cannot be opened ends the command before anything is done; one that takes no
more later is told at the end and stops nothing.

## Other variables

`NO_COLOR`, not empty
: No colours ([no-color.org](https://no-color.org)). It wins over the next two.

`FORCE_COLOR` or `CLICOLOR_FORCE`, not empty
: Colours without a terminal too, for the logs of GitHub and GitLab ([force-color.org](https://force-color.org),
  [bixense.com/clicolors](https://bixense.com/clicolors)). `CLICOLOR_FORCE=0` is as if it were not set.

`TERM=dumb`
: No colours.

`XDG_CONFIG_HOME`
: Where `ringfence/trust.yml` is; by default `~/.config`.

`ANSIBLE_CONFIG`
: Which `ansible.cfg` is looked at for settings under which the same files would mean something else.
"""


def page() -> str:
    """docs/reference/settings.md"""
    flags = "".join(_row(row) for row in SETTINGS.values())
    keys = "".join(f"| `{name}` | {_cell(key.meaning)} |\n" for name, key in PROJECT_KEYS.items())
    return _HEAD + _FLAGS + flags + _KEYS + keys + _QUIET


def _row(row: RunSetting) -> str:
    names = [*row.flags, *([row.negated] if row.negated else [])]
    flags = ", ".join(f"`{name}`" for name in names)
    variables = [row.variable] * row.from_environment + [row.ansible] * bool(row.ansible)
    environment = ", ".join(f"`{name}`" for name in variables) or "–"
    key = f"`{row.name}`" if row.from_project else f"no: {row.why}"
    value = ("list of " if row.repeatable else "") + row.type.name
    cells = [flags, environment, key, _cell(value), row.shown_default or "–", _cell(row.meaning)]
    return f"| {' | '.join(cells)} |\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
