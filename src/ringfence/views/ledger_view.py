"""What projects own on hosts, for people and for programs."""

from collections.abc import Sequence
from typing import Any

from ringfence.diagnostics import Diagnostic
from ringfence.errors import ExitCode
from ringfence.formats.data import host_head
from ringfence.report import HostResult, LedgerResult, Report
from ringfence.views import diagnostics_text
from ringfence.views.format import columns, count, cut, escaped, natural
from ringfence.views.view import ViewOptions


class LedgerTextView:
    """One host after the other: who last wrote the ledger, then each object with how the project came to it."""

    def __init__(self, options: ViewOptions) -> None:
        self._style = options.style

    def begin(self, warnings: Sequence[Diagnostic]) -> str:
        return ""

    def host(self, result: HostResult) -> str:
        lines = [f"{self._style(escaped(result.host), 'strong')}:"]
        lines += [diagnostics_text.diagnostic(d, self._style) for d in result.diagnostics]
        if result.error or not isinstance(result, LedgerResult):
            return "\n".join([*lines, diagnostics_text.failure(result.error, self._style) if result.error else ""]) + "\n"
        return "\n".join([*lines, *_header(result), *(f"  {line}" for line in columns(_rows(result)))]) + "\n\n"

    def end(self, report: Report, seconds: float, exit_code: ExitCode) -> str:
        return ""


def _header(result: LedgerResult) -> list[str]:
    said = result.ledger.header
    if not said:
        return ["  the project owns nothing here" if not result.ledger.entries else ""]
    by = f"  {escaped(said.get('Name', ''))}: {count(len(result.ledger.entries), 'object')}, {escaped(said.get('State', ''))}"
    return [f"{by}, by run {escaped(said.get('Run', ''))}"
            + (f", made on {escaped(result.ledger.inherited_from)}" if result.ledger.inherited_from else "")]


def _rows(result: LedgerResult) -> list[list[str]]:
    """Each object of the project, then those of others."""
    rows = []
    for id, entry in sorted(result.ledger.entries.items(), key=lambda item: (item[0].kind, natural(item[0].name))):
        state = "" if id in result.owned and id in result.there else "never made" if id not in result.owned else "not there"
        rows.append([entry.how, escaped(str(id)), f"run {escaped(entry.run)}", state,
                     f"expires {cut(entry.expiry)}" if entry.expires else cut(entry.ticket)])
    for id, other in sorted(result.ledger.foreign.items()):
        rows.append(["of another", escaped(str(id)), escaped(other), "" if id in result.there else "not there", ""])
    return rows


def ledger_data(result: HostResult) -> dict[str, Any]:
    """The object of a host: what the ledger says, in place of changes."""
    if not isinstance(result, LedgerResult):
        return host_head(result)
    entries = [{**id._asdict(), "how": e.how, "run": e.run, "hash": e.hash, "pending": e.pending, "first": dict(e.first),
                "playbooks": list(e.playbooks), "expires": e.expires or None, "ticket": e.ticket or None,
                "expires_on_host": e.expires_on_host, "there": id in result.there, "owned": id in result.owned}
               for id, e in sorted(result.ledger.entries.items())]
    others = [{**id._asdict(), "project": project} for id, project in sorted(result.ledger.foreign.items())]
    return {**host_head(result), "ledger": {
        "header": dict(result.ledger.header), "inherited_from": result.ledger.inherited_from or None, "entries": entries,
        "of_other_projects": others}}
