"""ringfence doc: the reference of kinds."""

import shutil
import sys
from typing import Annotated, Any

from ringfence.batch.scripts import SCRIPTS, digests, script_named
from ringfence.cli.command import usage_error
from ringfence.cli.console import Console
from ringfence.cli.options import Argument, NoPager, TrustOptions, flag
from ringfence.cli.prepared import known_kinds
from ringfence.diagnostics import suggest
from ringfence.errors import ExitCode
from ringfence.model.resource import Kind
from ringfence.schemas import kind_schema, property_schema
from ringfence.views import kind_docs, reference

EXAMPLES = """
ringfence doc                               the kinds there are
ringfence doc firewall_rule                 its properties and an example
ringfence doc firewall_rule remote_address  everything about one of them
ringfence doc ipsec_phase1_auth_set proposal.cert
ringfence doc --own                         those of the project too
ringfence doc host-script                   SHA-256 of the scripts that run on hosts
ringfence doc host-script reader            the text of one of them, as it is sent
"""

HOST_SCRIPT = "host-script"


Own = Annotated[bool, flag("--own", help="With the project's own kinds, whose files are run.")]


def doc(console: Console, trusted: TrustOptions,
        kind: Annotated[str, Argument(metavar="KIND", help="The name of a kind; without it all are listed.")] = "",
        name: Annotated[str, Argument(metavar="PROPERTY", help="One of its properties, as proposal.cert too; after "
                                      "host-script the name of one of its texts.")] = "",
        own: Own = False, no_pager: NoPager = False) -> ExitCode:
    """Show the properties of a kind, or everything about one: type, default, cmdlet, registry, example.

    Long text goes through $PAGER, or less, in front of a terminal.
    """
    if kind == HOST_SCRIPT:
        return _host_script(console, name)
    known, width = known_kinds(own, trusted), shutil.get_terminal_size((80, 24)).columns
    if not kind:
        console.show({name: known[name].doc for name in sorted(known)}, kind_docs.overview(known, width))
        return ExitCode.IN_SYNC
    if kind not in known:
        raise usage_error(f"no kind is called {kind}{suggest(kind, list(known), '; ')}", f"kinds: {', '.join(sorted(known))}")
    if name:
        result, shown = _property(known[kind], name, width, console)
    else:
        result, shown = kind_schema(known[kind]), kind_docs.kind_text(known[kind], width, console.style)
    console.show(result, shown, paged=not no_pager)
    return ExitCode.IN_SYNC


def _property(kind: Kind, name: str, width: int, console: Console) -> tuple[dict[str, Any], str]:
    """One property as data and as text. Raises InputError where there is none of the name."""
    docs = kind_docs.documented(kind)
    row = next((row for row in reference.rows(kind) if row.name.replace("[].", ".") == name), None)
    if row is None:
        known = [kind.key, "state", *docs]
        raise usage_error(f"{kind.name} has no property {name}{suggest(name, known, '; ')}",
                          f"properties: {', '.join(n for n in known if '.' not in n)}")
    described: dict[str, Any] = {"kind": kind.name, "property": name, "type": row.type, "default": row.default,
                                 "parameter": row.parameter, "registry": row.registry, "meaning": row.meaning}
    if name not in docs:
        return described, kind_docs.row_text(kind, row, width, console.style)
    found = docs[name]
    more = {"schema": property_schema(found.entry, found.table), "example": kind_docs.example_of(found),
            "since": found.entry.since}
    return described | more, kind_docs.property_text(found, width, console.style)


def _host_script(console: Console, text: str) -> ExitCode:
    """The digests of all texts, or one text byte for byte."""
    if text and text not in SCRIPTS:
        raise usage_error(f"there is no text {text} of the host script", f"one of {', '.join(SCRIPTS)}")
    if text:
        sys.stdout.buffer.write(script_named(text).encode())
    else:
        console.show(digests(), "".join(f"{sum}  {name}\n" for name, sum in digests().items()))
    return ExitCode.IN_SYNC
