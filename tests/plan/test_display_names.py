"""A display name in place of a name: the task would leave what people mean by it as it is."""

from typing import Any

import pytest
from core import at
from hosts import LabHost

SMTP = "v2.31|Action=Allow|Active=TRUE|Dir=In|Protocol=6|LPort=25|Name=SMTP|"
RDP = "Remote Desktop - User Mode (TCP-In)"


@pytest.mark.parametrize("say", [{"state": "absent"}, {"protocol": "tcp", "local_port": 25, "remote_address": "10.0.0.1"}])
@pytest.mark.parametrize(("host", "name", "meant"), [
    (LabHost({"{11111111-2222-3333-4444-555555555555}": SMTP}), "smtp", "{11111111-2222-3333-4444-555555555555}"),
    (LabHost(), RDP, "RemoteDesktop-UserMode-In-TCP"),
    (LabHost({f"r{n}": SMTP for n in range(9)}), "SMTP", "r0, r1, r2, r3, r4 and 4 more")])
def test_what_is_called_so_is_told(host: LabHost, name: str, meant: str, say: dict[str, Any]) -> None:
    (warning,) = host.plan(at(3, name=name, **say)).diagnostics
    assert (warning.severity, warning.where.line) == ("warning", 4)
    assert warning.summary.endswith(f"it is the display name of {meant}")


@pytest.mark.parametrize("name", ["SMTP", "other"])
def test_a_name_that_is_there_or_nobodys_is_no_matter(name: str) -> None:
    host = LabHost({"SMTP": SMTP, "second": SMTP})
    assert host.plan(at(3, name=name, state="absent")).diagnostics == ()
