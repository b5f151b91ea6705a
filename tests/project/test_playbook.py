"""Playbooks rendered: what tasks mean for a host, whose objects they are, what it costs."""

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from core import cases

from ringfence.diagnostics import InputError
from ringfence.documents.vault import Vault, encrypt
from ringfence.project.project import Project, load
from ringfence.project.tags import ANY_TAGS, Tags
from ringfence.secret import Secret

CASES = cases("project_playbooks")
KINDS = {"firewall_rule", "firewall_profile"}
HOSTS = """
all:
  vars: {jump_hosts: [1]}
  hosts:
    one: {zone: z1}
    two: {zone: z2, lazy: "lazy-{{ zone }}"}
  children:
    web: {hosts: {one: }}
"""


Make = Callable[..., Project]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    monkeypatch.chdir(tmp_path)

    def make(site: str, files: dict[str, str] | None = None, hosts: str = HOSTS, **arguments: Any) -> Project:
        for name, text in {"hosts.yml": hosts, "site.yml": site, **(files or {})}.items():
            Path(name).parent.mkdir(parents=True, exist_ok=True)
            Path(name).write_text(text, encoding="utf-8")
        return load(["site.yml"], kinds=KINDS, inventory=["hosts.yml"], **arguments)
    return make


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_what_playbooks_mean(case: dict[str, Any], project: Make) -> None:
    loaded = project(case["site"], case.get("files"), extra=case.get("extra", []))
    tags = Tags.of(case.get("tags_only", ()), case.get("tags_skip", ()))
    found = loaded.render("one", case.get("facts"), tags)
    told = [str(d).split("\n")[0].replace(" (host one)", "") for d in found.diagnostics]
    assert told == case.get("wrong", [])
    assert [dict(t.properties) for t in found.tasks] == case["tasks"]
    assert [w.line for w in found.needs_facts] == case.get("waiting", [])
    if "tags" in case:
        assert [sorted(t.tags) for t in found.tasks] == case["tags"]


def test_tasks_know_where_they_stand_and_what_was_written(project: Make) -> None:
    site = """
- hosts: all
  tasks:
    - name: Port {{ item }}
      firewall_rule:
        name: r{{ item }}
        port: 5
      loop: [80]
      loop_control: {label: "the {{ item }}"}
"""
    (task,) = project(site).render("one").tasks
    assert (task.kind, task.name, str(task.where)) == ("firewall_rule", "Port 80", "site.yml:4")
    assert {k: str(w) for k, w in task.locations.items()} == {"name": "site.yml:6", "port": "site.yml:7"}
    assert task.raw == {"name": "r{{ item }}", "port": 5}
    assert task.item is not None
    assert (task.item.value, task.item.index, task.item.label) == (80, 0, "the 80")


def test_equal_input_gives_the_same_objects(project: Make) -> None:
    site = """
- hosts: all
  vars: {nets: [10.0.0.0/8], mine: "{{ zone }}"}
  tasks:
    - firewall_rule: {a: literal}
    - {firewall_rule: {a: literal}, when: inventory_hostname is defined}
    - firewall_rule: {a: "{{ nets }}", b: "{{ jump_hosts | first }}"}
    - {firewall_rule: {a: "{{ item }}"}, loop: "{{ jump_hosts }}", when: nets is defined}
    - firewall_rule: {a: "{{ mine }}"}
    - firewall_rule: {a: "{{ hostvars.two.zone }}"}
    - firewall_rule: {a: "{{ lookup('vars', 'zone') }}"}
"""
    loaded = project(site)
    one, two = loaded.render("one").tasks, loaded.render("two").tasks
    assert [a is b for a, b in zip(one, two, strict=True)] == [True, True, True, True, False, True, False]
    assert [t.properties["a"] for t in two[-3:]] == ["z2", "z2", "z2"]
    assert all(a is b for a, b in zip(one[:6], loaded.render("one", {"os": {}}).tasks, strict=False))


def test_plays_in_order_and_hosts_in_their_order(project: Make) -> None:
    loaded = project("- hosts: two\n  tasks: [{firewall_rule: {a: 1}}]\n- hosts: all\n  tasks: [{firewall_rule: {a: 2}}]\n")
    assert loaded.hosts == ("two", "one")
    assert [t.properties["a"] for t in loaded.render("two").tasks] == [1, 2]
    assert [t.properties["a"] for t in loaded.render("one").tasks] == [2]
    assert [(play.where.line, hosts) for play, hosts in loaded.plays] == [(1, ("two",)), (3, ("one", "two"))]


def test_limit_and_warnings(project: Make) -> None:
    loaded = project("- hosts: all:wbe*\n  tasks: []\n", limit="web")
    assert loaded.hosts == ("one",)
    assert [str(d) for d in loaded.warnings] == ['site.yml:1: warning: no host or group matches "wbe*"']


def test_a_name_that_nobody_has_is_a_mistake_and_a_group_without_hosts_a_warning(project: Make) -> None:
    with pytest.raises(InputError, match='no host or group matches "wbe"\n    did you mean web'):
        project("- hosts: all:!wbe\n  tasks: []\n")
    loaded = project("- hosts: web:!web\n  tasks: []\n")
    assert loaded.hosts == ()
    assert [str(d).split("\n")[0] for d in loaded.warnings] == [
        "site.yml:1: warning: the play is for no host: its groups are empty, or nothing is left of them"]


