"""What Ansible and ringfence are both asked of their language: templates, and plays of tasks that say what they come to."""

import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from core import cases

HOSTS = """
all:
  vars: {jump_hosts: [1]}
  hosts:
    one: {zone: z1}
    two: {zone: z2, lazy: "lazy-{{ zone }}"}
  children:
    web: {hosts: {one: }}
"""
KINDS = ("firewall_rule", "firewall_profile")


@dataclass(frozen=True)
class LanguagePlay:
    """A project: its files, and what is said on the command line."""

    name: str
    files: dict[str, str]
    extra: list[str] = field(default_factory=list)
    only: list[str] = field(default_factory=list)
    skip: list[str] = field(default_factory=list)

    def write(self, folder: Path) -> None:
        """Its files."""
        for name, text in {"hosts.yml": HOSTS, **self.files}.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")


def templates() -> dict[str, Any]:
    """{variables, files, templates}: of the cases of templates, and what language_expressions.yml has."""
    known, asked = cases("project_templates"), cases("language_expressions")
    found = [case["template"] for case in known["cases"]] + [f"{{{{ {one} }}}}" for one in asked["expressions"]]
    found += asked["templates"]
    return {"variables": {**known["variables"], **asked["variables"]}, "files": asked["files"],
            "templates": list(dict.fromkeys(found))}


def plays() -> list[LanguagePlay]:
    """All of them."""
    return [*_of_cases(), *_precedence(), *_written()]


def _of_cases() -> Iterator[LanguagePlay]:
    """The plays of project_playbooks.yml that need no facts of a host."""
    for case in cases("project_playbooks"):
        if "facts" not in case and "waiting" not in case and "ringfence_facts" not in case["site"]:
            yield LanguagePlay(case["name"], {"site.yml": case["site"], **case.get("files", {})}, case.get("extra", []),
                               case.get("tags_only", []), case.get("tags_skip", []))


LAYERS = {  # where a variable may be said: a file, and what it says; or a part of the play
    "inventory of a group": ("hosts.yml", "all: {{vars: {{x: {0}}}, hosts: {{one: }}, children: {{web: {{hosts: {{one: }}}}}}}}"),
    "group_vars of all": ("group_vars/all.yml", "x: {0}"), "group_vars of a group": ("group_vars/web.yml", "x: {0}"),
    "inventory of a host": ("hosts.yml", "all: {{hosts: {{one: {{x: {0}}}}}, children: {{web: {{hosts: {{one: }}}}}}}}"),
    "host_vars": ("host_vars/one.yml", "x: {0}"), "play": ("", "vars"), "vars_files": ("files.yml", "x: {0}"),
    "defaults of a role": ("roles/r/defaults/main.yml", "x: {0}"), "vars of a role": ("roles/r/vars/main.yml", "x: {0}"),
    "block": ("", "block"), "import": ("", "import"), "task": ("", "task"), "include_vars": ("included.yml", "x: {0}"),
    "-e": ("", "extra")}


def _precedence() -> Iterator[LanguagePlay]:
    """Each two places where a variable may be said, and which of them counts."""
    for first, second in itertools.combinations(LAYERS, 2):
        if {first, second} == {"inventory of a group", "inventory of a host"}:
            continue
        said = {name: LAYERS[name] for name in (first, second)}
        inside = {place[1] for place in said.values() if not place[0]}
        parts = ("task", "import", "block", "vars")
        own: list[dict[str, Any]] = [{"vars": {"x": part}} if part in inside else {} for part in parts]
        role: dict[str, Any] = {"import_role": {"name": "r"}, **own[1]}
        tasks: list[Any] = [{"include_vars": "included.yml"}] if "include_vars" in said else []
        play = {"hosts": "one", **own[3], "tasks": [*tasks, {"block": [role], **own[2]}],
                **({"vars_files": ["files.yml"]} if "vars_files" in said else {})}
        files = {"site.yml": yaml.safe_dump([play], sort_keys=False),
                 "roles/r/tasks/main.yml": yaml.safe_dump([{"firewall_rule": {"a": "{{ x }}"}, **own[0]}])}
        files |= {place: text.format(json.dumps(name)) for name, (place, text) in said.items() if place}
        yield LanguagePlay(f"{first} and {second}", files, ["x=extra"] if "extra" in inside else [])


def _written() -> Iterator[LanguagePlay]:
    """Those of language_plays.yml: conditions and loops are one task each, tags are chosen from the same tasks."""
    asked = cases("language_plays")
    for key, name in (("conditions", "when"), ("loops", "loop")):
        for one in asked[key]:
            task = {"firewall_rule": {"a": "{{ item | default('once') }}"}, **({"when": one} if name == "when" else one)}
            site = [{"hosts": "one", "vars": asked["variables"], "tasks": [task]}]
            yield LanguagePlay(f"{name}: {json.dumps(one)}", {"site.yml": yaml.safe_dump(site, sort_keys=False)})
    for one in asked["choices"]:
        name = f"-t {','.join(one.get('only', []))} --skip-tags {','.join(one.get('skip', []))}"
        yield LanguagePlay(name, {"site.yml": yaml.safe_dump(asked["tagged"], sort_keys=False)}, [], one.get("only", []),
                           one.get("skip", []))
    for one in asked["plays"]:
        yield LanguagePlay(one["name"], {"site.yml": one["site"], **one.get("files", {})}, one.get("extra", []),
                           one.get("only", []))
