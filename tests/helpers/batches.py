"""Batches whose calls are labelled by their numbers, and transports made of connection variables, for tests of the wire."""

from collections.abc import Mapping
from typing import Any

from ringfence.batch import Batch, Call
from ringfence.transports import CountingTransport, transport_for
from ringfence.transports.resolve import settings_for


def batch_of(*calls: Call, **how: Any) -> Batch:
    """A batch of these calls; the reply has its answers under 0, 1, …"""
    return Batch(dict(enumerate(calls)), **how)


def open_transport(host: str, variables: Mapping[str, Any]) -> CountingTransport:
    """The way to a host that its connection variables choose."""
    return transport_for(settings_for(host, variables))
