"""How a batch gets to a host: one verb, `run`, over PowerShell remoting, SSH, or a local process.

Each `run` opens a connection of its own (fresh socket, fresh authentication), carries one batch, and closes. It raises
nothing but `Unreachable` (nothing was sent yet) and `HostError` (the batch may have run), with a kind of
errors.FAILURES. Time is bounded by `ringfence_batch_timeout`, memory by `ringfence_max_reply`, whatever the host does.
"""

from typing import TYPE_CHECKING, Protocol

from ringfence.transports.connection_settings import ConnectionSettings, LocalSettings, PsrpSettings

if TYPE_CHECKING:
    from ringfence.batch import Batch, Reply


class Transport(Protocol):
    """A way to one host."""

    def run(self, batch: "Batch") -> "Reply":
        """Carry `batch` to the host over a new connection. Raises Unreachable or HostError."""


class CountingTransport(Transport, Protocol):
    """What every transport of ringfence knows besides: batches carried, the bytes of the carried messages, and the
    authentication that client and host came to on the last connection (empty where there is none to tell)."""

    name: str
    agreed: str
    round_trips: int
    bytes_sent: int
    bytes_received: int


def transport_for(settings: ConnectionSettings) -> CountingTransport:
    """The transport that settings are for (see resolve.settings_for). Nothing is opened, no secret revealed."""
    # the client libraries take a while to import: only what is used
    if isinstance(settings, PsrpSettings):
        from ringfence.transports.psrp import PsrpTransport
        return PsrpTransport(settings)
    if isinstance(settings, LocalSettings):
        from ringfence.transports.local import LocalTransport
        return LocalTransport(settings)
    from ringfence.transports.ssh import SshTransport
    return SshTransport(settings)
