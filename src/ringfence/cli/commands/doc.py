"""ringfence doc: the reference of kinds."""

import shutil
import sys
from typing import Annotated

import typer

from ringfence.batch.scripts import SCRIPTS, digests, script_named
from ringfence.cli.command import usage_error
from ringfence.cli.console import Console
from ringfence.cli.options import TrustOptions, flag
from ringfence.cli.prepared import known_kinds
from ringfence.diagnostics import suggest
from ringfence.errors import ExitCode
from ringfence.schemas import kind_schema
from ringfence.views import reference

EXAMPLES = """
ringfence doc                        the kinds there are
ringfence doc firewall_rule          its properties and an example
ringfence doc --own                  those of the project too
ringfence doc host-script            SHA-256 of the scripts that run on hosts
ringfence doc host-script reader     the text of one of them, as it is sent
"""

HOST_SCRIPT = "host-script"


Own = Annotated[bool, flag("--own", help="With the project's own kinds, whose files are run.")]


def doc(console: Console, trusted: TrustOptions,
        kind: Annotated[str, typer.Argument(metavar="KIND", help="The name of a kind; without it all are "
                                            "listed.", show_default=False)] = "",
        text: Annotated[str, typer.Argument(metavar="TEXT", help="After host-script: the name of one of its texts.",
                                            show_default=False)] = "",
        own: Own = False) -> ExitCode:
    """Show the properties of a kind: type, default, cmdlet parameter, registry token, meaning."""
    if kind == HOST_SCRIPT:
        return _host_script(console, text)
    known = known_kinds(own, trusted)
    if not kind:
        console.show({name: known[name].doc for name in sorted(known)}, reference.overview(known))
    elif kind not in known:
        raise usage_error(f"no kind is called {kind}{suggest(kind, list(known), '; ')}", f"kinds: {', '.join(sorted(known))}")
    else:
        console.show(kind_schema(known[kind]), reference.terminal(known[kind], shutil.get_terminal_size((120, 24)).columns))
    return ExitCode.IN_SYNC


def _host_script(console: Console, text: str) -> ExitCode:
    """The digests of all texts, or one text byte for byte."""
    if text and text not in SCRIPTS:
        raise usage_error(f"there is no text {text} of the host script", f"one of {', '.join(SCRIPTS)}")
    if text:
        sys.stdout.buffer.write(script_named(text).encode())
    else:
        console.show(digests(), "".join(f"{sum}  {name}\n" for name, sum in digests().items()))
    return ExitCode.IN_SYNC
