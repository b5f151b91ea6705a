"""Parts of a log that fold, where a CI is known by its environment and shows what is written."""

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import TracebackType

LONG = 100  # lines from which on text is folded


@dataclass(frozen=True, slots=True)
class CiLog:
    """How a CI marks a part that folds: `begin` and `end` are lines, with {title}, {name} and {time} in them."""

    variable: str
    begin: str
    end: str = ""


CI_LOGS = (
    CiLog("GITHUB_ACTIONS", "::group::{title}", "::endgroup::"),  # "Workflow commands": Grouping log lines
    CiLog("TF_BUILD", "##[group]{title}", "##[endgroup]"),  # "Logging commands": Formatting commands
    # "Job logs": Custom collapsible sections
    CiLog("GITLAB_CI", "\x1b[0Ksection_start:{time}:{name}[collapsed=true]\r\x1b[0K{title}",
          "\x1b[0Ksection_end:{time}:{name}\r\x1b[0K"),
    CiLog("BUILDKITE", "--- {title}", "+++ {title}: the sum"),  # "Managing log output": groups end where the next begins
)


def ci_log(environment: Mapping[str, str] = os.environ) -> CiLog | None:
    """The CI whose log this is, if one is known."""
    return next((log for log in CI_LOGS if environment.get(log.variable)), None)


class LogSection:
    """The text of a run. Where a CI folds and it is long, all of it but its last paragraph, the sum, is folded.

    write: text · command: a line for the CI · title: what is shown in its place.
    """

    def __init__(self, write: Callable[[str], None], command: Callable[[str], None], title: str, log: CiLog | None) -> None:
        self._write, self._command, self._title, self._log = write, command, title, log
        self._is_open = False

    def __enter__(self) -> "LogSection":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._close()

    def write(self, text: str) -> None:
        """A part that is not the last."""
        if text and self._log and not self._is_open:
            self._mark(self._log.begin)
            self._is_open = True
        self._write(text)

    def last(self, text: str) -> None:
        """The end, with the sum."""
        body, gap, total = text.rstrip("\n").rpartition("\n\n")
        if not self._log or not gap or not (self._is_open or body.count("\n") >= LONG):
            self._close()
            self._write(text)
            return
        self.write(f"{body}\n")
        self._close()
        self._write(f"{total}\n")

    def _close(self) -> None:
        if self._is_open and self._log:
            self._mark(self._log.end)
        self._is_open = False

    def _mark(self, line: str) -> None:
        name = "".join(c if c.isalnum() else "_" for c in self._title.lower())
        self._command(line.format(title=self._title, name=f"ringfence_{name}", time=int(time.time())))
