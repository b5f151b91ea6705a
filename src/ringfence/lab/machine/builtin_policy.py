"""The policy of an untouched host: rules from builtin_rules.txt, profiles, global values, service restrictions."""

import uuid
from collections.abc import Iterator
from functools import cache
from importlib import resources

from ringfence.lab.registry.hive import POLICY, RESTRICTED, SYSTEM_DEFAULTS, SimulatedRegistry
from ringfence.lab.registry.stored_rule import StoredRule, Token

PROTOCOLS = {"tcp": "6", "udp": "17", "icmp4": "1", "icmp6": "58", "any": ""}
PROFILES = {"d": "Domain", "p": "Private", "u": "Public"}
OWNER = "S-1-5-21-2127521184-1604012920-1887927527-1001"
_LOG = r"%systemroot%\system32\LogFiles\Firewall\pfirewall.log"


def install(registry: SimulatedRegistry, product: str, schema: str) -> dict[str, str]:
    """Writes the image's policy and returns {resource in lower case: its text}."""
    rules, texts = image("client" if product == "workstation" else "server", schema)
    for name, text in rules:
        registry.set(POLICY + r"\FirewallRules", name, text)
        if "|Name=@" in text and "|Name=@{" not in text:  # packages and later features are not of the shipped policy
            registry.set(SYSTEM_DEFAULTS + r"\FirewallRules", name, text)
    for root in (POLICY, SYSTEM_DEFAULTS):
        _settings(registry, root, product, schema)
    for line in _lines():
        if line.startswith("[static] "):
            name, _, text = line[9:].partition(" = ")
            registry.set(RESTRICTED + r"\Static\System", name, text)
    registry.create(RESTRICTED + r"\Configurable\System")
    registry.create(RESTRICTED + r"\AppIso\FirewallRules")
    registry.create(POLICY + r"\Mdm\FirewallRules")
    return texts


def _settings(registry: SimulatedRegistry, root: str, product: str, schema: str) -> None:
    """The values of profiles and of the whole, the same in the shipped policy as in that of an untouched host."""
    for profile in ("DomainProfile", "StandardProfile", "PublicProfile"):
        registry.set(rf"{root}\{profile}", "EnableFirewall", 1)
        registry.set(rf"{root}\{profile}", "DisableNotifications", 0 if product == "workstation" else 1)
        registry.set(rf"{root}\{profile}\Logging", "LogFileSize", 4096)
        registry.set(rf"{root}\{profile}\Logging", "LogFilePath", _LOG)
    major, minor = schema.split(".")
    for value, data in (("PolicyVersion", int(major) * 256 + int(minor)), ("DisableStatefulFTP", 0),
                        ("DisableStatefulPPTP", 0), ("IPSecExempt", 9)):
        registry.set(root, value, data)


@cache
def image(system: str, schema: str) -> tuple[tuple[tuple[str, str], ...], dict[str, str]]:
    """((rule id, rule string), …) and the texts of the resources, for `server` or `client`."""
    rules: list[tuple[str, str]] = []
    texts: dict[str, str] = {}
    applies, group, number = False, "", 0
    for line in _lines():
        if line.startswith("[static] "):
            continue
        if line.startswith("[apps "):
            systems, _, rest = line[6:].partition("] ")
            if systems in (system, "both"):
                rules += _app(system, schema, *rest.split())
        elif line.startswith("["):
            systems, _, head = line[1:].partition("] ")
            applies = systems in (system, "both")
            resource, _, title = head.partition(" = ")
            group, number = ("@" + resource, 0) if title else (resource, 0)
            texts[group.lower()] = title or resource
        elif applies:
            number += 1
            rules += _row(line, group, number, system, schema, texts)
    return tuple(rules), texts


def _lines() -> Iterator[str]:
    text = (resources.files(__package__) / "builtin_rules.txt").read_text("utf-8")
    return (line for line in text.splitlines() if line and not line.startswith("#"))


