"""A release here, up to where it is published: the steps of .github/workflows/release.yml in a clone, with a tag of its own.

python -m tests.release.dry [TEST …]     these tests in place of those of a release
"""

import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import yaml
from packaging.version import Version

from . import changelog
from .steps import ROOT, VERSION_FILE

WORKFLOW = ROOT / ".github" / "workflows" / "release.yml"
STEP = "-m tests.release "


def lines() -> list[str]:
    """The `run` lines of all jobs, in their order."""
    jobs = yaml.safe_load(WORKFLOW.read_text("utf-8"))["jobs"].values()
    return [step["run"] for job in jobs for step in job["steps"] if "run" in step]


def main(arguments: Sequence[str] | None = None) -> int:
    tests = list(sys.argv[1:] if arguments is None else arguments)
    with tempfile.TemporaryDirectory(prefix="ringfence-release-") as folder:
        clone = Path(folder) / "ringfence"
        subprocess.run(["git", "clone", "--quiet", ROOT, clone], check=True)
        new = next_version(clone)
        run(f".venv/bin/python {STEP}prepare {new}", clone)
        git = ["git", "-C", str(clone), "-c", "user.name=rehearsal", "-c", "user.email=rehearsal@example.com"]
        subprocess.run([*git, "commit", "--quiet", "--all", "--message", f"ringfence {new}"], check=True)
        subprocess.run([*git, "tag", f"v{new}"], check=True)
        for line in lines():
            if STEP in line:
                run(" ".join([line, *(tests if line.endswith(" test") else ())]), clone, GITHUB_REF_NAME=f"v{new}")
            else:
                print(f"not here: {line}")
        release = clone / "build" / "release"
        for made in sorted([*release.glob("packages/*"), *release.glob("*.cdx.json")]):
            print(f"{made.stat().st_size:>9,} {made.name}")
    return 0


def next_version(clone: Path) -> str:
    """The first release is the package's version; after that the next minor."""
    version = changelog.version_of((clone / VERSION_FILE).read_text("utf-8"))
    if len(changelog.sections((clone / "CHANGELOG.md").read_text("utf-8"))) == 1:
        return version
    return f"{Version(version).major}.{Version(version).minor + 1}.0"


def run(line: str, clone: Path, **more: str) -> None:
    """A line of the workflow in the clone, with the environments that lie here. Raises CalledProcessError."""
    print(f"+ {line}", flush=True)
    here = line.replace(".venv", f"{shlex.quote(str(ROOT))}/.venv", 1)
    subprocess.run(["bash", "-c", here], cwd=clone, env=os.environ | more, check=True)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except subprocess.CalledProcessError as failed:
        print(failed, file=sys.stderr)
        sys.exit(1)
