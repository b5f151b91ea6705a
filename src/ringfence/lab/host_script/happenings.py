"""What happens to a host in the middle of a batch: hooks that trials hang in, a connection that goes, power that goes."""

from collections.abc import Callable

from ringfence.lab.machine.machine import Machine
from ringfence.lab.session import CarriesOn, Dropped, PowerLost

Hook = Callable[[int, str], None]


class Happenings:
    """Of one batch. drop: cuts the connections; `nobody_hears`: they were cut, and the batch runs on."""

    def __init__(self, machine: Machine, drop: Callable[[], None] = lambda: None) -> None:
        self.machine, self._drop = machine, drop
        self.nobody_hears = False
        self._number, self._boots = -1, machine.boots

    @property
    def had_power(self) -> bool:
        """Whether the host is on, and has been since the batch began."""
        return self.machine.is_on and self.machine.boots == self._boots

    def require_power(self) -> None:
        """Raises Dropped where it has not."""
        if not self.had_power:
            raise Dropped("the host went off")

    def before(self, verb: str) -> None:
        """Before the next call. Raises Dropped, CmdletError."""
        self._number += 1
        self._call(self.machine.faults.before_call, verb)

    def after(self, verb: str) -> None:
        """After a call that has succeeded. Raises Dropped, CmdletError."""
        self._call(self.machine.faults.after_call, verb)

    def _call(self, hook: Hook | None, verb: str) -> None:
        if hook is None:
            return
        try:
            hook(self._number, verb)
        except CarriesOn:
            self.nobody_hears = True
            self._drop()
        except PowerLost:
            self.machine.power_off()
            raise Dropped("power was lost") from None
        self.require_power()  # it may have restarted the host
