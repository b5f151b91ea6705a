"""Words of other tools, and what they are here: Ansible's modules, netsh, the console of Windows, DSC, Puppet.

One table. A word that stands in it is told with what to say instead; what looks most like it is not guessed then.
"""

from collections.abc import Mapping

from ringfence.types.base import fold


def _say(words: Mapping[str, str]) -> dict[str, str]:
    return {word: f"say {here}" for word, here in words.items()}


_OF_RULES = {"remoteip": "remote_address", "rmtip": "remote_address", "remoteaddresses": "remote_address",
                "localip": "local_address", "localaddresses": "local_address", "rport": "remote_port", "lport": "local_port",
                "port": "local_port (of this host) or remote_port", "localports": "local_port", "remoteports": "remote_port",
                "application": "program", "app": "program", "path": "program", "svc": "service",
                "interfacetypes": "interface_type", "interface": "interface_alias", "interfacename": "interface_alias",
                "profiles": "profile", "enable": "enabled", "disabled": "enabled: false", "displaygroup": "group",
                "grouping": "group", "platforms": "platform"}
PROPERTIES: Mapping[str, Mapping[str, str]] = {
    "firewall_rule": {**_say(_OF_RULES | {
        "dir": "direction: inbound, or outbound", "edge": "edge_traversal_policy", "icmptypecode": "icmp_type: "
        "8:0 is a type and its code", "icmp": "icmp_type", "security": "authentication: required, and encryption",
        "rmtcomputergrp": "remote_machine", "rmtusrgrp": "remote_user", "localusergrp": "local_user", "users": "local_user",
        "bypass": "override_block_rules", "overrideblock": "override_block_rules", "packagefamily": "package_family_name",
        "ensure": "state: present, or absent"}),
        "remotedynamickeywordaddresses": "keywords that change are not offered yet: list the addresses in remote_address",
        "fqdn": "names are not offered yet: list the addresses in remote_address",
        "priority": "rules have no order in Windows: block wins over allow"},
    "ipsec_rule": {**_say({k: v for k, v in _OF_RULES.items() if v not in ("program", "service")} | {
        "action": "inbound_security and outbound_security", "endpoint1": "local_address", "endpoint2": "remote_address",
        "port1": "local_port", "port2": "remote_port", "auth1": "phase1_auth_set", "auth2": "phase2_auth_set",
        "qmsecmethods": "quick_mode_crypto_set", "mmsecmethods": "main_mode_crypto_set, of an ipsec_main_mode_rule",
        "qmpfs": "perfect_forward_secrecy_group, of the ipsec_quick_mode_crypto_set", "applyauthz": "require_authorization",
        "exemptipsecprotectedconnections": "encrypted_tunnel_bypass", "presharedkey": "pre_shared_key, in a proposal of an "
        "ipsec_phase1_auth_set", "type": "mode: transport, or tunnel",
        "ensure": "state: present, or absent"}),
        "tunneltype": "it is not offered: how Windows stores it is not known"},
    "firewall_profile": _say({
        "profile": "profiles", "name": "profiles", "inboundaction": "default_inbound_action", "outboundaction":
        "default_outbound_action", "firewallpolicy": "default_inbound_action and default_outbound_action",
        "localfirewallrules": "allow_local_firewall_rules", "localconsecrules": "allow_local_ipsec_rules",
        "inboundusernotification": "notify_on_listen", "unicastresponsetomulticast": "allow_unicast_response_to_multicast",
        "filename": "log_file_name", "maxfilesize": "log_max_size_kilobytes", "allowedconnections": "log_allowed",
        "droppedconnections": "log_blocked", "enable": "enabled"}),
}
ANYWHERE: Mapping[str, str] = {  # of the task, or of no kind
    **dict.fromkeys(("when", "tags", "loop", "vars", "withitems", "loopcontrol"), "it is a key of the task, one level up"),
    **dict.fromkeys(("register", "notify", "become", "ignoreerrors", "delegateto"), "it is a key of Ansible's tasks that "
                    "ringfence does not have"),
    "policystore": "only the local store of a host is written", "gposession": "only the local store of a host is written",
    "force": "it is not needed: a rule is as it is declared"}
_PROTOCOLS = {  # IANA, protocol numbers: those that people name
    "igmp": 2, "ipv6": 41, "gre": 47, "esp": 50, "ah": 51, "ospf": 89, "vrrp": 112, "l2tp": 115, "sctp": 132}
