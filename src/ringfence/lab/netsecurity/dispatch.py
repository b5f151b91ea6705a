"""The NetSecurity cmdlets on a simulated host: from a call with bound parameters to the registry.

What Windows fills in, how objects are found, and what is refused follow Microsoft's pages of the cmdlets and MS-FASP;
the error shapes are in cmdlet_errors.py. Nothing of the engine's codecs is used here. Above each table and each refusal stands
its document and section ("New-NetFirewallRule, -Name" is Microsoft's page of a cmdlet), or `open: ID`, a row of
open_behaviours.py, where no document says it or documents disagree.
"""

import uuid
from collections.abc import Callable, Mapping
from typing import Any

from ringfence.lab.machine.machine import Machine
from ringfence.lab.netsecurity import firewall_rules, global_settings, ipsec_proposals, ipsec_rules, ipsec_sets, parameter_values
from ringfence.lab.netsecurity.cmdlet_errors import CmdletError, system_error
from ringfence.lab.netsecurity.objects import NOUNS, SET_BY, Noun, in_use, select
from ringfence.lab.netsecurity.parameter_binding import Proposal, bind, cmdlets
from ringfence.lab.netsecurity.policy_stores import policy_root
from ringfence.lab.registry.hive import GROUP_POLICY
from ringfence.lab.registry.stored_rule import StoredRule

# New-NetIPsecPhase1AuthSet, -Proposal; New-NetIPsecMainModeCryptoSet, -Proposal; New-NetIPsecQuickModeCryptoSet, -Proposal
PROPOSALS = {"New-NetIPsecAuthProposal": ipsec_proposals.auth_proposal,
             "New-NetIPsecMainModeCryptoProposal": ipsec_proposals.main_mode_proposal,
             "New-NetIPsecQuickModeCryptoProposal": ipsec_proposals.quick_mode_proposal}
# MSFT_NetFirewallProfile, MSFT_NetSecuritySettingData, MSFT_NetIPsecDoSPSetting: what is no rule and no set
SETTINGS: dict[str, Callable[[Machine, Mapping[str, Any]], None]] = {
    "Set-NetFirewallProfile": global_settings.set_profile, "Set-NetFirewallSetting": global_settings.set_setting,
    "New-NetIPsecDospSetting": global_settings.new_dosp, "Set-NetIPsecDospSetting": global_settings.set_dosp,
    "Remove-NetIPsecDospSetting": global_settings.remove_dosp}


def propose(cmdlet: str, parameters: Mapping[str, Any]) -> Proposal:
    """Runs one of the New-…Proposal cmdlets. Raises CmdletError."""
    name = cmdlets()[cmdlet.lower()]["name"]
    try:
        return PROPOSALS[name](bind(cmdlet, parameters))
    except CmdletError as error:
        raise error.raised_by(name) from None


def call(machine: Machine, cmdlet: str, parameters: Mapping[str, Any], new_group: str | None = None, *,
         by_object: bool = False) -> None:
    """Runs a cmdlet that writes. Raises CmdletError.

    new_group: the value assigned to an object's Group before Set · by_object: the name is that of an object at hand.
    """
    name = cmdlets()[cmdlet.lower()]["name"]
    try:
        arguments = bind(cmdlet, parameters)
        if new_group is not None:
            arguments["NewGroup"] = new_group
        if by_object:
            arguments["InputObject"] = True
        if machine.faults.before_write is not None:
            machine.faults.before_write(name)
        _run(machine, name, arguments)
    except CmdletError as error:
        raise error.raised_by(name) from None
    finally:
        named = parameters.get("Name") or parameters.get("DisplayName") or ""
        machine.called(f"{name} {', '.join(named) if isinstance(named, list) else named}".rstrip())


# New-NetFirewallRule, -GPOSession: what Open-NetGPO gave, which is nothing here. open: unknown-gpo-session
def _run(machine: Machine, name: str, arguments: dict[str, Any]) -> None:
    verb, _, noun = name.partition("-")
    if arguments.get("GPOSession") or arguments.get("NewGPOSession"):
        raise system_error(87, "There is no such GPO session.")
    if name in SETTINGS:
        SETTINGS[name](machine, arguments)
    elif verb == "New":
        _new(machine, NOUNS[noun], arguments)
    elif verb == "Set":
        _set(machine, NOUNS[noun], arguments)
    else:
        _VERBS[verb](machine, NOUNS[noun], arguments)


# [MS-FASP] 3.1.4.6, 3.1.4.13, 3.1.4.18, 3.1.4.23: ERROR_ALREADY_EXISTS
def _new(machine: Machine, noun: Noun, arguments: dict[str, Any]) -> None:
    root = policy_root(machine, arguments.get("PolicyStore", ""))
    if noun.in_subkeys:
        ipsec_sets.new(machine, noun, root, arguments)
        return
    name = arguments.get("Name", arguments.get("IPsecRuleName", "{" + str(uuid.uuid4()).upper() + "}"))
    parameter_values.rule_id(name)
    rule = StoredRule(noun.key)
    _fill(machine, noun, root, rule, _DEFAULTS[noun.key] | arguments)
    if noun.find(machine.registry, root, name) is not None:
        raise system_error(183)
    machine.registry.set(noun.path(root), name, rule.text(machine.schema))


# New-NetFirewallRule, -Enabled, -Direction, -Action; New-NetIPsecRule, -Enabled, -InboundSecurity, -OutboundSecurity, -Mode;
# New-NetIPsecMainModeRule, -Enabled: their defaults
_DEFAULTS: dict[str, dict[str, Any]] = {
    "FirewallRules": {"Enabled": "True", "Direction": "Inbound", "Action": "Allow"},
    "ConSecRules": {"Enabled": "True", "InboundSecurity": "None", "OutboundSecurity": "None", "Mode": "Transport"},
    "MainModeRules": {"Enabled": "True"},
}


