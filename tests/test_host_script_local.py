"""Through the local transport to a real PowerShell, with a NetSecurity module that keeps its rules in `HKLM:`."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from host_script import HERE, needs_file_registry, needs_pwsh

from ringfence.batch import Batch, Call, Reply, net
from ringfence.transports.local import LocalTransport
from ringfence.transports.settings import Local

pytestmark = needs_pwsh

Run = Callable[..., Reply]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("PSHOST_REGISTRY", str(tmp_path / "registry.json"))
    monkeypatch.setenv("PSModulePath", str(HERE / "pwsh" / "modules"))
    needs_file_registry(tmp_path / "registry.json")
    transport = LocalTransport(Local(powershell="pwsh"))
    return lambda *calls, stop=True: transport.run(Batch(calls, stop))


def rules(run: Run) -> dict[str, str]:
    policy: dict[str, Any] = dict(run(Call("Policy.Read", {"stores": ["local"]})).value(0)["local"])
    return {name: value for name, _, value in policy.get("FirewallRules", [])}


def test_create_set_and_remove(run: Run) -> None:
    assert rules(run) == {}
    reply = run(net("New-NetFirewallRule", {"Name": "a", "DisplayName": "\u6771", "RemoteAddress": ["10.0.0.0/8", "192.0.2.1"]}),
                net("New-NetFirewallRule", {"Name": "b", "DisplayName": "B", "Enabled": "False"}),
                net("Set-NetFirewallRule", {"Name": "b", "Action": "Block", "PolicyStore": "PersistentStore"}),
                net("Set-NetFirewallProfile", {"Name": ["Domain", "Private"], "Enabled": "True"}),
                Call("Enforcement.Read", {"kind": "NetFirewallRule", "names": ["a", "none"]}))
    assert [a.error for a in reply.answers] == [None] * 5
    assert set(reply.value(4)) == {"a"}
    assert rules(run) == {"a": "v2.31|Action=Allow|Active=TRUE|Dir=In|RA4=10.0.0.0/8|RA4=192.0.2.1|Name=\u6771|",
                          "b": "v2.31|Action=Block|Active=FALSE|Dir=In|Name=B|"}
    reply = run(net("Remove-NetFirewallRule", {"Name": "a"}), net("Remove-NetFirewallRule", {"Name": "a"}),
                net("Remove-NetFirewallRule", {"Name": "b"}))
    assert [a.error and a.error.id.partition(",")[0] for a in reply.answers] == [None, "CmdletizationQuery_NotFound_InstanceID"]
    assert list(rules(run)) == ["b"]


def test_many_sets_and_groups(run: Run) -> None:
    names = [f"r{i}" for i in range(12)]
    run(*(net("New-NetFirewallRule", {"Name": n, "DisplayName": n}) for n in names))
    run(*(net("Set-NetFirewallRule", {"Name": n, "Enabled": "False"}) for n in names),
        net("Set-NetFirewallRule", {"Name": "r3", "Group": "g", "NewDisplayName": "three"}),
        net("Remove-NetFirewallRule", {"Name": "r5"}), net("New-NetFirewallRule", {"Name": "r5", "DisplayName": "new"}),
        net("Set-NetFirewallRule", {"Name": "r5", "Action": "Block"}))
    expected = {n: f"v2.31|Action=Allow|Active=FALSE|Dir=In|Name={n}|" for n in names}
    expected["r3"] = "v2.31|Action=Allow|Active=FALSE|Dir=In|Name=three|EmbedCtxt=g|"
    expected["r5"] = "v2.31|Action=Block|Active=TRUE|Dir=In|Name=new|"
    assert rules(run) == expected
