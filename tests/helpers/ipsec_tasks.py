"""Tasks of IPsec as most tests of runs need them: one set, one rule."""

from typing import Any

from core import task

from ringfence.project.render import RenderedTask

KERBEROS = [{"machine": True, "kerberos": True}]
ISOLATION = {"name": "iso", "inbound_security": "require", "outbound_security": "request", "remote_address": "10.0.0.0/8"}
PHASE1 = "{E5A5D32A-4BCE-4e4d-B07F-4AB1BA7E5FE3}"


def a_set(name: str = "s", **more: Any) -> RenderedTask:
    """A set that asks the computers for Kerberos."""
    return task("ipsec_phase1_auth_set", {"name": name, "proposal": KERBEROS, **more})


def a_rule(**more: Any) -> RenderedTask:
    """A rule that isolates 10.0.0.0/8 with the default sets."""
    return task("ipsec_rule", {**ISOLATION, **more})
