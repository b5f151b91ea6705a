"""Commands for click, made of functions: what is annotated with a Flag is an option, and an argument what has an Argument."""

import inspect
from collections.abc import Callable
from enum import Enum
from typing import Any, get_args, get_origin

import click

from ringfence.cli.options import Argument, Flag


class CommandParser(click.Command):
    """A command: what it has only once is a value, and what may be repeated a list."""

    def invoke(self, ctx: click.Context) -> Any:
        ctx.params = {name: list(value) if isinstance(value, tuple) else value for name, value in ctx.params.items()}
        return super().invoke(ctx)


class NamedArgument(click.Argument):
    """An argument that is called what its metavar says, wherever it is told; help has brackets and dots around it."""

    def make_metavar(self, ctx: click.Context) -> str:
        name = self.human_readable_name
        return (name if self.required else f"[{name}]") + ("..." if self.nargs == -1 else "")

    def get_error_hint(self, ctx: click.Context | None) -> str:
        return f"'{self.human_readable_name}'"


def parser(name: str, parameters: list[inspect.Parameter], callback: Callable[..., int], **more: Any) -> CommandParser:
    """The command of that name, whose callback gets what was said by the names of its parameters. more: its help, its end,
    settings of its context, as click has them."""
    return CommandParser(name, params=[_parameter(p) for p in parameters], callback=callback, **more)


def _parameter(parameter: inspect.Parameter) -> click.Parameter:
    type_, said = get_args(parameter.annotation)
    several = get_origin(type_) is list
    required = parameter.default is parameter.empty
    default = None if required or several else parameter.default
    if isinstance(said, Argument):
        more = {} if required else {"default": default}  # None would be a value
        return NamedArgument([parameter.name], required=required, nargs=-1 if several else 1, metavar=said.metavar,
                             help=said.help, **more)
    kind = str if several else type_
    return click.Option([parameter.name, *said.names], **_value(kind, said), multiple=several, default=default,
                        metavar=said.metavar or _words(kind), help=said.help, hidden=said.hidden)


def _value(kind: Any, said: Flag) -> dict[str, Any]:
    """What click makes of the value of an option."""
    if kind is bool:
        return {"is_flag": True}
    if said.counts:
        return {"count": True}
    if kind is int:
        return {"type": click.IntRange(said.minimum, said.maximum)}
    if said.words:
        return {"shell_complete": lambda *_: list(said.words)}
    return {"type": click.Choice(kind) if issubclass(kind, Enum) else kind}


def _words(kind: Any) -> str | None:
    return f"<{'|'.join(str(member.value) for member in kind)}>" if issubclass(kind, Enum) else None
