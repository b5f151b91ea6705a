"""Templates on values: sandboxed Jinja2 with a work budget, lazy variables, Ansible's filters, tests and lookups."""
