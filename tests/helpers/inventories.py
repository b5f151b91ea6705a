"""Inventories that Ansible was asked about (tests/cases/ansible): those of the file, and others by chance."""

import json
import random
import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from ansible_answers import digest
from core import cases

from ringfence.documents.vault import encrypt
from ringfence.secret import Secret

SEED, COUNT, WITH_PATTERNS, PATTERNS = 20261127, 300, 60, 40
ENABLED = ("host_list", "script", "auto", "yaml", "toml", "ini")
"""What may read inventories where a case does not say so: before 2.19 INI comes before TOML by default, and reads of it what it
can."""
_SALT = bytes(range(32))  # the same texts at each time


def inventories() -> list[dict[str, Any]]:
    """Those that were written by hand, and then those by chance."""
    return [*cases("ansible/inventories"), *(by_chance(number) for number in range(COUNT))]


def write(folder: Path, case: Mapping[str, Any]) -> None:
    """Its files."""
    for name, text in {**case["files"], **({".vault": case["vault"]} if "vault" in case else {})}.items():
        path = folder / name.removesuffix("*")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(_encrypted(text, case.get("vault", "")), encoding="utf-8", newline="")
        path.chmod(0o755 if name.endswith("*") else 0o644)
    if "beside" in case:
        (folder / case["beside"]).mkdir(exist_ok=True)


def _encrypted(text: str, password: str) -> str:
    return re.sub("( *)«(.*?)»", lambda m: textwrap.indent(encrypt(m[2], Secret(password), salt=_SALT), m[1]).rstrip(), text,
                  flags=re.DOTALL)


def sources(case: Mapping[str, Any]) -> Sequence[str]:
    """What stands behind -i."""
    named: Sequence[str] = case.get("sources", ["hosts"])
    return named


# ------------------------------------------------------------------------------------------------------------------- by chance

_NAMES = ("x", "y", "z", "port")
_VALUES = (1, 0, "text", True, None, 2.5, [1, "a"], {"k": 1}, "{{ x }}", "a b", "10.0.0.1", "")


def by_chance(number: int) -> dict[str, Any]:
    """One of two sources with groups in groups, priorities, and files of variables; in YAML, INI or TOML."""
    chance = random.Random(SEED * 1000 + number)
    groups = [f"g{i}" for i in range(chance.randint(1, 5))]
    hosts = [f"h{i}" for i in range(chance.randint(1, 5))]
    files: dict[str, str] = {}
    names: list[str] = []
    for name in ("one", "two")[:chance.randint(1, 2)]:
        tree = {group: _group(chance, position, groups, hosts) for position, group in enumerate(groups) if chance.random() < 0.8}
        tree = tree or {groups[0]: _group(chance, 0, groups, hosts)}
        form, ending = chance.choice(_FORMS[:len(_FORMS) - len(names)])
        files[f"{name}/hosts{ending}"] = form(tree)
        names.append(f"{name}/hosts{ending}" if ending == ".ini" or chance.random() < 0.5 else name)
    for folder in ("one", "two", "play"):
        for kind, members in (("group_vars", ["all", *groups]), ("host_vars", hosts)):
            for member in members:
                if chance.random() < 0.12:
                    files[f"{folder}/{kind}/{member}{chance.choice(['', '.yml', '/a.yml'])}"] = yaml.safe_dump(_variables(chance))
    return {"name": f"by chance {number}", "files": files, "sources": names, "beside": "play"}


def _variables(chance: random.Random) -> dict[str, Any]:
    return {name: chance.choice(_VALUES) for name in _NAMES if chance.random() < 0.4}


def _group(chance: random.Random, position: int, groups: Sequence[str], hosts: Sequence[str]) -> dict[str, Any]:
    """Groups contain later ones alone, so that there is no circle."""
    below = [g for g in groups[position + 1:] if chance.random() < 0.35]
    own = {h: _variables(chance) for h in chance.sample(hosts, chance.randint(0, len(hosts)))}
    variables = _variables(chance)
    if chance.random() < 0.2:
        variables["ansible_group_priority"] = chance.randint(-2, 12)
    return {"hosts": own, "children": below, "vars": variables}


def _yaml(tree: Mapping[str, Any]) -> str:
    return yaml.safe_dump({g: {**said, "children": dict.fromkeys(said["children"])} for g, said in tree.items()}, sort_keys=False)


def _ini(tree: Mapping[str, Any]) -> str:
    declared = [*tree, *(c for said in tree.values() for c in said["children"] if c not in tree)]
    return "\n".join(line for group in dict.fromkeys(declared) for line in _section(group, tree.get(group, {}))) + "\n"


def _section(group: str, said: Mapping[str, Any]) -> Iterator[str]:
    yield f"[{group}]"
    for host, variables in said.get("hosts", {}).items():
        yield " ".join([host, *(f"{k}={_quoted(repr(v) if v != '' else v)}" for k, v in variables.items())])
    for kind in ("vars", "children"):
        if said.get(kind):
            yield f"[{group}:{kind}]"
            yield from (f"{k} = {v!r}" for k, v in said[kind].items()) if kind == "vars" else said[kind]


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _toml(tree: Mapping[str, Any]) -> str:
    lines = []
    for group, said in tree.items():
        lines += [f"[{group}]", f"children = {json.dumps(said['children'])}", f"vars = {_table(said['vars'])}"]
        lines += [f"[{group}.hosts]", *(f"{host} = {_table(variables)}" for host, variables in said["hosts"].items())]
    return "\n".join(lines) + "\n"


def _table(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{k} = {_table(v)}" for k, v in value.items() if v is not None) + " }"
    return json.dumps(value)


_SINGLE = ("g0", "g1", "g2", "g3", "h0", "h1", "h2", "all", "ungrouped", "g*", "h*", "*", "h?", "[gh]1", "~h[12]", "~g", "h[0-2]")
_SUBSCRIPTS = ("[0]", "[1]", "[-1]", "[-2]", "[0:1]", "[1:]", "[:1]", "[0:]", "[2:5]", "[1:0]", "[0-1]", "[9]", "[3:9]", "[0:0]")


def patterns_by_chance(number: int) -> list[str]:
    """Patterns of hosts, for the inventory of the same number."""
    chance = random.Random(SEED * 2000 + number)
    return [_pattern(chance) for _ in range(PATTERNS)]


def _pattern(chance: random.Random) -> str:
    single = []
    for _ in range(chance.choice([1, 1, 1, 2, 2, 3])):
        name = chance.choice(_SINGLE)
        if chance.random() < 0.35 and not name.startswith("~"):
            name += chance.choice(_SUBSCRIPTS)
        single.append(chance.choice(["", "", "", "&", "!"]) + name)
    return chance.choice([":", ",", ", "]).join(single)


# TOML is the first source alone: see differences.yml
_FORMS = ((_yaml, ".yml"), (_ini, ""), (_yaml, ""), (_ini, ".ini"), (_toml, ".toml"))


def of_inventories() -> str:
    """The digest of what is asked of inventories, whatever their cases are called."""
    of_ours = ("name", "mistake")
    asked = [{k: v for k, v in case.items() if k not in of_ours} for case in inventories()]
    return digest([asked, ENABLED, *(patterns_by_chance(n) for n in range(WITH_PATTERNS))])
