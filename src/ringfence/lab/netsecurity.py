"""The NetSecurity cmdlets on a simulated host: from a call with bound parameters to the registry.

What Windows fills in, how objects are found, and what is refused follow Microsoft's pages of the cmdlets and MS-FASP;
the error shapes are in failures.py. Nothing of the engine's codecs is used here.

Where the documents are silent or disagree, the lab does this:
* what Windows would report as the run-time status of an IPsec rule is refused when the rule is written (netsecurity_ipsec);
* main mode crypto sets are stored under Phase1CryptoSet, as MS-GPFAS spells it; all other set keys are plural;
* a rule that secures and names no set holds the primary sets' ids; the word None stands for no set, Default for the primary one;
* `localhost` (the local group policy object) is in force at once, without a refresh; there are no domain GPOs;
* security descriptors are stored as they were given; a subnet loses its host bits; a /32 is a single address;
* a bypass rule takes a list of machines or of users; proposals of one main mode set may name several groups;
* a local address excludes interfaces in firewall rules too; Request with None has no encoding and is refused;
* a token that no cmdlet knows stays in the rule when others change.
"""

import uuid
from collections.abc import Callable, Mapping
from typing import Any

from ringfence.lab import netsecurity_firewall as firewall
from ringfence.lab import netsecurity_ipsec as ipsec
from ringfence.lab import netsecurity_sets as sets
from ringfence.lab import netsecurity_settings as settings
from ringfence.lab import netsecurity_words as words
from ringfence.lab.binding import Proposal, bind, cmdlets
from ringfence.lab.failures import Refusal, native
from ringfence.lab.netsecurity_store import KINDS, SET_BY, Host, Kind, in_use, select, store
from ringfence.lab.registry import GROUP_POLICY
from ringfence.lab.rulestring import Rule

PROPOSALS = {"New-NetIPsecAuthProposal": sets.auth_proposal,
             "New-NetIPsecMainModeCryptoProposal": sets.main_mode_proposal,
             "New-NetIPsecQuickModeCryptoProposal": sets.quick_mode_proposal}
SETTINGS: dict[str, Callable[[Host, Mapping[str, Any]], None]] = {
    "Set-NetFirewallProfile": settings.set_profile, "Set-NetFirewallSetting": settings.set_setting,
    "New-NetIPsecDospSetting": settings.new_dosp, "Set-NetIPsecDospSetting": settings.set_dosp,
    "Remove-NetIPsecDospSetting": settings.remove_dosp}


def propose(cmdlet: str, parameters: Mapping[str, Any]) -> Proposal:
    """Runs one of the New-…Proposal cmdlets. Raises Refusal."""
    name = cmdlets()[cmdlet.lower()]["name"]
    try:
        return PROPOSALS[name](bind(cmdlet, parameters))
    except Refusal as refusal:
        raise refusal.of(name) from None


def call(host: Host, cmdlet: str, parameters: Mapping[str, Any], new_group: str | None = None) -> None:
    """Runs a cmdlet that writes. `new_group`: the value assigned to an object's Group before Set. Raises Refusal."""
    name = cmdlets()[cmdlet.lower()]["name"]
    try:
        given = bind(cmdlet, parameters)
        if new_group is not None:
            given["NewGroup"] = new_group
        _run(host, name, given)
    except Refusal as refusal:
        raise refusal.of(name) from None


def _run(host: Host, name: str, given: dict[str, Any]) -> None:
    verb, _, noun = name.partition("-")
    if given.get("GPOSession") or given.get("NewGPOSession"):
        raise native(87, "There is no such GPO session.")
    if name in SETTINGS:
        SETTINGS[name](host, given)
    elif verb == "New":
        _new(host, KINDS[noun], given)
    elif verb == "Set":
        _set(host, KINDS[noun], given)
    else:
        _VERBS[verb](host, KINDS[noun], given)


def _new(host: Host, kind: Kind, given: dict[str, Any]) -> None:
    root = store(host, given.get("PolicyStore", ""))
    if kind.in_subkeys:
        sets.new(host, kind, root, given)
        return
    name = given.get("Name", given.get("IPsecRuleName", "{" + str(uuid.uuid4()).upper() + "}"))
    words.rule_id(name)
    rule = Rule(kind.key)
    _fill(host, kind, root, rule, _DEFAULTS[kind.key] | given)
    if kind.find(host.registry, root, name) is not None:
        raise native(183)
    host.registry.set(kind.path(root), name, rule.text(host.schema))


