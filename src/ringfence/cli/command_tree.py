"""The commands, flags and arguments there are, as plain values: man pages and completion are made of them, as --help is."""

import dataclasses
import inspect
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from json import dumps
from typing import Any

from ringfence.cli import app


@dataclass(frozen=True, slots=True)
class OptionHelp:
    """One option. value: what its value is called, "" where it takes none · words: what the value
    may be, where it is one of some."""

    flags: tuple[str, ...]
    value: str
    meaning: str
    repeatable: bool
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ArgumentHelp:
    """One argument that has no flag."""

    value: str
    meaning: str
    several: bool
    required: bool


@dataclass(frozen=True, slots=True)
class CommandHelp:
    """One command: `ringfence plan`, or `ringfence` itself. commands: of a group."""

    name: str
    summary: str
    text: str
    examples: tuple[str, ...]
    options: tuple[OptionHelp, ...]
    arguments: tuple[ArgumentHelp, ...] = ()
    commands: Mapping[str, "CommandHelp"] = dataclasses.field(default_factory=dict)

    def walk(self) -> Iterator["CommandHelp"]:
        """This one and every command beneath it."""
        yield self
        for inner in self.commands.values():
            yield from inner.walk()


def command_tree() -> CommandHelp:
    """The whole program. Imports every command."""
    root = _help("ringfence", app.command_of("", app.CONTEXT_SETTINGS), app.HELP, app.FIRST)
    return dataclasses.replace(root, commands={name: _command(name, summary) for name, summary in app.COMMANDS.items()})


def _command(name: str, summary: str) -> CommandHelp:
    module = import_module(f"ringfence.cli.commands.{name.replace('-', '_')}")
    found: Any = app.command_of(name, app.CONTEXT_SETTINGS)
    made = _help(f"ringfence {name}", found, summary, module.EXAMPLES)
    if name not in app.SUBCOMMANDS:
        return dataclasses.replace(made, text=inspect.getdoc(getattr(module, name.replace("-", "_"))) or summary)
    inner = {}
    for sub in app.SUBCOMMANDS[name]:
        examples = "\n".join(app.examples_of(module.EXAMPLES, name, sub))
        text = inspect.getdoc(getattr(module, sub.replace("-", "_"))) or ""
        inner[sub] = _help(f"ringfence {name} {sub}", found.commands[sub], text, examples)
    return dataclasses.replace(made, commands=inner)


def _help(name: str, found: Any, text: str, examples: str) -> CommandHelp:
    """What click has of a command, as values."""
    options = [_option(p) for p in found.params if p.param_type_name == "option" and not p.hidden]
    arguments = tuple(ArgumentHelp(p.metavar, p.help or "", p.nargs == -1, p.required) for p in found.params
                      if p.param_type_name == "argument")
    options.append(OptionHelp(tuple(app.CONTEXT_SETTINGS["help_option_names"]), "", "Show help and exit.", False))
    return CommandHelp(name, text.partition("\n")[0], text, tuple(examples.strip().splitlines()), tuple(options), arguments)


def _option(found: Any) -> OptionHelp:
    flags = (*found.opts, *found.secondary_opts)
    value = "" if found.is_flag or found.count else found.metavar or "TEXT"
    words = tuple(str(word.value) for word in found.shell_complete(None, ""))  # none of these asks for the rest of the line
    return OptionHelp(flags, value, found.help or "", bool(found.multiple or found.count), words)


def completion_text(root: CommandHelp) -> str:
    """What completion has to know of the commands, as JSON: each option once, on a line, for most commands have the same."""
    options: dict[str, str] = {}  # by the last flag, and by the command too where others have another option of that name
    commands: dict[str, str] = {}
    for command in root.walk():
        names = []
        for o in command.options:
            row = _row(flags=o.flags, value=o.value, words=o.words, repeatable=o.repeatable, meaning=_first_sentence(o.meaning))
            name = o.flags[-1] if options.setdefault(o.flags[-1], row) == row else f"{command.name} {o.flags[-1]}"
            options[name] = row
            names.append(name)
        commands[command.name] = _row(meaning=_first_sentence(command.text), options=names, commands=list(command.commands),
                                      arguments=[{"value": a.value, "several": a.several} for a in command.arguments])
    return f'{{"options": {_lines(options)}, "commands": {_lines(commands)}}}\n'


def _row(**members: Any) -> str:
    return dumps(members, ensure_ascii=False)


def _lines(rows: Mapping[str, str]) -> str:
    return "{\n" + ",\n".join(f"{dumps(name)}: {row}" for name, row in rows.items()) + "\n}"


def _first_sentence(text: str) -> str:
    return " ".join(text.split()).partition(". ")[0].rstrip(".")
