"""python -m tests.windows_job STEP …: one step of the job."""

import argparse
import sys

from . import replay
from .job import Job


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.windows_job", description=__doc__)
    steps = parser.add_subparsers(dest="step", required=True)
    step = steps.add_parser("replay", help=replay.__doc__)
    step.add_argument("way")
    given = parser.parse_args()
    job = Job.here()
    return replay.run(job, job.way(given.way))


if __name__ == "__main__":
    sys.exit(main())
