"""The whole road over a way in: plan, apply, drift, a change by somebody else, drift, apply; then everything is taken away."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from lab_cases import KEY

from ringfence.batch import cmdlet_call

from .job import Job, Way, problems_of

POLICY = Path(__file__).with_name("policy.yml")
SHOWN = Path(__file__).with_name("setup") / "shown.ps1"
CHANGED_BY_HAND = cmdlet_call("Set-NetFirewallRule", {"Name": "ringfence-ci-web", "LocalPort": "8081", "Protocol": "TCP"})
IN_SYNC, DIFFERENT = 0, 2


Program = Callable[[Path, tuple[str, ...]], tuple[int, str]]  # its folder and arguments; its exit code and what it said


def program(folder: Path, arguments: tuple[str, ...]) -> tuple[int, str]:
    """ringfence, in a process of its own."""
    environment = os.environ | {"RINGFENCE_CI_KEY": KEY, "PYTHONUTF8": "1", "NO_COLOR": "1"}
    done = subprocess.run([sys.executable, "-m", "ringfence.cli", *arguments], cwd=folder, text=True, encoding="utf-8",
                          capture_output=True, check=False, env=environment)  # fmt: skip
    return done.returncode, done.stdout + done.stderr


def run(job: Job, way: Way, ringfence: Program = program) -> int:
    """The step: 1 where an exit code is another than it has to be, or Windows shows something else than was declared."""
    problems = problems_of(lambda: _walk(job, way, ringfence))
    for id in ("converges", *way.proves):
        job.saw(id, way.name, problems)
    print(*(problems or [f"The whole road over {way.name}: as it has to be"]), sep="\n")
    return 1 if problems else 0


def _walk(job: Job, way: Way, ringfence: Program) -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder)
        variables = {"all": {"hosts": {"target": dict(way.variables)}}}
        (project / "hosts.yml").write_text(yaml.safe_dump(variables), "utf-8")
        (project / "site.yml").write_text(POLICY.read_text("utf-8"), "utf-8")
        (project / "ringfence.yml").write_text("project: {name: ringfence-ci, id: 7c1f0a2b3d4e5f60}\n", "utf-8")
        (project / "gone.yml").write_text(yaml.safe_dump(gone(), allow_unicode=True), "utf-8")

        def expect(code: int, *arguments: str) -> Iterator[str]:
            ended, said = ringfence(project, (*arguments, "-i", "hosts.yml", *allowed(way)))
            if ended != code:
                yield f"`ringfence {' '.join(arguments)}` ended with {ended}, not {code}: {said}"

        yield from expect(IN_SYNC, "validate", "site.yml")
        yield from expect(DIFFERENT, "plan", "--detailed-exitcode", "site.yml")
        yield from expect(IN_SYNC, "apply", "--yes", "site.yml")
        yield from expect(IN_SYNC, "drift", "site.yml")
        if os.name == "nt":
            yield from _windows_says(job, way)
        else:
            job.not_reached("windows-says-the-same", way.name, "no cmdlets of Windows are here")
        way.ask(CHANGED_BY_HAND)
        yield from expect(DIFFERENT, "drift", "site.yml")
        yield from expect(IN_SYNC, "apply", "--yes", "site.yml")
        yield from expect(IN_SYNC, "drift", "site.yml")
        yield from expect(IN_SYNC, "apply", "--yes", "gone.yml")
        yield from expect(IN_SYNC, "drift", "gone.yml")


def allowed(way: Way) -> tuple[str, ...]:
    """The user's word for another PowerShell than that of the PATH, on this machine."""
    chosen = way.variables.get("ringfence_powershell")
    return ("--allow-program", str(chosen)) if chosen and way.variables["ansible_connection"] == "local" else ()


def gone() -> list[dict[str, Any]]:
    """A play that takes away what the policy declares; profiles stay."""
    [play] = yaml.safe_load(POLICY.read_text("utf-8"))
    named = [(kind, said["name"]) for task in play["tasks"] for kind, said in task.items() if "name" in said]
    return [{"hosts": "all", "tasks": [{kind: {"name": name, "state": "absent"}} for kind, name in named]}]


def _windows_says(job: Job, way: Way) -> Iterator[str]:
    """What the cmdlets of Windows show of the policy, asked without ringfence."""
    done = subprocess.run(["powershell.exe", "-NoProfile", "-NonInteractive", "-File", str(SHOWN)], capture_output=True,
                          text=True, encoding="utf-8", check=False)  # fmt: skip
    problems = problems_of(lambda: judge_shown(json.loads(done.stdout))) if done.returncode == 0 else [done.stderr]
    job.write(f"shown-{way.name}.json", done.stdout)
    job.saw("windows-says-the-same", way.name, problems)
    yield from problems


DECLARED: Mapping[str, Any] = {
    "rule": {"Enabled": "True", "Direction": "Inbound", "Action": "Allow", "DisplayName": "ringfence CI", "Group": "ringfence CI",
             "Description": 'Prüfung von "Regeln" & 日本語'},
    "port": {"Protocol": "TCP", "LocalPort": ["8080", "9000-9010"]},
    "address": {"RemoteAddress": ["10.0.0.0/255.0.0.0", "LocalSubnet"]},
    "program": {"Program": r"%SystemRoot%\System32\svchost.exe"},
    "profile": {"Enabled": "True", "LogBlocked": "True", "LogMaxSizeKilobytes": "8192"},
    "isolation": {"InboundSecurity": "Request", "OutboundSecurity": "Request", "Phase1AuthSet": "ringfence-ci-computers",
                  "Phase2AuthSet": "ringfence-ci-users", "QuickModeCryptoSet": "ringfence-ci-quick"},
    "tunnel": {"Mode": "Tunnel", "InboundSecurity": "Require", "OutboundSecurity": "Require"},
}  # fmt: skip


def judge_shown(shown: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """What differs between the objects that Windows shows (see setup/shown.ps1) and the policy."""
    for thing, properties in DECLARED.items():
        for name, expected in properties.items():
            got = shown.get(thing, {}).get(name)
            if _plain(got) != _plain(expected):
                yield f"Windows shows {thing} {name} as {got!r}, not {expected!r}"


def _plain(value: Any) -> Sequence[str]:
    return sorted(map(str, value if isinstance(value, list) else [value]))
