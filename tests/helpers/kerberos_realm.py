"""A realm of its own for a test: a real KDC (MIT krb5, Debian: krb5-kdc, krb5-admin-server, krb5-user; Python: gssapi, krb5)."""

import importlib.util
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

REALM, NAME = "LAB.EXAMPLE", "lab1.lab.example"
USER, PASSWORD = f"ops@{REALM}", "a pass phrase"
PATH = f"{os.environ.get('PATH', '')}:/usr/sbin"
TOOLS = {name: shutil.which(name, path=PATH) for name in ("krb5kdc", "kdb5_util", "kadmin.local", "kinit")}
MISSING = [name for name, found in TOOLS.items() if not found]
MISSING += [name for name in ("gssapi", "krb5") if not importlib.util.find_spec(name)]
NEEDS_A_KDC = pytest.mark.skipif(bool(MISSING), reason=f"needs {', '.join(MISSING)}")

KRB5_CONF = """
[libdefaults]
 default_realm = {realm}
 dns_lookup_kdc = false
 dns_canonicalize_hostname = false
 rdns = false
 udp_preference_limit = 1
[realms]
 {realm} = {{
  kdc = 127.0.0.1:{port}
 }}
[dbmodules]
 {realm} = {{
  db_library = db2
 }}
{more}
"""
KDC_CONF = """
[kdcdefaults]
 kdc_listen = 127.0.0.1:{port}
 kdc_tcp_listen = 127.0.0.1:{port}
[realms]
 {realm} = {{
  database_name = {directory}/principal
  key_stash_file = {directory}/stash
  acl_file = {directory}/acl
 }}
"""


def tool(name: str, *arguments: str) -> list[str]:
    found = TOOLS[name]
    assert found is not None
    return [found, *arguments]


def krb5_conf(port: int) -> str:
    """The text of a krb5.conf for a KDC on a port here."""
    more = os.environ.get("RINGFENCE_KRB5_CONF", "")  # further sections, where krb5 is not installed in its usual place
    return KRB5_CONF.format(realm=REALM, port=port, more=more)


@contextmanager
def running_realm(directory: Path) -> Iterator[Path]:
    """A realm with one user and one host, whose keytab this process uses; the variables are set back at the end."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    (directory / "krb5.conf").write_text(krb5_conf(port))
    (directory / "kdc.conf").write_text(KDC_CONF.format(realm=REALM, port=port, directory=directory))
    settings = {"KRB5_CONFIG": "krb5.conf", "KRB5_KDC_PROFILE": "kdc.conf", "KRB5_KTNAME": "keytab", "KRB5CCNAME": "ccache"}
    with pytest.MonkeyPatch.context() as patch:
        for name, file in settings.items():
            patch.setenv(name, str(directory / file))
        subprocess.run(tool("kdb5_util", "create", "-s", "-r", REALM, "-P", "master"), check=True, capture_output=True)
        for query in (f'addprinc -pw "{PASSWORD}" {USER}', f"addprinc -randkey host/{NAME}@{REALM}",
                      f"ktadd -k {directory}/keytab host/{NAME}@{REALM}"):
            subprocess.run(tool("kadmin.local", "-r", REALM, "-q", query), check=True, capture_output=True)
        with subprocess.Popen(tool("krb5kdc", "-n", "-r", REALM), stderr=subprocess.DEVNULL) as kdc:
            try:
                wait_for(port, kdc)
                yield directory
            finally:
                kdc.terminate()


def wait_for(port: int, kdc: "subprocess.Popen[bytes]") -> None:
    """Until the KDC listens."""
    deadline = time.monotonic() + 15
    while kdc.poll() is None and time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except ConnectionRefusedError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError("the KDC did not start")
