"""What a plan says comes next: commands that can be pasted, and that mean what the plan showed."""

import re
import shlex
from pathlib import Path

import pytest
from cli_lab import Cli, fleet, written

BOTH = re.compile(r"next: (ringfence apply .*?); or keep it for review: (ringfence plan .*? -o) FILE"
                  "(; each with the other options)?")


@pytest.fixture
def cli(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Cli:
    return Cli(tmp_path, capsys)


@pytest.mark.parametrize(("options", "said", "others"), [
    ("-l web1", "--limit web1", False),
    ("-l 'web*' -l '!web3' -t rdp --skip-tags untagged -i hosts.yml",
     "--inventory hosts.yml --limit 'web*' --limit '!web3' --tags rdp --skip-tags untagged", False),
    ("-l web1 --revert-after never --accept-inherited --force lockout --force undo --max-changes 40 --prune all",
     "--limit web1 --force lockout --force undo --prune all --max-changes 40 --revert-after never --accept-inherited", False),
    ("-l web1 -e secret=hunter2 --forks 3 --no-diff --full", "--limit web1", True),
])
def test_both_commands_are_of_what_was_planned(options: str, said: str, others: bool, cli: Cli) -> None:
    with fleet(cli, 3) as hosts:
        planned = cli("plan", *shlex.split(options), "site.yml", "--report", "md=plan.md", "--report", "html=plan.html")
        assert planned.code == 0, planned
        found = BOTH.fullmatch(planned.out.splitlines()[-1])
        assert found, planned.out
        assert (found[1], found[2], bool(found[3])) == (
            f"ringfence apply {said} site.yml", f"ringfence plan {said} site.yml -o", others)
        assert "hunter2" not in found[0]
        told = (cli.folder / "plan.md").read_text(encoding="utf-8")
        other = "; each with the other options" if others else ""
        assert f"\nNext: `{found[1]}`; or keep it for review: `{found[2]} FILE`{other}\n" in told
        assert "or keep it for review: ringfence plan --" in (cli.folder / "plan.html").read_text(encoding="utf-8")
        kept = cli(*shlex.split(found[2])[1:], "plan.json")
        assert "plan.json: the plan of 1 host" in kept.err, kept
        before = written(hosts)
        assert cli(*shlex.split(found[1])[1:], "--yes").code == 0
        assert [then > now for then, now in zip(written(hosts), before, strict=True)] == [True, False, False]


def test_a_kept_plan_is_applied_with_what_it_does_not_hold(cli: Cli) -> None:
    with fleet(cli, 1):
        assert cli("plan", "-o", "a.json", "-l", "web1").out.splitlines()[-1] == "next: ringfence apply a.json"
        cli.write({"trusted/x": ""})
        said = cli("plan", "-o", "b.json", "-e", "x=1", "--trust-dir", "trusted", "--prune", "all", "--max-changes", "40")
        last = said.out.splitlines()[-1]
        assert last == "next: ringfence apply --max-changes 40 --trust-dir trusted b.json, with the other options"
        assert cli(*shlex.split(last.partition(",")[0])[2:], "-e", "x=1", "--yes").code == 0
