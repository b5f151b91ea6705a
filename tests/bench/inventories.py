"""The variables of every host of a large inventory, in YAML and in INI, and the memory that they take."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import yaml

from .measure import Line
from .project import worker

GROUPS = 50
LIMITS = {3_000: 0.5, 10_000: 2.0}  # hosts: seconds
MEMORY, RUNS = 200.0, 3
VARIABLES = {"ansible_user": "svc", "site": "berlin", "rack": 7, "ports": [80, 443], "tier": "front end",
             "note": "{{ site }}-web"}


def run() -> Iterator[Line]:
    for hosts, limit in LIMITS.items():
        for form, text in (("YAML", in_yaml(hosts)), ("INI", in_ini(hosts))):
            with tempfile.TemporaryDirectory() as folder:
                write(Path(folder), text)
                found = [worker("inventory", str(Path(folder, "hosts"))) for _ in range(RUNS)]
            yield Line(f"variables of {hosts:,} hosts, {form} of {len(text) / 2**20:.1f} MB",
                       min(f["seconds"] for f in found), "s CPU", limit)
            if hosts == max(LIMITS):
                yield Line("memory beside the program's", max(f["grown"] for f in found), "MB", MEMORY)


def write(folder: Path, text: str) -> None:
    """The inventory, and variables of all groups beside it."""
    (folder / "hosts").write_text(text, encoding="utf-8")
    (folder / "group_vars").mkdir()
    for name in ("all", *(f"g{n}" for n in range(GROUPS))):
        (folder / "group_vars" / f"{name}.yml").write_text(f"of_{name}: {{a: 1, b: [1, 2]}}\nregion: {name}\n", encoding="utf-8")


def _host(number: int) -> tuple[str, dict[str, object]]:
    return f"host{number:05}.example.com", {**VARIABLES, "ansible_host": f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}"}


def in_yaml(hosts: int) -> str:
    """As people write it: a line for each variable."""
    groups = {f"g{g}": {"hosts": dict(_host(n) for n in range(g, hosts, GROUPS)), "vars": {"own": g}} for g in range(GROUPS)}
    text: str = yaml.safe_dump({"all": {"children": groups}}, sort_keys=False)
    return text


def in_ini(hosts: int) -> str:
    """The same in INI form."""
    lines = []
    for g in range(GROUPS):
        lines.append(f"[g{g}]")
        for name, variables in (_host(n) for n in range(g, hosts, GROUPS)):
            lines.append(" ".join([name, *(f'{k}="{v}"' if " " in str(v) else f"{k}={v}" for k, v in variables.items())]))
        lines += [f"[g{g}:vars]", f"own={g}"]
    return "\n".join(lines) + "\n"
