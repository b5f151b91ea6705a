"""`python -m tests.screenshots`: the pictures of docs/guide/html-report.md, of a real run over simulated hosts.

Twelve hosts get their policy; then people change this and that, one host goes down, and `drift` tells.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Literal

from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests" / "helpers"))

from browsers import ARGUMENTS, program  # noqa: E402

from ringfence.lab import POLICY, Machine, machine  # noqa: E402
from ringfence.lab.simulated_fleet import SimulatedFleet  # noqa: E402

IMAGES = ROOT / "docs" / "images"
PICTURES: tuple[tuple[str, Literal["light", "dark"], str], ...] = (
    ("html-report-light.png", "light", "open=firewall_rule%2F%2Fbase-rdp%2FDIFFERS"),
    ("html-report-table-dark.png", "dark", "view=table&columns=hosts"),
    ("html-report-hosts.png", "light", "view=hosts&group=office&open=host%2Fpc1"))
RULES = POLICY + r"\FirewallRules"
GROUPS = {"web": [f"web{n}" for n in range(1, 7)], "db": ["db1", "db2", "db3"], "office": ["pc1", "pc2", "pc3"]}
SETTINGS = "inventory: hosts.yml\nplaybooks: site.yml\nproject: {name: corp-firewall, id: 0123456789abcdef}\n"
PLAYBOOK = """\
- name: Every host
  hosts: all
  tasks:
    - name: Every profile on, and blocked what no rule allows
      firewall_profile: {profiles: [domain, private, public], enabled: true, default_inbound_action: block}
    - name: Remote Desktop from the jump hosts
      tags: [rdp]
      firewall_rule: {name: base-rdp, display_name: Remote Desktop from the jump hosts, protocol: tcp, local_port: 3389,
                      remote_address: 10.1.4.0/28}
    - name: Management from the controllers
      firewall_rule: {name: base-winrm, display_name: WinRM from the controllers, protocol: tcp, local_port: [5985, 5986],
                      remote_address: 10.1.9.0/28}
    - name: Monitoring
      firewall_rule: {name: base-monitoring, display_name: Monitoring agent, protocol: tcp, local_port: 1270,
                      remote_address: [10.1.6.10, 10.1.6.11]}
    - name: Backup
      firewall_rule: {name: base-backup, display_name: Backup, protocol: tcp, local_port: 10000-10001,
                      remote_address: [10.1.6.0/28, 10.1.7.0/28]}
    - name: Telnet is gone
      firewall_rule: {name: old-telnet, state: absent}

- name: Web servers
  hosts: web
  tasks:
    - name: The web site
      firewall_rule: {name: web-site, display_name: Web site, protocol: tcp, local_port: [80, 443], remote_address: any,
                      description: "Web ports of {{ inventory_hostname }}"}
    - name: The health check of the load balancer
      firewall_rule: {name: web-health, display_name: Health check, protocol: tcp, local_port: 8081, remote_address: 10.2.0.0/24}

- name: Databases
  hosts: db
  tasks:
    - name: SQL from the web servers
      firewall_rule: {name: db-sql, display_name: SQL Server, protocol: tcp, local_port: 1433, remote_address: 10.3.0.0/24}
"""


def rule(hosts: dict[str, Machine], name: str, *machines: str, text: str | None = None, **pieces: str) -> None:
    """Somebody changes a rule by hand: takes it away (no pieces), puts one there, or changes pieces of its string."""
    for host in machines:
        registry = hosts[host].registry
        if text is None and not pieces:
            registry.unset(RULES, name)
            continue
        found = text or str(registry.get(RULES, name))
        kept = [piece for piece in found.strip("|").split("|") if piece.partition("=")[0] not in pieces]
        registry.set(RULES, name, "|".join([*kept, *(f"{k}={v}" for k, v in pieces.items() if v)]) + "|")


def tamper(hosts: dict[str, Machine]) -> None:
    """What a month without anybody looking does."""
    rule(hosts, "base-rdp", "web1", "web2", RA4="")
    rule(hosts, "base-backup", "db1", "db2")
    rule(hosts, "web-health", "web5")
    rule(hosts, "db-sql", "db2", LPort="1434")
    rule(hosts, "base-monitoring", "web3", Active="FALSE")
    telnet = "v2.31|Action=Allow|Active=TRUE|Dir=In|Protocol=6|LPort=23|Name=Telnet for the vendor|"
    rule(hosts, "old-telnet", "pc1", text=telnet, EmbedCtxt="Vendor")
    hosts["pc1"].registry.set(POLICY + r"\PublicProfile", "EnableFirewall", 0)


def ringfence(folder: Path, *arguments: str, codes: tuple[int, ...] = (0,)) -> None:
    """The program, in the project; it has to end with one of these codes."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), os.environ.get("PYTHONPATH", "")])}
    done = subprocess.run([sys.executable, "-m", "ringfence.cli", *arguments], cwd=folder, env=environment, capture_output=True,
                          text=True, check=False)
    if done.returncode not in codes:
        raise SystemExit(f"ringfence {' '.join(arguments)}: {done.returncode}\n{done.stdout}\n{done.stderr}")


def reports(folder: Path) -> None:
    """drift.html and apply.html."""
    machines = [machine(name, "windows11" if name.startswith("pc") else "server2022", address=f"10.99.0.{n + 2}/24")
                for n, name in enumerate(name for members in GROUPS.values() for name in members)]
    hosts = {host.name: host for host in machines}
    for host in machines:
        host.registry.set(RULES, "old-telnet", "v2.31|Action=Allow|Active=TRUE|Dir=In|Protocol=6|LPort=23|Name=Telnet|")
    with SimulatedFleet(machines, transport="mixed", groups=GROUPS) as lab:
        for name, text in {"hosts.yml": lab.inventory(), "site.yml": PLAYBOOK, "ringfence.yml": SETTINGS}.items():
            (folder / name).write_text(text, encoding="utf-8")
        ringfence(folder, "apply", "--yes")
        tamper(hosts)
        lab.running["web6"].server.close()
        ringfence(folder, "drift", "--report", "html=drift.html", codes=(2, 5))


def main() -> None:
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        folder = Path(name)
        reports(folder)
        browser = playwright.chromium.launch(executable_path=program(), args=ARGUMENTS)
        for image, scheme, fragment in PICTURES:
            context = browser.new_context(viewport={"width": 1200, "height": 800}, color_scheme=scheme, reduced_motion="reduce")
            page: Page = context.new_page()
            page.goto(f"{(folder / 'drift.html').as_uri()}#{fragment}")
            page.wait_for_selector("html[data-ready]")
            page.screenshot(path=IMAGES / image, full_page=True)
            context.close()
        browser.close()
    print("\n".join(str(path.relative_to(ROOT)) for path in sorted(IMAGES.glob("*.png"))))


if __name__ == "__main__":
    main()
