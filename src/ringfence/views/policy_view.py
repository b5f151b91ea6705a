"""A host's policy as it stands, for people and for programs."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from ringfence.diagnostics import Diagnostic
from ringfence.errors import ExitCode
from ringfence.formats.data import host_head
from ringfence.model.plain import plain_data, task_data
from ringfence.report import HostResult, PolicyObject, PolicyResult, Report
from ringfence.views import diagnostics_text
from ringfence.views.defaults_view import origin
from ringfence.views.format import blank_of, columns, count, escaped, naming, natural, value
from ringfence.views.meaning import meaning_text
from ringfence.views.view import ViewOptions
from ringfence.windows.origin import ORIGINS, TEXT_PROPERTIES
from ringfence.windows.whole_policy import RESTRICTED_KEYS

_SWITCH = "enabled"


class PolicyTextView:
    """One host after the other: counts, objects by store and kind with their origin, then what no kind has."""

    def __init__(self, options: ViewOptions) -> None:
        self._style = options.style

    def begin(self, warnings: Sequence[Diagnostic]) -> str:
        return ""

    def host(self, result: HostResult) -> str:
        lines = [f"{self._style(escaped(result.host), 'strong')}:"]
        lines += [diagnostics_text.diagnostic(d, self._style) for d in result.diagnostics]
        if result.error or not isinstance(result, PolicyResult):
            return "\n".join([*lines, diagnostics_text.failure(result.error, self._style) if result.error else ""]) + "\n"
        return "\n".join([*lines, *_counted(result), *self._objects(result), *_beside(result)]) + "\n\n"

    def end(self, report: Report, seconds: float, exit_code: ExitCode) -> str:
        return ""

    def _objects(self, result: PolicyResult) -> Iterator[str]:
        people_say = naming(tuple(result.names.items()))
        ordered = sorted(result.objects, key=lambda o: (o.id.store, o.id.kind, natural(o.id.name)))
        for (store, kind), those in groupby(ordered, key=lambda o: (o.id.store, o.id.kind)):
            group = list(those)
            yield f" {kind}, {store} ({len(group)}):"
            for line, one in zip(columns([_row(o, result.names, people_say) for o in group]), group, strict=True):
                yield "  " + (self._style(line, "quiet") if getattr(one.resource, _SWITCH, True) is False else line)


def _row(one: PolicyObject, names: Mapping[str, str], people_say: Callable[[str], str]) -> list[str]:
    """Whether it is on, its name, whose it is, what it is called, and what it says."""
    switch: Any = getattr(one.resource, _SWITCH, None)
    on = "on" if switch is True else "off" if switch is False else ""
    title = names.get(one.title, one.title)
    kind = one.resource.kind
    said = [meaning_text(one.resource, tuple(names.items()))] if kind.phrases else []
    told = ((p, v) for p, v in zip(kind.properties.values(), one.resource.values().values(), strict=True)
            if v != p.default and p.name not in (*TEXT_PROPERTIES, _SWITCH) and p.phrase is None)
    said += [f"{p.name} {people_say(value(v, blank_of(p, v)))}" for p, v in told]
    called = f'"{escaped(title)}"  ' if title and title != one.resource.name else ""
    whose = one.origin.name + (f" ({people_say(escaped(one.origin.of))})" if one.origin.of else "")
    return [on, escaped(one.resource.name), whose, called + ", ".join([*said, *map(escaped, one.resource.unknown_tokens)])]


def _counted(result: PolicyResult) -> Iterator[str]:
    """How many there are of each store and kind, and whose, whatever is shown below."""
    groups: dict[tuple[str, str], Counter[str]] = {}
    for (store, kind, whose), number in result.counts.items():
        groups.setdefault((store, kind), Counter())[whose] += number
    rows = []
    for (store, kind), by_origin in sorted(groups.items()):
        whose = ", ".join(f"{by_origin[name]} {name}" for name in ORIGINS if by_origin[name])
        rows.append([f" {kind}, {store}", str(by_origin.total()), whose])
    yield from columns(rows, right=[1])
    if any(store in RESTRICTED_KEYS for store, _ in groups):
        yield f" (--store {', '.join(RESTRICTED_KEYS)} lists the restrictions)"


def _beside(result: PolicyResult) -> Iterator[str]:
    """Networks, what only cmdlets tell of, and values of the registry that no kind has."""
    if result.networks:
        networks = (f"{escaped(alias)} {escaped(category) or 'of no category'}" for alias, category in result.networks)
        yield " networks: " + ", ".join(networks)
    for noun, rows in result.cmdlet_objects.items():
        yield f" {noun}: {count(len(rows), 'object')}"
        for row in rows:
            yield "  " + ", ".join(f"{escaped(str(k))} {value(_flat(v))}" for k, v in row.items() if v not in (None, "", []))
    if result.values:
        yield " values of the registry that no kind has:"
        yield from ("  " + line for line in columns(
            [[v.store, escaped(f"{v.key}\\{v.name}".lstrip("\\")), escaped(v.data), f"legacy: {v.legacy}" if v.legacy else ""]
             for v in result.values]))


def _flat(said: Any) -> Any:
    """What a cmdlet told, as `value` takes it."""
    return tuple(said) if isinstance(said, list) else said


def policy_data(result: HostResult) -> dict[str, Any]:
    """The object of a host: the objects of its policy, in place of changes."""
    if not isinstance(result, PolicyResult):
        return host_head(result)
    return {
        **host_head(result),
        "build": result.build,
        "objects": [{**one.id._asdict(), "name": one.resource.name, "title": result.names.get(one.title, one.title) or None,
                     "origin": origin(one.origin), "values": task_data(one.resource)} for one in result.objects],
        "counts": [{"store": s, "kind": k, "origin": o, "objects": n} for (s, k, o), n in sorted(result.counts.items())],
        "networks": [{"interface": alias, "category": category or None} for alias, category in result.networks],
        "registry_values": [{"store": v.store, "key": v.key, "name": v.name, "data": v.data, "legacy": v.legacy or None}
                            for v in result.values],
        "told_by_cmdlets": {noun: [plain_data(row) for row in rows] for noun, rows in result.cmdlet_objects.items()}}
