"""A simulated host whose verbs are asked, by the executor in Python and by a real PowerShell, and what happens to it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from batches import batch_of, open_transport
from host_script import PWSH
from lab_machine import ADMIN

from ringfence.batch import Answer, Batch, Call, Reply
from ringfence.lab import POLICY, Machine, Session, SimulatedHost, machine
from ringfence.lab.session import RegisteredEndpoint
from ringfence.lab.simulated_fleet import SimulatedFleet
from ringfence.lab.winrm.winrm_settings import WinRMSettings

RUNS = {"A": "20261126T115712Z-3f9a1c", "B": "20261126T115713Z-000000"}
RULES = POLICY + r"\FirewallRules"


class AskedHost:
    """A host, and the way to it."""

    def __init__(self, on: Machine, way: Any) -> None:
        self.on, self.way = on, way

    def ask(self, *calls: Call) -> Answer:
        """The last answer of a batch that stops at the first failure."""
        reply: Reply = self.way.run(batch_of(*calls, stop_on_error=True))
        return list(reply.answers.values())[-1]


class Direct:
    """The executor in Python, without a network between."""

    def __init__(self, on: Machine, session: Session = ADMIN) -> None:
        self._host, self._session = SimulatedHost(on), session

    def run(self, batch: Batch) -> Reply:
        return batch.decode(self._host.run(batch.encode(), self._session).encode())


@contextmanager
def asked_host(way: str, endpoint: RegisteredEndpoint | None = None) -> Iterator[AskedHost]:
    """One that answers by a `way`: python, or pwsh; through an endpoint of JEA where one is given."""
    on = machine("web1")
    if way == "python":
        session = replace(ADMIN, elevated=not endpoint.groups, endpoint=endpoint) if endpoint else ADMIN
        yield AskedHost(on, Direct(on, session))
        return
    endpoints = {"ringfence": endpoint} if endpoint else {}
    with SimulatedFleet([on], pwsh=PWSH, winrm=WinRMSettings(endpoints=endpoints)) as lab:
        more = {"ringfence_endpoint": "ringfence"} if endpoint else {}
        yield AskedHost(on, open_transport(on.name, {**lab.running[on.name].variables, **more}))


def of_a_run(value: Any) -> Any:
    """A and B where the ids of runs stand."""
    if isinstance(value, dict):
        return {key: of_a_run(one) for key, one in value.items()}
    return RUNS.get(value, value) if isinstance(value, str) else value


def happens(on: Machine, what: str) -> None:
    verb, *words = what.split()
    if verb == "advance":
        on.clock.advance(float(words[0]))
    elif verb == "reboot":
        on.power_off()
        on.power_on()
    elif verb == "service":
        on.services[words[0]] = words[1]
    elif verb == "room":
        on.files.room = int(words[0])
    elif verb == "machine_guid":
        on.registry.set(r"SOFTWARE\Microsoft\Cryptography", "MachineGuid", "0" * 8 + "-0000-0000-0000-" + "0" * 12)
    else:
        held = getattr(on.faults, words[0])
        setattr(on.faults, words[0], (words[1],) if isinstance(held, tuple) else words[1] == "true" if isinstance(held, bool)
                else float(words[1]) if isinstance(held, float | None) else int(words[1]))
