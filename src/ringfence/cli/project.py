"""From flags to a prepared run: what `validate`, `plan`, `apply` and `drift` have in common."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from ringfence.cli.console import Console
from ringfence.cli.options import Secrets, Selection
from ringfence.project import settings
from ringfence.resource import Kind
from ringfence.run.prepare import Prepared, Request, kinds_of, prepare
from ringfence.views import json


def prepared(console: Console, playbooks: Sequence[str], selection: Selection, secrets: Secrets) -> Prepared:
    """Everything read, rendered and checked; warnings are shown. Raises InputError with every mistake."""
    request = Request(project=Path.cwd(), playbooks=playbooks, inventory=selection.inventory, limit=selection.limit,
                      tags=selection.tags, skip_tags=selection.skip_tags, extra_vars=secrets.extra_vars,
                      vault=[*secrets.vault_password_file, *secrets.vault_id])
    found = prepare(request)
    console.problems(found.warnings)
    return found


def known_kinds() -> Mapping[str, Kind]:
    """Our kinds and those of the project that the current folder belongs to. Raises InputError."""
    return kinds_of(settings.load(Path.cwd()).folder)


def list_hosts(console: Console, run: Prepared) -> int:
    """Ansible's --list-hosts."""
    names = [job.host for job in run.jobs]
    if console.json:
        console.write(json.line({"hosts": names}) + "\n")
    else:
        console.write(f"  hosts ({len(names)}):\n" + "".join(f"    {name}\n" for name in names))
    return 0
