"""The XML of a scheduled task ([MS-TSCH] 2.5): what it says, and how the service refuses what is not of the schema.

Triggers of other kinds than registration, boot and time are read and kept; nothing here fires them.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from xml.parsers import expat

_NAMESPACE = "http://schemas.microsoft.com/windows/2004/02/mit/task"
# [MS-TSCH] 2.3.14, "Task Scheduler error and success constants"
TASK_ERRORS = {
    0x80070002: "The system cannot find the file specified.",
    0x80070005: "Access is denied.",
    0x8007053A: "The security descriptor structure is invalid.",
    0x800700B7: "Cannot create a file when that file already exists.",
    0x80041315: "The Task Scheduler Service is not running.",
    0x80041316: "The task XML contains an unexpected node.",
    0x80041317: "The task XML contains an element or attribute from an unexpected namespace.",
    0x80041318: "The task XML contains a value which is incorrectly formatted or out of range.",
    0x80041319: "The task XML is missing a required element or attribute.",
    0x8004131A: "The task XML is malformed.",
    0x8004131D: "The task XML contains too many nodes of the same type.",
    0x80041326: "The task is disabled.",
    0x80041328: "The Task Scheduler service or operating system does not allow the task to start on demand.",
}
_MOST_TRIGGERS, _MOST_ACTIONS = 48, 32  # [MS-TSCH] 2.5.2, 2.5.6
_DURATION = re.compile(r"P(?!$)(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)D)?(?:T(?=\d)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?")
_SECONDS = (365 * 86400, 30 * 86400, 86400, 3600, 60, 1)
_SDDL = re.compile(r"(?:O:[\w-]+?)?(?:G:[\w-]+?)?(?:D:[A-Z]*(?:\([^()]*\))*)?(?:S:[A-Z]*(?:\([^()]*\))*)?")

# [MS-TSCH] 2.5.1 to 2.5.7: element -> its elements; those of a trigger have an order ([MS-TSCH] 2.5.3.1)
_CHILDREN: Mapping[str, str] = {
    "Task": "RegistrationInfo Triggers Settings Data Principals Actions",
    "RegistrationInfo": "URI SecurityDescriptor Source Date Author Version Description Documentation",
    "Triggers": "BootTrigger RegistrationTrigger IdleTrigger TimeTrigger EventTrigger LogonTrigger SessionStateChangeTrigger "
                "CalendarTrigger WnfStateChangeTrigger",
    "BootTrigger": "Enabled StartBoundary EndBoundary Repetition ExecutionTimeLimit Delay",
    "RegistrationTrigger": "Enabled StartBoundary EndBoundary Repetition ExecutionTimeLimit Delay",
    "TimeTrigger": "Enabled StartBoundary EndBoundary Repetition ExecutionTimeLimit RandomDelay",
    "Repetition": "Interval Duration StopAtDurationEnd",
    "Settings": "AllowStartOnDemand RestartOnFailure MultipleInstancesPolicy DisallowStartIfOnBatteries StopIfGoingOnBatteries "
                "AllowHardTerminate StartWhenAvailable NetworkProfileName RunOnlyIfNetworkAvailable WakeToRun Enabled Hidden "
                "DeleteExpiredTaskAfter IdleSettings NetworkSettings ExecutionTimeLimit Priority RunOnlyIfIdle "
                "UseUnifiedSchedulingEngine DisallowStartOnRemoteAppSession MaintenanceSettings Volatile",
    "RestartOnFailure": "Interval Count",
    "IdleSettings": "Duration WaitTimeout StopOnIdleEnd RestartOnIdle",
    "NetworkSettings": "Name Id",
    "MaintenanceSettings": "Period Deadline Exclusive",
    "Principals": "Principal",
    "Principal": "UserId LogonType GroupId DisplayName RunLevel ProcessTokenSidType RequiredPrivileges",
    "RequiredPrivileges": "Privilege",
    "Actions": "Exec ComHandler SendEmail ShowMessage",
    "Exec": "Command Arguments WorkingDirectory",
}
_REQUIRED = {"Repetition": ("Interval",), "TimeTrigger": ("StartBoundary",), "Exec": ("Command",),
             "RestartOnFailure": ("Interval", "Count")}
_ORDERED = {"BootTrigger", "RegistrationTrigger", "TimeTrigger", "Exec"}
_ANYTHING_INSIDE = {"Data", "IdleTrigger", "EventTrigger", "LogonTrigger", "SessionStateChangeTrigger",
                    "CalendarTrigger", "WnfStateChangeTrigger", "ComHandler", "SendEmail", "ShowMessage"}
_BOOLEANS = {"AllowStartOnDemand", "DisallowStartIfOnBatteries", "StopIfGoingOnBatteries", "AllowHardTerminate",
             "StartWhenAvailable", "RunOnlyIfNetworkAvailable", "WakeToRun", "Enabled", "Hidden", "RunOnlyIfIdle",
             "StopAtDurationEnd", "StopOnIdleEnd", "RestartOnIdle", "UseUnifiedSchedulingEngine",
             "DisallowStartOnRemoteAppSession", "Volatile", "Exclusive"}
_DURATIONS = {"Delay", "RandomDelay", "ExecutionTimeLimit", "DeleteExpiredTaskAfter", "WaitTimeout"}
_MOMENTS = {"StartBoundary", "EndBoundary"}
_CHOICES: Mapping[str, set[str]] = {
    "MultipleInstancesPolicy": {"Parallel", "Queue", "IgnoreNew", "StopExisting"},
    "RunLevel": {"LeastPrivilege", "HighestAvailable"},
    "LogonType": {"S4U", "Password", "InteractiveToken", "InteractiveTokenOrPassword"},
    "Priority": {str(number) for number in range(11)},
    "Count": {str(number) for number in range(1, 256)},
}


class TaskError(Exception):
    """What the service refuses; `hresult` as a number without a sign. where: `(line,column):element:value` of a task's XML."""

    def __init__(self, hresult: int, where: str = "") -> None:
        super().__init__(TASK_ERRORS[hresult] + (f"\r\n{where}" if where else ""))
        self.hresult = hresult


