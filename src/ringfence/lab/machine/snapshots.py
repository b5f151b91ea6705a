"""What outlives a restart of a simulated host, copied: a snapshot of its disks, or an image to make other machines from."""

import copy
from dataclasses import dataclass
from typing import Any

from ringfence.lab.machine.machine import Machine
from ringfence.lab.machine.machine_files import MachineFile
from ringfence.lab.machine.scheduled_tasks import ScheduledTask
from ringfence.lab.registry.hive import StoredKey


@dataclass(frozen=True, slots=True)
class MachineSnapshot:
    """Registry, files, tasks, and objects that are kept elsewhere."""

    registry: StoredKey
    files: MachineFile
    tasks: tuple[ScheduledTask, ...]
    objects: tuple[dict[str, Any], dict[str, Any]]

    @classmethod
    def of(cls, machine: Machine) -> "MachineSnapshot":
        """That of a machine as it is now. What runs is not in it."""
        tasks = tuple(ScheduledTask(t.path, t.definition, t.enabled, t.result, t.last_run) for t in machine.tasks.tasks())
        return cls(machine.registry.image(), copy.deepcopy(machine.files.root), tasks,
                   copy.deepcopy((machine.later_objects, machine.dosp)))

    def put_on(self, machine: Machine) -> None:
        """Puts it on a machine that is off."""
        machine.registry.put_back(self.registry)
        machine.files.root = copy.deepcopy(self.files)
        for _, file in machine.files.walk():
            file.in_use = False  # by programs of then
        machine.tasks.put_back(list(self.tasks))
        machine.later_objects, machine.dosp = copy.deepcopy(self.objects)
