"""The steps of .github/workflows/windows.yml here, against one simulated host: each but those that prepare what only Windows has.

python -m tests.windows_job.dry [--only WORD …]     the steps whose line has one of the words
"""

import argparse
import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from ringfence.batch.jea import AUDITOR, ENDPOINTS, OPERATOR
from ringfence.lab import Machine, NetworkAdapter, machine
from ringfence.lab.command_shell import ShellSettings
from ringfence.lab.session import RegisteredEndpoint
from ringfence.lab.simulated_fleet import SimulatedFleet
from ringfence.lab.ssh.sshd import SshServerSettings
from ringfence.lab.winrm.winrm_settings import WinRMSettings

from .guarantees import ROOT
from .job import FOLDER, Job, Way

WORKFLOW = ROOT / ".github" / "workflows" / "windows.yml"
OF_STEPS = {"audit": ("jea-audits",), "transcripts": ("transcripts-hold-no-key",)}  # that no other step sees
STEP, SETUP = "python -m tests.windows_job ", "tests/windows_job/setup/"
OTHER = NetworkAdapter("Ethernet 4", "{21111111-2222-3333-4444-555555555555}", addresses=("10.99.0.10/24",), profile="public",
                       gateways=("10.99.0.254",))  # fmt: skip


def steps() -> list[str]:
    """The `run` lines of the job, in their order."""
    job = yaml.safe_load(WORKFLOW.read_text("utf-8"))["jobs"]["windows"]
    return [step["run"] for step in job["steps"] if "run" in step]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.windows_job.dry", description=__doc__)
    parser.add_argument("--only", nargs="+", default=[""], metavar="WORD", help="only steps whose line has one of these")
    wanted = parser.parse_args(arguments).only
    failed = 0
    with tempfile.TemporaryDirectory(prefix="ringfence-job-") as folder, transcribed(Path(folder)), ways(Job(Path(folder))):
        for line in steps():
            if not line.startswith(STEP) or not any(word in line for word in wanted):
                continue
            step, *over = line.removeprefix(STEP).split()
            if lacking := [way for way in over if not (Path(folder) / "ways" / f"{way}.yml").exists()]:
                print(f"only with a pwsh on the PATH ({', '.join(lacking)}): {line}")
                for id in OF_STEPS.get(step, ()):
                    Job(Path(folder)).not_reached(id, ", ".join(lacking), "only with a pwsh on the PATH")
            else:
                failed += run(line, Path(folder)) != 0
        for script in sorted({line.split()[0] for line in steps() if line.startswith(SETUP)}):
            print(f"only on Windows: {script}")
    return 1 if failed else 0


def run(line: str, folder: Path) -> int:
    """One step, in a process of its own as there."""
    print(f"+ {line}", flush=True)
    began = time.monotonic()
    code = subprocess.run(
        [sys.executable, *line.split()[1:]], cwd=ROOT, env=os.environ | {FOLDER: str(folder)}, check=False
    ).returncode
    print(f"  ended with {code} after {time.monotonic() - began:.0f} s", flush=True)
    return code


@contextlib.contextmanager
def transcribed(folder: Path) -> Iterator[None]:
    """Every PowerShell that starts in here writes a transcript, as by policy (about_Group_Policy_Settings)."""
    policy = {
        "PowerShellPolicies": {"Transcription": {"EnableTranscripting": True, "OutputDirectory": str(folder / "transcripts")}}
    }
    (folder / "powershell").mkdir(parents=True)
    (folder / "powershell" / "powershell.config.json").write_text(json.dumps(policy), "utf-8")
    before = os.environ.get("XDG_CONFIG_HOME")
    os.environ["XDG_CONFIG_HOME"] = str(folder)
    try:
        yield
    finally:
        os.environ.pop("XDG_CONFIG_HOME")
        if before is not None:
            os.environ["XDG_CONFIG_HOME"] = before


@contextlib.contextmanager
def ways(job: Job) -> Iterator[Machine]:
    """One host, and all the ways to it that the workflow prepares; with a real PowerShell where there is one."""
    pwsh, on = shutil.which("pwsh"), host()
    administrators = frozenset(on.accounts)
    jea = WinRMSettings(endpoints={e.name: RegisteredEndpoint(e) for e in ENDPOINTS}, not_administrators=administrators)
    constrained = host()
    constrained.faults.language_mode = "ConstrainedLanguage"
    with contextlib.ExitStack() as stack:

        def reach(name: str, to: Machine = on, *, more: Mapping[str, Any] | None = None, **how: Any) -> None:
            lab = stack.enter_context(SimulatedFleet([to], **how))
            proves = {"jea": ("jea-writes",), "ssh": ("default-shells",)}.get(name.partition("-")[0], ())
            job.add_way(Way(name, {"ansible_host": "127.0.0.1", "ansible_connection": "psrp", **lab.running[to.name].variables,
                                   **(more or {})}, True, proves if name != "jea-audit" else ()))  # fmt: skip

        reach("psrp-http")
        reach("psrp-https", https=True, pwsh=pwsh)
        for shell in ("cmd", "powershell"):
            reach(f"ssh-{shell}", transport="ssh", ssh=SshServerSettings(shell=ShellSettings(default_shell=shell)), by_key=True)
        reach("ssh-pwsh", transport="ssh", pwsh=pwsh, by_key=True)
        reach("constrained", constrained)
        reach("jea", winrm=jea, pwsh=pwsh, more={"ringfence_endpoint": OPERATOR.name})
        if pwsh:  # the endpoint of the lab that needs no PowerShell has every verb
            reach("local", transport="local", pwsh=pwsh)
            reach("jea-audit", winrm=jea, pwsh=pwsh, more={"ringfence_endpoint": AUDITOR.name})
        yield on


def host() -> Machine:
    """A server that other things are the names of than in the lab's cases."""
    return machine("TARGET", interfaces=(OTHER,))


if __name__ == "__main__":
    sys.exit(main())