VALUES: Mapping[str, Mapping[str, str]] = {
    "state": {"enabled": "say `enabled: true`", "disabled": "say `enabled: false`", "removed": "say absent", "created":
              "say present"},
    "action": {"bypass": "say allow, with override_block_rules: true", "secure": "say allow, with authentication: required",
               "allowifsecure": "say allow, with authentication: required",
               "authenc": "say allow, with authentication: required and encryption: required",
               "deny": "say block", "drop": "say block", "reject": "say block", "permit": "say allow",
               "accept": "say allow", "blockall": "say `allow_inbound_rules: false` of a firewall_profile"},
    "default_action": {"blockall": "say block, and allow_inbound_rules: false", "blockinbound": "say block",
                       "blockinboundalways": "say block, and allow_inbound_rules: false", "allowinbound": "say allow",
                       "allowoutbound": "say allow", "blockoutbound": "say block", "deny": "say block", "drop": "say block"},
    "protocol": {
        **{name: f"{name} is number {number}" for name, number in _PROTOCOLS.items()}, "icmp": "say icmpv4 or icmpv6",
        **dict.fromkeys(("tcp/udp", "tcp,udp", "udp,tcp", "both", "tcp+udp"), "make a rule of each, with `loop: [tcp, udp]`"),
        "http": "say tcp, with local_port: 80", "https": "say tcp, with local_port: 443", "ipv6icmp": "say icmpv6",
        "all": "say any"},
    "port": {"http": "say 80", "https": "say 443", "rdp": "say 3389", "ssh": "say 22", "dns": "say 53", "smb": "say 445",
             "winrm": "say 5985, 5986", "sql": "say 1433", "ldap": "say 389", "kerberos": "say 88", "ntp": "say 123",
             "rpcdynamic": "say RPC"},
    "interface_type": {"ras": "say remote_access", "lan": "say wired", "ethernet": "say wired", "wifi": "say wireless",
                       "wlan": "say wireless"},
    "edge": {"yes": "say allow", "true": "say allow", "no": "say block", "false": "say block", "deferuser": "say defer_to_user",
             "deferapp": "say defer_to_app"},
}
_RUN = "ringfence declares a state and runs no commands"
ANSIBLE_MODULES: Mapping[str, str] = {  # of Ansible, by their short names
    "win_firewall_rule": "Its kind here is firewall_rule: keys are those of NetSecurity (local_port, remote_address …), and "
                         "`name` is the name of a rule, not its display name.",
    "win_firewall": "Its kind here is firewall_profile.",
    "set_fact": "Use vars of the play, of a block or of the task.", "include_vars": "Use vars_files of the play.",
    "debug": "Use `ringfence plan`, which shows what every value comes to.", "assert": "`ringfence validate` checks every value.",
    "fail": "`ringfence validate` checks every value.", "meta": f"{_RUN}.", "setup": "Facts are read where something needs them.",
    "gather_facts": "Facts are read where something needs them.", "pause": f"{_RUN}.", "wait_for": f"{_RUN}.",
    "wait_for_connection": f"{_RUN}.", "command": f"{_RUN}.", "shell": f"{_RUN}.", "raw": f"{_RUN}.", "script": f"{_RUN}.",
    "win_shell": f"{_RUN}.", "win_command": f"{_RUN}.", "win_powershell": f"{_RUN}.", "win_dsc": f"{_RUN}.",
    "win_reboot": f"{_RUN}.", "win_ping": "Use `ringfence ping`.", "ping": "Use `ringfence ping`.",
    "win_service": "ringfence manages the firewall and IPsec alone."}


def property_of(kind: str, word: str) -> str:
    """What a property of another tool is in a kind; nothing where the word is not known."""
    folded = fold(word)
    return PROPERTIES.get(kind, {}).get(folded) or ANYWHERE.get(folded, "")


def module(key: str) -> str:
    """What to use for a module of Ansible, by its short or full name; nothing where it is not known."""
    space, _, name = key.rpartition(".")
    if space and space.split(".")[0] in ("ansible", "community", "microsoft", "chocolatey"):
        return ANSIBLE_MODULES.get(name, f"It is a module of Ansible: {_RUN}.")
    return ANSIBLE_MODULES.get(key, f"It is a module of Ansible: {_RUN}." if key.startswith("win_") else "")
