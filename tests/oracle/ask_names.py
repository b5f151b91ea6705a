"""Run by the Python of an Ansible: the names of its own filters, tests and lookups, and of Jinja2's, on standard output."""

import importlib
import json
import pkgutil
from typing import Any

import ansible.plugins.lookup as lookups  # type: ignore[import-not-found]
import jinja2


def named(folder: str, cls: str, method: str) -> set[str]:
    """The names that the modules of a folder of plugins offer."""
    package: Any = importlib.import_module(f"ansible.plugins.{folder}")
    modules = [importlib.import_module(f"ansible.plugins.{folder}.{m.name}") for m in pkgutil.iter_modules(package.__path__)]
    return {name for module in modules if hasattr(module, cls) for name in getattr(getattr(module, cls)(), method)()}


if __name__ == "__main__":
    env = jinja2.Environment()
    print(json.dumps({"filters": sorted(named("filter", "FilterModule", "filters") | set(env.filters)),
                      "tests": sorted(named("test", "TestModule", "tests") | set(env.tests)),
                      "lookups": sorted(m.name for m in pkgutil.iter_modules(lookups.__path__))}))
