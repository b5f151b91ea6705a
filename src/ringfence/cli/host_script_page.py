"""docs/reference/host-script-api.md: what each part of the host script uses of PowerShell, .NET and Windows."""

from collections.abc import Iterator, Mapping
from typing import Any

_HEAD = """\
# What the host scripts use

<!-- generated from tests/cases/host_script_api.yml: change it there -->

Everything that [the parts](host-script.md) use of PowerShell, .NET and Windows, and the version that brought it: all of it has to
be there on Windows PowerShell 5.1. A test compares these tables with what PowerShell's parser finds in each part. `&` stands for
the cmdlets of NetSecurity that [the verbs](host-script.md#what-it-does) name; others are functions of other parts.
"""
_COLUMNS = ("verbs", "commands", "types", "members")  # of a part, as the table has them


def page(api: Mapping[str, Mapping[str, Any]]) -> str:
    """The page. api: the table of tests/cases/host_script_api.yml."""
    return "\n".join([_HEAD, "## Each part", "", *_parts(api["parts"]), "", "## Commands", "", *_commands(api["commands"]), "",
                      "## Types", "", *_types(api["types"]), "", "## Members", "", *_members(api["members"]), ""])


def _parts(parts: Mapping[str, Mapping[str, str | None]]) -> Iterator[str]:
    yield from ("| part | " + " | ".join(_COLUMNS) + " |", "|---" * (1 + len(_COLUMNS)) + "|")
    for name, row in parts.items():
        cells = (" ".join(f"`{word}`" for word in (row[column] or "").split()) for column in _COLUMNS)
        yield f"| `{name}.ps1` | " + " | ".join(cells) + " |"


def _commands(commands: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    yield from ("| command | parameters | module | since |", "|---|---|---|---|")
    for name, row in commands.items():
        shown = " ".join(f"`-{p}`" for p in sorted(row["parameters"]))
        yield f"| `{name}` | {shown} | {row['module']} | {row['since']} |"


def _types(types: Mapping[str, str]) -> Iterator[str]:
    yield from ("| type | since |", "|---|---|")
    yield from (f"| `[{name}]` | {since} |" for name, since in types.items())


def _members(members: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    yield from ("| member | of | since |", "|---|---|---|")
    yield from (f"| `{name}` | {row['of']} | {row['since']} |" for name, row in members.items())
