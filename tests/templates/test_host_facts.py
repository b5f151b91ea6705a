"""Facts under ringfence's names and under those of Ansible's setup; a name that there is not is a mistake."""

from typing import Any

import pytest
from hosts import LabHost

from ringfence.documents.vault import Vault
from ringfence.documents.yaml import Map
from ringfence.lab import machine
from ringfence.run.host import HostRun
from ringfence.run.questions import INTERFACES, MANAGEMENT, Questions
from ringfence.templates.budget import RenderError
from ringfence.templates.host_facts import host_facts
from ringfence.templates.scope import Scope


@pytest.fixture(scope="module")
def scope() -> Scope:
    lab = LabHost(on=machine("srv1", domain="corp.example"))
    facts = HostRun(lab.job({}), lab.context()).read(Questions(frozenset({INTERFACES, MANAGEMENT})))[0].facts
    return Scope(Map(), {}, host_facts(facts.raw), Vault())


@pytest.mark.parametrize(("template", "value"), [
    ("{{ ansible_facts.os_family }}", "Windows"),
    ("{{ ansible_facts['distribution'] }}", "Microsoft Windows Server 2022 Standard"),
    ("{{ ansible_facts.distribution_version }}", "10.0.20348"), ("{{ ansible_facts.distribution_major_version }}", "10"),
    ("{{ ansible_facts.hostname }}", "srv1"), ("{{ ansible_facts.fqdn }}", "srv1.corp.example"),
    ("{{ ansible_facts.windows_domain_member }}", True), ("{{ ansible_facts.os_product_type }}", "server"),
    ("{{ ringfence_facts.os.build }}", 20348), ("{{ ansible_facts.ip_addresses | length > 0 }}", True),
    ("{{ ansible_facts.env.SystemRoot is defined }}", True), ("{{ ansible_facts.os.nothing is defined }}", False)])
def test_what_templates_see(template: str, value: Any, scope: Scope) -> None:
    assert scope.render(template) == value


@pytest.mark.parametrize("expression", ["ansible_facts.os_famly is defined", "ringfence_facts.nothing | default(false)",
                                        "ansible_facts['distro'] == 'x'"])
def test_a_fact_that_there_is_not_is_a_mistake_whatever_is_asked(expression: str, scope: Scope) -> None:
    with pytest.raises(RenderError, match="there is no fact"):
        scope.render("{{ " + expression + " }}")


def test_variables_of_facts_are_told_with_where_they_are(scope: Scope) -> None:
    with pytest.raises(RenderError) as told:
        scope.render("{{ ansible_os_family }}")
    assert told.value.detail == "It is ansible_facts['os_family'] here."
