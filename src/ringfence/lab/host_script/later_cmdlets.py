"""Get- cmdlets that later versions of NetSecurity brought: dynamic keywords, the firewall of Hyper-V. What they show is data of
the machine; a Windows that is older does not know the command."""

from typing import Any

from ringfence.lab.host_script.allow_list import not_allowed
from ringfence.lab.machine.machine import Machine
from ringfence.lab.netsecurity.cmdlet_errors import CmdletError

LATER = ("NetFirewallDynamicKeywordAddress", "NetFirewallHyperVVMCreator", "NetFirewallHyperVVMSetting",
         "NetFirewallHyperVProfile", "NetFirewallHyperVRule")


def shown_by(machine: Machine, cmdlet: str) -> list[dict[str, Any]]:
    """What a cmdlet shows. Raises CmdletError where it is none of these, and where the machine's Windows lacks it."""
    noun = cmdlet.removeprefix("Get-")
    if noun not in LATER or noun == cmdlet:
        raise not_allowed(cmdlet)
    if noun not in machine.later_objects:
        raise CmdletError("ObjectNotFound", "CommandNotFoundException", f"The term '{cmdlet}' is not recognized as the name of a "
                          "cmdlet, function, script file, or operable program.")
    return [dict(one) for one in machine.later_objects[noun]]
