"""The tasks by which a simulated host ends rules by itself, as the verbs of Expiry answer."""

import hashlib
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache
from typing import Any
from xml.sax.saxutils import escape

from ringfence.batch import scripts
from ringfence.lab.machine.machine import Machine
from ringfence.lab.machine.scheduled_tasks import ScheduledTask
from ringfence.lab.machine.task_definition import TaskError
from ringfence.lab.netsecurity.cmdlet_errors import CmdletError
from ringfence.lab.session import Session

_FOLDER = "\\ringfence\\expires\\"
_NOUNS = ("NetFirewallRule", "NetIPsecRule", "NetIPsecMainModeRule")
_NAME = re.compile(r"[^*?`\[\]\x00-\x1f]{1,1000}")
_TASK = re.compile("[0-9a-f]{32}")
_REMOVES = re.compile(r" Remove-(\w+) -Name \(-join \[char\[\]\]\(((?:\d{1,5},)*\d{1,5})\)\)")
_ENTITIES = {'"': "&quot;", "'": "&apos;"}
With = Mapping[str, Any]


class ExpiryVerbs:
    """The verbs on one machine. require_armed: what every write asks first."""

    def __init__(self, machine: Machine, require_armed: Callable[[Session], None]) -> None:
        self.machine, self._require_armed = machine, require_armed
        self.verbs: Mapping[str, Callable[[With, Session], Any]] = {
            "Expiry.Read": self.read, "Expiry.Write": self.write, "Expiry.Remove": self.remove}

    def read(self, arguments: With, session: Session) -> list[dict[str, Any]] | dict[str, Any]:
        """All that there are; a session without the rights of administrators sees none, and says so."""
        return self._tasks() if session.elevated else {"unread": [{"fact": "expiries", "why": _texts()["hiddenTasks"]}]}

    def _tasks(self) -> list[dict[str, Any]]:
        try:
            self.machine.tasks.require_service()
        except TaskError as error:
            id = f"HRESULT 0x{error.hresult:08x},Get-ScheduledTask"
            raise CmdletError("NotSpecified", id, str(error), error.hresult) from None
        return [_told(task) for task in self.machine.tasks.tasks()
                if task.path.lower().startswith(_FOLDER) and "\\" not in task.path[len(_FOLDER):]]

    def write(self, arguments: With, session: Session) -> dict[str, Any]:
        """Registers one, in the place of one of the same rule. Raises CmdletError."""
        noun, name, at = (arguments.get(part) for part in ("noun", "name", "at"))
        if noun not in _NOUNS:
            raise _refused(f"no {noun} ends by itself")
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise _refused(f"no rule that ends by itself is named '{name}'")
        if not isinstance(at, str) or not _is_moment(at):
            raise _refused(f"'{at}' is no moment")
        self._require_armed(session)
        task = _task_of(noun, name)
        xml = _texts()["expiryXml"]
        places = {"noun": noun, "at": at, "shell": _texts()["expiryShell"], "line": _line(noun, name),
                  "name": re.sub("[^ -~]", "?", name)}
        xml = re.sub(rf"\{{({'|'.join(places)})\}}", lambda found: escape(places[found[1]], _ENTITIES), xml)
        try:
            if not session.elevated:
                raise TaskError(0x80070005)
            told = _told(self.machine.tasks.register(_FOLDER + task, xml, update=True))
        except TaskError as error:
            raise _refused(f"the task that ends it was not registered: {error}", "InvalidOperation") from None
        if not told["fits"]:
            self.machine.tasks.unregister(_FOLDER + task)
            raise _refused("the task that ends it is not as it was registered", "InvalidOperation")
        self._remove_of(noun, name, task)
        return told

    def _remove_of(self, noun: str, name: str, kept: str = "") -> None:
        """Unregisters every task of a rule but one."""
        for one in self._tasks():
            ours = _TASK.fullmatch(one["task"]) and one["task"] != kept
            if ours and one.get("noun") == noun and _upper(one["name"]) == _upper(name):
                self.machine.tasks.unregister(_FOLDER + one["task"])

    def remove(self, arguments: With, session: Session) -> None:
        """Unregisters one that is there, or those of a rule. Raises CmdletError."""
        task, name = (str(arguments.get(part) or "") for part in ("task", "name"))
        if not name and not _TASK.fullmatch(task):
            raise _refused(f"no task is named '{task}'")
        self._require_armed(session)
        if not session.elevated:
            raise _refused(_texts()["hiddenTasks"], "PermissionDenied")
        if name:
            self._remove_of(str(arguments.get("noun") or ""), name)
        elif any(one["task"] == task for one in self._tasks()):
            self.machine.tasks.unregister(_FOLDER + task)


