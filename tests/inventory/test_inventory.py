"""Inventories: groups, ranges, precedence, patterns. The expected values are ansible-core's."""

import shlex
import time
from pathlib import Path
from typing import Any

import pytest
import yaml as pyyaml
from chance import by_chance
from core import cases
from hypothesis import given
from hypothesis import strategies as st

from ringfence.diagnostics import Problems, Where
from ringfence.documents import variable_files
from ringfence.documents.vault import Vault
from ringfence.inventory import patterns, readers
from ringfence.inventory.draft import Draft
from ringfence.inventory.hostnames import expand, split_port
from ringfence.inventory.ini_inventory import words_of
from ringfence.inventory.inventory import Inventory
from ringfence.inventory.inventory_source import InventorySource

PATTERNS = cases("project_patterns")


def fleet(*sources: Any) -> Inventory:
    problems = Problems()
    loaded = readers.load([str(s) for s in sources], variable_files.VariableFiles(Vault(), problems))
    problems.check()
    return loaded


def write(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def pattern_fleet(tmp_path_factory: pytest.TempPathFactory) -> Inventory:
    path = tmp_path_factory.mktemp("fleet") / "hosts.yml"
    path.write_text(pyyaml.safe_dump(PATTERNS["inventory"], sort_keys=False))
    return fleet(path)


@pytest.mark.parametrize("case", PATTERNS["cases"], ids=lambda case: case["pattern"])
def test_patterns(case: dict[str, Any], pattern_fleet: Inventory) -> None:
    problems = Problems()
    found = patterns.select(pattern_fleet, case["pattern"], problems, Where("play.yml", 1))
    if "error" in case:
        assert problems.failed
        assert case["error"] in str(problems.all[0])
    else:
        assert found == case["hosts"]
        assert bool(problems.all) == ("warning" in case)
        assert case.get("warning", "") in "\n".join(map(str, problems.all))


def test_an_expression_takes_time_in_proportion_to_the_name(tmp_path: Path) -> None:
    name = "a" * 60 + "b"
    (tmp_path / "hosts.yml").write_text(f"all: {{hosts: {{{name}: }}}}")
    problems = Problems()
    begun = time.process_time()
    assert patterns.select(fleet(tmp_path / "hosts.yml"), ["~(a+)+$", name], problems) == [name]
    assert patterns.select(fleet(tmp_path / "hosts.yml"), f"{name}[{'9' * 5000}]", problems) == []
    assert time.process_time() - begun < 5


def test_limits(pattern_fleet: Inventory, tmp_path: Path) -> None:
    problems = Problems()
    file = tmp_path / "retry"
    file.write_text("web01.x\n\n!web\ndba\n")
    assert patterns.limit(pattern_fleet, "web:!web01.x", problems) == frozenset({"web02.x", "web03.x"})
    assert patterns.limit(pattern_fleet, f"@{file}", problems) == frozenset({"dba"})
    assert patterns.limit(pattern_fleet, "", problems) is None
    assert not problems.all


@pytest.mark.parametrize(("name", "hosts"), [
    ("web1", ["web1"]),
    ("web[1:3]", ["web1", "web2", "web3"]),
    ("web[:2]", ["web0", "web1", "web2"]),
    ("web[01:20:5].x", ["web01.x", "web06.x", "web11.x", "web16.x"]),
    ("[a:c]-[1:2]", ["a-1", "a-2", "b-1", "b-2", "c-1", "c-2"]),
    ("fe80::1", ["fe80::1"]),
])
def test_ranges(name: str, hosts: Any) -> None:
    problems = Problems()
    assert expand(name, Where("f"), problems) == [(h, None) for h in hosts]
    assert not problems.all


@pytest.mark.parametrize("name", ["a[", "a]", "a[1]", "a[1:2:3:4]", "a[1:]", "a[2:1]", "a[01:3]", "a[x:1]", "a[1:9:0]",
                                  "a[1:9:-1]", "a[0:999999]", "a[1:999][1:999]", "a[c:a]", "a[1:2:x]", "a[²:9]", "[[1:2]]",
                                  "a[1:1000000000]", "a[1:" + "9" * 30 + "]", "a[1:2:" + "9" * 5000 + "]"])
def test_wrong_ranges(name: str) -> None:
    problems = Problems()
    assert expand(name, Where("f", 2), problems) == []
    assert str(problems.all[0]).startswith("f:2: the host range in")


@pytest.mark.parametrize(("text", "name", "port"), [
    ("web:5986", "web", 5986), ("[::1]:22", "::1", 22), ("[::1]", "::1", None), ("::1", "::1", None), ("a:b", "a:b", None),
    ("a:" + "9" * 5000, "a:" + "9" * 5000, None),
    ("web[1:3]:22", "web[1:3]", 22), ("web[1:3]", "web[1:3]", None), ("10.0.0.1:80", "10.0.0.1", 80),
])
def test_ports(text: str, name: str, port: int | None) -> None:
    assert split_port(text) == (name, port)


def test_precedence_from_bottom_to_top(tmp_path: Path) -> None:
    """Each variable is set by one layer more than the one before it; the value names the layer that has to win."""
    layers = {
        "inv/hosts.yml": """
            all:
              vars: {all_inventory}
              children:
                outer:
                  vars: {outer}
                  children:
                    inner_a: {vars: {inner_a}, hosts: {one: {host}}}
                    inner_b: {vars: {inner_b}, hosts: {one: }}
                    first: {vars: {first}, hosts: {one: }}
        """,
    }
    order = ["all_inventory", "outer", "first", "inner_a", "inner_b", "gv_all", "play_gv_all", "gv_outer", "gv_inner_b",
             "play_gv_outer", "play_gv_inner_b", "host", "hv_one", "play_hv_one"]
    sets = {layer: "{" + ", ".join(f"v{i}: {layer}" for i in range(n, len(order))) + "}" for n, layer in enumerate(order)}
    sets["first"] = sets["first"][:-1] + ", ansible_group_priority: -3}"
    text = layers["inv/hosts.yml"]
    for layer in ("all_inventory", "outer", "inner_a", "inner_b", "first", "host"):
        text = text.replace(f"{{{layer}}}", sets[layer])
    write(tmp_path, {"inv/hosts.yml": text,
                     **{f"{'play' if name.startswith('play') else 'inv'}/{kind}_vars/{who}.yml": sets[name]
                        for name in order if "gv" in name or "hv" in name
                        for kind, who in [("group" if "gv" in name else "host", name.split("v_", 1)[1])]}})
    found = fleet(tmp_path / "inv").get("one", tmp_path / "play").variables
    assert {k: v for k, v in found.items() if k[0] == "v"} == {f"v{i}": layer for i, layer in enumerate(order)}
    assert "ansible_group_priority" not in found
    without = fleet(tmp_path / "inv" / "hosts.yml").get("one").variables
    assert without["v13"] == "hv_one"


def test_folders_and_endings_of_variable_files(tmp_path: Path) -> None:
    write(tmp_path, {"hosts.yml": "all: {hosts: {a: , b: , c: }}", "host_vars/a/1.yml": "x: 1\ny: 1", "host_vars/a/sub/2": "y: 2",
                     "host_vars/a/skip.txt": "y: 9", "host_vars/a/.hidden.yml": "y: 9", "host_vars/a/old.yml~": "y: 9",
                     "host_vars/a.yml": "x: never", "host_vars/b": "x: plain", "host_vars/b.yml": "x: never",
                     "host_vars/c.json": '{"x": "json"}'})
    hosts = fleet(tmp_path / "hosts.yml")
    assert dict(hosts.get("a").variables) == {"x": 1, "y": 2}
    assert hosts.get("a").variables.at("y") == Where(str(tmp_path / "host_vars/a/sub/2"), 1)
    assert hosts.get("b").variables["x"] == "plain"
    assert hosts.get("c").variables["x"] == "json"


def test_several_sources_add_up(tmp_path: Path) -> None:
    write(tmp_path, {"one/a.yml": "web: {hosts: {w1: {x: 1}}, vars: {g: 1, h: 1}}",
                     "one/b.yml": "web: {hosts: {w1: {x: 2}, w2: }}",
                     "one/notes.md": "# no inventory", "one/.git/x.yml": "[", "one/group_vars/web.yml": "k: one",
                     "two.yml": "web: {vars: {g: 2}, hosts: {w3: }}", "group_vars/web.yml": "k: two"})
    hosts = fleet(tmp_path / "one", tmp_path / "two.yml", "extra1, extra2:5985")
    assert list(hosts) == ["extra1", "extra2", "w1", "w2", "w3"]
    assert dict(hosts.get("w1").variables) == {"x": 2, "g": 2, "h": 1, "k": "two"}
    assert dict(hosts.get("extra2").variables) == {"ansible_port": 5985}
    assert hosts.get("extra1").groups == ("ungrouped",)


def test_magic_variables_and_groups(tmp_path: Path) -> None:
    write(tmp_path, {"hosts.yml": "all: {hosts: {x.example.com: }, children: {b: {children: {a: {hosts: {y: }}}}, c: }}"})
    hosts = fleet(tmp_path / "hosts.yml")
    assert hosts.get("y").groups == ("a", "b")
    magic = hosts.magic("x.example.com")
    assert magic["inventory_hostname_short"] == "x"
    assert magic["group_names"] == ["ungrouped"]
    assert magic["inventory_dir"] == str(tmp_path)
    assert magic["groups"] == {"all": ["x.example.com", "y"], "ungrouped": ["x.example.com"], "b": ["y"], "a": ["y"], "c": []}


def test_the_inventory_of_a_host_in_a_list(tmp_path: Path) -> None:
    magic = fleet("a,b,").magic("b")
    assert (magic["inventory_file"], magic["inventory_dir"]) == ("a,b,", None)


def test_localhost_is_there_without_being_declared(tmp_path: Path) -> None:
    write(tmp_path, {"hosts.yml": "all: {hosts: {a: }, vars: {x: 1}}"})
    here = fleet(tmp_path / "hosts.yml").get("localhost")
    assert dict(here.variables) == {"x": 1, "ansible_connection": "local"}
    assert here.groups == ()
    with pytest.raises(KeyError):
        fleet(tmp_path / "hosts.yml").get("nobody")


def test_hosts_of_the_same_groups_share_their_variables(tmp_path: Path) -> None:
    write(tmp_path, {"hosts.yml": "web: {hosts: {'w[1:3]': }, vars: {x: 1}}"})
    hosts = fleet(tmp_path / "hosts.yml")
    assert hosts.get("w1").variables is hosts.get("w2").variables


def test_a_host_and_a_group_of_one_name_are_warned_of(tmp_path: Path) -> None:
    write(tmp_path, {"hosts.yml": "web:\n  hosts:\n    web: {}\n"})
    problems = Problems()
    readers.load([str(tmp_path / "hosts.yml")], variable_files.VariableFiles(Vault(), problems))
    assert [d.summary for d in problems.warnings] == ['"web" is the name of a host and of a group']


def test_a_long_chain_of_groups(tmp_path: Path) -> None:
    text = "".join(f"g{i}: {{children: {{g{i + 1}: }}}}\n" for i in range(3000)) + "g3000: {hosts: {deep: }}\n"
    write(tmp_path, {"hosts.yml": text})
    hosts = fleet(tmp_path / "hosts.yml")
    assert len(hosts.get("deep").groups) == 3001
    assert hosts.groups["g3000"].depth == 3001


EDGES = st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7)), max_size=16)


