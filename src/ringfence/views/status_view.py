"""Security associations as people and as programs read them."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from ringfence.diagnostics import Diagnostic
from ringfence.errors import ExitCode
from ringfence.formats.data import host_head, obstacle_data
from ringfence.report import HostResult, Report, StatusResult
from ringfence.views import diagnostics_text
from ringfence.views.format import Style, columns, count, cut, escaped, unstyled, value
from ringfence.views.obstacles_text import obstacles
from ringfence.views.view import ViewOptions
from ringfence.windows.associations import QuickMode


class StatusTextView:
    """One host after the other: its peers, or why it could not be asked."""

    def __init__(self, options: ViewOptions) -> None:
        self._style = options.style

    def begin(self, warnings: Sequence[Diagnostic]) -> str:
        return ""

    def host(self, result: HostResult) -> str:
        if result.error or not isinstance(result, StatusResult):
            reason = diagnostics_text.failure(result.error, self._style) if result.error else ""
            return f"{self._style(escaped(result.host), 'strong')}:\n{reason}\n"
        return text(result, self._style)

    def end(self, report: Report, seconds: float, exit_code: ExitCode) -> str:
        return ""


def text(result: StatusResult, style: Style = unstyled) -> str:
    """One host: its peers, each with what protects the exchange, and below it what protects the data."""
    found = result.associations
    lines = [style(escaped(result.host), "strong") + ": " + (count(len(found), "peer") if found else "no security associations")]
    lines += [f"  {style('warning', 'warning')}: the service {s} does not run: nothing is negotiated" for s in result.stopped]
    lines += obstacles([o for o in result.obstacles if o.level == "not_in_force"], style)
    for one in found:
        lines.append(f"  {cut(one.remote)}{_named(one.remote_id, one.remote)} ← {cut(one.local)}"
                     f"{_named(one.local_id, one.local)}")
        rows = [("main mode", " · ".join(filter(None, map(cut, (one.key_module, one.authentication, one.suite)))),
                 _limits(one.seconds))] if one.suite or one.authentication else []
        rows += [("quick mode", _quick(q), _limits(q.seconds, q.kilobytes)) for q in one.quick]
        asked = [_titled(name, result.names.get(title, title)) for name, title in zip(one.rules, one.display_names, strict=True)]
        rows.append(("asked by", value(tuple(asked), "") or "no rule that is known here", ""))
        lines += ["    " + line for line in columns(rows)]
    return "\n".join(lines) + "\n"


def status_data(result: HostResult) -> dict[str, Any]:
    """The same as plain JSON values."""
    found, stopped = (result.associations, result.stopped) if isinstance(result, StatusResult) else ((), ())
    return {**host_head(result), "stopped_services": list(stopped), "associations": [asdict(a) for a in found],
            "obstacles": [obstacle_data(o) for o in result.obstacles]}


def _titled(name: str, title: str) -> str:
    """A rule by its name, and by what people call it where that is another."""
    return name if title.casefold() in ("", name.casefold()) else f"{name} ({title})"


def _named(id: str, address: str) -> str:
    return f" ({cut(id)})" if id and id != address else ""


def _quick(q: QuickMode) -> str:
    ports = f" {q.local_port or 'any'}→{q.remote_port or 'any'}" if q.local_port or q.remote_port else ""
    protocol = "" if q.protocol == "any" else f" · {q.protocol}{ports}"
    return cut(f"{q.mode} · {q.suite or 'no transform'}{protocol}")


def _limits(seconds: int, kilobytes: int = 0) -> str:
    """How long and how much the keys may be used."""
    parts = ([f"{seconds // 60} min"] if seconds else []) + ([f"{kilobytes:,} KB"] if kilobytes else [])
    return " / ".join(parts)
