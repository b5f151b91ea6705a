"""Replies that are as small on the wire and as large in memory as a host can make them, and what hosts that answer so become.

Each maker gets the largest allowed number of lists and gives what a host says to the calls of a plan, by their labels; what it
leaves out is empty.
"""

import base64
import gzip
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import islice, product
from typing import Any

from ringfence import kinds
from ringfence.batch import MAX_REPLY, Batch, Reply
from ringfence.errors import HostError
from ringfence.report import HostResult
from ringfence.run.host import plan_host
from ringfence.run.host_job import HostJob, RunContext
from ringfence.run.reply_memory import ReplyMemory
from ringfence.transports.connection_settings import LocalSettings

Values = dict[str, Any]
ESSENTIAL = {"wire": "2.1", "os": {"build": 1}, "elevated": True, "language_mode": "FullLanguage",
         "services": {"mpssvc": "running", "BFE": "running"}}
WIRE = 1_000_000  # bytes: what the limits speak of


def rules(*rows: tuple[str, str]) -> Values:
    return {"policy": {"local": [["FirewallRules", [[name, "String", text] for name, text in rows]]]}}


def one_rule(text: str) -> Values:
    return rules(("r", "v2.31|" + text))


def ipsec_rule(text: str) -> Values:
    return {"policy": {"local": [["ConSecRules", [["r", "String", "v2.31|" + text]]]]}}


def keys(*names: str) -> Values:
    return {"policy": {"local": [[name, []] for name in names]}}


def numbered(lists: int, text: str) -> list[str]:
    return [text.replace("#", f"{i:x}") for i in range(lists)]


