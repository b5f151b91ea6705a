"""YAML with places: one dialect, tags, aliases, bounds, mistakes in words."""

import json
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
from ringfence.documents import yaml
from ringfence.documents.yaml import Map, Seq, Unsafe

SCALARS = cases("project_scalars")


def parse(text: str) -> Any:
    problems = Problems()
    value = yaml.parse(text, "f.yml", problems)
    problems.check()
    return value


def messages(text: str) -> list[str]:
    problems = Problems()
    yaml.parse(text, "f.yml", problems)
    return [str(d).split("\n")[0] for d in problems.all]


@pytest.mark.parametrize("case", SCALARS, ids=lambda case: case["text"])
def test_scalars(case: dict[str, Any]) -> None:
    assert json.dumps(parse(case["text"])) == case["value"]
    warned = [d.severity for d in _problems(case["text"]).all]
    assert warned == (["warning"] if case.get("warning") else [])


def _problems(text: str) -> Problems:
    problems = Problems()
    yaml.parse(text, "f.yml", problems)
    return problems


def test_places() -> None:
    tree = parse("a: 1\nb:\n  - x\n  - {c: 2,\n     d: 3}\n")
    assert isinstance(tree, Map)
    assert (tree.where, tree.at("a"), tree.at("b"), tree.at("none")) == tuple(Where("f.yml", n) for n in (1, 1, 2, 1))
    assert isinstance(tree["b"], Seq)
    assert [tree["b"].at(i).line for i in range(3)] == [3, 4, 3]
    assert (tree["b"][1].at("c").line, tree["b"][1].at("d").line) == (4, 5)


def test_duplicate_keys_and_other_mistakes_are_all_told() -> None:
    assert messages("a: 1\nb: {x: 1, x: 2}\na: 2\nc: !t x\n") == [
        'f.yml:2: the key "x" was given before, at f.yml:2', 'f.yml:3: the key "a" was given before, at f.yml:1',
        "f.yml:4: unknown tag !t"]


def test_anchors_aliases_and_merge_keys() -> None:
    tree = parse("one: &one {a: 1, b: 1}\ntwo: &two {b: 2, c: 2}\nsame: *one\nmerged:\n  <<: [*one, *two]\n  c: 3\n")
    assert tree["same"] is tree["one"]
    assert tree["merged"] == {"a": 1, "b": 1, "c": 3}
    assert [tree["merged"].at(k).line for k in "abc"] == [1, 1, 6]
    assert parse("- &s text\n- *s\n") == ["text", "text"]
    assert parse("'<<': 1") == {"<<": 1}


@pytest.mark.parametrize(("text", "line"), [
    ("a: *x\n", "f.yml:1: unknown alias *x"),
    ("a: &x [*x]\n", "f.yml:1: *x stands inside of what it means"),
    ("<<: 5\n", "f.yml:1: << takes a mapping or a list of mappings"),
    ("a: 1\n---\nb: 1\n", "f.yml:2: a second document starts here"),
    ("a:\n\t- b\n", "f.yml:2: not YAML: YAML is indented with spaces: this line has a tab"),
    ("a: \x07", "f.yml:1: not YAML: control characters are not allowed"),
    ("a: !!int x\n", "f.yml:1: x is not a valid value: invalid literal for int() with base 10: 'x'"),
    ("a: " + "9" * 5000, "f.yml:1: " + "9" * 60 + " is not a valid value: a number of more than 100 characters"),
    ("a: 1" + ".0" + "0" * 5000, "f.yml:1: 1.0" + "0" * 57 + " is not a valid value: a number of more than 100 characters"),
    ("a: !!int 0x" + "f" * 5000, "f.yml:1: 0x" + "f" * 58 + " is not a valid value: a number of more than 100 characters"),
])
def test_what_cannot_be_read(text: str, line: str) -> None:
    assert len(messages(text)) == 1
    assert messages(text)[0].startswith(line)


def test_sixties_without_end_are_refused_quickly() -> None:
    begun = time.process_time()
    assert "more than 100 characters" in messages("a: 1" + ":59" * 200_000)[0]
    assert time.process_time() - begun < 5


def test_dates_that_are_none() -> None:
    assert messages("a: 2024-13-45\n") == ["f.yml:1: 2024-13-45 is not a valid value: month must be in 1..12"]


@pytest.mark.parametrize("text", [
    "- " * 100_000 + "a", "[" * 100_000, "{a: " * 5000 + "b", "? " * 3000,
    "".join(f"{' ' * i}a:\n" for i in range(3000)),
])
def test_deep_nesting_is_refused_quickly(text: str) -> None:
    begun = time.process_time()
    assert len(messages(text)) == 1
    assert time.process_time() - begun < 5


def test_aliases_cannot_multiply_without_end() -> None:
    levels = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    levels += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 30)]
    assert messages("\n".join(levels)) == ["f.yml:6: aliases repeat more than 1000000 values"]


