"""The rules by which Windows restricts its own services. They are read, and never written."""

from collections.abc import Iterator

from ringfence.codecs.registry import RegistryTree
from ringfence.model.resource import Kind, Resource

STATIC, CONFIGURABLE = "StaticServiceStore", "ConfigurableServiceStore"  # as -PolicyStore names them
_KEYS = {STATIC: r"restrictedservices\static\system", CONFIGURABLE: r"restrictedservices\configurable\system"}


def hardening_rules(firewall_rule: Kind, tree: RegistryTree) -> Iterator[tuple[str, Resource]]:
    """(store, rule) of every service restriction in a policy.

    A string without `Active=` is in force there: [MS-GPFAS] 2.2.2.19 says that absence means off, but most of Windows' own
    static restrictions have no such token, and Windows enforces them (1,301 strings of 60 exports).
    """
    for store, key in _KEYS.items():
        for name, (type, data) in tree.get(key, {}).items():
            if name and type in ("String", "ExpandString") and isinstance(data, str):
                rule = firewall_rule.read_string(name, data)
                yield store, rule if "|active=" in data.lower() else rule.read_as(enabled=True)
