"""ringfence jea: files for a PowerShell endpoint that can do nothing but ringfence's work."""

from pathlib import Path
from typing import Annotated

from ringfence.batch import jea
from ringfence.cli.console import Console
from ringfence.cli.new_files import write_new
from ringfence.cli.options import Argument, flag
from ringfence.errors import ExitCode

HELP = "Least privilege on Windows hosts: Just Enough Administration."
EXAMPLES = """
ringfence jea export jea       write module, role and session configuration, and how to install them
"""


def export(console: Console, directory: Annotated[str, Argument(metavar="DIR", help="Where to.")],
           auditors_compare_keys: Annotated[bool, flag("--auditors-compare-keys", help="Auditors learn whether a stored "
                                                       "pre-shared key is the declared one, and can try guesses.")] = False,
           ) -> ExitCode:
    """Write the files of a JEA endpoint: hosts then need no administrator's session for ringfence.

    Install them as its README says, and set ringfence_endpoint in the inventory.
    """
    folder, files = Path(directory), jea.files(auditors_compare_keys)
    write_new(folder, files)
    written = [str(folder / name) for name in files]
    console.show({"written": written}, "".join(f"{name}\n" for name in written))
    return ExitCode.IN_SYNC
