"""ringfence runs: what runs did, also those that did not come to their end."""

from collections import Counter
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

from ringfence.cli.command import usage_error
from ringfence.cli.console import Console
from ringfence.cli.options import Argument, Full, RunDir, TrustOptions, flag
from ringfence.cli.prepared import trust_of
from ringfence.errors import ExitCode
from ringfence.project import settings
from ringfence.run.past_runs import PastHost, PastRun, past_run, past_runs
from ringfence.views import runs_view

EXAMPLES = """
ringfence runs                                  the last runs that wrote, and how they ended
ringfence runs show 20261126T115712Z-3f9a1c     what one of them made of each host
ringfence runs show last
"""
MEANINGS = {"host_begin": "the record stops while it was being written", "host_written": "it has answered, and was not proven"}


def runs(console: Console, trusted: TrustOptions,
         what: Annotated[str, Argument(metavar="show", help="Without it the runs are listed.")] = "",
         run: Annotated[str, Argument(metavar="RUN", help="A run's id, how it begins, or `last`.")] = "",
         number: Annotated[int, flag("-n", "--number", metavar="N", minimum=1, help="How many are listed. Default: 20.")] = 20,
         full: Full = False, run_dir: RunDir = "") -> ExitCode:
    """Show the runs that wrote to hosts, as their records tell: what was planned, made and proven."""
    if what not in ("", "show") or bool(what) != bool(run):
        raise usage_error("runs takes nothing, or: show RUN", "for example `ringfence runs show last`")
    project = settings.load(Path.cwd(), trust_of(trusted))
    if what:
        found = past_run(project.folder, run, run_dir, project.project)
        told = {**_data(found), "hosts": [_host(h) for h in found.hosts.values()], "left": list(found.left),
                "waves": _waves(found), "tickets": _tickets(found),
                "resumable": found.options is not None}
        hosts = [{"host": h.host, "status": h.status, "event": h.event or None, "data": h.data or None}
                 for h in found.hosts.values()]
        whole = {"run": _data(found), "hosts": hosts, "definitions": found.definitions, "waves": told["waves"]}
        console.show(whole, runs_view.shown(told, console.style, full))
    else:
        listed = [_data(one) for one in islice(past_runs(project.folder, run_dir, project.project), number)]
        console.show({"runs": listed}, runs_view.listed(listed, console.style))
    return ExitCode.IN_SYNC


def _data(run: PastRun) -> dict[str, Any]:
    """A run as it is listed."""
    begin, project = run.begin, run.begin.get("project")
    code = run.end.get("exit_code")
    return {"run_id": run.run_id, "command": str(begin.get("command", "")), "ringfence": str(begin.get("ringfence", "")),
            "started": str(begin.get("started", "")), "ended": run.end.get("time"), "state": run.state,
            "project": project if isinstance(project, dict) else None, "exit_code": code if isinstance(code, int) else None,
            "statuses": dict(Counter(h.status for h in run.hosts.values())), "damaged": run.damaged, "file": str(run.path)}


def _tickets(run: PastRun) -> list[str]:
    """The tickets of the tasks that asked for its changes."""
    sources = (change.get("source") for change in run.definitions.values() if isinstance(change, dict))
    return sorted({str(source["ticket"]) for source in sources if isinstance(source, dict) and source.get("ticket")})


def _waves(run: PastRun) -> list[dict[str, Any]]:
    """Each wave: its hosts, their statuses as they are known, and how it ended."""
    found = []
    for number, hosts in enumerate(run.waves, 1):
        end = run.wave_ends.get(number, {})
        verified, stopped = end.get("verified"), end.get("stopped")
        found.append({"number": number, "hosts": list(hosts),
                      "statuses": dict(Counter(run.hosts[host].status for host in hosts if host in run.hosts)),
                      "ended": bool(end), "verified": verified if isinstance(verified, bool) else None,
                      "stopped": stopped if isinstance(stopped, str) else None})
    return found


def _host(host: PastHost) -> dict[str, Any]:
    """A host for people."""
    error = host.data.get("error")
    note = str(error.get("message", "")) if isinstance(error, dict) else MEANINGS.get(host.event, "")
    way_back = host.data.get("way_back")
    return {"host": host.host, "status": host.status, **{n: host.count(n) for n in ("planned", "made", "proven")}, "note": note,
            "way_back": way_back if isinstance(way_back, list) else [], "notes": _notes(host)}


def _notes(host: PastHost) -> list[dict[str, str]]:
    """What was said of a host beside its changes."""
    found = host.data.get("diagnostics")
    return [{key: str(one.get(key) or "") for key in ("severity", "summary", "detail")}
            for one in (found if isinstance(found, list) else ()) if isinstance(one, dict)]
