"""ringfence doc: the reference of kinds."""

import shutil
from typing import Annotated

import typer

from ringfence.cli.command import wrong
from ringfence.cli.console import Console
from ringfence.cli.project import known_kinds
from ringfence.schemas import kind_schema
from ringfence.views import docs, json
from ringfence.words import nearest

EXAMPLES = """
ringfence doc                        the kinds there are
ringfence doc firewall_rule          its properties and an example
"""


def doc(console: Console, kind: Annotated[str, typer.Argument(metavar="KIND", help="The name of a kind; without it all are "
                                                              "listed.", show_default=False)] = "") -> int:
    """Show the properties of a kind: type, default, cmdlet parameter, registry token, meaning."""
    known = known_kinds()
    if not kind:
        names = {name: known[name].doc for name in sorted(known)}
        console.write(json.line(names) + "\n" if console.json else docs.overview(known))
    elif kind not in known:
        raise wrong(f"no kind is called {kind}{nearest(kind, list(known))}", f"kinds: {', '.join(sorted(known))}")
    elif console.json:
        console.write(json.line(kind_schema(known[kind])) + "\n")
    else:
        console.write(docs.terminal(known[kind], shutil.get_terminal_size((120, 24)).columns))
    return 0
