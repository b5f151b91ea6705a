"""What a command imports: only what it uses. Times are measured by `make bench`; what makes them is in these lists."""

import inspect
import json
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
from cli_lab import PLAYBOOK, environment

from ringfence.cli.app import COMMANDS, SUBCOMMANDS
from ringfence.documents.vault import encrypt
from ringfence.secret import Secret

HEAVY = {"click", "rich", "yaml", "jinja2", "cryptography", "jsonschema", "deepdiff", "requests", "urllib3", "pypsrp",
         "spnego", "paramiko", "asyncio", "ringfence.lab", "psrpcore", "junitparser"}
OF_HOSTS = {"ringfence.run.host", "ringfence.plan.plan", "ringfence.windows.read"}  # what only they need
ASKS_NOBODY = ("--version", "--help", "validate --help", "validate", "validate --output json", "completion bash",
               "jea export jea")
FLAGS = {"click"}
PROJECT = FLAGS | {"yaml", "jinja2"}
PSRP = {"requests", "urllib3", "pypsrp", "spnego", "cryptography"}
PROGRAM = """
import json, sys
from ringfence.cli import main
sys.argv[0] = "ringfence"
try:
    main()
except SystemExit as ended:
    code = ended.code
else:
    code = 0
print(json.dumps([code, sorted(sys.modules)]), file=sys.stderr)
"""
INVENTORY = """\
all:
  children:
    psrp: {hosts: {web1: {ansible_host: 127.0.0.1, ansible_port: 1, ansible_user: u, ansible_password: p, ansible_psrp_auth: ntlm,
                          ansible_psrp_reconnection_retries: 0}}}
    ssh: {hosts: {web2: {ansible_connection: ssh, ansible_host: 127.0.0.1, ansible_port: 1, ansible_user: u}}}
"""


