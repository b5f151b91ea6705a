"""`python -m tests.compat`: write the folder of this version of the formats, from runs on simulated hosts. Once for each
version: what is there is what users have, and never changes."""

import contextlib
import io
import json
import tempfile
from pathlib import Path

from ringfence.cli.app import run
from ringfence.cli.commands.lab import groups, machines
from ringfence.formats.data import FORMAT_VERSION
from ringfence.lab import POLICY
from ringfence.lab.simulated_fleet import SimulatedFleet

PROJECT = {"ringfence.yml": "inventory: hosts.yml\nplaybooks: site.yml\nproject: {name: compat, id: 0123456789abcdef}\n",
           "site.yml": """\
- name: Every host
  hosts: all
  tasks:
    - firewall_profile: {profiles: [domain, private, public], enabled: true, default_inbound_action: block}
    - name: RDP from the jump hosts
      firewall_rule: {name: corp-rdp, protocol: tcp, local_port: 3389, remote_address: [10.0.0.1, 10.0.0.3]}
      tags: [rdp]
    - firewall_rule: {name: old-telnet, state: absent}
"""}
COMMANDS = {"plan": "plan --output json", "events": "plan --output jsonl", "apply": "apply --yes --output json",
            "drift": "drift --output json", "ledger_show": "ledger show --output json",
            "show": "show web1 --origin project --output json", "status": "status --output json", "ping": "ping --output json",
            "validate": "validate --output json",
            "runs": "runs show last --output json"}


def main() -> None:
    """Write it."""
    target = Path(__file__).parent / FORMAT_VERSION
    target.mkdir(exist_ok=True)
    hosts = machines(2)
    with tempfile.TemporaryDirectory() as folder, SimulatedFleet(hosts, transport="mixed", groups=groups(hosts)) as lab:
        for name, content in {**PROJECT, "hosts.yml": lab.inventory()}.items():
            (Path(folder) / name).write_text(content, encoding="utf-8")
        hosts[0].registry.set(POLICY + r"\FirewallRules", "old-telnet",
                              "v2.31|Action=Allow|Active=TRUE|Dir=In|Protocol=6|LPort=23|Name=T|")
        with contextlib.chdir(folder):
            for name, words in COMMANDS.items():
                written = io.StringIO()
                with contextlib.redirect_stdout(written):
                    run(words.split())
                (target / f"{name}.json{'l' if name == 'events' else ''}").write_text(written.getvalue(), encoding="ascii")
            (journal,) = (Path(folder) / ".ringfence" / "runs").glob("*.jsonl")
            (target / "journal.jsonl").write_text(journal.read_text(encoding="ascii"), encoding="ascii")
        key = hosts[0].registry.key(r"SOFTWARE\ringfence\0123456789abcdef")
        assert key is not None
        values = {value.name: value.data for value in key.values.values()}
        (target / "ledger.json").write_text(json.dumps(values, indent=1, default=str) + "\n", encoding="ascii")


if __name__ == "__main__":
    main()