def _refused(message: str, category: str = "InvalidArgument") -> CmdletError:
    return CmdletError(category, "ringfence.expiry", message)


def _is_moment(text: str) -> bool:
    try:
        return bool(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", text) and datetime.fromisoformat(text))
    except ValueError:
        return False


def _task_of(noun: str, name: str) -> str:
    small = "".join(c.lower() if len(c.lower()) == 1 else c for c in name)  # as .NET has it: each for itself, and one stays one
    return hashlib.sha256(f"{noun}|{small}".encode("utf-8", "replace")).hexdigest()[:32]


def _upper(name: str) -> str:
    """A name as Windows compares it."""
    return "".join(c.upper() if len(c.upper()) == 1 else c for c in name)


@cache
def _texts() -> dict[str, str]:
    """The texts of the host script that a task is made of, so that the very line runs here that would run on Windows."""
    whole = scripts.part_text("expiry") + scripts.part_text("expiry_write")
    xml = re.search(r"^\$expiryXml = @'\n(.*?)\n'@", whole, re.DOTALL | re.MULTILINE)
    named = re.search(r"^\$expiryFolder, \$expiryShell = '([^']*)', '([^']*)'$", whole, re.MULTILINE)
    line = re.search(r"^\$expiryLine = \(@\((.*?)\) -join ' '\)$", whole, re.DOTALL | re.MULTILINE)
    hidden = re.search(r"^\$hiddenTasks = '([^']*)'", whole, re.MULTILINE)
    assert xml
    assert named
    assert hidden
    assert line
    pieces = re.findall(r"^\s*'((?:[^'\n]|'')*)'", line[1], re.MULTILINE)
    return {"expiryXml": xml[1], "expiryShell": named[2], "hiddenTasks": hidden[1],
            "expiryLine": " ".join(p.replace("''", "'") for p in pieces)}


def _line(noun: str, name: str) -> str:
    units = name.encode("utf-16-le", "surrogatepass")
    codes = ",".join(str(int.from_bytes(units[n:n + 2], "little")) for n in range(0, len(units), 2))
    places = {"noun": noun, "codes": codes, "folder": _FOLDER, "task": _task_of(noun, name)}
    return re.sub(r"\{(noun|codes|folder|task)\}", lambda found: places[found[1]], _texts()["expiryLine"])


def _told(task: ScheduledTask) -> dict[str, Any]:
    """What is said of a task: which rule it ends, from when on, and whether it is all that it should be."""
    own, actions = task.path.rpartition("\\")[2], task.definition.actions
    begins = [one.start for one in task.definition.triggers]
    found: dict[str, Any] = {"task": own, "at": begins[0] if begins else None, "fits": False}
    said = _REMOVES.search(actions[0].arguments) if actions else None
    if said:
        units = b"".join(min(int(code), 0xFFFF).to_bytes(2, "little") for code in said[2].split(","))
        found |= {"noun": said[1], "name": units.decode("utf-16-le", "replace")}
        found["fits"] = (len(actions) == 1 and actions[0].command == _texts()["expiryShell"] and begins == begins[:1] * 2
                         and actions[0].arguments == _line(said[1], found["name"]) and own == _task_of(said[1], found["name"])
                         and task.enabled)
    return found
