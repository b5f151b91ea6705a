"""Firewall rules that a host may have, whoever made them, and tasks that meet them; all drawn by chance, from a seed.

What a task says is known here twice: as YAML, for the engine, and as the pieces of a rule string that it means, for whoever
judges what the engine made of it. The rules are those of real machines where RINGFENCE_CORPUS names them, else those of the lab's
own Windows.
"""

import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

from core import RULE, declare, task
from flows import LOCAL_ADDRESSES, LOCAL_PORTS, REMOTE_ADDRESSES, REMOTE_PORTS

from ringfence.diagnostics import Where
from ringfence.lab.machine.builtin_policy import image
from ringfence.lab.registry.stored_rule import StoredRule
from ringfence.model.plain import plain_data
from ringfence.model.resource import Resource
from ringfence.project.render import RenderedTask

FOLDER = Path(os.environ.get("RINGFENCE_CORPUS", "no-corpus"))
TEXTS = ("Name", "Desc", "EmbedCtxt")
OWNERS = ("AppPkgId", "PFN", "LUOwn")
UNWRITTEN = ("PFN", "PCross", "TTK2_27", "TTK2_28")  # what no cmdlet can write, and silence therefore does not clear
BY_MENTION = ("windows", "windows_changed", "windows_feature", "package", "vendor")
OURS = ("created", "adopted")
ORIGINS = (*BY_MENTION, "user", "other", "mentioned", *OURS, "foreign")
TREATMENTS: tuple[dict[str, Any], ...] = ({}, {"omitted": "keep"}, {"omitted": "default"}, {"adopt": True})
AS_SHIPPED = {"state": "default"}
TOKENS = {  # property -> the pieces of a rule string that hold it
    "display_name": ("Name",), "description": ("Desc",), "group": ("EmbedCtxt",), "enabled": ("Active",), "action": ("Action",),
    "direction": ("Dir",), "protocol": ("Protocol",), "local_port": LOCAL_PORTS, "remote_port": REMOTE_PORTS,
    "icmp_type": ("ICMP4", "ICMP6"), "local_address": LOCAL_ADDRESSES, "remote_address": REMOTE_ADDRESSES, "program": ("App",),
    "service": ("Svc",), "profile": ("Profile",), "interface_type": ("IFType", "IFType2_23"), "interface_alias": ("IF",),
    "edge_traversal_policy": ("Edge", "Defer"), "authentication": ("Security", "Security2_9"), "owner": ("LUOwn",),
    "package": ("AppPkgId",), "local_user": ("LUAuth", "LUAuth2_24"), "local_only_mapping": ("LOM",)}
Pieces = tuple[tuple[str, str], ...]
# property -> other values than the rule has, with their pieces
VALUES: dict[str, tuple[tuple[Any, Pieces], ...]] = {
    "display_name": (("Another", (("Name", "Another"),)),),
    "enabled": ((True, (("Active", "TRUE"),)), (False, (("Active", "FALSE"),))),
    "action": (("allow", (("Action", "Allow"),)), ("block", (("Action", "Block"),))),
    "direction": (("inbound", (("Dir", "In"),)), ("outbound", (("Dir", "Out"),))),
    "protocol": (("tcp", (("Protocol", "6"),)), ("udp", (("Protocol", "17"),)), ("icmpv4", (("Protocol", "1"),)), ("any", ())),
    "local_port": (("any", ()), (["80", "443"], (("LPort", "80"), ("LPort", "443"))),
                   ("40000-40010", (("LPort2_10", "40000-40010"),))),
    "remote_port": (("any", ()), ("1024-65535", (("RPort2_10", "1024-65535"),))),
    "icmp_type": (("any", ()),),
    "local_address": (("any", ()), ("10.99.0.10", (("LA4", "10.99.0.10"),))),
    "remote_address": (("any", ()), ("10.1.4.0/28", (("RA4", "10.1.4.0/255.255.255.240"),)), ("10.1.4.1", (("RA4", "10.1.4.1"),)),
                       ("LocalSubnet", (("RA4", "LocalSubnet"), ("RA6", "LocalSubnet")))),
    "program": (("any", ()), (r"C:\another.exe", (("App", r"C:\another.exe"),))),
    "service": (("any", ()), ("termservice", (("Svc", "termservice"),))),
    "profile": (("any", ()), (["domain"], (("Profile", "Domain"),)),
                (["domain", "private"], (("Profile", "Domain"), ("Profile", "Private")))),
    "interface_type": (("any", ()), (["wired"], (("IFType", "Lan"),))),
    "interface_alias": (("any", ()),),
    "edge_traversal_policy": (("block", ()), ("allow", (("Edge", "TRUE"),))),
    "authentication": (("not_required", ()),),
    "owner": (("any", ()),), "package": (("any", ()),), "local_user": (("any", ()),), "local_only_mapping": ((False, ()),)}
