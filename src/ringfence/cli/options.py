"""The flags of runs, in groups that commands take as one parameter. What each is called and means is in run_settings.SETTINGS; a
group has all of its values once the command line, the environment and ringfence.yml were asked (cli.resolved_settings)."""

import inspect
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Annotated, Any

from ringfence.cli.resolved_settings import OLD
from ringfence.deprecations import deprecated
from ringfence.rollout.maintenance_window import MaintenanceWindow
from ringfence.rollout.rollout_policy import ROLLOUT_KEYS
from ringfence.rollout.wave_checks import WaveCheck
from ringfence.rollout.waves import Apart, WaveSize
from ringfence.run_settings import SETTINGS, ForcedGuard, InventoryEngine, OutputFormat, PruneMode, RunSetting, UnreachableHosts
from ringfence.types.enums import BOOL


@dataclass(frozen=True)
class Flag:
    """An option of a command, in the annotation of the parameter that gets its value. words: what that may be, for completion ·
    counts: whether it is told how often the flag is given · minimum, maximum: of a number."""

    names: tuple[str, ...]
    help: str
    metavar: str | None = None
    words: tuple[str, ...] = ()
    hidden: bool = False
    counts: bool = False
    minimum: int | None = None
    maximum: int | None = None


@dataclass(frozen=True)
class Argument:
    """What a command is told without a flag, in the annotation of the parameter that gets it."""

    metavar: str
    help: str


def flag(*names: str, help: str, metavar: str | None = None, words: Iterable[Any] = (), **more: Any) -> Flag:
    """An option that one command has; repeated ones say so themselves."""
    return Flag(names, help, metavar, tuple(map(str, words)), **more)


def setting_of(hint: Any) -> RunSetting | None:
    """The setting that a parameter of a command is, as its annotation says."""
    return next((m for m in getattr(hint, "__metadata__", ()) if isinstance(m, RunSetting)), None)


def flags_of(row: RunSetting) -> list[inspect.Parameter]:
    """A setting as parameters that are flags. Their values are texts and nothing else: what they must be is looked at where the
    environment and ringfence.yml are, too. Names that were given up are taken, and not shown."""
    default = f"Default: {row.shown_default}." if row.shown_default else ""
    text = " ".join(filter(None, (row.meaning, "Repeatable." if row.repeatable else "", default)))
    long = f"{row.flag}/{row.negated}" if row.negated else row.flag
    found = [_parameter(row, row.name, *filter(None, (row.short, long)), *row.aliases, help=text)]
    return found + [
        _parameter(row, OLD + old.old, f"--{old.old.replace('_', '-')}", help="", hidden=True)
        for old in deprecated("setting")
        if old.new == row.name
    ]


def _parameter(row: RunSetting, name: str, *names: str, **more: Any) -> inspect.Parameter:
    words = row.type.schema.get("enum", ())
    annotation: Any = list[str] if row.repeatable else int if row.counts else bool if row.type is BOOL else str
    metavar = row.metavar or (f"<{'|'.join(map(str, words))}>" if words else None)
    option = flag(*names, metavar=metavar, words=words, counts=row.counts, **more)
    default: Any = [] if row.repeatable else 0 if row.counts else None
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=Annotated[annotation, option])


Playbooks = Annotated[list[str], Argument(metavar="PLAYBOOK", help="Playbooks. Default: those of ringfence.yml.")]
Diff = Annotated[bool, SETTINGS["diff"]]
Who = Annotated[bool, SETTINGS["who"]]
Check = Annotated[bool, SETTINGS["check"]]
Yes = Annotated[bool, SETTINGS["yes"]]
DetailedExitCode = Annotated[bool, SETTINGS["detailed_exitcode"]]
Full = Annotated[bool, SETTINGS["full"]]
RunDir = Annotated[str, SETTINGS["run_dir"]]
NoPager = Annotated[bool, SETTINGS["no_pager"]]


@dataclass(frozen=True)
class CommonOptions:
    """What every command takes."""

    output: Annotated[OutputFormat, SETTINGS["output"]] = OutputFormat.text
    no_color: Annotated[bool, SETTINGS["no_color"]] = False
    no_fold: Annotated[bool, SETTINGS["no_fold"]] = False
    quiet: Annotated[bool, SETTINGS["quiet"]] = False
    verbose: Annotated[int, SETTINGS["verbose"]] = 0
    log: Annotated[str, SETTINGS["log"]] = ""


@dataclass(frozen=True)
class ReportingOptions(CommonOptions):
    """What every command takes that can write reports."""

    report: Annotated[list[str], SETTINGS["report"]] = field(default_factory=list)


