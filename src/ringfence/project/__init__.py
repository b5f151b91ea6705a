"""What a team writes, read: inventory, playbooks, variables, templates, vault. Ends with rendered tasks per host.

    project = load(["playbooks/site.yml"], kinds={"firewall_rule", …}, inventory=["inventory"])
    rendered = project.render("web1", facts)      # .tasks, .diagnostics, .waiting

Nothing here knows what a kind means; nothing below `playbook` knows of Windows.
"""

from ringfence.inventory.inventory import Host
from ringfence.project.project import Project, load, read
from ringfence.project.render import LoopItem, RenderedTask, RenderedTasks, Tags

__all__ = ["Host", "LoopItem", "Project", "RenderedTask", "RenderedTasks", "Tags", "load", "read"]
