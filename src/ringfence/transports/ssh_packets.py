"""SSH's packets, bounded: paramiko believes a server whatever length it names, and keeps what comes beyond the window.

Whoever is on the path can answer before anybody has logged on, so little is read until then; and after it no more than
an answer may have.
"""

from typing import Any

from paramiko.packet import Packetizer
from paramiko.ssh_exception import SSHException
from paramiko.transport import Transport

_MAX_PACKET = 35_000  # bytes of an SSH packet, RFC 4253 6.1; and a block and a MAC, which paramiko reads along
_MAX_GREETING = 2**16  # bytes of the lines before and with the version: RFC 4253 4.2 gives that 255 and bounds no others
MORE_THAN = "more than"  # what the messages begin with
BEFORE_LOG_ON = 2**20  # bytes of all packets of an SSH server before log-on


class BoundedPacketizer(Packetizer):
    """Reads packets of a length that the protocol allows, and no more than `limit` bytes in all."""

    def __init__(self, socket: Any) -> None:
        super().__init__(socket)
        self.limit, self.received, self.too_much = BEFORE_LOG_ON, 0, False

    def read_all(self, n: int, check_rekey: bool = False) -> bytes:
        if n > _MAX_PACKET + 128:
            raise SSHException(f"{MORE_THAN} {_MAX_PACKET} bytes in a packet")
        found = bytes(super().read_all(n, check_rekey))
        self._count(len(found), self.limit)
        return found

    def _read_timeout(self, timeout: float) -> bytes:
        found: bytes = super()._read_timeout(timeout)  # type: ignore[misc]
        self._count(len(found), _MAX_GREETING)
        return found

    def _count(self, size: int, limit: int) -> None:
        self.received += size
        if self.received > limit:
            self.too_much = True
            raise SSHException(f"{MORE_THAN} {limit} bytes" + (" before anybody logged on" if limit <= BEFORE_LOG_ON else ""))


class BoundedTransport(Transport):
    """paramiko's, over bounded packets."""

    def __init__(self, sock: Any, **options: Any) -> None:
        super().__init__(sock, **options, packetizer_class=BoundedPacketizer)
        self._bounded: BoundedPacketizer = self.packetizer  # type: ignore[assignment]

    def logged_on(self, limit: int) -> None:
        """From now on `limit` bytes may come."""
        self._bounded.limit = limit

    @property
    def too_much(self) -> bool:
        """Whether more came than was allowed."""
        return self._bounded.too_much