@dataclass(frozen=True)
class VaultOptions:
    """The passwords of vaults."""

    vault_password_file: Annotated[list[str], SETTINGS["vault_password_file"]]
    vault_id: Annotated[list[str], SETTINGS["vault_id"]]
    ask_vault_pass: Annotated[bool, SETTINGS["ask_vault_pass"]]

    @property
    def vault(self) -> list[str]:
        """All of them, as documents.vault.passwords takes them."""
        return [*self.vault_password_file, *self.vault_id, *(["prompt"] if self.ask_vault_pass else [])]


@dataclass(frozen=True)
class SecretOptions(VaultOptions):
    """Variables and secrets that never go into a plan file."""

    extra_vars: Annotated[list[str], SETTINGS["extra_vars"]]
    user: Annotated[str, SETTINGS["user"]] = ""
    ask_pass: Annotated[bool, SETTINGS["ask_pass"]] = False


@dataclass(frozen=True)
class TrustOptions:
    """What the user says of a project, and a project never of itself."""

    trust_dir: Annotated[list[str], SETTINGS["trust_dir"]]
    allow_program: Annotated[list[str], SETTINGS["allow_program"]]
    engine: Annotated[InventoryEngine, SETTINGS["engine"]] = InventoryEngine.ringfence
    ignore_ansible_cfg: Annotated[bool, SETTINGS["ignore_ansible_cfg"]] = False
    allow_empty: Annotated[bool, SETTINGS["allow_empty"]] = False
    untrusted: Annotated[bool, SETTINGS["untrusted"]] = False


@dataclass(frozen=True)
class InventoryOptions:
    """Which hosts."""

    inventory: Annotated[list[str], SETTINGS["inventory"]]
    limit: Annotated[list[str], SETTINGS["limit"]]


@dataclass(frozen=True)
class SelectionOptions(InventoryOptions):
    """Which hosts and which tasks."""

    tags: Annotated[list[str], SETTINGS["tags"]]
    skip_tags: Annotated[list[str], SETTINGS["skip_tags"]]


@dataclass(frozen=True)
class OwnershipOptions:
    """What becomes of what the project owns on hosts."""

    force: Annotated[list[ForcedGuard], SETTINGS["force"]]
    prune: Annotated[PruneMode | None, SETTINGS["prune"]] = None
    max_changes: Annotated[int, SETTINGS["max_changes"]] = 0
    revert_after: Annotated[str, SETTINGS["revert_after"]] = ""
    accept_inherited: Annotated[bool, SETTINGS["accept_inherited"]] = False


@dataclass(frozen=True)
class FleetOptions:
    """How the hosts are worked on."""

    forks: Annotated[int, SETTINGS["forks"]]
    processes: Annotated[int | str, SETTINGS["processes"]]
    list_hosts: Annotated[bool, SETTINGS["list_hosts"]] = False
    unreachable: Annotated[UnreachableHosts, SETTINGS["unreachable"]] = UnreachableHosts.fail
    full: Annotated[bool, SETTINGS["full"]] = False


@dataclass(frozen=True)
class RolloutOptions:
    """In which waves hosts are written."""

    serial: Annotated[list[WaveSize], SETTINGS["serial"]]
    apart: Annotated[list[Apart], SETTINGS["apart"]]
    verify: Annotated[list[WaveCheck], SETTINGS["verify"]]
    window: Annotated[list[MaintenanceWindow], SETTINGS["window"]]
    order: Annotated[str, SETTINGS["order"]] = ""
    max_fail_percentage: Annotated[float | None, SETTINGS["max_fail_percentage"]] = None
    any_errors_fatal: Annotated[bool, SETTINGS["any_errors_fatal"]] = False
    pause: Annotated[int | str | None, SETTINGS["pause"]] = None

    @property
    def of_waves(self) -> dict[str, Any]:
        """What the user says of waves."""
        found = {name: getattr(self, name) for name in ROLLOUT_KEYS}
        return {name: value for name, value in found.items() if value not in (None, "", []) and value is not False}


@dataclass(frozen=True)
class PlanLimits:
    """Which plan files are not applied."""

    max_age: Annotated[str, SETTINGS["max_age"]] = ""
    same_commit: Annotated[bool, SETTINGS["same_commit"]] = False


@dataclass(frozen=True)
class RecordOptions:
    """Where a run that writes is recorded, and how long it waits for another one."""

    run_dir: Annotated[str, SETTINGS["run_dir"]] = ""
    lock_timeout: Annotated[float, SETTINGS["lock_timeout"]] = 0.0
