"""The flags, each declared once, in groups that commands take as one parameter. Names are Ansible's where it has one."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any

import typer

from ringfence.model.ledger import PRUNE_MODES


class OutputFormat(StrEnum):
    """What is written to standard output."""

    text = "text"
    json = "json"
    jsonl = "jsonl"


class UnreachableHosts(StrEnum):
    """What --unreachable takes."""

    fail = "fail"
    warn = "warn"
    ignore = "ignore"


PruneMode = StrEnum("PruneMode", [(mode, mode) for mode in PRUNE_MODES])  # type: ignore[misc]
"""What --prune takes."""


class Guard(StrEnum):
    """What --force takes."""

    percent = "percent"


def flag(*names: str, help: str, metavar: str | None = None, **more: Any) -> Any:
    """An option of typer; repeated ones say so themselves."""
    return typer.Option(*names, help=help, metavar=metavar, show_default=False, **more)


@dataclass(frozen=True)
class CommonOptions:
    """What every command takes."""

    output: Annotated[OutputFormat, flag("--output", help="Write text for people, one JSON document, or events as they "
                                       "happen, one JSON object a line.")] = OutputFormat.text
    no_color: Annotated[bool, flag("--no-color", help="No colours. They are also off where NO_COLOR is set and where the "
                                   "output is not a terminal.")] = False
    verbose: Annotated[int, flag("-v", "--verbose", count=True, help="Log to standard error; -vv logs more.")] = 0


@dataclass(frozen=True)
class SecretOptions:
    """Variables and secrets that never go into a plan file."""

    extra_vars: Annotated[list[str], flag("-e", "--extra-vars", metavar="VARS", help="Variables that win over all "
                                          "others: key=value, YAML or JSON, or @FILE. Repeatable.")]
    vault_password_file: Annotated[list[str], flag("--vault-password-file", "--vault-pass-file", metavar="FILE", help=
                                                   "A file with the vault password, or a program that prints it. Repeatable.")]
    vault_id: Annotated[list[str], flag("--vault-id", metavar="LABEL@FILE", help="The same for one vault id. Repeatable.")]


@dataclass(frozen=True)
class TrustOptions:
    """What the user says of a project, and a project never of itself."""

    trust_dir: Annotated[list[str], flag("--trust-dir", metavar="DIR", help="Take the project in this folder though "
                                         "others own it or may write it. Repeatable.")]
    allow_program: Annotated[list[str], flag("--allow-program", metavar="PATH", help="The project may run this program, or "
                                             "those in this folder. Repeatable.")]
    ignore_ansible_cfg: Annotated[bool, flag("--ignore-ansible-cfg", help="Say nothing of ansible.cfg and ANSIBLE_… variables, "
                                             "which ringfence does not heed.")] = False
    allow_empty: Annotated[bool, flag("--allow-empty", help="A run without hosts, or without anything declared for them, is no "
                                      "mistake.")] = False
    untrusted: Annotated[bool, flag("--untrusted", help="The project is a stranger's: none of its code runs, no host is "
                                    "connected to, nothing outside of its folder is read. Also: RINGFENCE_UNTRUSTED=1.")] = False


@dataclass(frozen=True)
class InventoryOptions:
    """Which hosts."""

    inventory: Annotated[list[str], flag("-i", "--inventory", metavar="FILE", help="An inventory file or folder, or host "
                                         "names with a comma. Repeatable. Default: that of ringfence.yml.")]
    limit: Annotated[list[str], flag("-l", "--limit", metavar="PATTERN", help="Only these of the hosts, "
                                     "in Ansible's patterns: web*, finance:!boundary. Repeatable.")]


@dataclass(frozen=True)
class SelectionOptions(InventoryOptions):
    """Which hosts and which tasks."""

    tags: Annotated[list[str], flag("-t", "--tags", metavar="TAGS", help="Only tasks with one of these tags. Repeatable.")]
    skip_tags: Annotated[list[str], flag("--skip-tags", metavar="TAGS", help="No tasks with one of these tags. Repeatable.")]


@dataclass(frozen=True)
class OwnershipOptions:
    """What becomes of what the project owns on hosts."""

    force: Annotated[list[Guard], flag("--force", metavar="GUARD", help="Switch a guard off: percent (how much of what the "
                                       "project owns is removed at once). Repeatable.")]
    prune: Annotated[PruneMode | None, flag("--prune", help="What becomes of what the project had and declares no more. Default: "
                                            "that of ringfence.yml, else report.")] = None
    max_changes: Annotated[int, flag("--max-changes", metavar="N", min=0, help="Refuse hosts that would have more changes. "
                                     "Default: that of ringfence.yml, else any number.")] = 0
    accept_inherited: Annotated[bool, flag("--accept-inherited", help="Hosts that were made from an image: the ledger that came "
                                           "with it counts as theirs.")] = False


@dataclass(frozen=True)
class FleetOptions:
    """How the hosts are worked on."""

    forks: Annotated[int, flag("-f", "--forks", metavar="N", min=1, max=1000, help="Hosts at the same time. Default: 20.")] = 20
    list_hosts: Annotated[bool, flag("--list-hosts", help="Show the hosts that would be worked on, and touch none.")] = False
    unreachable: Annotated[UnreachableHosts, flag("--unreachable", help="Whether hosts that are not reached make the run fail: "
                                                  "fail (the default; exit code 5), warn, ignore. They are always listed."
                                                  )] = UnreachableHosts.fail
    full: Annotated[bool, flag("--full", help="Show long values and lists whole: of what hosts say the beginning is shown, 200 "
                               "characters or 20 members.")] = False


@dataclass(frozen=True)
class RecordOptions:
    """Where a run that writes is recorded, and how long it waits for another one."""

    run_dir: Annotated[str, flag("--run-dir", metavar="DIR", help="Where the records of runs are kept. Default: .ringfence/runs "
                                 "beside ringfence.yml.")] = ""
    lock_timeout: Annotated[float, flag("--lock-timeout", metavar="SECONDS", min=0, help="How long to wait for another run of "
                                        "this project on this machine. Default: not at all.")] = 0.0
