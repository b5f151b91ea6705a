"""Service restrictions: in force where they do not say that they are not."""

import os
from pathlib import Path
from typing import Any

import pytest
from core import RULE
from registry_files import hive

from ringfence.codecs.registry import parse_tree
from ringfence.windows.service_hardening import CONFIGURABLE, STATIC, hardening_rules

ROWS: list[list[Any]] = [[r"RestrictedServices\Static\System", [
    ["a", "String", "V2.0|Action=Block|Dir=In|app=%windir%\\system32\\svchost.exe|Svc=a|Name=a|"],
    ["b", "String", "V2.0|Action=Allow|Active=FALSE|Dir=In|Svc=b|Name=b|"], ["c", "DWord", 1], ["", "String", "V2.0|"]]],
    [r"RestrictedServices\Configurable\System", [["a", "String", "v2.31|Action=Block|active=true|Dir=Out|Svc=a|Name=a|"]]],
    ["FirewallRules", [["x", "String", "v2.31|Action=Allow|Dir=In|Name=x|"]]]]


def test_without_a_word_they_are_in_force() -> None:
    found = [(store, r.name, r.values()["enabled"]) for store, r in hardening_rules(RULE, parse_tree(ROWS))]
    assert found == [(STATIC, "a", True), (STATIC, "b", False), (CONFIGURABLE, "a", True)]


def test_they_come_back_as_they_stood() -> None:
    strings = [data for path, values in ROWS for _, type, data in values if "Restricted" in path and type == "String"][:2]
    assert [RULE.write_string(r) for _, r in hardening_rules(RULE, parse_tree(ROWS))][:2] == strings
    assert RULE.read_string("x", "v2.31|Action=Allow|Dir=In|Name=x|").values()["enabled"] is False  # everywhere else


FOLDER = Path(os.environ.get("RINGFENCE_CORPUS", "no-corpus"))


@pytest.mark.parametrize("path", sorted(FOLDER.glob("hives/*.xz")), ids=lambda p: p.name)
def test_of_a_real_machine(path: Path) -> None:
    tree = parse_tree(hive(path))
    found = list(hardening_rules(RULE, tree))
    assert len(found) == sum(len(values) for key, values in tree.items() if key.startswith("restrictedservices") and
                             key.endswith("\\system"))
    for _, r in found:
        assert r.source is not None
        assert r.values()["enabled"] is ("|active=false" not in r.source.string.lower())
        assert RULE.write_string(r) == r.source.string