_DECIDING = [*VALUES, "action", "action", "enabled", "remote_address", "local_port", "profile"]  # some matter more
_DEFAULTS: Pieces = (("Action", "Allow"), ("Active", "TRUE"), ("Dir", "In"))


@cache
def real_rules() -> tuple[str, ...]:
    """Strings of rules, each of another content."""
    lines = [line.split("\t") for path in sorted(FOLDER.glob("strings/*.tsv"))
             for line in path.read_text(encoding="utf-8").splitlines() if line.count("\t") == 2]
    found = [text for key, _, text in lines if key == "FirewallRules"] or [text for _, text in image("server", "2.31")[0]]
    return tuple({_without(text, *TEXTS).text("2.31"): text for text in found}.values())


@dataclass(frozen=True)
class FoundRule:
    """A rule on a host, and the task that meets it.

    origin: a row of ORIGINS · text: as it is · shipped: as Windows ships it there; empty where it does not · asked: the task ·
    meant: the pieces that the task says, by property · word: its treatment.
    """

    name: str
    origin: str
    text: str
    shipped: str
    asked: RenderedTask
    meant: dict[str, Pieces]
    word: dict[str, Any]

    @property
    def line(self) -> int:
        """Where the task stands."""
        return self.asked.where.line

    @property
    def may(self) -> str:
        """What the task may open, by the words of the guide: nothing; what it `mentions`, with all else as it was found; what a
        rule that is `whole` as it says lets pass; or what Windows' own does, as `shipped`."""
        if self.origin == "foreign":
            return "nothing"
        if self.word == AS_SHIPPED:
            return "shipped"
        if self.word.get("omitted") == "keep" or (self.origin in BY_MENTION and not self.word):
            return "mentions"
        return "whole" if self.origin in OURS or self.word.get("adopt") else "nothing"

    @property
    def intended(self) -> str:
        """The rule string that the task means, where it may open something."""
        rule = StoredRule.parse("FirewallRules", self.text)
        if self.may == "shipped":
            return self.shipped
        if self.may == "whole":
            rule.pairs = [*_DEFAULTS, *(p for p in rule.pairs if p[0] in UNWRITTEN)]
        for property, pieces in self.meant.items():
            rule.replace(" ".join(TOKENS[property]), *pieces)
        return rule.text("2.31")


def found_rule(name: str, line: int, base: str, rng: Random) -> FoundRule | None:
    """A rule with the conditions of `base`, somebody's, and a task for it; None where Windows takes no such task, or no
    change of such a rule by its cmdlets."""
    origin = rng.choice(ORIGINS)
    text, shipped = _of(origin, base, rng)
    found = RULE.read_string(name, text)
    if any(f.severity == "error" for f in found.check()):
        return None
    said, meant = _said(found, text, rng)
    word = rng.choice(TREATMENTS)
    if shipped and rng.random() < 0.2:
        said, meant, word = AS_SHIPPED, {}, AS_SHIPPED
    asked = task("firewall_rule", {"name": name, **said}, Where("play.yml", line), treatment={} if word == AS_SHIPPED else word)
    problems = declare(asked)[1]
    return None if any(p.severity == "error" for p in problems) else FoundRule(name, origin, text, shipped, asked, meant, word)


