"""SSH by way of another host."""

import contextlib
import socket
import threading
from pathlib import Path
from typing import Any

import paramiko
import pytest
from faulty import HERE, Server, Ssh, free_port
from ssh_hosts import HOST_KEY, answer, fails, known, new_key, run

from ringfence.secret import Secret

pytestmark = pytest.mark.usefixtures("no_noise")


class Jumping(Ssh):
    """An SSH server that forwards to anywhere on this machine."""

    def check_channel_direct_tcpip_request(self, chanid: int, origin: Any, destination: Any) -> int:
        self.destination = destination
        return paramiko.common.OPEN_SUCCEEDED

    def serve(self, transport: paramiko.Transport) -> None:
        if channel := transport.accept(10):
            with socket.create_connection(self.destination) as onward:
                _relay(channel, onward)


def _relay(channel: paramiko.Channel, onward: socket.socket) -> None:
    def back() -> None:
        with contextlib.suppress(OSError, EOFError):
            while data := onward.recv(65536):
                channel.sendall(data)
            channel.close()
    thread = threading.Thread(target=back, daemon=True)
    thread.start()
    try:
        while data := channel.recv(65536):
            onward.sendall(data)
    finally:
        onward.shutdown(socket.SHUT_RDWR)
        thread.join(10)


@pytest.mark.parametrize("way", ["ringfence_ssh_jump", "-J", "-o ProxyJump="])
def test_jump(tmp_path: Path, way: str) -> None:
    jump_key = new_key()[1]
    with Server(Ssh(answer(), HOST_KEY)) as server, Server(Jumping(answer(), jump_key)) as jump:
        path = Path(known(tmp_path, server.port))
        path.write_text(path.read_text() + Path(known(tmp_path, jump.port, jump_key)).read_text())
        hop = f"admin@{HERE}:{jump.port}"
        how = ({"ringfence_ssh_jump": hop} if way == "ringfence_ssh_jump" else
               {"ansible_ssh_common_args": f"-C {way}{hop} -o ControlMaster=auto"})
        more: dict[str, Any] = {"ringfence_known_hosts": str(path), "ringfence_ssh_jump_password": Secret("secret"),
                                **how}
        assert run(tmp_path, server.port, **more)[0]
        assert (server.connections, jump.connections) == (1, 1)
        fails(tmp_path, server.port, "authentication", str(jump.port),
              **{**more, "ringfence_ssh_jump_password": Secret("falsch")})


def test_jump_that_fails(tmp_path: Path) -> None:
    port = free_port()
    fails(tmp_path, 22, "connection_refused", f"{HERE}:{port}", ringfence_ssh_jump=f"{HERE}:{port}")
    ssh = Ssh(answer(), HOST_KEY)  # does not forward
    with Server(ssh) as jump:
        fails(tmp_path, 4711, "network", f"{HERE}:4711: the jump host cannot reach it",
              ringfence_ssh_jump=f"admin@{HERE}:{jump.port}", ringfence_ssh_jump_password="secret",
              ringfence_known_hosts=known(tmp_path, jump.port))
