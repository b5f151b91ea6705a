"""An SSH server whose every command succeeds at once: the least that a client can be asked for per task.

`python -m tests.bench.sshd FOLDER` writes `key` (the private key of the user) and `port` into the folder, and serves until
it is told to end.
"""

import signal
import socket
import sys
import threading
from pathlib import Path

import paramiko
from paramiko.common import (
    AUTH_FAILED,
    AUTH_SUCCESSFUL,
    OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED,
    OPEN_SUCCEEDED,
)


class Server(paramiko.ServerInterface):
    """Admits one key, and says 0 to every command."""

    def __init__(self, key: paramiko.PKey) -> None:
        self.key = key

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        return AUTH_SUCCESSFUL if key == self.key else AUTH_FAILED

    def get_allowed_auths(self, username: str) -> str:
        return "publickey"

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return OPEN_SUCCEEDED if kind == "session" else OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED

    def check_channel_env_request(self, channel: paramiko.Channel, name: bytes, value: bytes) -> bool:
        return True

    def check_channel_pty_request(self, *_: object) -> bool:
        return True

    def check_channel_exec_request(self, channel: paramiko.Channel, command: bytes) -> bool:
        threading.Timer(0.02, _succeed, [channel]).start()  # the request is answered first, by what calls this
        return True


def _succeed(channel: paramiko.Channel) -> None:
    channel.send_exit_status(0)
    channel.close()


def _serve(connection: socket.socket, host_key: paramiko.PKey, key: paramiko.PKey) -> None:
    transport = paramiko.Transport(connection)
    transport.add_server_key(host_key)
    transport.start_server(server=Server(key))
    channels = []
    while (channel := transport.accept(3600)) is not None:
        channels.append(channel)  # one that nobody holds is closed


def main(folder: str) -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    host_key, key = paramiko.ECDSAKey.generate(), paramiko.ECDSAKey.generate()
    key.write_private_key_file(str(Path(folder, "key")))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        Path(folder, "port.half").write_text(str(listener.getsockname()[1]), encoding="ascii")
        Path(folder, "port.half").replace(Path(folder, "port"))
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=_serve, args=(connection, host_key, key), daemon=True).start()


if __name__ == "__main__":
    main(*sys.argv[1:])
