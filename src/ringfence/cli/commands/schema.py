"""ringfence schema: JSON Schemas for editors and programs."""

from collections.abc import Mapping
from json import dumps
from pathlib import Path
from typing import Annotated

from ringfence import schemas
from ringfence.cli.commands.doc import Own
from ringfence.cli.console import Console
from ringfence.cli.options import TrustOptions, flag
from ringfence.cli.prepared import known_kinds
from ringfence.errors import ExitCode
from ringfence.model.resource import Kind

EXAMPLES = """
ringfence schema                       write schemas/*.schema.json
ringfence schema --own -o .vscode/schemas   the same elsewhere, and with the project's own kinds
"""


def files(kinds: Mapping[str, Kind]) -> dict[str, str]:
    """The files that the command writes, by name."""
    return {name: dumps(found, indent=1, ensure_ascii=False) + "\n" for name, found in schemas.every(kinds).items()}


def schema(console: Console, trusted: TrustOptions,
           out: Annotated[str, flag("-o", "--out", metavar="DIR", help="Where to. Default: schemas.")] = "schemas",
           own: Own = False) -> ExitCode:
    """Write JSON Schemas of playbooks, inventories, ringfence.yml, plan files, reports and each kind."""
    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    made = files(known_kinds(own, trusted))
    for name, text in made.items():
        (folder / name).write_text(text, encoding="utf-8")
    written = [str(folder / name) for name in made]
    console.show({"written": written}, "".join(f"{name}\n" for name in written))
    return ExitCode.IN_SYNC
