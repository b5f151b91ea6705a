"""Whose code runs, and whose files are believed: through the program, with a project that tries."""

import os
from pathlib import Path

import pytest
from cli_lab import KIND_THAT_MARKS, SMALL_PROJECT, Cli
from plan_texts import plan_text

from ringfence.diagnostics import InputError
from ringfence.documents import trust


@pytest.fixture
def cli(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Cli:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    (tmp_path / "project").mkdir()
    made = Cli(tmp_path / "project", capsys)
    made.write(SMALL_PROJECT)
    return made


def ran(cli: Cli) -> bool:
    """Whether the project's code ran since this was asked last."""
    there = (cli.folder / "ran").exists()
    (cli.folder / "ran").unlink(missing_ok=True)
    return there


@pytest.fixture
def stranger(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """The project belongs to another user."""
    if os.geteuid():
        monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
        return
    for path in (cli.folder, *cli.folder.rglob("*")):
        os.chown(path, 65534, 65534)


@pytest.mark.parametrize("settings", [True, False], ids=["settings", "no settings"])
def test_a_folder_called_modules_alone_is_no_code(settings: bool, cli: Cli) -> None:
    cli.write({"modules/x.py": KIND_THAT_MARKS})
    if not settings:
        (cli.folder / "ringfence.yml").unlink()
    for command in (["validate", "-i", "hosts.yml", "site.yml"], ["doc", "firewall_rule"], ["doc", "--own"],
                    ["schema", "-o", "out"]):
        said = cli(*command)
        assert said.code == 0, said
        told = said.err.count("modules: warning: the kinds in this folder are not loaded")
        assert told == (command[0] == "validate"), command
        assert not ran(cli), command


def test_a_folder_of_something_else_called_modules_is_no_news(cli: Cli) -> None:
    cli.write({"modules/main.tf": "", "modules/tool.py": "import os\n"})
    assert cli("validate").err == ""


def test_kinds_that_the_settings_list_are_run_where_they_are_needed(cli: Cli) -> None:
    cli.write({"modules/x.py": KIND_THAT_MARKS,
               "ringfence.yml": SMALL_PROJECT["ringfence.yml"] + "modules: modules\n"})
    for command, runs in ((["validate"], True), (["doc"], False), (["doc", "--own"], True), (["schema", "-o", "o"], False),
                          (["schema", "--own", "-o", "o"], True)):
        assert cli(*command).code == 0
        assert ran(cli) == runs, command


def test_a_kind_that_cannot_be_loaded_names_its_line(cli: Cli) -> None:
    cli.write({"modules/x.py": "\n1 / 0\n", "ringfence.yml": SMALL_PROJECT["ringfence.yml"] + "modules: modules\n"})
    said = cli("validate")
    assert said.code == 1
    assert "modules/x.py:2: error: the kind cannot be loaded: ZeroDivisionError" in said.err


@pytest.mark.usefixtures("stranger")
def test_a_project_of_another_user_is_refused_until_the_user_says_otherwise(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    said = cli("validate")
    assert said.code == 1
    assert "ringfence.yml: error: it belongs to another user (number " in said.err
    assert f"give --trust-dir {cli.folder}" in said.err
    assert cli("doc", "firewall_rule").code == 0
    assert cli("doc", "--own").code == 1
    assert cli("validate", "--trust-dir", str(cli.folder)).code == 0
    assert cli("validate", "--trust-dir", str(cli.folder / "hosts.yml")).code == 1
    monkeypatch.setenv(trust.TRUST_DIR, str(cli.folder.parent))
    assert cli("validate").code == 0


@pytest.mark.usefixtures("stranger")
def test_the_users_own_file_is_heard_and_the_projects_is_not(cli: Cli) -> None:
    allowed = f"directories: [{cli.folder}]\n"
    cli.write({"trust.yml": allowed, "ringfence/trust.yml": allowed, ".config/ringfence/trust.yml": allowed})
    assert cli("validate").code == 1
    cli.write({"../config/ringfence/trust.yml": allowed})
    assert cli("validate").code == (0 if not os.geteuid() else 1)  # else the user's file is another user's too


@pytest.mark.parametrize("name", [".", "ringfence.yml", "modules", "modules/x.py"])
def test_what_everybody_may_write_is_refused(name: str, cli: Cli) -> None:
    cli.write({"modules/x.py": KIND_THAT_MARKS,
               "ringfence.yml": SMALL_PROJECT["ringfence.yml"] + "modules: modules\n"})
    assert cli("validate").code == 0
    assert ran(cli)
    path = cli.folder / name
    path.chmod(path.stat().st_mode | 0o002)
    said = cli("validate")
    assert said.code == 1
    assert "every user may write it" in said.err
    assert not ran(cli)
    assert cli("validate", "--trust-dir", str(cli.folder)).code == 0


def test_a_settings_file_in_a_folder_above_that_everybody_may_write(cli: Cli) -> None:
    """A file that anybody puts into a shared folder counts for all folders beneath."""
    cli.folder.chmod(0o1777)
    (cli.folder / "mine").mkdir()
    said = Cli(cli.folder / "mine", cli.capsys)("validate")
    assert said.code == 1
    assert "project: error: every user may write it" in said.err


@pytest.mark.parametrize(("text", "told"), [
    ("- a\n", "trust.yml is a mapping, not a list"),
    ("directorys: [/a]\n", "did you mean directories?"),
    ("directories: /a\n", "directories is a list of absolute paths"),
    ("programs: [a]\n", "programs is a list of absolute paths"),
])
def test_mistakes_in_the_users_own_file(text: str, told: str, cli: Cli) -> None:
    cli.write({"../config/ringfence/trust.yml": text})
    said = cli("validate")
    assert said.code == 1
    assert told in said.err
    assert "trust.yml:1: " in said.err


def test_root_in_a_sudo_takes_the_callers_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = os.stat(tmp_path)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(os, "stat", lambda path, **_: found)
    monkeypatch.setattr(Path, "stat", lambda self, **_: os.stat_result((0o40700, 0, 0, 1, 4711, 0, 0, 0, 0, 0)))
    with pytest.raises(InputError, match="number 4711"):
        trust.Trust().check_owners([tmp_path])
    monkeypatch.setenv("SUDO_UID", "4711")
    trust.Trust().check_owners([tmp_path])



# programs

PROGRAM = "#!/bin/sh\ntouch ran\necho password\n"


def program(cli: Cli, name: str = "tool.sh") -> Path:
    """A program of the project."""
    cli.write({name: PROGRAM})
    (cli.folder / name).chmod(0o755)
    return cli.folder / name


LOCAL = "all: {hosts: {web1: {ansible_connection: local, ringfence_powershell: ./tool.sh}}}\n"
WAYS = ["option", "folder", "environment", "file"]


def allow(way: str, path: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> tuple[str, ...]:
    """Allow a program; returns the arguments for it."""
    if way == "environment":
        monkeypatch.setenv(trust.ALLOW_PROGRAM, f"/nowhere{os.pathsep}{path}")
    if way == "file":
        cli.write({"../config/ringfence/trust.yml": f"programs: [{path}]\n"})
    return {"option": ("--allow-program", str(path)), "folder": ("--allow-program", str(path.parent))}.get(way, ())


@pytest.mark.parametrize("way", WAYS)
def test_programs_in_place_of_powershell_run_where_the_user_allowed_it(way: str, cli: Cli,
                                                                       monkeypatch: pytest.MonkeyPatch) -> None:
    path = program(cli)
    cli.write({"hosts.yml": LOCAL, "trust.yml": f"programs: [{path}]\n"})
    said = cli("plan")
    assert said.code == 4
    assert "a project may not run programs here: ringfence_powershell is ./tool.sh" in said.out + said.err
    assert not ran(cli)
    assert cli("validate").code == 0
    arguments = allow(way, path, cli, monkeypatch)
    cli("plan", *arguments)
    assert ran(cli)
    path.chmod(0o777)
    assert "every user may write it" in (said := cli("plan", *arguments)).out + said.err
    assert not ran(cli)


@pytest.mark.parametrize("way", WAYS)
def test_vault_password_programs_run_where_the_user_allowed_it(way: str, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    path = program(cli)
    cli.write({"ringfence.yml": SMALL_PROJECT["ringfence.yml"] + "vault_password_file: tool.sh\n"})
    said = cli("validate")
    assert said.code == 1
    assert "tool.sh: error: the vault password is a program, and a project may not run programs" in said.err
    assert not ran(cli)
    arguments = allow(way, path, cli, monkeypatch)
    assert cli("validate", *arguments).code == 0
    assert ran(cli)
    path.chmod(0o777)
    assert "every user may write it" in cli("validate", *arguments).err
    assert not ran(cli)


def test_a_vault_password_program_that_the_user_names_runs(cli: Cli) -> None:
    program(cli)
    assert cli("validate", "--vault-password-file", "tool.sh").code == 0
    assert ran(cli)


def test_a_plan_file_allows_nothing(cli: Cli) -> None:
    program(cli)
    cli.write({"evil.yml": LOCAL, "evil.plan.json": plan_text("web1", playbooks=["site.yml"], inventory=["evil.yml"])})
    assert cli("apply", "--check", "evil.plan.json").code == 4
    assert not ran(cli)


@pytest.mark.parametrize("name", ["pwsh", "powershell.exe"])
def test_powershell_is_never_that_of_the_current_folder(name: str, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    program(cli, name)
    cli.write({"hosts.yml": LOCAL.replace("./tool.sh", name)})
    monkeypatch.setenv("PATH", f".{os.pathsep}{os.pathsep}/nowhere")
    said = cli("plan")
    assert f"{name}: not in a folder of the PATH" in said.out + said.err
    assert not ran(cli)
    monkeypatch.setenv("PATH", f"{cli.folder}{os.pathsep}/bin{os.pathsep}/usr/bin")
    cli("plan")
    assert ran(cli)


def test_what_is_insecure_is_told_once_a_run(cli: Cli) -> None:
    cli.write({"hosts.yml": "all: {hosts: {web1: , web2: , web3: }, vars: {ansible_connection: ssh, "
                            "ringfence_host_key_policy: off, ansible_host: 127.0.0.1, ansible_port: 1}}\n"})
    for command in ("validate", "plan"):
        assert cli(command).err.count("warning: the keys of SSH hosts are not checked") == 1
    assert "(host key policy off) (host web1 and 2 more)" in cli("validate").err