@dataclass(slots=True)
class _Node:
    name: str
    at: tuple[int, int]
    text: str = ""
    inside: list["_Node"] = field(default_factory=list)

    def get(self, *path: str) -> "_Node | None":
        here: _Node | None = self
        for name in path:
            here = next((one for one in here.inside if one.name == name), None) if here else None
        return here

    def text_of(self, *path: str, default: str = "") -> str:
        found = self.get(*path)
        return found.text.strip() if found else default

    def is_true(self, *path: str, default: bool) -> bool:
        said = self.text_of(*path)
        return said in ("true", "1") if said else default

    def refused(self, hresult: int) -> TaskError:
        return TaskError(hresult, f"({self.at[0]},{self.at[1]}):{self.name}:{self.text.strip()}")


@dataclass(frozen=True, slots=True)
class TaskTrigger:
    """What starts a task. kind: the name of its element; `start`: from when on it counts, as its XML says it; times are in
    seconds, `repeats_for` 0 is without an end."""

    kind: str
    enabled: bool = True
    start: str = ""
    begins: datetime | None = None
    ends: datetime | None = None
    delay: float = 0.0
    repeats_every: float = 0.0
    repeats_for: float = 0.0
    stops_at_end: bool = False
    time_limit: float = 0.0


@dataclass(frozen=True, slots=True)
class ExecAction:
    """A program with its arguments, as the task has them: variables of the environment are not expanded."""

    command: str
    arguments: str = ""
    folder: str = ""


@dataclass(frozen=True, slots=True)
class TaskDefinition:
    """A task as its XML says it; what is not said has the default of [MS-TSCH] 2.5.4. `time_limit` 0 is none."""

    xml: str
    user: str
    sddl: str
    triggers: tuple[TaskTrigger, ...]
    actions: tuple[ExecAction, ...]
    instances: str
    on_demand: bool
    enabled: bool
    not_on_batteries: bool
    stops_on_batteries: bool
    when_available: bool
    needs_network: bool
    needs_idle: bool
    time_limit: float
    restart_every: float
    restarts: int
    priority: int

    @classmethod
    def parse(cls, xml: str) -> "TaskDefinition":
        """The task of an XML text. Raises TaskError."""
        task = _tree(xml)
        _check(task)
        actions = task.get("Actions")
        if actions is None or not actions.inside:
            raise (actions or task).refused(0x80041319)
        settings = task.get("Settings") or _Node("Settings", task.at)
        triggers = task.get("Triggers")
        sddl = task.text_of("RegistrationInfo", "SecurityDescriptor")
        if sddl and not _SDDL.fullmatch(sddl):
            raise TaskError(0x8007053A)
        return cls(
            xml, task.text_of("Principals", "Principal", "UserId") or task.text_of("Principals", "Principal", "GroupId"), sddl,
            tuple(_trigger(one) for one in (triggers.inside if triggers else ())),
            tuple(ExecAction(*(one.text_of(part) for part in ("Command", "Arguments", "WorkingDirectory")))
                  for one in actions.inside if one.name == "Exec"),
            settings.text_of("MultipleInstancesPolicy", default="IgnoreNew"),
            settings.is_true("AllowStartOnDemand", default=True), settings.is_true("Enabled", default=True),
            settings.is_true("DisallowStartIfOnBatteries", default=True),
            settings.is_true("StopIfGoingOnBatteries", default=True),
            settings.is_true("StartWhenAvailable", default=False), settings.is_true("RunOnlyIfNetworkAvailable", default=False),
            settings.is_true("RunOnlyIfIdle", default=False),
            seconds(settings.text_of("ExecutionTimeLimit", default="PT72H")) or 0.0,
            seconds(settings.text_of("RestartOnFailure", "Interval")) or 0.0,
            int(settings.text_of("RestartOnFailure", "Count", default="0")), int(settings.text_of("Priority", default="7")))