REPLIES: dict[str, Callable[[int], Values]] = {
    "empty lists": lambda n: {"policy": {"local": [[]] * (n - 20)}},
    "empty objects": lambda n: {"policy": {"local": [{}] * (2 * n - 20)}},
    "objects in objects": lambda n: {"facts": {"a": [{"b": {"c": {}}}] * (n // 2 - 20)}},
    "short texts": lambda n: {"facts": {"a": numbered(12 * n - 40, "€#")}},
    "the smallest rules": lambda n: rules(*((name, "v2.31|") for name in numbered(n - 20, "#"))),
    "rules nobody understands": lambda n: rules(*((f"{i:x}", f"v2.31|Q={i}|Z=1") for i in range(n - 20))),
    "rules of every token": lambda n: rules(*(
        (f"{i:x}", f"v2.31|Action=Allow|Active=TRUE|Dir=In|Protocol=6|LPort={i}|RA4=10.{i % 255}.{i % 251}.1|App={i}|Name={i}|")
        for i in range(n // 2))),
    "wrong addresses": lambda n: one_rule("|".join(numbered(5 * n, "RA4=#"))),
    "addresses of IPv6": lambda n: one_rule("|".join(f"RA6=fd00::{i >> 16:x}:{i & 65535:x}" for i in range(4 * n))),
    "addresses in their longest spelling": lambda n: one_rule("|".join(
        f"RA6=FD00:0000:0000:0000:0001:0000:{i >> 15:04X}:{2 * i & 65535:04X}" for i in range(2 * n))),
    "subnets of IPv6": lambda n: one_rule("|".join(f"RA6=fd00:{i >> 16:x}:{i & 65535:x}::/{48 + i % 64}" for i in range(3 * n))),
    "ranges of IPv6": lambda n: one_rule("|".join(f"RA6=::{i >> 16:x}:{i & 65535:x}-::1:{i & 65535:x}" for i in range(2 * n))),
    "wrong addresses of IPv6": lambda n: one_rule("|".join(numbered(3 * n, "RA6=::1:#:"))),
    "addresses of IPv4": lambda n: one_rule("|".join(f"LA4=10.{i >> 16}.{i >> 8 & 255}.{i & 255}" for i in range(0, 10 * n, 2))),
    "subnets with masks": lambda n: one_rule("|".join(
        f"LA4=10.{i >> 16}.{i >> 8 & 255}.{i & 255}/255.255.255.{256 - 2**(i % 8)}" for i in range(0, 10 * n, 2))),
    "ends of tunnels": lambda n: ipsec_rule("|".join(f"RTunEndpts6=fd00::{i >> 16:x}:{i & 65535:x}" for i in range(4 * n))),
    "addresses in one piece": lambda n: one_rule("RA4=" + ",".join(numbered(5 * n, "#"))),
    "wrong ports": lambda n: one_rule("|".join(numbered(5 * n, "LPort=#0"))),
    "ranges of ports": lambda n: one_rule("LPort2_10=" + ",".join(f"{i % 65000}-{i % 65521 + 14}" for i in range(5 * n))),
    "types of ICMP": lambda n: one_rule("Protocol=1|ICMP4=" + ",".join(f"{i >> 8 & 255}:{i & 255}" for i in range(9 * n))),
    "versions of Windows": lambda n: one_rule("|".join(f"Platform=2:{i >> 8 & 255}:{i & 255}" for i in range(5 * n))),
    "interfaces of a rule": lambda n: one_rule("|".join(
        f"IF={{{i:08X}-0000-4000-8000-000000000000}}" for i in range(2 * n - 40))),
    "accounts of a rule": lambda n: one_rule("RUAuth=D:" + "".join(numbered(10 * n, "(A;;CC;;;S-1-5-#)"))),
    "entries within entries": lambda n: one_rule("LUAuth=D:" + "(XA;;CC;;;WD;" * n + ")" * n),
    "unknown tokens": lambda n: one_rule("|".join(numbered(5 * n, "Q#=1"))),
    "one token a million times": lambda n: one_rule("|".join(["Name=a"] * (15 * n))),
    "a rule of one long word": lambda n: one_rule("Name=😀" + "".join(numbered(10 * n, "#"))),
    "keys of sets": lambda n: keys(*numbered(n // 2 - 20, r"Phase1AuthenticationSets\{#}")),
    "proposals of one set": lambda n: keys(*numbered(n // 2 - 20, r"Phase1AuthenticationSets\{1}\#")),
    "values of one key": lambda n: {
        "policy": {"local": [["DomainProfile", [[v, "DWord", 1] for v in numbered(n - 20, "a#")]]]}},
    "named objects": lambda n: {"facts": {a: {"sid": "S-1-5-" + a} for a in map(str, range(2 * n - 40))}},
    "interfaces": lambda n: {"facts": {"interfaces": [{"alias": a, "guid": a} for a in numbered(2 * n - 40, "#")]}},
    "rules that Windows ships": lambda n: {
        **rules(*((v, "v2.31|") for v in numbered(n - 20, "#"))), "defaults": {"same": numbered(n - 20, "#")}},
    "one rule in all spellings": lambda n: {
        **rules(("a" * 18, "v2.31|Name=x|")),
        "defaults": {"same": ["".join(name) for name in islice(product("aA", repeat=18), 12 * n)]}},
    "what could not be read": lambda n: {"facts": {"unread": [{"fact": a, "why": a} for a in numbered(2 * n - 40, "#")]}},
}


def honest(count: int) -> Values:
    """A host of so many rules, as New-NetFirewallRule names them that is given none: a GUID in braces."""
    return rules(*((f"{{{i:08X}-0000-4000-8000-{i * 7919 % 2**48:012X}}}",
                    f"v2.31|Action=Allow|Active=TRUE|Dir=In|Protocol=6|Profile=Domain|Profile=Private|LPort={i % 60000 + 1}|"
                    f"RA4=10.{i % 256}.{i // 256 % 256}.0/255.255.255.0|RA6=fd00:{i % 65536:x}::/64|"
                    rf"App=%ProgramFiles%\Corp\Service {i}\service.exe|Svc=W32Time|Name=Corporate service {i} of the catalogue|"
                    f"Desc=Service {i}: owned by team {i % 17}, reviewed in quarter {i % 4 + 1}|EmbedCtxt=Corp group {i % 12}|")
                   for i in range(count)))


def framed(run_id: str, values: Iterable[Any]) -> bytes:
    said = {"ringfence": 2, "run": run_id, "replies": [{"ok": True, "value": v} for v in values]}
    text = json.dumps(said, separators=(",", ":"), ensure_ascii=False).encode()
    return b"<<ringfence:" + base64.b64encode(gzip.compress(text, 9)) + b">>"


def largest(make: Callable[[int], Values], limit: int, wire: int = WIRE) -> bytes:
    """The largest of such replies that the counts allow, and that is no longer than `wire`, for a batch of run "x"."""
    lists = limit // 400
    while len(found := framed("x", answers(make(lists)))) > wire:
        lists = int(lists * 0.95 * min(wire / len(found), 1))
    return found


@cache
def labels() -> tuple[str, ...]:
    """What a host is asked when it is planned."""
    asked: list[str] = []

    class Counting:
        def run(self, batch: Batch) -> Reply:
            asked.extend(map(str, batch.calls))
            raise HostError("no_answer")

    plan_host(job("h"), RunContext(kinds.load(), lambda host, facts: ({}, []), lambda job: Counting()))
    return tuple(asked)


def answers(values: Values) -> list[Any]:
    """What is said to each call of a plan; a host that does not tell the least of facts would not be read further."""
    return [{**(ESSENTIAL if label == "facts" else {}), **values.get(label, {})} for label in labels()]


@dataclass(frozen=True)
class HostileTransport:
    """A host that answers every batch with one output."""

    output: bytes
    limit: int = MAX_REPLY

    def run(self, batch: Batch) -> Reply:
        return Batch(batch.calls, batch.stop_on_error, "x", admit=batch.admit).decode(self.output, self.limit)


def context(outputs: Mapping[str, bytes], memory: ReplyMemory, limit: int = MAX_REPLY) -> RunContext:
    """A run of hosts that have these outputs."""
    return RunContext(kinds.load(), lambda host, facts: ({}, []), lambda job: HostileTransport(outputs[job.host], limit), memory)


def job(host: str) -> HostJob:
    return HostJob(host, LocalSettings(), {})


def planned(output: bytes, limit: int = MAX_REPLY) -> HostResult:
    """What becomes of a host that says `output`."""
    return plan_host(job("h"), context({"h": output}, ReplyMemory(), limit))
