"""What shows a run: told when it begins, of each host as it ends, and when all is over, it gives text. Prints nothing."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from ringfence.diagnostics import Diagnostic
from ringfence.errors import ExitCode
from ringfence.report import HostResult, Report, RunInfo, WaveProgress
from ringfence.views.format import Style, unstyled
from ringfence.views.host_names import HostGroups


@dataclass(frozen=True, slots=True)
class NextCommands:
    """The commands that come after this one, each as it can be pasted. act: the one that does what is shown · keep: the one that
    keeps it for review · others: whether both want options that are not shown."""

    act: str
    keep: str = ""
    others: bool = False

    def sentence(self, shown: Callable[[str], str] = str) -> str:
        """In one sentence. shown: how a command stands in it."""
        commands = shown(self.act) + (f"; or keep it for review: {shown(self.keep)}" if self.keep else "")
        return commands + (f"{'; each' if self.keep else ','} with the other options" if self.others else "")


@dataclass(frozen=True)
class ViewOptions:
    """How a run is to be shown. run: which one · diff: each property that differs · style: colours · full: long
    values and lists whole · quiet: nothing but what is not in sync · plan: how the plan file was made that is shown · groups: the
    hosts of each group of the inventory · width: columns of the terminal, None where there is none · next: what comes after
    this one · abandoned: hosts on which the project has something, and which no play names any more · file_in_repository:
    the path of a file below the top of the repository that the project is in · project_file: the one that stands for what has no
    place of its own · unreachable_fails: see --unreachable."""

    run: RunInfo
    diff: bool = True
    style: Style = unstyled
    full: bool = False
    quiet: bool = False
    plan: Mapping[str, Any] | None = None
    groups: HostGroups = field(default_factory=dict)
    width: int | None = None
    next: NextCommands | None = None
    abandoned: tuple[str, ...] = ()
    file_in_repository: Callable[[str], str] = str
    project_file: str = "ringfence.yml"
    unreachable_fails: bool = True


class View(Protocol):
    """A view of one run. Each method returns the text to print at that moment; it may be empty."""

    def begin(self, warnings: Sequence[Diagnostic]) -> str:
        """Before the first host."""

    def host(self, result: HostResult) -> str:
        """One host has ended. The result is not kept: a fleet of any size fits."""

    def end(self, report: Report, seconds: float, exit_code: ExitCode) -> str:
        """After the last host."""


@runtime_checkable
class WaveView(Protocol):
    """A view that shows waves as they go, too."""

    def wave(self, wave: WaveProgress) -> str:
        """A wave begins, or has ended."""


ViewTable = Mapping[str, Callable[[ViewOptions], View]]
"""Views by the name of their format, as --output has it."""
