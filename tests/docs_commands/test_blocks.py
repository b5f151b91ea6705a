"""What is made of a page: its commands, what they show, and what is no command of ringfence."""

from pathlib import Path

import pytest

from .blocks import ROOT, Command, blocks, code_spans, commands, is_shown
from .newcomer import README, told, tour_of, venv

PAGE = '''\
# A page

Say `ringfence plan -l web`.

1. In a list:

   ```sh
   # only a comment
   ringfence plan   # what would change
   ringfence drift \\
     -q   # exit code 2
   echo 'two
   lines'
   ```

```yaml title="playbooks/site.yml"
- hosts: all
```

```console
$ ringfence runs
none
$ ringfence drift   # exit code 2: it differs
…
1 of 1
```
'''


def test_commands_of_a_page(tmp_path: Path) -> None:
    (tmp_path / "page.md").write_text(PAGE, encoding="utf-8")
    script, file, console = blocks("page.md", tmp_path)
    assert commands(script) == [Command("page.md:9", "ringfence plan   # what would change", 0),
                                Command("page.md:10", "ringfence drift \\\n  -q   # exit code 2", 2),
                                Command("page.md:12", "echo 'two\nlines'", 0)]
    assert (file.title, file.text, commands(file)) == ("playbooks/site.yml", "- hosts: all\n", [])
    assert commands(console) == [Command("page.md:21", "ringfence runs", 0, ("none",)),
                                 Command("page.md:23", "ringfence drift   # exit code 2: it differs", 2, ("…", "1 of 1"))]
    assert code_spans("page.md", tmp_path) == [(3, "ringfence plan -l web")]


@pytest.mark.parametrize(("block", "why"), [
    ("sh\nringfence plan 'a\n", "does not end"), ("console\nweb1\n$ ls\n", "before the first")])
def test_a_block_that_nobody_could_type(block: str, why: str, tmp_path: Path) -> None:
    (tmp_path / "page.md").write_text(f"```{block}```\n", encoding="utf-8")
    (wrong,) = blocks("page.md", tmp_path)
    with pytest.raises(ValueError, match=why):
        commands(wrong)


@pytest.mark.parametrize(("expected", "shown", "same"), [
    ("a b", "a b", True), ("a b", "a c", False), ("a\nb", "a\nx\nb", False), ("a\n…\nb", "a\nx\ny\nb", True),
    ("a\n…\nb", "a\nb", True), ("…\nb", "a\nc", False), ("a", "a\nb", False), ("plan; 0.2 s.", "plan; 11.4 s.", True),
    ("plan; 2 hosts", "plan; 3 hosts", False),
    ("[1/2] web1  0.1 s\n[2/2] web2  0.2 s\nend", "[1/2] web2  0.3 s\n[2/2] web1  0.4 s\nend", True),
    ("[1/2] web1  0.1 s\n[2/2] web2  0.2 s", "[1/2] web1  0.1 s", False),
    ("run 20261127T070820Z-d1c131", "run 20250101T000000Z-000000", True), ("10.1.4.0/28", "10.1.4.0/24", False)])
def test_what_a_page_shows_is_what_is_shown(expected: str, shown: str, same: bool) -> None:
    assert is_shown(expected.splitlines(), shown.splitlines()) is same


def test_what_a_newcomer_types() -> None:
    """`make newcomer` follows README; that it finds the way there is told here, without installing anything."""
    text = (ROOT / README).read_text(encoding="utf-8")
    first, tour = told(README, 0, tour_of(text)), told(README, tour_of(text), text.count("\n"))
    assert [command.partition("  #")[0].rstrip() for command, _ in first] == ["make demo", ". .venv/bin/activate"]
    assert " ".join(command.split()[1] for command, _ in tour) == "init validate lab plan apply apply plan apply drift"
    assert "'.[lab]'" in venv(text)[0]