def _said(found: Resource, text: str, rng: Random) -> tuple[dict[str, Any], dict[str, Pieces]]:
    """What a task says of a rule: little of it and most of that otherwise, or nearly all and a thing or two otherwise."""
    stored = StoredRule.parse("FirewallRules", text)
    little = rng.random() < 0.4
    changed = [p for p in VALUES if rng.random() < 0.7] if little else rng.sample(_DECIDING, rng.choice((1, 1, 2)))
    said: dict[str, Any] = {}
    meant: dict[str, Pieces] = {}
    for property, tokens in TOKENS.items():
        if rng.random() > (0.15 if little else 0.99):
            continue
        value = getattr(found, property)
        as_it_is = "any" if value in (None, ()) else plain_data(value)
        pieces = tuple(p for p in stored.pairs if p[0] in tokens)
        if property in changed:
            others = [v for v in (*VALUES[property], *_changed(as_it_is, pieces)) if set(v[1]) != set(pieces)]
            as_it_is, pieces = rng.choice(others or [(as_it_is, pieces)])
        elif value in (None, ()) and property in ("description", "group", "display_name"):
            continue
        said[property], meant[property] = as_it_is, pieces
    return said, meant


def _changed(value: Any, pieces: Pieces) -> tuple[tuple[Any, Pieces], ...]:
    """A list with a member less, where what it means is one piece a member."""
    if not isinstance(value, list) or len(value) != len(pieces) or len(value) < 2:
        return ()
    left = [v for v in value if any(v == text for _, text in pieces)][:1]
    return ((left, tuple(p for p in pieces if p[1] == left[0])),) if left else ()


def _of(origin: str, base: str, rng: Random) -> tuple[str, str]:
    """A rule of an origin with the conditions of another: as it is, and as Windows ships it on that host."""
    rule = _without(base, *TEXTS, *OWNERS)
    texts = {"windows": "@FirewallAPI.dll,-1", "windows_changed": "@FirewallAPI.dll,-1", "windows_feature": "@FirewallAPI.dll,-1",
             "vendor": r"@C:\Agent\agent.dll,-101"}
    rule.pairs.append(("Name", texts.get(origin, "A rule")))
    if origin == "package":
        rule.pairs.append(("AppPkgId", "S-1-15-2-1-2-3-4-5-6-7"))
    if origin == "user":
        rule.replace("Svc LUAuth LUAuth2_24")
        rule.pairs.append(("LUOwn", "S-1-5-21-1-2-3-1001"))
    if rng.random() < 0.4:
        rule.replace("Active", ("Active", "TRUE"))
    if rng.random() < 0.4 and not rule.has("Security", "Security2", "Edge", "Defer", "AuthByPassOut"):
        rule.replace("Action", ("Action", "Block"))
    text = rule.text("2.31")
    if origin == "windows":
        return text, text
    rule.replace("Profile", ("Profile", "Domain"))
    return text, rule.text("2.31") if origin == "windows_changed" else ""


def with_texts(base: str, display_name: str, rng: Random) -> str:
    """A rule with the conditions of another, of nobody in particular; some allow and some block."""
    rule = _without(base, *TEXTS, *OWNERS)
    rule.pairs.append(("Name", display_name))
    if rng.random() < 0.5 and not rule.has("Security", "Security2", "Edge", "Defer", "AuthByPassOut"):
        rule.replace("Action", ("Action", "Block"))
    rule.replace("Active", ("Active", rng.choice(("TRUE", "TRUE", "FALSE"))))
    return rule.text("2.31")


def _without(text: str, *tokens: str) -> StoredRule:
    rule = StoredRule.parse("FirewallRules", text)
    rule.replace(" ".join(tokens))
    return rule
