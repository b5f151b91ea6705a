"""What a team writes, read: inventory, playbooks, variables, templates, vault. Ends with rendered tasks per host.

    project = project.load(["playbooks/site.yml"], kinds={"firewall_rule", …}, inventory=["inventory"])
    rendered = project.render("web1", facts)      # .tasks, .diagnostics, .needs_facts

Only `declare` knows kinds: it turns rendered tasks into resources. The other modules treat tasks as plain data. `settings` is
asked at every Tab, so nothing is imported here.
"""
