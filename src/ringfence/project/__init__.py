"""What a team writes, read: inventory, playbooks, variables, templates, vault. Ends with rendered tasks per host.

    project = load(["playbooks/site.yml"], kinds={"firewall_rule", …}, inventory=["inventory"])
    rendered = project.render("web1", facts)      # .tasks, .diagnostics, .waiting

Nothing here knows what a kind means; nothing below `playbook` knows of Windows.
"""

from ringfence.project.inventory import Host
from ringfence.project.project import Project, load, read
from ringfence.project.render import Item, RenderedTasks, Tags, Task

__all__ = ["Host", "Item", "Project", "RenderedTasks", "Tags", "Task", "load", "read"]
