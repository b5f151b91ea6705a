"""python -m tests.windows_job STEP …: one step of the job."""

import argparse
import sys
from collections.abc import Callable, Sequence

from ringfence.errors import HostError

from . import connections, guarantees, probes, replay, road, timings, transcripts
from .job import Job, NoWay, Way

OVER_A_WAY: dict[str, tuple[str, Callable[[Job, Way], int]]] = {
    "replay": ("the lab's cases", replay.run),
    "probe": ("every probe", probes.run),
    "road": ("plan, apply, drift, a change by hand, drift, apply", road.run),
    "pin": ("another certificate is refused", connections.pin),
    "audit": ("an auditor reads and does not write", connections.audit),
    "nothing-else": ("an endpoint has one command", connections.nothing_else),
    "language": ("a constrained language mode is told", connections.language),
    "timings": ("how long each verb takes", timings.run),
}


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.windows_job", description=__doc__)
    steps = parser.add_subparsers(dest="step", required=True)
    for name, (about, _) in OVER_A_WAY.items():
        steps.add_parser(name, help=about).add_argument("way", help="local, or one that an earlier step has made")
    steps.add_parser("transcripts", help="what a host wrote down").add_argument("way", nargs="+")
    steps.add_parser("verdicts", help="what the job has seen of each guarantee")
    steps.add_parser("page", help="docs/reference/guarantees.md anew")
    given = parser.parse_args(arguments)
    try:
        return _run(given, Job.here())
    except (NoWay, HostError, AssertionError) as error:
        print(f"{given.step} could not go on: {error}")
        return 1


def _run(given: argparse.Namespace, job: Job) -> int:
    match given.step:
        case "transcripts":
            return transcripts.run(job, [job.way(name) for name in given.way])
        case "verdicts":
            return guarantees.run(job)
        case "page":
            return guarantees.write_page()
        case name:
            return OVER_A_WAY[name][1](job, job.way(given.way))


if __name__ == "__main__":
    sys.exit(main())
