"""The settings of Ansible (`ansible.cfg`, `ANSIBLE_…`) that a project was written under.

ringfence heeds but few of the variables (run_settings names them), where the project says nothing itself, and of both which forms
of inventories are read (`enable_plugins`). Those under which the same files mean other values are mistakes, the others are named
once.
Names and defaults: ansible-core 2.19, lib/ansible/config/base.yml; which file counts: its documentation, "Ansible
Configuration Settings".
"""

import configparser
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ringfence.diagnostics import NOWHERE, Problems, Where
from ringfence.documents.trust import Trust
from ringfence.documents.yaml import read_text
from ringfence.files import MAX_CFG

ANSIBLE_CFG = "ansible.cfg"
OPTION = "--ignore-ansible-cfg"
MAX_CFG_LINE = 500  # characters of a line of ansible.cfg, as the patterns of configparser cost the square of them
_NOT_SETTINGS = ("ANSIBLE_CONFIG", "ANSIBLE_HOME", "ANSIBLE_LOCAL_TEMP")  # where files are
_ENABLED = (("ANSIBLE_INVENTORY_ENABLED", ""), ("enable_plugins", "inventory"))  # by default inventory.readers.READERS
# what they ask for is always so: an inventory that cannot be read is a mistake, and what a script says is told where it fails
_ALWAYS_SO = frozenset({
    ("ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED", ""), ("any_unparsed_is_failed", "inventory"),
    ("ANSIBLE_INVENTORY_UNPARSED_FAILED", ""), ("unparsed_is_failed", "inventory"),
    ("ANSIBLE_INVENTORY_UNPARSED_WARNING", ""), ("inventory_unparsed_warning", "inventory"),
    ("ANSIBLE_INVENTORY_PLUGIN_SCRIPT_STDERR", ""), ("always_show_stderr", "inventory_plugin_script")})


@dataclass(frozen=True, slots=True)
class ValueSetting:
    """A setting that changes what variables hold. `sections` of ansible.cfg, in which it has the name `key`."""

    key: str
    variable: str
    default: str
    meaning: str
    sections: tuple[str, ...] = ("defaults",)

    def changes(self, value: str) -> bool:
        """Whether a value is another than the one that ringfence goes by."""
        return _words(value) != _words(self.default)


VALUE_SETTINGS = (
    ValueSetting("hash_behaviour", "ANSIBLE_HASH_BEHAVIOUR", "replace", "whether mappings are merged"),
    ValueSetting("precedence", "ANSIBLE_PRECEDENCE", "all_inventory, groups_inventory, all_plugins_inventory, "
                 "all_plugins_play, groups_plugins_inventory, groups_plugins_play", "which variables win"),
    ValueSetting("yaml_valid_extensions", "ANSIBLE_YAML_FILENAME_EXT", ".yml, .yaml, .json",
                 "which files in group_vars/ and host_vars/ count"),
    ValueSetting("vars_plugins_enabled", "ANSIBLE_VARS_ENABLED", "host_group_vars", "where variables come from"),
    ValueSetting("playbook_vars_root", "ANSIBLE_PLAYBOOK_VARS_ROOT", "top", "beside which playbooks group_vars/ count"),
    ValueSetting("error_on_undefined_vars", "ANSIBLE_ERROR_ON_UNDEFINED_VARS", "true", "what an undefined variable is"),
    ValueSetting("jinja2_extensions", "ANSIBLE_JINJA2_EXTENSIONS", "", "what templates can do"),
    ValueSetting("jinja2_native", "ANSIBLE_JINJA2_NATIVE", "true", "which type a template gives"),
    ValueSetting("force_valid_group_names", "ANSIBLE_TRANSFORM_INVALID_GROUP_CHARS", "never", "what groups are called"),
    ValueSetting("inventory_ignore_extensions", "ANSIBLE_INVENTORY_IGNORE", "", "which files of an inventory count"),
    ValueSetting("ignore_extensions", "", "", "which files of an inventory count", ("inventory",)),
    ValueSetting("inventory_ignore_patterns", "ANSIBLE_INVENTORY_IGNORE_REGEX", "", "which files of an inventory count"),
    ValueSetting("ignore_patterns", "", "", "which files of an inventory count", ("inventory",)),
)