def test_tags_of_ansible() -> None:
    tree = parse("a: !unsafe '{{ x }}'\nb: !unsafe [x, {c: y}]\n")
    assert isinstance(tree["a"], Unsafe)
    assert isinstance(tree["b"][1]["c"], Unsafe)


def test_byte_order_marks_and_encodings(tmp_path: Path) -> None:
    problems = Problems()
    (tmp_path / "a.yml").write_bytes(b"\xef\xbb\xbfa: \xc3\xa9\n")
    assert yaml.load(tmp_path / "a.yml", problems) == {"a": "é"}
    (tmp_path / "empty.yml").write_bytes(b"# nothing\n")
    assert yaml.load(tmp_path / "empty.yml", problems) is None
    assert not problems.all


TEXT = st.text(st.characters(min_codepoint=32, max_codepoint=0x2FF, exclude_categories=["Cc"]), max_size=8)
PLAIN = st.recursive(st.none() | st.booleans() | st.integers() | TEXT,
                     lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4), max_leaves=20)


@by_chance(100)
@given(value=PLAIN)
def test_what_pyyaml_writes_is_read_as_pyyaml_reads_it(value: Any) -> None:
    assert parse(pyyaml.safe_dump(value, allow_unicode=True)) == value
    assert parse(json.dumps(value, ensure_ascii=False)) == value


MISTAKES = [  # what people write, the line of the message, what it says, and the line that it shows with the column of its caret
    ("a:\n\t- b\n", 2, "this line has a tab", " - b", 0),
    ("t:\n  name: a\n  protocol tcp\n  port: 80\n", 3, "there is no colon behind the name", "  protocol tcp", 2),
    ("t:\n  name: note: this\n", 2, "a text with a colon and a space in it", "  name: note: this", 12),
    ('t:\n  name: "rdp" rule\n  port: 80\n', 2, "behind a text in quotes a value has to end", '  name: "rdp" rule', 14),
    ("t:\n  - a\n b: 1\n", 3, "indented otherwise", " b: 1", 1),
    ("t: [1, 2\nb: 1\n", 2, "a [ has no ]", "b: 1", 1),
    ("t: {a: 1\nb: 1\n", 2, "a { has no }", "b: 1", 1),
    ("t: 'abc\nb: 1\n", 1, "a text in quotes has no end", "t: 'abc", 3),
    ("t: @abc\n", 1, "a text that begins with @ or `", "t: @abc", 3)]


@pytest.mark.parametrize(("text", "line", "says", "shown", "caret"), MISTAKES, ids=[m[2] for m in MISTAKES])
def test_the_usual_mistakes_are_told_in_words(text: str, line: int, says: str, shown: str, caret: int) -> None:
    problems = Problems()
    assert yaml.parse(text, "f.yml", problems, excerpts=True) is None
    (problem,) = problems.all
    assert problem.where == Where("f.yml", line)
    assert says in problem.summary
    assert problem.detail.split("\n")[-2:] == [shown, " " * caret + "^"]
    without = Problems()
    yaml.parse(text, "f.yml", without)
    assert "^" not in without.all[0].detail  # a line of a file of variables may hold a password


@pytest.mark.parametrize("text", ["a: {{ x }}\nb: 1\n", "a: {{x}}\nb: 1\n", "{a: {{ x }}, b: 1}\n", "a: [{{ x }}]\nb: 1\n"])
def test_a_template_without_quotes_is_one_mistake(text: str) -> None:
    problems = Problems()
    value = yaml.parse(text, "f.yml", problems)
    (problem,) = problems.all
    assert "without quotes" in problem.summary
    assert value["b"] == 1
    assert value["a"] in (text[text.index("{{"):text.index("}}") + 2], [text[text.index("{{"):text.index("}}") + 2]])


def test_a_template_without_quotes_and_with_more_behind_it_is_one_mistake_too() -> None:
    assert messages("t:\n  name: {{ x }} y\n  port: 80\n") == ["f.yml:2: a template without quotes: for YAML {{ begins a mapping"]


def test_long_lines_are_shown_around_the_mistake() -> None:
    problems = Problems()
    yaml.parse("a: " + "x" * 5000 + " b: 1\n", "f.yml", problems, excerpts=True)
    *_, shown, caret = problems.all[0].detail.split("\n")
    assert len(shown) <= 100
    assert shown[caret.index("^"):].startswith(": 1")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be"])
def test_what_windows_powershell_writes(encoding: str, tmp_path: Path) -> None:
    (tmp_path / "x.yml").write_bytes(("\ufeff" * (encoding == "utf-16-be") + "a: 1").encode(encoding))
    problems = Problems()
    assert yaml.load(tmp_path / "x.yml", problems) is None
    assert problems.all[0].summary == "not text in UTF-8"
    assert "UTF-16" in problems.all[0].detail
