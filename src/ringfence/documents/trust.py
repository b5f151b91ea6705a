"""What a project may do on the machine that runs ringfence: it is data, until its user says otherwise.

Only the user says so: by options, by the environment, and by a file of their own (`user_file`). A project never does.
The rule about owners is git's (safe.directory, CVE-2022-24765), that about folders which everybody may write is
Ansible's (its documentation, "Avoiding security risks with ansible.cfg in the current directory").
"""

import os
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from ringfence.diagnostics import Diagnostic, InputError, Where

UNTRUSTED, TRUST_DIR, ALLOW_PROGRAM = "RINGFENCE_UNTRUSTED", "RINGFENCE_TRUST_DIR", "RINGFENCE_ALLOW_PROGRAM"


@dataclass(frozen=True, slots=True)
class Trust:
    """What the user allows. Paths are real ones.

    untrusted: nothing of the project runs, and nothing outside of `readable` is read · directories: their files are
    taken whoever owns them · programs: files, and folders of files, that may be run · named: inventories that the user names
    on the command line or in the environment, which may be programs · ansible_reads: every inventory is given to the user's
    own ansible-inventory · read: the real paths of playbooks, inventories and files of variables that were read, where
    somebody wants to know.
    """

    untrusted: bool = False
    directories: tuple[str, ...] = ()
    programs: tuple[str, ...] = ()
    readable: tuple[str, ...] = ()
    named: tuple[str, ...] = ()
    ansible_reads: bool = False
    read: set[str] | None = field(default=None, compare=False, repr=False)

    def bounded(self, project: Path, named: Iterable[str | Path] = ()) -> "Trust":
        """The same, where only a project's folder is readable, and what the user named himself outside of it."""
        root = os.path.realpath(project)
        others = [os.path.realpath(p) for p in named if not _inside(os.path.abspath(os.path.expanduser(p)), (root,))]
        return replace(self, readable=(root, *others))

    def unreadable(self, path: str | Path) -> str:
        """Why a file may not be read, or nothing. Links are followed: what counts is where they lead."""
        if not self.untrusted or _inside(os.path.realpath(os.path.expanduser(path)), self.readable):
            return ""
        return f"{path} is outside of the project, and the project is untrusted"

    def has_read(self, path: str | Path) -> None:
        """Note a playbook, inventory or file of variables that is read. Threads call it."""
        if self.read is not None:
            self.read.add(os.path.realpath(path))

    def allows_program(self, path: str | Path) -> bool:
        """Whether the user allowed a program to be run."""
        return not self.untrusted and _inside(os.path.realpath(path), self.programs)

    def refuses_inventory(self, path: Path, program: str) -> tuple[str, str]:
        """Why an inventory may not be run, and the way out; two empty texts where it may. program: what it is, in words."""
        if self.untrusted:
            return f"the inventory is {program}, which does not run for an untrusted project", ""
        if os.path.realpath(path) in self.named:
            return "", ""
        if not self.allows_program(path):
            return (f"the inventory is {program}, and a project may not run programs",
                    f"Allow it: --allow-program {path}, {ALLOW_PROGRAM}, or `programs` in {user_file()}; or name this very file "
                    "with -i yourself.")
        try:
            self.check_owners([path, path.parent])
        except InputError as error:
            return error.diagnostics[0].summary, error.diagnostics[0].detail
        return "", ""

    def check_owners(self, paths: Iterable[Path], harm: str = "what it says can run programs as you") -> None:
        """Raises InputError where somebody else could have written a file or folder that does `harm`."""
        for path in paths:
            believed = self.untrusted or _inside(os.path.realpath(path), self.directories)
            if not believed and (reason := _foreign(path, harm)):
                raise InputError([Diagnostic(Where(os.fspath(path)), reason, _way_out(path))])


def user_file(environment: Mapping[str, str] = os.environ) -> Path:
    """The user's own file: `ringfence/trust.yml` in $XDG_CONFIG_HOME, by default ~/.config."""
    return Path(environment.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")) / "ringfence" / "trust.yml"


def _inside(path: str, folders: Iterable[str]) -> bool:
    """Whether a real path is one of some others, or lies beneath one."""
    return any(path == folder or path.startswith(folder.rstrip(os.sep) + os.sep) for folder in folders)


def _foreign(path: Path, harm: str) -> str:
    """Why a file or folder may be somebody else's work, or nothing. Windows' access lists are not read."""
    if os.name != "posix":
        return ""
    try:
        found = path.stat()
    except OSError:  # whoever reads it says so
        return ""
    if found.st_uid not in _own_ids():
        return f"it belongs to another user (number {found.st_uid}), and {harm}"
    if stat.S_IMODE(found.st_mode) & stat.S_IWOTH:
        return f"every user may write it, and {harm}"
    return ""


def _own_ids() -> set[int]:
    """Ours and root's; of root in a sudo also those of who called it, as with git."""
    own = os.geteuid()
    caller = os.environ.get("SUDO_UID", "") if own == 0 else ""
    return {0, own} | ({int(caller)} if caller.isdecimal() else set())


def _way_out(path: Path) -> str:
    folder = os.path.realpath(path if path.is_dir() else path.parent)
    return (f"Correct its owner or mode; or, if you trust it, give --trust-dir {folder} or list that under `directories` in "
            f"{user_file()}; or look at the project with --untrusted, which runs nothing of it.")
