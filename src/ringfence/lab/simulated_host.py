"""A machine that is up: it runs batches and decides who gets in. This is what the lab's servers talk to."""

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager

from ringfence.lab.command_prompt.task_actions import starts_programs
from ringfence.lab.enforcement import flow_decision, inbound_connection
from ringfence.lab.enforcement.flow_watch import Decisions, watched
from ringfence.lab.enforcement.simulated_flow import SimulatedFlow
from ringfence.lab.host_script.executor import HostScript
from ringfence.lab.machine.machine import Machine
from ringfence.lab.machine.snapshots import MachineSnapshot
from ringfence.lab.session import Session


class SimulatedHost:
    """A host with the state of a `machine`. Its methods may be called from several threads."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self._script = HostScript(machine)
        machine.tasks.start_program = starts_programs(machine)

    @property
    def name(self) -> str:
        """The computer's name."""
        return self.machine.name

    @property
    def accounts(self) -> Mapping[str, str]:
        """Who may log on, with which password."""
        return self.machine.accounts

    @property
    def address(self) -> str:
        """The host's own address, where the controller reaches it."""
        return self.machine.address

    @property
    def controller_address(self) -> str:
        """The address that every connection seems to come from."""
        return self.machine.controller_address

    def run(self, batch: str, session: Session) -> str:
        """Executes one batch line as the host script does and returns the framed reply. Raises Dropped."""
        self.machine.clock.run_due()
        return self._script.run(batch, session)

    def power_off(self) -> None:
        """The host is off at once: batches that run, connections and programs end where they are."""
        self.machine.power_off()

    def power_on(self) -> None:
        """The host starts."""
        self.machine.power_on()

    def reboot(self) -> None:
        """Windows shuts down and starts again."""
        with self.machine.lock:
            self.machine.power_off(shut_down=True)
            self.power_on()

    def snapshot(self) -> MachineSnapshot:
        """What is on the host's disks: registry, files, tasks, and what else outlives a restart."""
        with self.machine.lock:
            return MachineSnapshot.of(self.machine)

    def restore(self, snapshot: MachineSnapshot, *, machine_guid: str = "") -> None:
        """Puts what a snapshot has in place of what is on the disks, and starts the host. It keeps its own name and accounts; a
        snapshot of another machine makes it a clone of that one, with the same MachineGuid unless another is given, as
        sysprep /generalize does."""
        with self.machine.lock:
            self.power_off()
            snapshot.put_on(self.machine)
            if machine_guid:
                self.machine.registry.set(r"SOFTWARE\Microsoft\Cryptography", "MachineGuid", machine_guid)
            self.power_on()

    def admits(self, port: int, remote_address: str) -> bool:
        """Whether this host's firewall lets a new TCP connection in, on 5985, 5986 (WinRM) or 22 (sshd)."""
        with self.machine.lock:
            there = self.machine.is_on and not self.machine.faults.unplugged
            return there and inbound_connection.admits(self.machine, port, remote_address)

    def decides(self, flow: SimulatedFlow) -> bool | None:
        """Whether a flow passes this host's firewall; None where that hangs on what the lab does not know. Raises ValueError
        for an address that is none, or an interface that the host has not."""
        with self.machine.lock:
            return flow_decision.decides(self.machine, flow)

    def watch(self, flows: Iterable[SimulatedFlow]) -> AbstractContextManager[list[tuple[str, Decisions]]]:
        """The decisions on flows before, and after each cmdlet that writes, as long as the context lasts: (cmdlet and name of its
        object, {flow: decision}); the first row, without a name, is how it was before."""
        return watched(self.machine, flows)
