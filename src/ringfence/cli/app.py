"""The program: which commands there are, and what becomes of what they return."""

from collections.abc import Sequence
from importlib import import_module
from typing import Any

import click

from ringfence import __version__
from ringfence.errors import PRECEDENCE, ExitCode

HELP = ("Declarative configuration of Windows Defender Firewall and IPsec: declare it as YAML, see the difference, apply it, "
        "prove it.\n\nWhat flags say, RINGFENCE_… variables and ringfence.yml say too: docs/reference/settings.md.\n\n"
        "Exit codes: " + "; ".join(f"{int(code)} {code.meaning}" for code in ExitCode) + ". Of several the first of "
        + ", ".join(str(int(code)) for code in PRECEDENCE) + " counts.")
FIRST = """
ringfence demo                 the whole road on five simulated hosts
ringfence init my-policy       a project to begin with
"""
CONTEXT_SETTINGS: dict[str, Any] = {"help_option_names": ["-h", "--help"], "max_content_width": 110}
# Each command is a function of the module of its name, imported when it is called: all of them together take long.
# What --help says of them is the first line of the function, or the HELP of a group; a test holds the two together.
COMMANDS = {
    "init": "Write a project to begin with: inventory, a playbook, settings. Overwrites nothing.",
    "validate": "Find every mistake in playbooks, variables and inventory, without touching a host.",
    "inventory": "What the inventory says: groups and hosts, and the variables of a host.",
    "render": "Show what is declared for hosts, as YAML with the place of each value and why the host gets it. Asks no host.",
    "plan": "Show what would change on the hosts, and change nothing.",
    "apply": "Make the hosts as declared: read, write, then prove it by reading again over a new connection.",
    "drift": "Show where hosts differ from what is declared, and exit with 2 if one does. Changes nothing.",
    "ping": "Reach hosts and show who works there, with what rights, in which PowerShell, and what is missing. Changes nothing.",
    "doctor": "Show everything on a host that stands in the way of managing its firewall, and what to do. Changes nothing.",
    "status": "Show security associations of hosts, the rules that asked for them, and what of their policy is not in force.",
    "show": "Show the live policy of hosts: every object with whose it is, and what no playbook can say.",
    "evaluate": "Would a connection pass: the verdict, what decides it, and what is not known. Changes nothing.",
    "compare-defaults": "Show what people, installers and updates changed of the firewall policy that Windows ships.",
    "ledger": "What projects own on hosts: shown, and put right by hand.",
    "runs": "Show the runs that wrote to hosts, as their records tell: what was planned, made and proven.",
    "vault": "Files and values that only a password opens, in Ansible's format.",
    "confirm": "Keep what a run made on hosts whose undo still waits, though it never came back to prove it.",
    "rollback": "Put hosts back as they were before a run.",
    "retire": "Remove from hosts what the project created there, release the rest, and with it the ledger.",
    "doc": "Show the properties of a kind, or everything about one: type, default, cmdlet, registry, example.",
    "support": "Write what helps to find a defect, names hidden: versions, settings, mistakes, the last runs. Sends nothing.",
    "schema": "Write JSON Schemas of playbooks, inventories, ringfence.yml, plan files, reports and each kind.",
    "completion": "Write a script that completes command lines: commands, flags, kinds, hosts, groups, tags, playbooks.",
    "demo": "Start five simulated hosts (WinRM and SSH), and walk plan, apply, tampering, drift and apply on them.",
    "lab": "Simulated Windows hosts on this machine, for trying and testing.",
    "jea": "Least privilege on Windows hosts: Just Enough Administration.",
}
SUBCOMMANDS = {  # the functions of those that are groups
    "lab": ("up", "show", "run", "clock"), "jea": ("export",), "ledger": ("show", "move", "release", "rebuild"),
    "inventory": ("graph", "host", "list"),
    "vault": ("create", "edit", "view", "encrypt", "encrypt-string", "decrypt", "rekey")}
CALLS = [" ".join(filter(None, (name, sub))) for name in COMMANDS for sub in SUBCOMMANDS.get(name, ("",))]


def examples(shown: str) -> str:
    """The end of a --help: examples, each on its line."""
    return "Examples:\n\n\b\n" + "\n".join(f"  {line}" for line in shown.strip().splitlines())


class CommandGroup(click.Group):
    """Commands in the order in which they are written here."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)


class LazyGroup(CommandGroup):
    """The program: its commands are names and summaries until one is called."""

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        name, found, rest = super().resolve_command(ctx, args)
        return name, found and command_of(str(name), dict(self.context_settings)), rest


def build(**context: Any) -> click.Group:
    """The whole program; `context` are settings of its help, such as terminal_width."""
    summaries = {name: click.Command(name, help=summary) for name, summary in COMMANDS.items()}
    group = LazyGroup("ringfence", summaries, help=HELP, epilog=examples(FIRST), context_settings=CONTEXT_SETTINGS | context)
    return click.version_option(__version__, message="%(prog)s %(version)s", help="Show the version.")(group)


def examples_of(shown: str, name: str, sub: str) -> list[str]:
    """The examples of a group that are of one of its commands."""
    return [line for line in shown.strip().splitlines() if line.startswith(f"ringfence {name} {sub} ")]


def command_of(name: str, settings: dict[str, Any]) -> click.Command:
    """A command or group with its flags; "" is the program itself. settings: of its help, as in `build`."""
    if not name:
        return build()
    from ringfence.cli.command import command

    module = import_module(f"ringfence.cli.commands.{name.replace('-', '_')}")
    epilog = examples(module.EXAMPLES)
    found: dict[str, click.Command] = {}
    for sub in SUBCOMMANDS.get(name, (name,)):
        own = examples_of(module.EXAMPLES, name, sub)
        found[sub] = command(sub, getattr(module, sub.replace("-", "_")), context_settings=settings,
                             epilog=examples("\n".join(own)) if own else epilog)
    if name not in SUBCOMMANDS:
        return found[name]
    return CommandGroup(name, found, help=module.HELP, epilog=epilog, context_settings=settings)


def run(arguments: Sequence[str]) -> int:
    """Run the program; returns its exit code. Wrong usage is 1: 2 means differences."""
    try:
        code = build()(list(arguments), prog_name="ringfence", standalone_mode=False)
    except click.ClickException as error:
        _usage(error)
        return ExitCode.ERROR
    except click.Abort:
        return ExitCode.ERROR
    return code if isinstance(code, int) else ExitCode.IN_SYNC


def _usage(error: Any) -> None:
    """A wrong command line, told like any other mistake; without any argument there is help."""
    if type(error).__name__ == "NoArgsIsHelpError":
        error.show()
        return
    path = error.ctx.command_path if getattr(error, "ctx", None) else "ringfence"
    message = error.format_message()
    if path.endswith(" encrypt-string") and "extra argument" in message:  # the message has it, and logs have the message
        message = "the value is not taken from the command line, where others see it: pipe it in, or be asked for it"
    click.echo(f"error: {message[:1].lower()}{message[1:]}\n    `{path} --help` shows what there is.", err=True)
