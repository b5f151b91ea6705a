"""Pages of runs that nobody had to make: fleets as values, and what the HTML report makes of them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from core import KINDS

from ringfence.diagnostics import Diagnostic, Where
from ringfence.errors import ExitCode, HostError, Lost, Unreachable
from ringfence.model.resource import Resource
from ringfence.model.state import Change, Id, TaskLabel, id_of
from ringfence.plan.obstacles import Affected, Obstacle, Reason
from ringfence.report import HostResult, ProjectState, Report, RunInfo
from ringfence.views.html_report import HtmlReport
from ringfence.views.view import ViewOptions
from ringfence.windows.attribution import Attribution
from ringfence.windows.policy_events import PolicyEvent

RULE = KINDS["firewall_rule"]


def run_info(command: str = "plan", project: str = "corp-firewall") -> RunInfo:
    return RunInfo("20261126T115712Z-3f9a1c", command, datetime(2026, 11, 26, 11, 57, 12, tzinfo=UTC),
                   ProjectState(project, "4c436696d1f0a2b3", False))


def made(name: str, **values: Any) -> Resource:
    """A firewall rule of what YAML would say."""
    return RULE.create(name, {n: RULE.properties[n].parse(v) for n, v in values.items()})


def change(before: Resource | None, after: Resource | None, line: int = 8, **more: Any) -> Change:
    one = before or after
    assert one is not None
    label = TaskLabel("base", f"rule {one.name}", ("base",))
    return Change(id_of(one), before, after, Where("playbooks/base.yml", line), label=label, **more)


def page(results: Iterable[HostResult], command: str = "plan", warnings: Sequence[Diagnostic] = (),
         exit_code: ExitCode = ExitCode.DIFFERENCES, groups: Mapping[str, Sequence[str]] | None = None,
         abandoned: tuple[str, ...] = ()) -> str:
    """The page of a run with these results."""
    view, report = HtmlReport(ViewOptions(run_info(command), groups=groups or {}, abandoned=abandoned)), Report()
    text = view.begin(warnings)
    for result in results:
        report.add(result)
        text += view.host(result)
    return text + view.end(report, 4.2, exit_code)


def large(hosts: int, rules: int, differing: int) -> Iterable[HostResult]:
    """Hosts that would create so many rules, of which so many are like no other host's."""
    same = [{"protocol": "tcp", "local_port": [8000 + n], "remote_address": [f"10.{n % 200}.0.0/16", "LocalSubnet"],
             "profile": ["domain"], "display_name": f"Corp rule {n}", "group": "Corp",
             "program": rf"C:\Program Files\Corp\service{n}.exe"} for n in range(rules)]
    shared = [made(f"corp-{n:03}", **values) for n, values in enumerate(same)]
    for number in range(hosts):
        own = [made(f"corp-{n:03}", **values, description=f"port {8000 + n} of srv{number:04}, for the service of rule {n}")
               for n, values in enumerate(same[:differing])]
        yield HostResult(f"srv{number:04}", tuple(change(None, r, n + 8) for n, r in enumerate([*own, *shared[differing:]])),
                         declared=rules, connections=1, seconds=0.4)


OPEN = made("base-rdp", protocol="tcp", local_port=[3389], display_name="Remote Desktop for admins")
RDP = made("base-rdp", protocol="tcp", local_port=[3389], display_name="Remote Desktop for admins",
           remote_address=["10.1.4.0/28"])
TELNET = made("old-telnet", protocol="tcp", local_port=[23])
BACKUP = made("base-backup", protocol="tcp", local_port=["10000-10001"], remote_address=["10.1.6.0/28", "10.1.7.0/28"])
NARROWED = Change(id_of(RDP), OPEN, RDP, Where("playbooks/base.yml", 8), label=TaskLabel("base", "RDP for admins", ("rdp",)),
                  owner="project")


def site(name: str) -> Change:
    """A rule that is not the same on any two hosts."""
    return change(None, made("web-site", protocol="tcp", local_port=[80, 443], remote_address=["10.0.0.0/8"],
                             description=f"Web ports of {name}"), 21)


def fleet(*, wrote: bool = False) -> list[HostResult]:
    """Eight hosts, of each fate one."""
    gone, backup = change(TELNET, None, 30, owner="other", why="of somebody else, and declared absent"), change(None, BACKUP, 85)
    stopped = Obstacle("not_in_force", Reason("merge_off", "Group Policy has local rules ignored in the profile domain",
                       "Allow them in that policy, or declare the rule there"), ("domain",),
                       (Affected(Id("local", "firewall_rule", "base-rdp"), "base-rdp", Where("playbooks/base.yml", 8)),))
    warned = Diagnostic(Where("playbooks/base.yml", 8), "the port 3389 is open to everybody on this host",
                        "Name remote_address", "warning", "web3")
    changes: dict[str, tuple[Change, ...]] = {
        "web1": (site("web1"), NARROWED), "web2": (site("web2"), NARROWED), "web3": (site("web3"), NARROWED, backup, gone),
        "db1": (backup,), "db2": (), "pc1": (NARROWED, backup), "pc10": (), "pc2": ()}
    found = [HostResult(name, of, declared=23, connections=1, seconds=0.31, undeclared=3) for name, of in changes.items()]
    if wrote:
        found = [replace(r, written=frozenset(c.id for c in r.changes), proven=frozenset(c.id for c in r.changes)) for r in found]
        found[5] = replace(found[5], proven=frozenset(), error=Lost(detail="connection reset by peer"),
                           way_back=("Remove-NetFirewallRule -Name base-backup",))
        found[2] = replace(found[2], written=frozenset([NARROWED.id]), proven=frozenset(), remaining=(backup,),
                           error=HostError("change_rejected", "parameter is incorrect"))
    found[2] = replace(found[2], diagnostics=(warned,))
    found[4] = replace(found[4], obstacles=(stopped,))
    found[6] = replace(found[6], error=Unreachable("timeout", "10.0.0.10:5986"), declared=0)
    return found


BY_ANNA = Attribution(PolicyEvent(2006, datetime(2026, 11, 25, 9, 3, 1, tzinfo=UTC), "S-1-5-21-1-2-3-1104", r"CORP\anna",
                                  r"C:\Windows\System32\mmc.exe"), "changed")
NOT_KNOWN = Attribution(unknown="the log does not reach back so far")
GROUPS: Mapping[str, Sequence[str]] = {"web": ("web1", "web2", "web3"), "db": ("db1", "db2"), "pc": ("pc1", "pc2", "pc10")}