def _row(line: str, group: str, number: int, system: str, schema: str,
         texts: dict[str, str]) -> Iterator[tuple[str, str]]:
    head, _, title = line.rstrip('"').partition(' "')
    name, active, direction, protocol, *conditions = head.split()
    pairs: list[Token] = [("Action", "Allow"), ("Active", "TRUE" if active == "+" else "FALSE"),
                          ("Dir", direction.capitalize()), ("EmbedCtxt", group)]
    if PROTOCOLS.get(protocol, protocol):
        pairs.append(("Protocol", PROTOCOLS.get(protocol, protocol)))
    pairs += _texts(group, number, title, texts)
    for condition in conditions:
        pairs += _condition(condition, protocol)
    if "scope" not in conditions or system == "server":
        yield name, StoredRule("FirewallRules", pairs).text(schema)
        return
    near = [("Profile", "Private"), ("Profile", "Public"), ("RA4", "LocalSubnet"), ("RA6", "LocalSubnet")]
    yield name, StoredRule("FirewallRules", pairs + near).text(schema)
    yield name + "-NoScope", StoredRule("FirewallRules", [*pairs, ("Profile", "Domain")]).text(schema)


def _texts(group: str, number: int, title: str, texts: dict[str, str]) -> list[Token]:
    """Name and description: resources of the group's file, or the texts themselves."""
    file, comma, base = group.rpartition(",-")
    if not comma:
        return [("Name", title), ("Desc", f"Inbound rule for {title}")]
    name, description = (f"{file},-{int(base) + 4 * number + i}" for i in (0, 3))
    texts[name.lower()], texts[description.lower()] = title, f"Rule of the image for {title}."
    return [("Name", name), ("Desc", description)]


def _condition(condition: str, protocol: str) -> Iterator[Token]:
    """The tokens of a condition as builtin_rules.txt writes it, like `l:80,443`."""
    name, _, value = condition.partition(":")
    match name:
        case "l" | "r":
            for port in value.split(","):
                later = ("-" in port and port != "RPC-EPMap") or port.startswith("IP")
                yield f"{name.upper()}Port{'2_10' if later else ''}", port
        case "i":
            yield "ICMP" + protocol[-1], value
        case "p":
            yield from (("Profile", PROFILES[p]) for p in value)
        case "ra":
            yield from (("RA4", value), ("RA6", value))
        case "ra4" | "ra6" | "la6":
            yield from ((name.upper(), v) for v in value.split(","))
        case "svc":
            yield from (("App", r"%SystemRoot%\system32\svchost.exe"), ("Svc", value))
        case "app":
            yield "App", value.replace("~", r"%SystemRoot%\system32")
        case "x":
            token, _, text = value.partition("=")
            yield token, text


def _app(system: str, schema: str, package: str, family: str, flags: str = "") -> Iterator[tuple[str, str]]:
    """The rules that an app package brings for its owner: outbound, and inbound where it may listen."""
    resource = f"@{{{package}_1000.1.{len(package)}.0_neutral_neutral_{family}?ms-resource://{package}/resources/AppDisplayName}}"
    seed = uuid.uuid5(uuid.NAMESPACE_URL, f"{package}_{family}").int
    sid = "S-1-15-2-" + "-".join(str(seed >> 16 * i & 0xFFFFFFFF) for i in range(7))
    client = system == "client"
    identity = [("PFN", f"{package.lower()}_{family}")] if client else [("AppPkgId", sid)]
    for direction in ("Out", "In") if "i" in flags else ("Out",):
        pairs = [("Action", "Allow"), ("Active", "TRUE"), ("Dir", direction), ("Name", resource), ("Desc", resource),
                 ("LUOwn", OWNER), *identity, ("EmbedCtxt", resource), ("Platform", "2:6:2"), ("Platform2", "GTEQ"),
                 *[("Profile", p) for p in (("Domain", "Private") if direction == "In" else PROFILES.values())]]
        if direction == "In" and "e" in flags:
            pairs += [("Edge", "TRUE"), ("Defer", "App")]
        name = "{" + str(uuid.uuid5(uuid.NAMESPACE_URL, f"{package}{direction}{system}")).upper() + "}"
        yield name, StoredRule("FirewallRules", pairs).text(schema)
