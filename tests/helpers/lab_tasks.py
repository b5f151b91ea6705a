"""XML of scheduled tasks, for tests."""

TASK = """<?xml version="1.0" encoding="UTF-16"?>
<Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">
  <RegistrationInfo>{sddl}</RegistrationInfo>
  <Triggers>{triggers}</Triggers>
  <Principals><Principal id="Author"><UserId>S-1-5-18</UserId><RunLevel>HighestAvailable</RunLevel></Principal></Principals>
  <Settings>{settings}</Settings>
  {actions}
</Task>"""
ACTIONS = "<Actions Context='Author'><Exec><Command>{command}</Command><Arguments>{arguments}</Arguments></Exec></Actions>"


def task(triggers: str = "", settings: str = "", command: str = r"%SystemRoot%\System32\cmd.exe", arguments: str = "",
         **parts: str) -> str:
    """The XML of a task."""
    sddl = f"<SecurityDescriptor>{parts['sddl']}</SecurityDescriptor>" if "sddl" in parts else ""
    escaped = arguments.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    actions = parts.get("actions") or ACTIONS.format(command=command, arguments=escaped)
    return TASK.format(triggers=triggers, settings=settings, sddl=sddl, actions=actions)
