"""What is the same for every command: its flags spread for typer, its console, and what becomes of errors."""

import dataclasses
import functools
import inspect
from collections.abc import Callable
from typing import Any, get_type_hints

from ringfence.cli.console import LOG, Console, logging_to_stderr
from ringfence.cli.options import (
    CommonOptions,
    FleetOptions,
    InventoryOptions,
    OwnershipOptions,
    RecordOptions,
    SecretOptions,
    SelectionOptions,
    TrustOptions,
)
from ringfence.diagnostics import NOWHERE, Diagnostic, InputError, Where
from ringfence.errors import FAILURES, ExitCode, Interrupted, RingfenceError
from ringfence.run.interruption import Terminated, sigterm_raises

Command = Callable[..., int]
OPTION_GROUPS: dict[Any, Any] = {Console: CommonOptions,
                          **{group: group for group in (SecretOptions, InventoryOptions, SelectionOptions, FleetOptions,
                                                        TrustOptions, OwnershipOptions, RecordOptions)}}


class Internal(RingfenceError):
    """A defect of ours."""


def usage_error(summary: str, detail: str = "", where: Where = NOWHERE) -> InputError:
    """One mistake of whoever called."""
    return InputError([Diagnostic(where, summary, detail)])


def command(function: Command) -> Command:
    """`function` as typer wants it: each parameter that is a group of flags becomes those flags, and its
    `console: Console` is made of the common ones. Whatever goes wrong ends in a message and an exit code."""
    hints = get_type_hints(function, include_extras=True)
    groups = {name: hint for name, hint in hints.items() if hint in OPTION_GROUPS}
    parameters: list[inspect.Parameter] = []
    for parameter in inspect.signature(function).parameters.values():
        if parameter.name in groups:
            parameters += _flags(OPTION_GROUPS[groups[parameter.name]])
        else:
            parameters.append(parameter.replace(annotation=hints[parameter.name], kind=inspect.Parameter.KEYWORD_ONLY))

    @functools.wraps(function)
    def call(**given: Any) -> int:
        for name, hint in groups.items():
            group = OPTION_GROUPS[hint]
            given[name] = group(**{f.name: given.pop(f.name) for f in dataclasses.fields(group)})
        common: CommonOptions = given["console"]
        with logging_to_stderr(common.verbose):
            given["console"] = Console(common, command_name(function))
            with sigterm_raises():
                return _guarded(function, given)

    # typer makes its flags from the signature and the annotations of what it is given
    vars(call).pop("__wrapped__")
    vars(call)["__signature__"] = inspect.Signature(parameters, return_annotation=int)
    call.__annotations__ = {p.name: p.annotation for p in parameters} | {"return": int}
    return call


def command_name(function: Command) -> str:
    """What a command is called: the words behind `ringfence`."""
    words = [function.__module__.rpartition(".")[2], function.__name__.strip("_")]
    return " ".join(dict.fromkeys(word.replace("_", "-") for word in words))


def _flags(group: Any) -> list[inspect.Parameter]:
    hints = get_type_hints(group, include_extras=True)
    defaults = {f.name: [] if f.default is dataclasses.MISSING else f.default for f in dataclasses.fields(group)}
    return [inspect.Parameter(n, inspect.Parameter.KEYWORD_ONLY, default=d, annotation=hints[n]) for n, d in defaults.items()]


def _guarded(function: Command, arguments: dict[str, Any]) -> int:
    console: Console = arguments["console"]
    try:
        code = function(**arguments)
        if console.unwritten:
            console.say(f"error: standard output took no more: {console.unwritten}. {console.command} went on to its end")
            return code if console.has_run else code or ExitCode.ERROR  # what became of hosts is true, whoever reads it
        return code
    except KeyboardInterrupt as interrupt:
        return _interrupted(console, isinstance(interrupt, Terminated))
    except RingfenceError as error:
        return _failed(console, error)
    except OSError as error:
        LOG.debug("", exc_info=True)
        place = Where(str(error.filename)) if error.filename else NOWHERE
        return _failed(console, usage_error(error.strerror or str(error), where=place))
    except Exception as error:
        LOG.debug("", exc_info=True)
        what, advice = FAILURES["internal"]
        more = "" if LOG.isEnabledFor(10) else " and what the same command says with -vv"
        return _failed(console, Internal(f"{what}: {type(error).__name__}: {error}. {advice}{more}"))


def _failed(console: Console, error: RingfenceError) -> ExitCode:
    found = error.diagnostics if isinstance(error, InputError) else (Diagnostic(NOWHERE, str(error)),)
    console.fail(error, found if isinstance(error, InputError) else ())
    console.problems(found)
    return error.exit_code


def _interrupted(console: Console, terminated: bool) -> ExitCode:
    """A signal where nothing is in flight, or the second one of a run."""
    code = ExitCode.TERMINATED if terminated else ExitCode.INTERRUPTED
    console.fail(Interrupted("interrupted"), (), code)
    console.say("interrupted")
    return code
