"""ringfence init: a project to begin with."""

import json
import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from ringfence import __version__, kinds, schemas
from ringfence.cli.console import Console
from ringfence.cli.new_files import write_new
from ringfence.cli.options import Argument, flag
from ringfence.errors import ExitCode

EXAMPLES = """
ringfence init my-policy
ringfence init --ci github my-policy         and what validates each change
cd my-policy && ringfence lab up --hosts 3 --inventory inventory/lab.yml    (in one terminal)
cd my-policy && ringfence plan -i inventory/lab.yml                         (in another)
"""
FILES = {
    "ringfence.yml": """\
# yaml-language-server: $schema=.vscode/schemas/settings.schema.json
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
# prune: report              # only tell what the project made and declares no more; `created` removes it
# revert_after: 5m           # how long a host waits for the proof before it undoes what was written; `never`
# log: ringfence.log         # everything that -vv would say, appended
""",
    "inventory/hosts.yml": """\
# yaml-language-server: $schema=../.vscode/schemas/inventory.schema.json
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
# yaml-language-server: $schema=../.vscode/schemas/playbook.schema.json
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
    ".vscode/settings.json": """\
{
  "yaml.schemas": {
    ".vscode/schemas/settings.schema.json": "ringfence.yml",
    ".vscode/schemas/inventory.schema.json": "inventory/*.yml",
    ".vscode/schemas/playbook.schema.json": "playbooks/*.yml"
  },
  "yaml.customTags": ["!vault scalar", "!unsafe scalar"]
}
""",
    ".vscode/extensions.json": """\
{
  "recommendations": ["redhat.vscode-yaml"]
}
""",
    ".gitignore": """\
# plans name what hosts have; lab inventories lead to ports that are gone tomorrow
*.plan.json
inventory/lab.yml
# what runs leave: records, logs, reports
.ringfence/
*.log
*.sarif
""",
}


CI_FILES = {
    "github": (".github/workflows/firewall-policy.yml", """\
# Every change to the policy: is it right, and what does it mean? No host is asked, and no secret is needed.
name: firewall policy
on: [pull_request]
permissions:
  contents: read
  security-events: write  # for the mistakes beside the lines
jobs:
  validate:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v5
        with: {persist-credentials: false}
      - uses: actions/setup-python@v6
        with: {python-version: "3.12"}
      - run: python -m pip install ringfence  # from where your team has it
      - run: ringfence validate --untrusted --report sarif=validate.sarif --report md=validate.md
      - run: cat validate.md >> "$GITHUB_STEP_SUMMARY"
        if: always()
      - uses: github/codeql-action/upload-sarif@v4
        if: always() && github.event.pull_request.head.repo.full_name == github.repository
        with: {sarif_file: validate.sarif}
      - run: ringfence render --untrusted > declared.yml
      - uses: actions/upload-artifact@v6
        with: {name: declared, path: declared.yml}
"""),
    "gitlab": (".gitlab-ci.yml", """\
# Every change to the policy: is it right, and what does it mean? No host is asked, and no secret is needed.
validate:
  image: python:3.12
  script:
    - python -m pip install ringfence  # from where your team has it
    - ringfence validate --untrusted --report junit=validate.xml
    - ringfence render --untrusted > declared.yml
  artifacts:
    when: always
    paths: [declared.yml]
    reports: {junit: validate.xml}
"""),
}


class CiSystem(StrEnum):
    """Whose file for continuous integration is written."""

    github = "github"
    gitlab = "gitlab"
    none = "none"


def project_files(name: str, ci: str = "none") -> dict[str, str]:
    """{path: text} of a new project of this name, with an id of its own. ci: a key of CI_FILES, or none."""
    major, minor = __version__.split(".")[:2]
    version = json.dumps(f">={major}.{minor},<{int(major) + 1}")
    settings = FILES["ringfence.yml"]
    for mark, value in (("@version@", version), ("@name@", json.dumps(name[:100])), ("@id@", json.dumps(os.urandom(16).hex()))):
        settings = settings.replace(mark, value)
    found = {"playbook": schemas.playbook(kinds.load()), "inventory": schemas.inventory(), "settings": schemas.settings()}
    editors = {f".vscode/schemas/{one}.schema.json": json.dumps(text, indent=1, ensure_ascii=False) + "\n"
               for one, text in found.items()}
    return {**FILES, "ringfence.yml": settings, **editors, **dict([CI_FILES[ci]] if ci in CI_FILES else [])}


def init(console: Console, directory: Annotated[str, Argument(metavar="DIR", help="Where to. Default: here.")] = ".",
         ci: Annotated[CiSystem, flag("--ci", help="Write a file for continuous integration too: every change is validated, "
                                      "and what it declares is shown. Default: none.")] = CiSystem.none) -> ExitCode:
    """Write a project to begin with: inventory, a playbook, settings. Overwrites nothing."""
    folder = Path(directory)
    files = project_files(folder.resolve().name or "firewall-policy", ci.value)
    write_new(folder, files)
    written = [str(folder / name) for name in files]
    step = "" if directory == "." else f"cd {directory}\n  "
    console.show({"written": written}, "".join(f"{name}\n" for name in written) + f"\nNext:\n  {step}ringfence validate\n")
    return ExitCode.IN_SYNC