def test_variables_of_connections(project: Make) -> None:
    secret = "".join(f"      {line}\n" for line in encrypt("hunter2", Secret("pw")).splitlines())
    hosts = ("all:\n  vars:\n    ansible_password: !vault |\n" + secret +
             "    ansible_user: '{{ user }}'\n    user: admin\n    ringfence_endpoint: '{{ nothing }}'\n"
             "  hosts: {one: {ansible_port: 22}}\n")
    loaded = project("- hosts: all\n  vars: {user: play}\n", hosts=hosts, vault=Vault([("default", Secret("pw"))]))
    values, wrong = loaded.variables("one")
    assert values == {"ansible_user": "play", "ansible_port": 22, "ansible_password": Secret("hunter2")}
    assert [(d.summary, d.where.file, d.host) for d in wrong] == [
        ('the variable "nothing" is not defined', "hosts.yml", "one")]
    assert "hunter2" not in repr(values)
    assert loaded.variables("one", lambda name: name == "user") == ({"user": "play"}, ())


def test_secrets_reach_properties_and_nothing_else(project: Make) -> None:
    secret = "".join(f"          {line}\n" for line in encrypt("hunter2", Secret("pw")).splitlines())
    site = f"""
- hosts: all
  vars:
        key: !vault |
{secret}
  tasks:
    - name: with {{{{ key }}}}
      firewall_rule: {{a: "{{{{ key }}}}"}}
    - firewall_rule: {{a: "x{{{{ key }}}}"}}
"""
    found = project(site, vault=Vault([("default", Secret("pw"))])).render("one")
    assert found.tasks[0].properties["a"].reveal() == "hunter2"
    assert "hunter2" not in repr(found)
    assert found.tasks[1].properties["a"].reveal() == "xhunter2"
    assert found.diagnostics == ()


def test_no_inventory_means_localhost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("site.yml").write_text("- hosts: localhost\n  tasks: [{firewall_rule: {a: '{{ ansible_connection }}'}}]\n")
    loaded = load(["site.yml"], kinds=KINDS)
    assert loaded.render("localhost").tasks[0].properties == {"a": "local"}
    assert [d.summary for d in loaded.warnings] == ["no inventory was given: only localhost is known"]


def test_many_threads_render_the_same(project: Make) -> None:
    hosts = "all: {hosts: {" + ", ".join(f"h{i}: {{n: {i}, m: '{{{{ n + 1 }}}}'}}" for i in range(40)) + "}}\n"
    loaded = project("- hosts: all\n  tasks: [{firewall_rule: {a: \"{{ groups['all'] | map('extract', hostvars, 'm') | sum }}\","
                     " b: '{{ m }}'}}]\n", hosts=hosts)
    results = {}

    def work(names: Any) -> None:
        results.update({n: loaded.render(n) for n in names})
    threads = [threading.Thread(target=work, args=(loaded.hosts[i::4],)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not any(r.diagnostics for r in results.values())
    assert {n: r.tasks[0].properties["b"] for n, r in results.items()} == {f"h{i}": i + 1 for i in range(40)}
    assert {r.tasks[0].properties["a"] for r in results.values()} == {sum(range(1, 41))}


def test_three_hundred_tasks_for_fifty_hosts_cost_little(project: Make) -> None:
    """The agreed bound is 2 ms of CPU a host; ten times that here, so that a slow machine does not fail the test."""
    when = "\n      when: \"'web' in group_names\""
    tasks = "".join(f"\n    - name: Rule {i}\n      firewall_rule: {{name: r{i}, ports: [80, {i}], "
                    f"address: '{'10.0.0.0/8' if i % 5 else '{{ jump_hosts }}'}'}}{'' if i % 7 else when}"
                    for i in range(300))
    hosts = "web: {vars: {jump_hosts: [1]}, hosts: {" + ", ".join(f"h{i}: {{n: {i}}}" for i in range(50)) + "}}\n"
    loaded = project(f"- hosts: all\n  tasks:{tasks}\n", hosts=hosts)
    loaded.render("h0", {})
    begun = time.process_time()
    assert all(len(loaded.render(name, {"computer": name}).tasks) == 300 for name in loaded.hosts)
    assert (time.process_time() - begun) / 50 < 0.02


def test_what_any_tags_could_choose_of_a_role_that_comes_once(project: Make) -> None:
    """Else prune would take what a run with other tags makes."""
    site = "- hosts: one\n  roles: [{role: a, tags: x, vars: {who: 1}}, {role: a, tags: y, vars: {who: 2}}]\n"
    loaded = project(site, {"roles/a/meta/main.yml": "dependencies: [common]\n", "roles/a/tasks/main.yml": "[]\n",
                            "roles/common/tasks/main.yml": "- firewall_rule: {name: 'r{{ who }}'}\n"})

    def names(tags: Tags) -> list[str]:
        return [task.properties["name"] for task in loaded.render("one", None, tags).tasks]
    assert (names(Tags()), names(Tags.of(["y"])), names(ANY_TAGS)) == (["r1"], ["r2"], ["r1", "r2"])