def check(folder: Path, problems: Problems, trust: Trust, environment: Mapping[str, str] = os.environ) -> None:
    """Tell in `problems` what Ansible would heed for a project in a folder and ringfence does not; `environment`: without the
    variables that were heeded."""
    found = [*_from_environment({} if trust.untrusted else environment)]
    path = _file(folder, trust, environment)
    if path is not None:
        found += _from_file(path, problems)
    known = {(s.key, section): s for s in VALUE_SETTINGS for section in s.sections}
    known |= {(s.variable, ""): s for s in VALUE_SETTINGS}
    others: list[str] = []
    heeded = {*_ALWAYS_SO, *_ENABLED}
    for (name, section), value, where in found:
        setting = known.get((name, section))
        if (name, section) in heeded:
            continue
        if setting is None:
            others.append(name)
        elif setting.changes(value):
            problems.error(where, f"{name} = {value[:60]} changes with Ansible {setting.meaning}, and is not supported",
                           f"Write what is meant without it. To take the files as they mean without: {OPTION}.")
    if others:
        problems.warn(NOWHERE, f"these settings of Ansible are not heeded: {', '.join(sorted(set(others)))}",
                      f"ringfence has variables, flags and ringfence.yml for what it knows of them. {OPTION} ends this warning.")


def enabled_plugins(folder: Path, trust: Trust, environment: Mapping[str, str] = os.environ) -> tuple[str, ...]:
    """The names in `enable_plugins`; none where it is not said."""
    found = [*_from_environment({} if trust.untrusted else environment)]
    path = _file(folder, trust, environment)
    found += [] if path is None else _from_file(path, Problems())  # `check` tells what is wrong with it
    value = next((value for key in _ENABLED for name, value, _ in found if name == key), "")
    return tuple(re.sub(r"[\[\],'\"]", " ", value).split())


def _file(folder: Path, trust: Trust, environment: Mapping[str, str]) -> Path | None:
    """The file that Ansible would read: the first that is there."""
    named = Path(environment.get("ANSIBLE_CONFIG") or ANSIBLE_CFG)
    candidates = [named / ANSIBLE_CFG if named.is_dir() else named, Path(ANSIBLE_CFG), folder / ANSIBLE_CFG,
                  Path(os.path.expanduser(f"~/.{ANSIBLE_CFG}")), Path("/etc/ansible") / ANSIBLE_CFG]
    return next((path for path in candidates if path.is_file() and not trust.unreadable(path)), None)


def _from_environment(environment: Mapping[str, str]) -> Iterator[tuple[tuple[str, str], str, Where]]:
    for name in sorted(environment):
        if name.startswith("ANSIBLE_") and name not in _NOT_SETTINGS:
            yield (name, ""), environment[name], Where("the environment")


def _from_file(path: Path, problems: Problems) -> Iterator[tuple[tuple[str, str], str, Where]]:
    """((key, section), value, place) of each setting; a file that cannot be read is a mistake."""
    text = read_text(path, problems, limit=MAX_CFG)
    if text is None:
        return
    lines = text.splitlines()
    if any(len(line) > MAX_CFG_LINE for line in lines):
        problems.error(Where(os.fspath(path)), f"more than {MAX_CFG_LINE} characters in one line",
                       f"Shorten it, or give {OPTION}.")
        return
    parser = configparser.ConfigParser(interpolation=None, inline_comment_prefixes=(";",), strict=False)
    try:
        parser.read_string(text)
    except configparser.Error as error:
        problems.error(Where(os.fspath(path)), f"cannot be read as Ansible reads it: {' '.join(str(error).split())[:200]}",
                       f"Correct it, or give {OPTION}.")
        return
    places: dict[str, int] = {}
    for number, line in enumerate(lines, 1):
        places.setdefault(re.split("[=:]", line, maxsplit=1)[0].strip().lower(), number)
    for section in parser.sections():
        for key, value in parser.items(section):
            yield (key, section), value, Where(os.fspath(path), places.get(key, 0))


def _words(value: str) -> list[str]:
    """A value, however it is written; yes is true."""
    words = re.sub(r"[\[\],'\"]", " ", value.lower()).split()
    return ["true" if word in ("yes", "on", "1", "y", "t") else word for word in words]
