"""What a team writes, read: inventory, playbooks, variables, templates, vault. Ends with rendered tasks per host.

    project = load(["playbooks/site.yml"], kinds={"firewall_rule", …}, inventory=["inventory"])
    rendered = project.render("web1", facts)      # .tasks, .diagnostics, .needs_facts

Only `declare` knows kinds: it turns rendered tasks into resources. The other modules treat tasks as plain data.
"""

from ringfence.inventory.inventory import Host
from ringfence.project.project import Project, load, read, read_hosts
from ringfence.project.render import LoopItem, RenderedTask, RenderedTasks, Tags

__all__ = ["Host", "LoopItem", "Project", "RenderedTask", "RenderedTasks", "Tags", "load", "read", "read_hosts"]