def seconds(text: str) -> float | None:
    """The length of an xs:duration; a year has 365 days here, a month 30. None where it is none."""
    found = _DURATION.fullmatch(text)
    return sum(float(n) * s for n, s in zip(found.groups(), _SECONDS, strict=True) if n) if found else None


def _moment(text: str) -> datetime | None:
    """A time of day; without a zone it is that of the host, which is UTC here."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _trigger(node: _Node) -> TaskTrigger:
    return TaskTrigger(
        node.name, node.is_true("Enabled", default=True), node.text_of("StartBoundary"),
        _moment(node.text_of("StartBoundary")), _moment(node.text_of("EndBoundary")),
        seconds(node.text_of("Delay")) or 0.0, seconds(node.text_of("Repetition", "Interval")) or 0.0,
        seconds(node.text_of("Repetition", "Duration")) or 0.0, node.is_true("Repetition", "StopAtDurationEnd", default=False),
        seconds(node.text_of("ExecutionTimeLimit")) or 0.0)


def _tree(xml: str) -> _Node:
    """The elements of a text. Nothing is loaded and nothing expanded. Raises TaskError."""
    parser = expat.ParserCreate(namespace_separator=" ")
    top = _Node("", (0, 0))
    open_ = [top]

    def start(name: str, attributes: Mapping[str, str]) -> None:
        space, _, local = name.rpartition(" ")
        node = _Node(local, (parser.CurrentLineNumber, parser.CurrentColumnNumber + 1))
        if space != _NAMESPACE and not any(one.name in _ANYTHING_INSIDE for one in open_):
            raise TaskError(0x80041317, f"({node.at[0]},{node.at[1]}):{local}:")
        open_[-1].inside.append(node)
        open_.append(node)

    def end(name: str) -> None:
        open_.pop()

    def text(data: str) -> None:
        open_[-1].text += data

    def doctype(*_: object) -> None:
        raise TaskError(0x8004131A, f"({parser.CurrentLineNumber},{parser.CurrentColumnNumber + 1}):")

    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = start, end, text
    parser.StartDoctypeDeclHandler = doctype
    try:
        # what an XML declaration calls the encoding is of a file, and this is a text
        parser.Parse(re.sub(r"^\ufeff?<\?xml[^>]*\?>", "", xml), True)
    except expat.ExpatError as error:
        raise TaskError(0x8004131A, f"({error.lineno},{error.offset + 1}):") from None
    return top.inside[0]


def _check(node: _Node) -> None:
    """Refuses what is not of the schema. Raises TaskError."""
    if node.name in _ANYTHING_INSIDE:
        return
    allowed, seen = _CHILDREN.get(node.name, "").split(), list[str]()
    if node.name == "" or (not allowed and node.inside):
        raise node.refused(0x80041316)
    for one in node.inside:
        last = max((allowed.index(name) for name in seen), default=-1) if node.name in _ORDERED else -1
        if one.name not in allowed or allowed.index(one.name) < last:
            raise one.refused(0x80041316)
        if one.name in seen and node.name not in ("Triggers", "Actions", "RequiredPrivileges"):
            raise one.refused(0x8004131D)
        seen.append(one.name)
        _check(one)
    if len(node.inside) > {"Triggers": _MOST_TRIGGERS, "Actions": _MOST_ACTIONS}.get(node.name, 99):
        raise node.refused(0x8004131D)
    if missing := next((name for name in _REQUIRED.get(node.name, ()) if name not in seen), ""):
        raise TaskError(0x80041319, f"({node.at[0]},{node.at[1]}):{missing}:")
    if not _holds(node):
        raise node.refused(0x80041318)


def _holds(node: _Node) -> bool:
    """Whether the value of an element is one that it may have."""
    text = node.text.strip()
    if node.name == "Task" or node.inside:
        return True
    if node.name in _BOOLEANS:
        return text in ("true", "false", "1", "0")
    if node.name in ("Interval", "Duration"):  # [MS-TSCH] 2.5.3.1, 2.5.4.2
        length = seconds(text)
        return length is not None and length >= 60 and (node.name == "Duration" or length <= 31 * 86400)
    if node.name in _DURATIONS:
        return seconds(text) is not None
    if node.name in _MOMENTS:
        return _moment(text) is not None
    if node.name == "Command":
        return bool(text)
    return node.name not in _CHOICES or text in _CHOICES[node.name]
