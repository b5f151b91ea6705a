"""ringfence init: a project to begin with."""

import json
import os
from pathlib import Path
from typing import Annotated

import typer

from ringfence import __version__
from ringfence.cli.console import Console
from ringfence.cli.new_files import write_new
from ringfence.errors import ExitCode

EXAMPLES = """
ringfence init my-policy
cd my-policy && ringfence lab up --hosts 3 --inventory inventory/lab.yml    (in one terminal)
cd my-policy && ringfence plan -i inventory/lab.yml                         (in another)
"""
FILES = {
    "ringfence.yml": """\
# What every command takes when nothing else is said. Paths are relative to this file.
inventory: inventory/hosts.yml
playbooks: playbooks/site.yml

# In whose name ringfence makes rules: hosts keep a ledger of what is this project's. The id was made by chance; keep it when
# the folder or the repository gets another name, and give a copy of this project one of its own.
project:
  name: @name@
  id: @id@

# Every rule that lets in has to say from where, `remote_address: any` if that is meant.
require_scope: true

# Which releases of ringfence this is for: a colleague with another one is told so before anything is done.
required_version: @version@

# What flags say can stand here too, save what loosens a guard (docs/reference/settings.md of ringfence):
# forks: 50                  # hosts at the same time
# vault_password_file: .vault-password
# max_changes: 100           # refuse hosts that would have more
# prune: created             # remove what the project made and declares no more; `report` only tells
# log: ringfence.log         # everything that -vv would say, appended
""",
    "inventory/hosts.yml": """\
# Ansible's YAML inventory: groups, hosts, and variables that say how a host is reached.
all:
  children:
    servers:
      hosts:
        server1.example.com:
        server2.example.com:
""",
    "inventory/group_vars/all.yml": """\
# Variables of every host. How to connect: docs/reference/connection-variables.md of ringfence.
ansible_connection: psrp
ansible_psrp_auth: negotiate
# ansible_user and ansible_password: put them into a vaulted file, or use Kerberos.

jump_hosts: [10.1.4.0/28]
""",
    "playbooks/site.yml": """\
- name: Every Windows host
  hosts: all
  tasks:
    - name: Every profile on, inbound blocked unless a rule allows it
      firewall_profile:
        profiles: [domain, private, public]
        enabled: true
        default_inbound_action: block
        default_outbound_action: allow
        log_blocked: true
        log_max_size_kilobytes: 16384

    # Allow rules add up: Windows' own rules for Remote Desktop let in everybody where they are on. `plan` names them then.
    - name: RDP from the jump hosts
      tags: [rdp]
      firewall_rule:
        name: corp-rdp
        display_name: RDP from the jump hosts
        direction: inbound
        action: allow
        protocol: tcp
        local_port: 3389
        remote_address: "{{ jump_hosts }}"

    - name: Telnet is gone
      firewall_rule: {name: old-telnet, state: absent}
""",
    "README.md": """\
# Firewall policy

What our Windows hosts shall have, as YAML. `ringfence` compares, applies and proves it.

```
ringfence validate          is it right?
ringfence plan              what would change?
ringfence apply             make it so, and prove it
ringfence drift             did somebody change something? (exit code 2)
```

Hosts are in `inventory/hosts.yml`, variables in `inventory/group_vars/`, the policy in `playbooks/site.yml`.
To try it without a Windows host: `ringfence lab up --hosts 3 --inventory inventory/lab.yml` in one terminal,
`ringfence plan -i inventory/lab.yml` in another.
""",
    ".gitignore": """\
# plans name what hosts have; lab inventories lead to ports that are gone tomorrow
*.plan.json
inventory/lab.yml
# what runs leave: records and logs
.ringfence/
*.log
""",
}


def project_files(name: str) -> dict[str, str]:
    """{path: text} of a new project of this name, with an id of its own."""
    major, minor = __version__.split(".")[:2]
    version = json.dumps(f">={major}.{minor},<{int(major) + 1}")
    settings = FILES["ringfence.yml"]
    for mark, value in (("@version@", version), ("@name@", json.dumps(name[:100])), ("@id@", json.dumps(os.urandom(16).hex()))):
        settings = settings.replace(mark, value)
    return {**FILES, "ringfence.yml": settings}


def init(console: Console, directory: Annotated[str, typer.Argument(metavar="DIR", help="Where to. Default: here.",
                                                                    show_default=False)] = ".") -> ExitCode:
    """Write a project to begin with: inventory, a playbook, settings. Overwrites nothing."""
    folder = Path(directory)
    write_new(folder, project_files(folder.resolve().name or "firewall-policy"))
    written = [str(folder / name) for name in FILES]
    step = "" if directory == "." else f"cd {directory}\n  "
    console.show({"written": written}, "".join(f"{name}\n" for name in written) + f"\nNext:\n  {step}ringfence validate\n")
    return ExitCode.IN_SYNC
