"""ringfence jea: files for a PowerShell endpoint that can do nothing but ringfence's work."""

from pathlib import Path
from typing import Annotated

import typer

from ringfence.batch import jea
from ringfence.cli.command import wrong
from ringfence.cli.console import Console
from ringfence.views import json

HELP = "Least privilege on Windows hosts: Just Enough Administration."
EXAMPLES = """
ringfence jea export jea       write module, role and session configuration, and how to install them
"""


def export(console: Console, directory: Annotated[str, typer.Argument(metavar="DIR", help="Where to.", show_default=False)],
           ) -> int:
    """Write the files of a JEA endpoint: hosts then need no administrator's session for ringfence.

    Install them as its README says, and set ringfence_endpoint in the inventory.
    """
    made = jea.files()
    folder = Path(directory)
    if there := [name for name in made if (folder / name).exists()]:
        raise wrong(f"{folder / there[0]} exists already", "choose an empty folder: nothing is overwritten")
    for name, content in made.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    written = [str(folder / name) for name in made]
    console.write(json.line({"written": written}) + "\n" if console.json else "".join(f"{name}\n" for name in written))
    return 0
