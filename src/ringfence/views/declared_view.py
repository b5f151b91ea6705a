"""What is declared for hosts, without asking one: each object with what it does, where it is declared, and why a host gets it."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from ringfence.diagnostics import Where
from ringfence.formats.data import label_data, place_data
from ringfence.model.declaration import Declaration, Declarations, Present
from ringfence.model.plain import plain_data, task_value
from ringfence.model.resource import Kind, Property
from ringfence.secret import Secret
from ringfence.views.format import escaped, natural
from ringfence.views.host_names import HostGroups, HostNames
from ringfence.views.meaning import meaning_text

_TEMPLATE = re.compile(r"\{[{%#]")  # what a reader of playbooks takes for the beginning of a template
_COMMENT = 44  # column at which comments stand, where what is before them is shorter


@dataclass(frozen=True)
class Written:
    """A task as it is written: the patterns of hosts of its play, its conditions, and its values, templates as they are."""

    hosts: tuple[str, ...]
    when: tuple[str, ...]
    values: Mapping[str, Any]


@dataclass(frozen=True)
class DeclaredHost:
    """What is declared for one host. written: the tasks by their places · waits: places that need what only the host knows."""

    host: str
    declarations: Declarations
    written: Mapping[Where, Written]
    waits: tuple[Where, ...] = ()


def declared_data(one: DeclaredHost) -> dict[str, Any]:
    """The host for programs."""
    return {"host": one.host, "declarations": [_data(d, one.written.get(d.where)) for d in one.declarations.values()],
            "needs_facts": [place_data(where) for where in one.waits]}


def _data(declared: Declaration, written: Written | None) -> dict[str, Any]:
    state, values, defaults = _parts(declared)
    return {
        "id": {"store": declared.id.store, "kind": declared.id.kind, "name": _name(declared)}, "state": state, "values": values,
        "defaults": defaults,
        "meaning": meaning_text(declared.resource) if isinstance(declared, Present) else None,
        "places": {name: place_data(where) for name, where in declared.locations.items()},
        "source": {**place_data(declared.where), **label_data(declared.label)},
        "because": {"hosts": list(written.hosts) if written else [], "when": list(written.when) if written else []}}


def _parts(declared: Declaration) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """(present, absent or default; what is mentioned; Windows' defaults of what is not)."""
    if not isinstance(declared, Present):
        return ("absent" if type(declared).__name__ == "Absent" else "default"), {}, {}
    values = {name: task_value(value) for name, value in declared.values.items()}
    kind = declared.resource.kind
    kept = not kind.whole or declared.treatment.omitted == "keep"
    return "present", values, {} if kept else {
        name: plain_data(getattr(declared.resource, name)) for name in kind.properties if name not in values}


def _name(declared: Declaration) -> str:
    return declared.resource.name if isinstance(declared, Present) else declared.name or declared.id.name


def declared_text(hosts: Sequence[DeclaredHost], groups: HostGroups, kinds: Mapping[str, Kind], full: bool) -> str:
    """The hosts as YAML: tasks that say the same, with comments. Hosts of which the same is declared stand together."""
    found: dict[str, list[str]] = {}
    for one in hosts:
        found.setdefault("\n".join(_lines(one, kinds)), []).append(one.host)
    called = HostNames([one.host for one in hosts], groups, full)
    ordered = sorted(found.items(), key=lambda pair: natural(min(pair[1], key=natural)))
    return "\n".join(f"# {called.of(names)}{text}" for text, names in ordered)


def _lines(one: DeclaredHost, kinds: Mapping[str, Kind]) -> Iterator[str]:
    yield f": {len(one.declarations)} declared" + (
        f"; more depends on what the host says of itself: {', '.join(map(str, one.waits))}" if one.waits else "")
    for declared in one.declarations.values():
        yield ""
        yield from _task(declared, one.written.get(declared.where), kinds[declared.id.kind])
    yield ""


def _task(declared: Declaration, written: Written | None, kind: Kind) -> Iterator[str]:
    """One object as a task."""
    state, values, _ = _parts(declared)
    if isinstance(declared, Present) and (told := meaning_text(declared.resource)):
        yield f"# {told}"
    if written is not None:
        because = "".join(f", when {escaped(said)}" for said in written.when)
        yield f"# for {escaped(':'.join(written.hosts))}{because}"
    label = declared.label.task or declared.label.play
    yield _beside(f"- {declared.id.kind}:", f"{declared.where}  {escaped(label)}".rstrip())
    yield f"    {kind.key}: {_yaml(_name(declared))}"
    for name, value in values.items():
        said = written.values.get(name) if written else None
        template = f"  {escaped(said)}" if isinstance(said, str) and "{" in said and not isinstance(said, Secret) else ""
        yield _beside(f"    {name}: {_yaml(_said(kind.properties[name], value))}", f"{declared.location(name)}{template}")
    if state != "present":
        expired = f"expired {escaped(declared.label.expiry)}" if declared.label.expires else ""
        yield _beside(f"    state: {state}", expired) if expired else f"    state: {state}"
    yield from _treatment(declared)


def _treatment(declared: Declaration) -> Iterator[str]:
    """The keys beside `when`: those of an object that shall be there, and the ticket of any."""
    label = declared.label
    said: dict[str, Any] = {"ticket": label.ticket}
    if isinstance(declared, Present):
        treatment = declared.treatment
        said = {"omitted": treatment.omitted, "adopt": treatment.adopt, "renamed_from": treatment.renamed_from,
                "expires": label.expires, "expires_on_host": label.expires_on_host, **said}
    yield from (f"  {name}: {_yaml(value)}" for name, value in said.items() if value)


def _beside(line: str, comment: str) -> str:
    return f"{line.ljust(_COMMENT)}  # {comment}"


def _said(p: Property, value: Any) -> Any:
    """A value as a task would say it: nothing by its word; numbers as numbers, where people write the type so. A name may be
    007 as well, and is another one than 7."""
    if value in (None, [], ""):
        return p.type.nothing or None
    sample = p.type.sample if isinstance(p.type.sample, list | tuple) else ()
    if isinstance(value, list) and any(isinstance(one, int) for one in sample):
        return [int(one) if isinstance(one, str) and one.isdecimal() and str(int(one)) == one else one for one in value]
    return value


class _LiteralDumper(yaml.SafeDumper):
    """Writes values as they are: no text is read as a template, and each stands on one line."""

    def ignore_aliases(self, data: Any) -> bool:
        """A value that stands twice is written twice."""
        return True


def _literal_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = '"' if len(text.splitlines()) > 1 or text.endswith("\n") else None  # others would be several lines, with indents
    if _TEMPLATE.search(text):
        return dumper.represent_scalar("!unsafe", text, style or "'")
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style)


_LiteralDumper.add_representer(str, _literal_text)


def _yaml(value: Any) -> str:
    """A value on one line of YAML."""
    text: str = yaml.dump(value, Dumper=_LiteralDumper, default_flow_style=True, width=1_000_000)
    return text.removesuffix("\n").removesuffix("\n...")
