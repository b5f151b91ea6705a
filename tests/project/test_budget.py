"""One budget for everything that a host has rendered, and what normal projects use of it."""

import json
from pathlib import Path
from typing import Any

import pytest
from chance import rounds

from ringfence.diagnostics import InputError
from ringfence.project.project import Project, load
from ringfence.templates import budget
from ringfence.templates.budget import MAX_COMPILED, MAX_RENDERING, one_budget, spent

KINDS = {"firewall_rule"}
LOOPS = "{% for j in range(10) %}{% endfor %}"
HALF = f"{{% for i in range({rounds(60_000)}) %}}{LOOPS}{{% endfor %}}"  # more than half of a budget


@pytest.fixture
def less(monkeypatch: pytest.MonkeyPatch) -> None:
    """A part of the budget."""
    monkeypatch.setattr(budget, "MAX_RENDERING", rounds(MAX_RENDERING))


def project(folder: Path, tasks: list[dict[str, Any]], hosts: int = 2, **variables: Any) -> Project:
    """A project of one play."""
    (folder / "site.yml").write_text("- hosts: all\n  tasks:\n" + "".join(f"  - {json.dumps(task)}\n" for task in tasks))
    (folder / "hosts.yml").write_text(json.dumps({"all": {"hosts": {f"web{n}": None for n in range(hosts)}, "vars": variables}}))
    return load([folder / "site.yml"], kinds=KINDS, inventory=[str(folder / "hosts.yml")])


def rule(**properties: Any) -> dict[str, Any]:
    return {"firewall_rule": properties}


@pytest.mark.chance
@pytest.mark.usefixtures("less")
def test_the_budget_is_one_for_all_values_of_a_host(tmp_path: Path) -> None:
    tasks = [rule(name="a", description=HALF), rule(name="b"), rule(name="c", description=HALF), rule(name="d")]
    found = project(tmp_path, tasks)
    for host in ("web0", "web1", "web1"):  # the second host is not better off because the first one paid
        rendered = found.render(host)
        (told,) = rendered.diagnostics
        assert told.where.line == 5
        assert "make too much" in told.summary
        assert f"{MAX_RENDERING:,}" in told.detail
        assert [task.properties["name"] for task in rendered.tasks] == ["a", "b"]


@pytest.mark.chance
@pytest.mark.usefixtures("less")
def test_what_fits_for_one_host_fits_for_each(tmp_path: Path) -> None:
    found = project(tmp_path, [rule(name="a", description=HALF)], hosts=20)
    assert all(not found.render(host).diagnostics for host in found.hosts)


def test_tasks_that_loops_make_are_paid(tmp_path: Path) -> None:
    tasks = [{**rule(name="{{ item }}"), "loop": "{{ range(9999) | list }}"} for _ in range(4)]
    (told,) = project(tmp_path, tasks).render("web0").diagnostics
    assert told.where.line == 5


def test_files_of_variables_are_paid_as_often_as_they_are_laid_over_others(tmp_path: Path) -> None:
    (tmp_path / "many.yml").write_text("".join(f"k{n}: 1\n" for n in range(10_000)))
    (tmp_path / "hosts.yml").write_text("all: {hosts: {web0: }}\n")
    (tmp_path / "site.yml").write_text("- hosts: all\n  tasks: []\n  vars_files: [" + ", ".join(["many.yml"] * 3000) + "]\n")
    found = load([tmp_path / "site.yml"], kinds=KINDS, inventory=[str(tmp_path / "hosts.yml")])
    (told,) = found.render("web0").diagnostics
    assert "make too much" in told.summary


def test_templates_are_compiled_for_a_file_up_to_a_number(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"site.yml:\d+: too many different templates") as raised:
        project(tmp_path, [rule(name=f"{{{{ a + {n} }}}}") for n in range(MAX_COMPILED // 7)])
    assert len(raised.value.diagnostics) == 1
    assert project(tmp_path, [rule(name=f"{{{{ a.b }}}}-{n}{{{{ c }}}}") for n in range(MAX_COMPILED // 7)], a={"b": 1}, c=1)


def test_a_normal_large_project_uses_little_of_its_budget(tmp_path: Path) -> None:
    """300 rules with templates in five properties, and a loop over 2,000 items with filters."""
    rules = [rule(name=f"r{n}-{{{{ site }}}}", local_port=f"{{{{ ports[{n}] | int }}}}", group="{{ site | upper }}",
                  remote_address="{{ nets | map('replace', '/24', '/25') | list }}", enabled="{{ site != 'x' }}")
             for n in range(300)]
    looped = {**rule(name="svc-{{ item.name | lower | replace(' ', '-') }}", protocol="{{ item.protocol | default('tcp') }}",
                     local_port="{{ item.port | int }}", remote_address="{{ nets | union(item.nets | default([])) | unique }}"),
              "loop": "{{ services }}", "when": "item.port | int > 10 and site is match('f')"}
    services = [{"name": f"Service {n}", "port": str(1000 + n)} for n in range(2000)]
    variables: dict[str, Any] = {"site": "fra", "ports": list(range(1, 301)), "nets": ["10.0.0.0/24"] * 4, "services": services}
    found = project(tmp_path, [*rules, looped], **variables)
    with one_budget():
        rendered = found.render("web0")
        assert (len(rendered.tasks), rendered.diagnostics) == (2300, ())
        assert spent() < MAX_RENDERING / 3
