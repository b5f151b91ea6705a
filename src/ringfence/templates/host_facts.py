"""The facts of a host as templates see them: what it said of itself, and that under the names that Ansible's setup has.

Source of the names: ansible.windows.setup (os_family, distribution … ip_addresses). `interfaces` and `domain` are ringfence's.
"""

from collections.abc import Mapping
from typing import Any


class HostFacts(dict[str, Any]):
    """Facts by name. One that there is not is a mistake under `is defined` and `default` as well: it never will be there."""


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def host_facts(said: Mapping[str, Any]) -> HostFacts:
    """What a host said (Facts.raw), with setup's names beside. A name that both have means what ringfence has."""
    os = said.get("os") if isinstance(said.get("os"), Mapping) else {}
    assert isinstance(os, Mapping)
    version, computer, domain = _text(os.get("version")), _text(said.get("computer")), _text(said.get("domain"))
    interfaces = said.get("interfaces")
    addresses = [str(address).partition("/")[0] for one in (interfaces if isinstance(interfaces, list) else ())
                 if isinstance(one, Mapping) and isinstance(one.get("addresses"), list) for address in one["addresses"]]
    setup = {
        "os_family": "Windows", "system": "Win32NT", "distribution": os.get("caption"), "os_name": os.get("caption"),
        "distribution_version": version, "distribution_major_version": version.partition(".")[0], "kernel": version,
        "os_product_type": os.get("product"), "hostname": computer, "nodename": computer,
        "fqdn": f"{computer}.{domain}".lower() if domain else computer, "windows_domain": domain,
        "windows_domain_member": bool(domain), "powershell_version": _text(said.get("powershell")).partition(".")[0],
        "env": said.get("environment"), "ip_addresses": addresses}
    return HostFacts({**setup, **said})


SETUP_NAMES = frozenset(host_facts({}))
"""The names of facts that Ansible has as variables too (`ansible_os_family`)."""