_DEFAULTS: dict[str, dict[str, Any]] = {
    "FirewallRules": {"Enabled": "True", "Direction": "Inbound", "Action": "Allow"},
    "ConSecRules": {"Enabled": "True", "InboundSecurity": "None", "OutboundSecurity": "None", "Mode": "Transport"},
    "MainModeRules": {"Enabled": "True"},
}


def _fill(host: Host, kind: Kind, root: str, rule: Rule, given: Mapping[str, Any]) -> None:
    """Writes parameters into a rule and checks the whole of it."""
    if kind.key == "FirewallRules":
        firewall.apply(rule, given, host.aliases)
        firewall.check(rule, host.schema)
    elif kind.key == "ConSecRules":
        ipsec.apply(rule, given, host.aliases)
        ipsec.check(host, root, rule)
    else:
        ipsec.apply_main_mode(rule, given, host.aliases)
        ipsec.check_main_mode(host, root, rule)


def _set(host: Host, kind: Kind, given: dict[str, Any]) -> None:
    root = store(host, given.get("PolicyStore", ""))
    names = select(host, kind, root, given, SET_BY)
    changes = {k: v for k, v in given.items() if k not in ("DisplayName", "DisplayGroup", "Group", "Name", "IPsecRuleName")}
    if "NewGroup" in changes:
        changes["Group"] = changes.pop("NewGroup")
    for name in names:
        if kind.in_subkeys:
            sets.change(host, kind, root, name, changes)
        else:
            rule = kind.read(host.registry, root, name)
            _fill(host, kind, root, rule, changes)
            host.registry.set(kind.path(root), name, rule.text(host.schema))


def _remove(host: Host, kind: Kind, given: dict[str, Any]) -> None:
    root = store(host, given.get("PolicyStore", ""))
    for name in select(host, kind, root, given):
        if kind.in_subkeys and in_use(host, kind, root, name):
            raise native(2402, f"The set {name} is used by a rule.")
        kind.delete(host.registry, root, name)
        if kind.in_subkeys and host.registry.get(kind.path(root), kind.primary) == name:
            host.registry.unset(kind.path(root), kind.primary)


def _rename(host: Host, kind: Kind, given: dict[str, Any]) -> None:
    root = store(host, given.get("PolicyStore", ""))
    for name in select(host, kind, root, given):
        new = _free(host, kind, root, given["NewName"], name)
        if kind.in_subkeys and in_use(host, kind, root, name):
            raise native(2402, f"The set {name} is used by a rule.")
        if new.casefold() != name.casefold():
            kind.copy(host.registry, (root, name), (root, new))
            kind.delete(host.registry, root, name)


def _copy(host: Host, kind: Kind, given: dict[str, Any]) -> None:
    source = store(host, given.get("PolicyStore", ""), write=False)
    target = store(host, given.get("NewPolicyStore", "")) if "NewPolicyStore" in given else source
    if "NewPolicyStore" not in given:
        store(host, given.get("PolicyStore", ""))
    for name in select(host, kind, source, given):
        new = given.get("NewName", name)
        if kind.in_subkeys and target == GROUP_POLICY and new.casefold() == kind.primary.casefold():
            new = sets.group_policy_default(host, kind, new)
        kind.copy(host.registry, (source, name), (target, _free(host, kind, target, new)))


def _free(host: Host, kind: Kind, root: str, name: str, same: str = "") -> str:
    """A new id that is valid and not taken (another spelling of `same` is not taken)."""
    if kind.in_subkeys:
        sets.set_id(kind, name)
    words.rule_id(name)
    taken = kind.find(host.registry, root, name)
    if taken is not None and taken.casefold() != same.casefold():
        raise native(183)
    return name


def _switch(enabled: bool) -> Callable[[Host, Kind, dict[str, Any]], None]:
    def switch(host: Host, kind: Kind, given: dict[str, Any]) -> None:
        root = store(host, given.get("PolicyStore", ""))
        for name in select(host, kind, root, given):
            rule = kind.read(host.registry, root, name)
            rule.put("Active", ("Active", str(enabled).upper()))
            host.registry.set(kind.path(root), name, rule.text(host.schema))
    return switch


_VERBS: dict[str, Callable[[Host, Kind, dict[str, Any]], None]] = {
    "Remove": _remove, "Rename": _rename, "Copy": _copy, "Enable": _switch(True), "Disable": _switch(False)}
