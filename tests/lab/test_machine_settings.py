"""Settings of IPsec DoS protection, which no registry shows."""

from lab_machine import ask, do, done, host, refused

from ringfence.batch import Call


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
