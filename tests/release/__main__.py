"""python -m tests.release STEP …: one step of a release, or of what comes before it."""

import argparse
import subprocess
import sys
from collections.abc import Sequence

from . import steps
from .changelog import Disagreement


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.release", description=__doc__)
    step = parser.add_subparsers(dest="step", required=True)
    step.add_parser("check", help="the form of CHANGELOG.md")
    step.add_parser("prepare", help="make a release of what is unreleased").add_argument("version")
    step.add_parser("agree", help="package, changelog, tag and day say the same").add_argument("tag")
    step.add_parser("build", help="the sdist, and of it the wheel")
    step.add_parser("install", help="the wheel in a new environment, and the demo there")
    step.add_parser("bill", help="what is installed with it, as CycloneDX")
    step.add_parser("test", help="tests of the sdist against the wheel").add_argument("arguments", nargs="*")
    given = vars(parser.parse_args(arguments))
    try:
        getattr(steps, given.pop("step"))(*given.values())
    except (Disagreement, subprocess.CalledProcessError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