@by_chance(60)
@given(edges=EDGES)
def test_cycles_are_told_and_nothing_else(edges: list[tuple[int, int]], tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("g") / "hosts.yml"
    tree = {f"g{i}": {"children": {f"g{b}": None for a, b in edges if a == i}} for i in range(8)}
    path.write_text(pyyaml.safe_dump(tree))
    problems = Problems()
    readers.load([str(path)], variable_files.VariableFiles(Vault(), problems))
    reach = {a: {b for x, b in edges if x == a} for a in range(8)}
    for _ in range(8):
        reach = {a: bs | {c for b in bs for c in reach[b]} for a, bs in reach.items()}
    assert problems.failed == any(a in bs for a, bs in reach.items())


@pytest.mark.parametrize(("argument", "wanted"), [
    ("a=1 b='x y' c=\"q\\\"r\"", {"a": "1", "b": "x y", "c": 'q"r'}),
    ("a={{ b | default('x y') }} c=d=e", {"a": "{{ b | default('x y') }}", "c": "d=e"}),
    ('{"a": [1, true], "b": null}', {"a": [1, True], "b": None}),
    ("{a: 1, b: yes}", {"a": 1, "b": True}),
    ("a=", {"a": ""}),
    (r"""a=C:\new b="C:\Program Files\tool" c='C:\temp' d="C:\\end\\" """, {
        "a": r"C:\new", "b": r"C:\Program Files\tool", "c": r"C:\temp", "d": "C:\\end\\"}),
])
def test_extra_variables(argument: str, wanted: Any) -> None:
    problems = Problems()
    assert variable_files.extra([argument], variable_files.VariableFiles(Vault(), problems)) == wanted
    assert not problems.all


def test_extra_variables_from_files_and_their_order(tmp_path: Path) -> None:
    write(tmp_path, {"extra.yml": "a: file\nb: file\n"})
    files = variable_files.VariableFiles(Vault(), Problems())
    assert variable_files.extra(["a=1 c=1", f"@{tmp_path}/extra.yml", "b=2"], files) == {"a": "file", "b": "2", "c": "1"}


WORDS = st.text(st.sampled_from(list("ab=\"'\\# \t\u00a0[;")), max_size=12)


@by_chance(1500)
@given(line=WORDS)
def test_words_of_a_line_are_those_of_a_shell(line: str) -> None:
    line = line.strip()
    try:
        wanted: Any = shlex.split(line, comments=True)
    except ValueError:
        wanted = ValueError
    try:
        found: Any = words_of(line)
    except ValueError:
        found = ValueError
    assert found == wanted


def test_a_line_is_bounded(tmp_path: Path) -> None:
    (tmp_path / "hosts").write_text(f"[web]\nh a={'x' * 50_000}\n")
    problems = Problems()
    readers.load([str(tmp_path / "hosts")], variable_files.VariableFiles(Vault(), problems))
    assert [str(d).split("\n")[0] for d in problems.all] == [f"{tmp_path}/hosts:2: more than 50,000 characters in one line"]


@pytest.mark.parametrize(("name", "text", "told"), [
    ("hosts", "h1:2222\n[web]\nh a\n", "hosts:3: a behind a host is no key=value"),
    ("hosts", "all:\n  hosts:\n    a: {x: [1}\n", "hosts:3: not YAML"),
    ("hosts", "all:\n  hosts:\n  - a\n", "hosts:2: hosts is a mapping, not a list"),
    ("hosts", '{"all": {"hosts": ["a"]}}\n', "hosts:1: hosts is a mapping, not a list"),
    ("hosts.json", "[web]\nh a\n", "hosts.json:2: not YAML"),
    ("hosts.ini", "all:\n  hosts:\n", "hosts.ini:1: all: is no host"),
    ("hosts.toml", "[web\n", "hosts.toml:1: not TOML"),
    ("hosts", "$nothing \u007b\n", "hosts:1: { behind a host is no key=value"),
])
def test_the_mistakes_of_the_form_that_a_file_looks_like_are_told(name: str, text: str, told: str, tmp_path: Path,
                                                                    monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path(name).write_text(text)
    problems = Problems()
    assert len(readers.load([name], variable_files.VariableFiles(Vault(), problems))) <= 1
    assert str(problems.all[0]).startswith(told), list(map(str, problems.all))


@pytest.mark.parametrize("text", ['{"all":{"hsots":{"a":{}}}}', '{"all":{"hosts":{"a":{}}}', ' {web:{hosts:{a:}},b:1}'])
def test_json_with_a_mistake_is_no_name_of_a_host(text: str, tmp_path: Path) -> None:
    (tmp_path / "hosts").write_text(text)
    problems = Problems()
    readers.load([str(tmp_path / "hosts")], variable_files.VariableFiles(Vault(), problems))
    assert problems.failed


def test_a_form_that_failed_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first form has a group, a host and a warning before its mistake; the second one can read the file."""
    def fail(source: InventorySource, draft: Draft) -> None:
        draft.group("left", Where("f"))
        draft.host("over", "left", Where("f"))
        draft.problems.warn(Where("f"), "by the way")
        draft.problems.error(Where("f"), "wrong")

    first = readers.InventoryReader(lambda source: True, fail)
    monkeypatch.setattr(readers, "READERS", {"first": first, "ini": readers.READERS["ini"]})
    (tmp_path / "hosts").write_text("[web]\nh\n")
    problems = Problems()
    found = readers.load([str(tmp_path / "hosts")], variable_files.VariableFiles(Vault(), problems))
    assert (list(found), list(found.groups), problems.all) == (["h"], ["all", "ungrouped", "web"], ())


@pytest.mark.parametrize("link", ["group_vars/all.yml", "group_vars/all/more.yml", "host_vars/h"])
def test_variables_do_not_vanish_with_a_link_that_leads_nowhere(link: str, tmp_path: Path) -> None:
    (tmp_path / "hosts").write_text("h\n")
    (tmp_path / link).parent.mkdir(parents=True)
    (tmp_path / link).symlink_to("nowhere")
    problems = Problems()
    found = readers.load([str(tmp_path / "hosts")], variable_files.VariableFiles(Vault(), problems))
    assert not found.get("h").variables
    assert [d.summary for d in problems.all] == ["cannot be read: No such file or directory"]


def test_a_link_to_a_folder_is_no_file(tmp_path: Path) -> None:
    """As a folder of such a name is passed over, too."""
    (tmp_path / "hosts").write_text("h\n")
    (tmp_path / "group_vars" / "all").mkdir(parents=True)
    (tmp_path / "group_vars" / "all" / "dir.yml").symlink_to(tmp_path)
    (tmp_path / "group_vars" / "all" / "x.yml").write_text("x: 1\n")
    problems = Problems()
    found = readers.load([str(tmp_path / "hosts")], variable_files.VariableFiles(Vault(), problems))
    assert (found.get("h").variables["x"], problems.all) == (1, ())


@pytest.mark.parametrize("text", ["", "\n", " \n,\n"])
def test_a_limit_of_a_file_that_names_nobody(text: str, tmp_path: Path) -> None:
    """As a pipeline writes it that found nothing to do: every host would be meant."""
    (tmp_path / "hosts").write_text("h\n")
    (tmp_path / "changed").write_text(text)
    problems = Problems()
    found = readers.load([str(tmp_path / "hosts")], variable_files.VariableFiles(Vault(), problems))
    patterns.limit(found, f"@{tmp_path}/changed", problems)
    assert [d.summary for d in problems.all] == ["the limit names no host"]
