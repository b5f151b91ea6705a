"""Through the local transport to a real PowerShell: the writer against a simulated host's registry, cmdlets and rules."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from batches import batch_of, open_transport
from host_script import PWSH, needs_pwsh

from ringfence.batch import Call, Reply, cmdlet_call
from ringfence.lab import machine
from ringfence.lab.simulated_fleet import SimulatedFleet

pytestmark = needs_pwsh

Run = Callable[..., Reply]


@pytest.fixture
def run() -> Iterator[Run]:
    with SimulatedFleet([machine("LOCAL1")], "local", pwsh=PWSH) as lab:
        transport = open_transport("LOCAL1", lab.running["LOCAL1"].variables)
        yield lambda *calls, stop=True: transport.run(batch_of(*calls, stop_on_error=stop))


def rules(run: Run) -> dict[str, str]:
    """Those that are not of Windows itself."""
    policy: dict[str, Any] = dict(run(Call("Policy.Read", {"stores": ["local"]}))[0]["local"])
    return {name: value for name, _, value in policy["FirewallRules"] if name.startswith("corp-")}


def new(name: str, **parameters: Any) -> Call:
    return cmdlet_call("New-NetFirewallRule", {"Name": name, "DisplayName": name, **parameters})


def changed(name: str, **parameters: Any) -> Call:
    return cmdlet_call("Set-NetFirewallRule", {"Name": name, **parameters})


def removed(name: str) -> Call:
    return cmdlet_call("Remove-NetFirewallRule", {"Name": name})


def test_create_set_and_remove(run: Run) -> None:
    assert rules(run) == {}
    reply = run(
        new("corp-a", DisplayName="\u6771", RemoteAddress=["10.0.0.0/8", "192.0.2.1"]),
        new("corp-b", DisplayName="B", Enabled="False"), changed("corp-b", Action="Block"),
        cmdlet_call("Set-NetFirewallProfile", {"Name": ["Domain", "Private"], "Enabled": "True"}),
        Call("Enforcement.Read", {"kind": "NetFirewallRule", "names": ["corp-a", "none"]}))
    assert [a.error for a in reply.answers.values()] == [None] * 5
    assert set(reply[4]) == {"corp-a"}
    assert rules(run) == {
        "corp-a": "v2.31|Action=Allow|Active=TRUE|Dir=In|RA4=10.0.0.0/255.0.0.0|RA4=192.0.2.1|Name=\u6771|",
        "corp-b": "v2.31|Action=Block|Active=FALSE|Dir=In|Name=B|"}
    reply = run(removed("corp-a"), removed("corp-a"), removed("corp-b"))
    assert [a.error and a.error.id.partition(",")[0] for a in reply.answers.values()] == [
        None, "CmdletizationQuery_NotFound_InstanceID"]
    assert list(rules(run)) == ["corp-b"]


def test_many_sets_and_groups(run: Run) -> None:
    names = [f"corp-{i}" for i in range(12)]
    run(*map(new, names))
    run(*(changed(n, Enabled="False") for n in names), changed("corp-3", Group="g", NewDisplayName="three"),
        removed("corp-5"), new("corp-5", DisplayName="new"), changed("corp-5", Action="Block"))
    expected = {n: f"v2.31|Action=Allow|Active=FALSE|Dir=In|Name={n}|" for n in names}
    expected["corp-3"] = "v2.31|Action=Allow|Active=FALSE|Dir=In|Name=three|EmbedCtxt=g|"
    expected["corp-5"] = "v2.31|Action=Block|Active=TRUE|Dir=In|Name=new|"
    assert rules(run) == expected
