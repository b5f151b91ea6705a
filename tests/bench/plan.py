"""A plan that finds nothing to do, against the bare PSRP sessions that carry the same bytes.

Both run in fresh processes beside a lab in a third one. Counted is the controller's CPU from the first file read to the
last result (what the bare sessions need: from the first socket on); what Python and the libraries take to start is not. They run
in turn, and the least of each is told, as in `measure.best_ms`: what is more comes from others on the same cores. Beside it is
told what single rounds came to.
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path

from .measure import Line
from .policy import RULES
from .project import lab, worker, write

HOSTS, RUNS = 50, 7
MOST, MORE = 1.35, 6.0  # times the bare session, or so many ms beside it where that is more


def run() -> Iterator[Line]:
    for auth in ("basic", "ntlm"):
        with tempfile.TemporaryDirectory() as folder, lab(Path(folder), HOSTS, "psrp", auth) as hosts:
            write(Path(folder), hosts)
            made = worker("apply", folder)
            assert made["states"] == {"changed": HOSTS}, made
            pairs = [(worker("plan", folder), worker("bare", folder)) for _ in range(RUNS)]
        for ours, bare in pairs:
            assert ours["states"] == {"in_sync": HOSTS}, ours
            assert ours["trips"] == HOSTS
            assert bare["sessions"] == HOSTS
        mine, peer = (min(p[i]["cpu"] for p in pairs) / HOSTS * 1000 for i in (0, 1))
        ratios = sorted(ours["cpu"] / bare["cpu"] for ours, bare in pairs)
        yield Line(f"plan of {HOSTS} hosts × {RULES} rules, {auth}: CPU per host", mine, "ms",
                   against=f"bare session {peer:.1f} ms")
        yield Line(f"the same, against the bare session ({auth})", mine / peer, "×",
                   round(max(MOST, 1 + MORE / peer), 2), against=f"rounds {ratios[0]:.2f} to {ratios[-1]:.2f}")
