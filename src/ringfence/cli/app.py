"""The program: which commands there are, and what becomes of what they return."""

from collections.abc import Sequence
from types import ModuleType
from typing import Annotated, Any

import typer

from ringfence import __version__
from ringfence.cli import apply, demo, doc, drift, init, jea, lab, plan, schema, status, validate
from ringfence.cli.command import Command, command
from ringfence.cli.options import flag
from ringfence.errors import PRECEDENCE, ExitCode

HELP = ("Declarative configuration of Windows Defender Firewall and IPsec: declare it as YAML, see the difference, apply it, "
        "prove it.\n\nExit codes: " + "; ".join(f"{int(code)} {code.meaning}" for code in ExitCode) + ". Of several the "
        "first of " + ", ".join(str(int(code)) for code in PRECEDENCE) + " counts.")
FIRST = """
ringfence demo                 the whole road on five simulated hosts
ringfence init my-policy       a project to begin with
"""
CONTEXT_SETTINGS: dict[str, Any] = {"help_option_names": ["-h", "--help"], "max_content_width": 110}
COMMANDS: tuple[tuple[ModuleType, Command], ...] = (
    (init, init.init), (validate, validate.validate), (plan, plan.plan), (apply, apply.apply), (drift, drift.drift),
    (status, status.status), (doc, doc.doc), (schema, schema.schema), (demo, demo.demo))


def examples(shown: str) -> str:
    """The end of a --help: examples, each on its line."""
    return "Examples:\n\n\b\n" + "\n".join(f"  {line}" for line in shown.strip().splitlines())


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"ringfence {__version__}")
        raise typer.Exit


def build(**context: Any) -> typer.Typer:
    """The whole program as typer has it; `context` are settings of its help, such as terminal_width."""
    settings = CONTEXT_SETTINGS | context
    app = typer.Typer(name="ringfence", help=HELP, epilog=examples(FIRST), no_args_is_help=True, rich_markup_mode=None,
                      pretty_exceptions_enable=False, context_settings=settings)

    app.callback()(_root)

    for module, function in COMMANDS:
        app.command(function.__name__, epilog=examples(module.EXAMPLES), context_settings=settings)(command(function))
    for group, function in ((lab, lab.up), (jea, jea.export)):
        inner = typer.Typer(help=group.HELP, epilog=examples(group.EXAMPLES), no_args_is_help=True, rich_markup_mode=None,
                            context_settings=settings)
        inner.command(function.__name__, epilog=examples(group.EXAMPLES), context_settings=settings)(command(function))
        inner.callback()(_group)
        app.add_typer(inner, name=group.__name__.rpartition(".")[2])
    return app


def _root(version: Annotated[bool, flag("--version", callback=_version, is_eager=True, help="Show the version.")] = False,
          ) -> None:
    """The flags of the program itself."""


def _group() -> None:
    """Without this, typer would make a group of one command that command."""


def run(arguments: Sequence[str]) -> int:
    """Run the program; returns its exit code. Wrong usage is 1: 2 means differences."""
    try:
        code = build()(list(arguments), prog_name="ringfence", standalone_mode=False)
    except typer.TyperException as error:
        show = getattr(error, "show", None)
        if show:
            show()
        return ExitCode.ERROR
    except typer.Abort:
        return ExitCode.ERROR
    return code if isinstance(code, int) else ExitCode.IN_SYNC
