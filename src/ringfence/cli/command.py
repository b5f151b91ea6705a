"""What is the same for every command: the flags of its settings, its console, and what becomes of errors."""

import dataclasses
import inspect
import os
from collections.abc import Callable, Sequence
from typing import Any, get_type_hints

from ringfence import __version__
from ringfence.cli.console import LOG, Console, ReportingConsole, logged
from ringfence.cli.options import (
    CommonOptions,
    FleetOptions,
    InventoryOptions,
    OwnershipOptions,
    PlanLimits,
    RecordOptions,
    ReportingOptions,
    RolloutOptions,
    SecretOptions,
    SelectionOptions,
    TrustOptions,
    VaultOptions,
    flags_of,
    setting_of,
)
from ringfence.cli.overwritten import overwritten
from ringfence.cli.parser import CommandParser, parser
from ringfence.cli.resolved_settings import OLD, ResolvedSettings
from ringfence.diagnostics import NOWHERE, Diagnostic, InputError, Where
from ringfence.errors import FAILURES, ExitCode, Interrupted, RingfenceError
from ringfence.files import is_stream
from ringfence.run.interruption import Terminated, ending_raises
from ringfence.run_settings import SETTINGS

Command = Callable[..., int]
OPTION_GROUPS: dict[Any, Any] = {Console: CommonOptions, ReportingConsole: ReportingOptions,
                          **{group: group for group in (
                              VaultOptions, SecretOptions, InventoryOptions, SelectionOptions, FleetOptions, TrustOptions,
                              OwnershipOptions, RolloutOptions, RecordOptions, PlanLimits)}}


class Internal(RingfenceError):
    """A defect of ours."""


def usage_error(summary: str, detail: str = "", where: Where = NOWHERE) -> InputError:
    """One mistake of whoever called."""
    return InputError([Diagnostic(where, summary, detail)])


def command(name: str, function: Command, **more: Any) -> CommandParser:
    """The command of a function: each parameter that is a group of settings, or one setting, becomes flags. Their values are
    those of the command line, the environment and ringfence.yml; its `console: Console` is made of the common ones. Whatever goes
    wrong ends in a message and an exit code. more: settings of click."""
    hints = get_type_hints(function, include_extras=True)
    groups = {name: OPTION_GROUPS[hint] for name, hint in hints.items() if hint in OPTION_GROUPS}
    defaults: dict[str, Any] = {}  # of settings, by name
    parameters: list[inspect.Parameter] = []
    for parameter in inspect.signature(function).parameters.values():
        if parameter.name in groups:
            members = {f.name for f in dataclasses.fields(groups[parameter.name])}
            defaults |= {name: SETTINGS[name].default for name in members}
            parameters += [p for name in SETTINGS if name in members for p in flags_of(SETTINGS[name])]
        elif row := setting_of(hints[parameter.name]):
            defaults[parameter.name] = parameter.default
            parameters += flags_of(row)
        else:
            parameters.append(parameter.replace(annotation=hints[parameter.name], kind=inspect.Parameter.KEYWORD_ONLY))
    of_run = not defaults.keys().isdisjoint(("inventory", "run_dir", "vault_id"))
    rows = [SETTINGS[name] for name in defaults]

    def call(**given: Any) -> int:
        found = ResolvedSettings(rows, given, of_run)
        wrong = _add_project(found) if of_run else None
        arguments = {name: value for name, value in given.items() if name not in defaults and not name.startswith(OLD)}
        values = {name: found.value(name, [] if SETTINGS[name].repeatable else default) for name, default in defaults.items()}
        for name, group in groups.items():
            arguments[name] = group(**{f.name: values.pop(f.name) for f in dataclasses.fields(group)})
        console = hints["console"](arguments["console"], command_name(function), found)
        read = [path for name in ("playbooks", "files") for path in given.get(name) or found.of_either(name) or ()]
        kept = list(overwritten({row: found.of_either(row.name) for row in rows}, read, str(given.get("out") or "")))
        common = dataclasses.replace(arguments["console"], log="") if kept else arguments["console"]
        with logged(common) as problem, ending_raises():
            return _guarded(function, arguments | values | {"console": console}, wrong or problem, kept)

    return parser(name, parameters, call, help=inspect.getdoc(function), **more)


def _add_project(found: ResolvedSettings) -> Exception | None:
    """Ask ringfence.yml for settings too; returns what went wrong, which is told once there is a console."""
    from ringfence.documents import trust_file
    from ringfence.project import settings

    try:
        trust = trust_file.load(
            *(found.value(name, default) for name, default in (("untrusted", False), ("trust_dir", []), ("allow_program", [])))
        )
        found.add_project(settings.load(trust=trust))
    except Exception as error:
        return error
    return None


def command_name(function: Command) -> str:
    """What a command is called: the words behind `ringfence`."""
    words = [function.__module__.rpartition(".")[2], function.__name__.strip("_")]
    return " ".join(dict.fromkeys(word.replace("_", "-") for word in words))


def _guarded(function: Command, arguments: dict[str, Any], wrong: Exception | None, kept: Sequence[Diagnostic]) -> int:
    """kept: why files are not written at all."""
    console: Console = arguments["console"]
    try:
        code = _ended(console, function, arguments, wrong, kept)
        for line in console.reports.problems:
            console.say(f"error: {line}")
        return code or (ExitCode.ERROR if console.reports.problems else code)
    finally:
        console.reports.discard()


def _ended(console: Console, function: Command, arguments: dict[str, Any], wrong: Exception | None,
           kept: Sequence[Diagnostic]) -> int:
    try:
        if kept:
            raise InputError(kept)
        console.reports.open(_written(console, arguments))
        if wrong:
            raise wrong
        console.problems(console.settings.check())
        LOG.debug("ringfence %s: %s, run %s", __version__, console.command, console.run_id)
        for line in console.settings.lines:
            LOG.debug("%s", line)
        code = function(**arguments)
        if console.unwritten:
            console.say(f"error: standard output took no more: {console.unwritten}. {console.command} went on to its end")
            return code or ExitCode.ERROR  # as of a report that was not written: another code says what became of hosts
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


def _written(console: Console, arguments: dict[str, Any]) -> dict[str, str]:
    """The files that a command writes besides its reports, as they were said. A device or a pipe takes all that is written, and
    so does the file that standard output goes to."""
    told = {"-o": str(arguments.get("out") or ""), "--log": os.path.expanduser(console.settings.of_command("log") or "")}
    return {f"{flag} {path}": path for flag, path in told.items() if path and not (
        os.path.exists(path) and is_stream(path))}


def _failed(console: Console, error: RingfenceError) -> ExitCode:
    found = error.diagnostics if isinstance(error, InputError) else (Diagnostic(NOWHERE, str(error)),)
    console.fail(error, found if isinstance(error, InputError) else ())
    console.problems(found)
    console.fail_reports(error, found, error.exit_code)
    return error.exit_code


def _interrupted(console: Console, terminated: bool) -> ExitCode:
    """A signal where nothing is in flight, or the second one of a run."""
    code = ExitCode.TERMINATED if terminated else ExitCode.INTERRUPTED
    error = Interrupted("interrupted")
    console.fail(error, (), code)
    console.say("interrupted")
    console.fail_reports(error, (Diagnostic(NOWHERE, "interrupted"),), code)
    return code
