"""How the tests of the PSRP transport run a batch and check how it failed."""

from typing import Any

import pytest
from batches import batch_of, open_transport
from faulty import HERE

from ringfence.batch import Call, Reply
from ringfence.errors import FAILURES, HostError, Unreachable
from ringfence.secret import Secret

BATCH = batch_of(Call("Facts.Read", {"text": "ä€😀_x000D_\u0001"}))
FAST = {"ansible_psrp_read_timeout": 10, "ansible_psrp_operation_timeout": 1, "ansible_timeout": 10,
        "ringfence_batch_timeout": 60, "ansible_psrp_reconnection_backoff": 0.05}


def variables(port: int, **more: Any) -> dict[str, Any]:
    """The connection variables for a server of faulty.py."""
    return {"ansible_host": HERE, "ansible_port": port, "ansible_user": "admin", "ansible_password": Secret("geheim"),
            "ansible_psrp_auth": "basic", "ansible_psrp_protocol": "http", "ansible_psrp_message_encryption": "never",
            "ansible_psrp_ignore_proxy": True, **FAST, **more}


def run(port: int, **more: Any) -> Reply:
    """One batch."""
    return open_transport("srv1", variables(port, **more)).run(BATCH)


def fails(port: int, kind: str, said: str = "", sent: bool = False, **more: Any) -> HostError:
    """The error of a run, checked: its kind, one line with all parts, whether the batch was sent."""
    with pytest.raises(HostError) as caught:
        run(port, **more)
    error = caught.value
    assert (error.kind, isinstance(error, Unreachable)) == (kind, not sent), str(error)
    assert said in str(error)
    assert str(error).isprintable()
    assert FAILURES[kind][1] in str(error)
    assert "geheim" not in str(error)
    return error
