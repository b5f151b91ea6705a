"""How a batch gets to a host: one verb, `run`, over PowerShell remoting, SSH, or a local process.

Each `run` opens a connection of its own (fresh socket, fresh authentication), carries one batch, and closes. It raises
nothing but `Unreachable` (nothing was sent yet) and `HostError` (the batch may have run), with a kind of
errors.FAILURES. Time is bounded by `ringfence_batch_timeout`, memory by `ringfence_max_reply`, whatever the host does.
"""

import functools
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from ringfence.batch import Batch, Reply
from ringfence.transports.resolve import settings_for
from ringfence.transports.settings import Local, Psrp


class Transport(Protocol):
    """A way to one host. `round_trips` counts batches carried; bytes are those of the carried messages."""

    name: str
    round_trips: int
    bytes_sent: int
    bytes_received: int

    def run(self, batch: Batch) -> Reply:
        """Carry `batch` to the host over a new connection. Raises Unreachable or HostError."""


def transport_for(host: str, variables: Mapping[str, Any]) -> Transport:
    """The transport that the connection variables of `host` choose (`ansible_connection`: psrp, winrm, ssh, local).

    Nothing is opened, no secret revealed. Raises InputError with every mistake in the variables.
    """
    return way_to(host, variables)()


def way_to(host: str, variables: Mapping[str, Any]) -> Callable[[], Transport]:
    """The same in two steps: mistakes are raised now, the transport is made when it is first asked for."""
    settings = settings_for(host, variables)

    @functools.cache
    def made() -> Transport:  # the client libraries take a while to import: only what is used, when it is used
        if isinstance(settings, Psrp):
            from ringfence.transports.psrp import PsrpTransport
            return PsrpTransport(settings)
        if isinstance(settings, Local):
            from ringfence.transports.local import LocalTransport
            return LocalTransport(settings)
        from ringfence.transports.ssh import SshTransport
        return SshTransport(settings)

    return made
