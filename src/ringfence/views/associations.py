"""Security associations as people and as programs read them."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from ringfence.views.words import Paint, columns, count, plain, visible
from ringfence.windows.associations import Association, QuickMode


def text(host: str, found: Sequence[Association], stopped: Sequence[str] = (), paint: Paint = plain) -> str:
    """One host: its peers, each with what protects the exchange, and below it what protects the data."""
    lines = [paint(visible(host), "strong") + ": " + (count(len(found), "peer") if found else "no security associations")]
    lines += [f"  {paint('warning', 'warning')}: the service {s} does not run: nothing is negotiated" for s in stopped]
    for one in found:
        lines.append(f"  {visible(one.remote)}{_named(one.remote_id, one.remote)} ← {visible(one.local)}"
                     f"{_named(one.local_id, one.local)}")
        rows = [("main mode", " · ".join(filter(None, map(visible, (one.key_module, one.authentication, one.suite)))),
                 _limits(one.seconds))] if one.suite or one.authentication else []
        rows += [("quick mode", _quick(q), _limits(q.seconds, q.kilobytes)) for q in one.quick]
        rows.append(("asked by", ", ".join(map(visible, one.rules)) or "no rule that is known here", ""))
        lines += ["    " + line for line in columns(rows)]
    return "\n".join(lines) + "\n"


def data(host: str, found: Sequence[Association], stopped: Sequence[str] = ()) -> dict[str, Any]:
    """The same as plain JSON values."""
    return {"host": host, "stopped_services": list(stopped), "associations": [asdict(a) for a in found]}


def _named(id: str, address: str) -> str:
    return f" ({visible(id)})" if id and id != address else ""


def _quick(q: QuickMode) -> str:
    ports = f" {q.local_port or 'any'}→{q.remote_port or 'any'}" if q.local_port or q.remote_port else ""
    protocol = "" if q.protocol == "any" else f" · {q.protocol}{ports}"
    return visible(f"{q.mode} · {q.suite or 'no transform'}{protocol}")


def _limits(seconds: int, kilobytes: int = 0) -> str:
    """How long and how much the keys may be used."""
    parts = ([f"{seconds // 60} min"] if seconds else []) + ([f"{kilobytes:,} KB"] if kilobytes else [])
    return " / ".join(parts)
