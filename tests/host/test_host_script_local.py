"""Through the local transport to a real PowerShell, with a NetSecurity module that keeps its rules in `HKLM:`."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from batches import batch_of
from host_script import HERE, needs_file_registry, needs_pwsh

from ringfence.batch import Call, Reply, cmdlet_call
from ringfence.transports.connection_settings import LocalSettings
from ringfence.transports.local import LocalTransport

pytestmark = needs_pwsh

Run = Callable[..., Reply]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("PSHOST_REGISTRY", str(tmp_path / "registry.json"))
    monkeypatch.setenv("PSModulePath", str(HERE / "pwsh" / "modules"))
    needs_file_registry(tmp_path / "registry.json")
    transport = LocalTransport(LocalSettings(powershell="pwsh"))
    return lambda *calls, stop=True: transport.run(batch_of(*calls, stop_on_error=stop))


def rules(run: Run) -> dict[str, str]:
    policy: dict[str, Any] = dict(run(Call("Policy.Read", {"stores": ["local"]}))[0]["local"])
    return {name: value for name, _, value in policy.get("FirewallRules", [])}


def test_create_set_and_remove(run: Run) -> None:
    assert rules(run) == {}
    reply = run(
        cmdlet_call("New-NetFirewallRule", {"Name": "a", "DisplayName": "\u6771", "RemoteAddress": ["10.0.0.0/8", "192.0.2.1"]}),
        cmdlet_call("New-NetFirewallRule", {"Name": "b", "DisplayName": "B", "Enabled": "False"}),
        cmdlet_call("Set-NetFirewallRule", {"Name": "b", "Action": "Block"}),
        cmdlet_call("Set-NetFirewallProfile", {"Name": ["Domain", "Private"], "Enabled": "True"}),
        Call("Enforcement.Read", {"kind": "NetFirewallRule", "names": ["a", "none"]}),
    )
    assert [a.error for a in reply.answers.values()] == [None] * 5
    assert set(reply[4]) == {"a"}
    assert rules(run) == {"a": "v2.31|Action=Allow|Active=TRUE|Dir=In|RA4=10.0.0.0/8|RA4=192.0.2.1|Name=\u6771|",
                          "b": "v2.31|Action=Block|Active=FALSE|Dir=In|Name=B|"}
    reply = run(cmdlet_call("Remove-NetFirewallRule", {"Name": "a"}), cmdlet_call("Remove-NetFirewallRule", {"Name": "a"}),
                cmdlet_call("Remove-NetFirewallRule", {"Name": "b"}))
    assert [a.error and a.error.id.partition(",")[0] for a in reply.answers.values()] == [
        None,
        "CmdletizationQuery_NotFound_InstanceID",
    ]
    assert list(rules(run)) == ["b"]


def test_many_sets_and_groups(run: Run) -> None:
    names = [f"r{i}" for i in range(12)]
    run(*(cmdlet_call("New-NetFirewallRule", {"Name": n, "DisplayName": n}) for n in names))
    run(
        *(cmdlet_call("Set-NetFirewallRule", {"Name": n, "Enabled": "False"}) for n in names),
        cmdlet_call("Set-NetFirewallRule", {"Name": "r3", "Group": "g", "NewDisplayName": "three"}),
        cmdlet_call("Remove-NetFirewallRule", {"Name": "r5"}),
        cmdlet_call("New-NetFirewallRule", {"Name": "r5", "DisplayName": "new"}),
        cmdlet_call("Set-NetFirewallRule", {"Name": "r5", "Action": "Block"}),
    )
    expected = {n: f"v2.31|Action=Allow|Active=FALSE|Dir=In|Name={n}|" for n in names}
    expected["r3"] = "v2.31|Action=Allow|Active=FALSE|Dir=In|Name=three|EmbedCtxt=g|"
    expected["r5"] = "v2.31|Action=Block|Active=TRUE|Dir=In|Name=new|"
    assert rules(run) == expected
