"""The policy stores that -PolicyStore names, and where each one lives in the registry."""

from ringfence.lab.machine.machine import Machine
from ringfence.lab.netsecurity.cmdlet_errors import system_error
from ringfence.lab.registry.hive import GROUP_POLICY, POLICY, RESTRICTED, SYSTEM_DEFAULTS


# New-NetFirewallRule, -PolicyStore; [MS-FASP] 3.1.4.6: ERROR_NOT_SUPPORTED. open: read-only-store, localhost-at-once
def policy_root(machine: Machine, name: str, write: bool = True) -> str:
    """The registry key of a policy store, for writing or for reading (Copy). Raises system error 50, 2 or 1355."""
    word = name.lower()
    if word in ("", "persistentstore"):
        return POLICY
    if word in ("localhost", machine.name.lower()):
        return GROUP_POLICY
    if word == "configurableservicestore":
        return RESTRICTED + r"\Configurable"
    read_only = {"activestore": POLICY, "rsop": GROUP_POLICY, "systemdefaults": SYSTEM_DEFAULTS,
                 "staticservicestore": RESTRICTED + r"\Static"}
    if word in read_only:
        if write:
            raise system_error(50, f"The store {name} is read-only.")
        return read_only[word]
    if "\\" in word and (machine.domain or "").lower() != word.partition("\\")[0]:
        raise system_error(1355)
    raise system_error(2, f"Policy store {name}.")