def _fill(machine: Machine, noun: Noun, root: str, rule: StoredRule, arguments: Mapping[str, Any]) -> None:
    """Writes parameters into a rule and checks the whole of it."""
    if noun.key == "FirewallRules":
        firewall_rules.apply(rule, arguments, machine)
        firewall_rules.check(rule, machine.schema)
    elif noun.key == "ConSecRules":
        ipsec_rules.apply(rule, arguments, machine)
        ipsec_rules.check(machine, root, rule)
    else:
        ipsec_rules.apply_main_mode(rule, arguments, machine)
        ipsec_rules.check_main_mode(machine, root, rule)


# Set-NetFirewallRule, -Name, -DisplayName, -DisplayGroup, -Group; Set-NetIPsecRule, -IPsecRuleName: what selects rules and
# changes nothing in them, as an object at hand does
_SELECTING = {"DisplayName", "DisplayGroup", "Group", "Name", "IPsecRuleName", "InputObject"}


# Set-NetFirewallRule and its like. open: unknown-tokens
def _set(machine: Machine, noun: Noun, arguments: dict[str, Any]) -> None:
    root = policy_root(machine, arguments.get("PolicyStore", ""))
    changes = {k: v for k, v in arguments.items() if k not in _SELECTING}
    if "NewGroup" in changes:
        changes["Group"] = changes.pop("NewGroup")

    def set_one(name: str) -> None:
        if noun.in_subkeys:
            ipsec_sets.change(machine, noun, root, name, changes)
        else:
            rule = noun.read(machine.registry, root, name)
            _fill(machine, noun, root, rule, changes)
            machine.registry.set(noun.path(root), name, rule.text(machine.schema))

    select(machine, noun, root, arguments, SET_BY).for_all(set_one)


# [MS-FASP] 3.1.4.20, 3.1.4.25: ERROR_ACTIVE_CONNECTIONS
def _remove(machine: Machine, noun: Noun, arguments: dict[str, Any]) -> None:
    root = policy_root(machine, arguments.get("PolicyStore", ""))

    # [MS-FASP] 3.1.4.20, 3.1.4.25: ERROR_ACTIVE_CONNECTIONS
    def remove_one(name: str) -> None:
        if noun.in_subkeys and in_use(machine, noun, root, name):
            raise system_error(2402, f"The set {name} is used by a rule.")
        noun.delete(machine.registry, root, name)
        if noun.in_subkeys and machine.registry.get(noun.path(root), noun.primary) == name:
            machine.registry.unset(noun.path(root), noun.primary)

    select(machine, noun, root, arguments).for_all(remove_one)


# Rename-NetFirewallRule and its like. open: set-in-use
def _rename(machine: Machine, noun: Noun, arguments: dict[str, Any]) -> None:
    root = policy_root(machine, arguments.get("PolicyStore", ""))

    # Rename-NetIPsecPhase1AuthSet and its like: as when it is removed
    def rename_one(name: str) -> None:
        new = _free(machine, noun, root, arguments["NewName"], name)
        if noun.in_subkeys and in_use(machine, noun, root, name):
            raise system_error(2402, f"The set {name} is used by a rule.")
        if new.lower() != name.lower():
            noun.copy(machine.registry, (root, name), (root, new))
            noun.delete(machine.registry, root, name)

    select(machine, noun, root, arguments).for_all(rename_one)


def _copy(machine: Machine, noun: Noun, arguments: dict[str, Any]) -> None:
    source = policy_root(machine, arguments.get("PolicyStore", ""), write=False)
    target = policy_root(machine, arguments.get("NewPolicyStore", "")) if "NewPolicyStore" in arguments else source
    if "NewPolicyStore" not in arguments:
        policy_root(machine, arguments.get("PolicyStore", ""))

    def copy_one(name: str) -> None:
        new = arguments.get("NewName", name)
        if noun.in_subkeys and target == GROUP_POLICY and new.lower() == noun.primary.lower():
            new = ipsec_sets.group_policy_default(machine, noun, new)
        noun.copy(machine.registry, (source, name), (target, _free(machine, noun, target, new)))

    select(machine, noun, source, arguments).for_all(copy_one)


# New-NetFirewallRule, -Name. open: taken-name
def _free(machine: Machine, noun: Noun, root: str, name: str, same: str = "") -> str:
    """A new id that is valid and not taken (another spelling of `same` is not taken)."""
    if noun.in_subkeys:
        ipsec_sets.set_id(noun, name)
    parameter_values.rule_id(name)
    taken = noun.find(machine.registry, root, name)
    if taken is not None and taken.lower() != same.lower():
        raise system_error(183)
    return name


def _switch(enabled: bool) -> Callable[[Machine, Noun, dict[str, Any]], None]:
    def switch(machine: Machine, noun: Noun, arguments: dict[str, Any]) -> None:
        root = policy_root(machine, arguments.get("PolicyStore", ""))

        def switch_one(name: str) -> None:
            rule = noun.read(machine.registry, root, name)
            rule.replace("Active", ("Active", str(enabled).upper()))
            machine.registry.set(noun.path(root), name, rule.text(machine.schema))

        select(machine, noun, root, arguments).for_all(switch_one)

    return switch


_VERBS: dict[str, Callable[[Machine, Noun, dict[str, Any]], None]] = {
    "Remove": _remove, "Rename": _rename, "Copy": _copy, "Enable": _switch(True), "Disable": _switch(False)}
