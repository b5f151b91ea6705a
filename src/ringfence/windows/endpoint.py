"""What answers on a host, as Facts.Read tells of it: the wire that it speaks, what it can do, which script it is. Pure."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ringfence.batch import OLDEST_MINOR, WIRE_MINOR, WIRE_VERSION
from ringfence.batch.scripts import RELEASED_DIGESTS, WRITING_VERBS, digests
from ringfence.errors import HostError
from ringfence.model.facts import Facts

_TO_READ = ("mpssvc", "BFE")  # services that every Windows has
UNKNOWN_SCRIPT = ("the script of the endpoint is of no release of ringfence",
                  "Where nobody here made it, export the endpoint anew (`ringfence jea export`)")
"""What is said of an endpoint that is not known, and what to do."""


@dataclass(frozen=True)
class Endpoint:
    """wire_minor: of version 2 · verbs: what it can be asked · script_sha256: of the script that runs there, where it says so."""

    wire_minor: int
    verbs: frozenset[str]
    script_sha256: str | None

    @property
    def writes(self) -> bool:
        """Whether it is one for operators. (A script that travels with its batch brings what the batch asks for.)"""
        return bool(self.verbs & WRITING_VERBS)

    @property
    def is_known(self) -> bool:
        """Whether its script is one of a release, as far as it says which."""
        return self.script_sha256 is None or self.script_sha256 in (*digests().values(), *RELEASED_DIGESTS)


def endpoint_of(facts: Facts) -> Endpoint:
    """The endpoint that told these facts. Raises HostError where it is too old, or cannot read what everything rests on."""
    wire = facts.raw.get("wire")
    said = re.fullmatch(rf"{WIRE_VERSION}\.(\d{{1,4}})", str(wire))
    if not said or int(said[1]) < OLDEST_MINOR:
        raise HostError("endpoint", f"it speaks version {wire or 'unknown'} of the wire; here {WIRE_VERSION}.{WIRE_MINOR} is "
                                    f"spoken, and {WIRE_VERSION}.{OLDEST_MINOR} understood")
    if missing := list(_missing(facts)):
        why = "; ".join(f"{what}: {why}" for what, why in facts.unread)
        raise HostError("endpoint", f"it could not read {', '.join(missing)}" + (f" ({why})" if why else ""))
    verbs, script = facts.raw.get("verbs"), facts.raw.get("script_sha256")
    return Endpoint(int(said[1]), frozenset(map(str, verbs if isinstance(verbs, list) else ())),
                    script if isinstance(script, str) else None)


def _missing(facts: Facts) -> Iterator[str]:
    """What no host leaves out: without it nothing else that was read can be trusted to be all there is."""
    if not facts.build:
        yield "the version of Windows"
    if facts.elevated is None:
        yield "whether the session is elevated"
    if not isinstance(facts.raw.get("language_mode"), str):
        yield "its language mode"
    yield from (f"the service {name}" for name in _TO_READ if name not in facts.services)
