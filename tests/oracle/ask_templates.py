"""Run by the Python of an Ansible: templates on standard input as JSON, what it makes of them on standard output."""

import json
import os
import sys
from typing import Any

from ansible.parsing.dataloader import DataLoader  # type: ignore[import-not-found]
from ansible.plugins.loader import init_plugin_loader  # type: ignore[import-not-found]
from ansible.template import Templar, trust_as_template  # type: ignore[import-not-found]


def trusted(value: Any) -> Any:
    """Every text as one that Ansible reads as a template."""
    if isinstance(value, str):
        return trust_as_template(value)
    if isinstance(value, list):
        return [trusted(one) for one in value]
    return {k: trusted(v) for k, v in value.items()} if isinstance(value, dict) else value


def answer(templar: Any, text: str) -> Any:
    """{value: …}, or {error: true}."""
    try:
        return {"value": json.loads(json.dumps(templar.template(trust_as_template(text))))}
    except Exception:
        return {"error": True}


def main() -> None:
    asked = json.load(sys.stdin)
    init_plugin_loader()
    loader = DataLoader()
    loader.set_basedir(asked["folder"])
    os.chdir(asked["folder"])
    templar = Templar(loader=loader, variables=trusted(asked["variables"]))
    json.dump([answer(templar, text) for text in asked["templates"]], sys.stdout)


if __name__ == "__main__":
    main()
