"""How long each verb takes over a way in, beside a batch that does nothing; told, not judged."""

import statistics
import time

from ringfence.batch import Call, cmdlet_call

from .job import Job, Way, summarise
from .probes import FACTS, NAME, new, remove

ROUNDS = 3
VERBS = {
    "nothing": (),
    "Facts.Read": (Call("Facts.Read"),),
    "Facts.Read, Interfaces.Read, Management.Read": FACTS,
    "Policy.Read": (Call("Policy.Read"),),
    "Account.Resolve": (Call("Account.Resolve", {"names": ["BUILTIN\\Administrators"]}),),
    "Enforcement.Read of one rule": (Call("Enforcement.Read", {"kind": "NetFirewallRule", "names": [NAME]}),),
    "SA.Read": (Call("SA.Read"),),
    "Net.Get of the settings against floods": (Call("Net.Get", {"cmdlet": "Get-NetIPsecDospSetting"}),),
    "Net.Call: 10 × New": tuple(new(f"{NAME}-{n}") for n in range(10)),
    "Net.Call: 10 × Set": tuple(
        cmdlet_call("Set-NetFirewallRule", {"Name": f"{NAME}-{n}", "Description": "x"}) for n in range(10)
    ),
    "Net.Call: 10 × Remove": remove(*(f"{NAME}-{n}" for n in range(10))),
}


def run(job: Job, way: Way) -> int:
    """The step: a table, in the order in which each makes what the next needs."""
    seconds: dict[str, list[float]] = {what: [] for what in VERBS}
    for _ in range(ROUNDS):
        for what, calls in VERBS.items():
            began = time.monotonic()
            way.ask(*calls)
            seconds[what].append(time.monotonic() - began)
    rows = [f"| {what} | {statistics.median(taken):.2f} | {max(taken):.2f} |" for what, taken in seconds.items()]
    table = "\n".join(
        [f"Seconds of a batch over {way.name}, {ROUNDS} times", "", "| batch | median | most |", "|---|---|---|", *rows]
    )
    job.write(f"timings-{way.name}.md", table + "\n")
    summarise(table)
    return 0
