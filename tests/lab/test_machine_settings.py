"""Profiles, global settings, IPsec DoS protection: call → values or refusal."""

from typing import Any

import pytest
from lab_machine import ask, cases, do, done, host, refused

from ringfence.batch import Call
from ringfence.lab import GROUP_POLICY, POLICY


@pytest.mark.parametrize("case", cases("lab_settings"), ids=lambda c: str(c["call"])[:120])
def test_setting(case: dict[str, Any]) -> None:
    on = host()
    calls = case["call"] if isinstance(case["call"], list) else [case["call"]]
    answers = [do(on, cmdlet, parameters) for call in calls for cmdlet, parameters in call.items()]
    if "refused" in case:
        refused(answers[-1], case["refused"])
        return
    assert [a.error for a in answers] == [None] * len(answers)
    root = GROUP_POLICY if case.get("store") == "group_policy" else POLICY
    for place, data in case["values"].items():
        path, _, name = f"{root}\\{place}".rpartition("\\")
        assert on.registry.get(path, name) == data, place


def test_dosp_settings_live_through_new_set_get_remove() -> None:
    on = host()
    get = Call("Net.Get", {"cmdlet": "Get-NetIPsecDospSetting"})
    assert ask(on, get)[0].value == []
    done(on, "New-NetIPsecDospSetting", Name="d", PublicInterfaceAliases="Ethernet", PrivateInterfaceAliases="Ethernet")
    refused(do(on, "New-NetIPsecDospSetting", {"Name": "D", "PublicInterfaceAliases": "Ethernet",
                                               "PrivateInterfaceAliases": "Ethernet"}), 183)
    done(on, "Set-NetIPsecDospSetting", Name="d", EnabledKeyingModules="IkeV2, AuthIP", MaxStateEntries=5000)
    assert ask(on, get)[0].value == [{"Name": "d", "PublicInterfaceAliases": ["Ethernet"], "MaxStateEntries": 5000,
                                      "PrivateInterfaceAliases": ["Ethernet"], "EnabledKeyingModules": "IkeV2, AuthIP"}]
    done(on, "Remove-NetIPsecDospSetting", Name="d")
    refused(do(on, "Remove-NetIPsecDospSetting", {"Name": "d"}), "CmdletizationQuery_NotFound_Name")