def imported(folder: Path, *arguments: str) -> tuple[int, set[str]]:
    """The exit code of a command in a process of its own, and which of HEAVY and OF_HOSTS it imported."""
    done = subprocess.run([sys.executable, "-c", PROGRAM, *arguments], cwd=folder, env=environment(), capture_output=True,
                          text=True, timeout=60, check=False)
    code, modules = json.loads(done.stderr.splitlines()[-1])
    return code, (HEAVY | OF_HOSTS).intersection(modules)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "site.yml").write_text(PLAYBOOK, encoding="utf-8")
    (tmp_path / "hosts.yml").write_text(INVENTORY, encoding="utf-8")
    (tmp_path / "ringfence.yml").write_text("inventory: hosts.yml\nplaybooks: site.yml\n", encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(("arguments", "code", "allowed"), [
    ("--version", 0, set()),
    ("--help", 0, FLAGS),
    ("nonsense", 1, FLAGS),
    ("init new", 0, FLAGS),
    ("validate --help", 0, FLAGS),
    ("plan --help", 0, PROJECT),
    ("validate", 0, PROJECT),
    ("validate --output json", 0, PROJECT),
    ("validate --report md=report.md --report sarif=report.sarif", 0, PROJECT),
    ("validate --report junit=report.xml", 0, PROJECT | {"junitparser"}),
    ("plan --list-hosts", 0, PROJECT),
    ("apply --list-hosts", 0, PROJECT),
    ("schema", 0, PROJECT),
    ("doc", 0, PROJECT),
    ("doc firewall_rule", 0, PROJECT),
    ("doc firewall_rule action", 0, PROJECT),
    ("completion bash", 0, FLAGS),
    ("jea export jea", 0, FLAGS),
    ("drift -l psrp", 5, PROJECT | PSRP),
    ("show psrp", 5, PROJECT | PSRP),
    ("ping --list-hosts", 0, PROJECT),
    ("ping ssh", 5, PROJECT | {"paramiko", "cryptography", "asyncio"}),
    ("compare-defaults psrp", 5, PROJECT | PSRP),
    ("drift -l ssh", 5, PROJECT | {"paramiko", "cryptography", "asyncio"}),
])
def test_a_command_imports_only_what_it_uses(arguments: str, code: int, allowed: set[str], project: Path) -> None:
    ended, found = imported(project, *arguments.split())
    assert ended == code
    assert found - OF_HOSTS <= allowed
    if arguments in ASKS_NOBODY:
        assert found.isdisjoint(OF_HOSTS)


@pytest.mark.parametrize(("line", "answer", "allowed"), [
    ("ringfence pl", "plan", set()), ("ringfence plan --output ", "text", set()),
    ("ringfence doc firewall_r", "firewall_rule", set()), ("ringfence plan -l ssh", "ssh", {"yaml"}),
    ("ringfence plan -t ", "rdp", {"yaml"}), ("ringfence plan ", "site.yml", {"yaml"}),
])
def test_a_tab_imports_no_command(line: str, answer: str, allowed: set[str], project: Path) -> None:
    asked = environment(_RINGFENCE_COMPLETE="zsh", _RINGFENCE_LINE=line)
    done = subprocess.run([sys.executable, "-c", PROGRAM], cwd=project, env=asked, capture_output=True, text=True, timeout=60,
                          check=True)
    code, modules = json.loads(done.stderr)
    assert code == 0
    assert answer in {shown.partition("\t")[0] for shown in done.stdout.splitlines()}
    assert {heavy for heavy in HEAVY if heavy in modules} <= allowed
    assert "ringfence.run.host" not in modules
    assert "ringfence.project.project" not in modules


def test_what_is_used_is_imported(project: Path) -> None:
    """So the lists above mean something."""
    assert {"pypsrp", "requests"} <= imported(project, "drift", "-l", "psrp")[1]
    assert {"paramiko", *OF_HOSTS} <= imported(project, "drift", "-l", "ssh")[1]
    assert "ringfence.lab" in imported(project, "lab", "up", "--help")[1]


def test_a_vault_needs_cryptography_where_something_is_in_it(project: Path) -> None:
    (project / "password").write_text("right", encoding="utf-8")
    arguments = ("validate", "--vault-password-file", "password")
    assert imported(project, *arguments) == (0, PROJECT)
    vaulted = encrypt("hidden", Secret("right")).replace("\n", "\n      ")
    (project / "hosts.yml").write_text("all:\n  hosts: {web1: }\n  vars:\n    ansible_user: u\n"
                                       f"    ansible_password: !vault |\n      {vaulted}\n", encoding="utf-8")
    assert imported(project, *arguments) == (0, PROJECT | {"cryptography"})


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_says_of_a_command_what_the_command_says(name: str) -> None:
    function = name.replace("-", "_")
    module = import_module(f"ringfence.cli.commands.{function}")
    said = module.HELP if name in SUBCOMMANDS else (inspect.getdoc(getattr(module, function)) or "").partition("\n")[0]
    assert COMMANDS[name] == said


def test_the_version_is_the_same_with_and_without_other_flags(tmp_path: Path) -> None:
    said = {subprocess.run([sys.executable, "-m", "ringfence.cli", *arguments], cwd=tmp_path, env=environment(), text=True,
                           capture_output=True, timeout=60, check=True).stdout
            for arguments in (["--version"], ["--version", "plan"])}
    assert len(said) == 1


# --------------------------------------------------------------------------------------------------- without an extra

@pytest.mark.parametrize(("arguments", "code"), [
    ("lab up", 1), ("lab up --inventory lab.yml", 1), ("demo", 1), ("lab up --help", 0), ("validate", 0)])
def test_without_the_lab_extra(arguments: str, code: int, project: Path) -> None:
    program = "import sys; sys.modules['psrpcore'] = None; from ringfence.cli import main; main()"
    done = subprocess.run([sys.executable, "-c", program, *arguments.split()], cwd=project, env=environment(),
                          capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == code
    if code:
        assert done.stderr == "error: the lab needs psrpcore, which is not installed: pip install 'ringfence[lab]'\n"
        assert done.stdout == ""
        assert not (project / "lab.yml").exists()
