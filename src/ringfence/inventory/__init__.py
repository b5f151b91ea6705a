"""The fleet: groups, hosts and their variables, and the patterns that choose among them. It knows nothing of Windows."""
