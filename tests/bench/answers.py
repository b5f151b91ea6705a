"""Hosts in memory: what they would answer, without a lab or a network in between."""

import base64
import gzip
import json
from typing import Any

from ringfence.batch import WIRE_MINOR, WIRE_VERSION, Batch, Reply
from ringfence.model.declaration import present
from ringfence.model.resource import Resource
from ringfence.run.host_job import HostJob, RunContext

from .policy import RULES, entries
from .project import PROJECT

HOST = {"wire": f"{WIRE_VERSION}.{WIRE_MINOR}", "elevated": True, "language_mode": "FullLanguage", "os": {"build": 20348},
        "services": {"mpssvc": "running", "BFE": "running"}}  # what any host says of itself


class Answers:
    """A host that has what is declared for it, made by an earlier run, encoded as it would come over the wire."""

    def __init__(self, job: HostJob, context: RunContext, number: int, builtin: list[list[str]]) -> None:
        self.job, self.context, self.number, self.builtin = job, context, number, builtin
        self.owned = {"Name": "bench", **entries(f"corp-{i:03}" for i in range(RULES))}

    def run(self, batch: Batch) -> Reply:
        return batch.decode(self.frame(batch))

    def frame(self, batch: Batch) -> bytes:
        """What the host prints."""
        rules, profiles = list(self.builtin), list[Any]()
        declared = self.job.declarations
        for want in present((declared if declared is not None else self.context.declare(self.job.host, None)[0]).values()):
            if want.id.kind == "firewall_rule":
                rules.append([want.resource.name, "String", self._string(want.resource)])
            else:
                key = {"domain": "DomainProfile", "private": "StandardProfile", "public": "PublicProfile"}[want.id.name]
                profiles.append([key, [["EnableFirewall", "DWord", 1], ["DefaultInboundAction", "DWord", 1]]])
        owned = [[name, "String", text] for name, text in self.owned.items()]
        known = {"Facts.Read": {"computer": self.job.host, **HOST},
                 "Policy.Read": {"local": [["FirewallRules", rules], *profiles]}, "Ledger.Read": {"rows": [[PROJECT, owned]]}}
        replies = [{"ok": True, "value": {name: {} for name in call.args["names"]} if call.verb == "Enforcement.Read" else
                    known.get(call.verb, {})} for call in batch.calls.values()]
        said = {"ringfence": 2, "run": batch.run_id, "replies": replies}
        return b"<<ringfence:" + base64.b64encode(gzip.compress(json.dumps(said).encode(), 1)) + b">>"

    def _string(self, rule: Resource) -> str:
        text = rule.kind.write_string(rule)
        return text.replace("Active=TRUE", "Active=FALSE") if self.number % 3 == 0 else text
