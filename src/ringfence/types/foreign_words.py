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
                "grouping": "group", "platforms": "platform",
                **dict.fromkeys(("ports", "dport", "destinationport", "portrange"), "local_port (of this host) or remote_port"),
                **dict.fromkeys(("source", "src", "sourceaddress", "sourceip", "srcip", "destination", "dst", "dest",
                                 "destinationaddress", "destinationip", "ip", "address", "addresses", "ipaddress", "scope"),
                                "remote_address (of the other side) or local_address (of this host)"),
                **dict.fromkeys(("sport", "sourceport"), "remote_port (of the other side) or local_port"),
                **dict.fromkeys(("comment", "desc", "notes"), "description"), "servicename": "service",
                "log": "log_allowed and log_blocked, of a firewall_profile", "os": "platform"}
PROPERTIES: Mapping[str, Mapping[str, str]] = {
    "firewall_rule": {**_say(_OF_RULES | {
        "dir": "direction: inbound, or outbound", "edge": "edge_traversal_policy", "icmptypecode": "icmp_type: "
        "8:0 is a type and its code", "icmp": "icmp_type", "security": "authentication: required, and encryption",
        "rmtcomputergrp": "remote_machine", "rmtusrgrp": "remote_user", "localusergrp": "local_user", "users": "local_user",
        "policy": "action", "bypass": "override_block_rules", "overrideblock": "override_block_rules",
        "packagefamily": "package_family_name", "ensure": "state: present, or absent"}),
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
        "psk": "pre_shared_key, in a proposal of an ipsec_phase1_auth_set", "ensure": "state: present, or absent"}),
        "tunneltype": "it is not offered: how Windows stores it is not known"},
    "firewall_profile": _say({
        "profile": "profiles", "name": "profiles", "inboundaction": "default_inbound_action", "outboundaction":
        "default_outbound_action", "firewallpolicy": "default_inbound_action and default_outbound_action",
        "localfirewallrules": "allow_local_firewall_rules", "localconsecrules": "allow_local_ipsec_rules",
        "inboundusernotification": "notify_on_listen", "unicastresponsetomulticast": "allow_unicast_response_to_multicast",
        "filename": "log_file_name", "maxfilesize": "log_max_size_kilobytes", "allowedconnections": "log_allowed",
        "droppedconnections": "log_blocked", "enable": "enabled", "logdroppedpackets": "log_blocked",
        "logsuccessfulconnections": "log_allowed", "notifications": "notify_on_listen", "notification": "notify_on_listen",
        "disablenotifications": "notify_on_listen", "logfile": "log_file_name", "logpath": "log_file_name",
        "logfilepath": "log_file_name", "logsize": "log_max_size_kilobytes", "ensure": "enabled"}),
}
PROPOSALS: Mapping[str, str] = {  # pieces of proposals, of whichever set
    "psk": "pre_shared_key", "presharedkey": "pre_shared_key", "computer": "machine", "certificate": "cert", "ca": "authority",
    "issuer": "authority", "dhgroup": "key_exchange", "group": "key_exchange", "integrity": "hash", "enc": "encryption",
    "protocol": "encapsulation"}
ANYWHERE: Mapping[str, str] = {  # of the task, or of no kind
    **dict.fromkeys(("when", "tags", "loop", "vars", "withitems", "loopcontrol"), "it is a key of the task, one level up"),
    **dict.fromkeys(("register", "notify", "become", "ignoreerrors", "delegateto"), "it is a key of Ansible's tasks that "
                    "ringfence does not have"),
    **dict.fromkeys(("policystore", "gposession", "gpo"), "only the local store of a host is written"),
    "force": "it is not needed: a rule is as it is declared"}
_PROTOCOLS = {  # IANA, protocol numbers: those that people name
    "igmp": 2, "ipv6": 41, "gre": 47, "esp": 50, "ah": 51, "ospf": 89, "vrrp": 112, "l2tp": 115, "sctp": 132}
VALUES: Mapping[str, Mapping[str, str]] = {
    "state": {"enabled": "say `enabled: true`", "disabled": "say `enabled: false`", "removed": "say absent", "created":
              "say present", "present": "say present", "absent": "say absent", "default": "say default",
              "true": "say `enabled: true`, or state: present", "false": "say `enabled: false`, or state: absent"},
    "direction": {**dict.fromkeys(("incoming", "ingress", "input"), "say inbound"),
                  **dict.fromkeys(("outgoing", "egress", "output"), "say outbound"),
                  **dict.fromkeys(("both", "inout", "any", "all"), "make a rule of each, with `loop: [inbound, outbound]`")},
    "profile": {"work": "say domain or private", "home": "say private", "standard": "say [private, public]", "current":
                "profiles are named, whichever is active", "currentprofile": "profiles are named, whichever is active",
                "allprofiles": "say any", "domainprofile": "say domain", "privateprofile": "say private", "publicprofile":
                "say public", "none": "say `enabled: false` if the rule shall not apply"},
    "authentication": {"true": "say required", "yes": "say required", "false": "say not_required", "kerberos":
                       "say required; how is said by an ipsec_rule and its sets", "authenticate": "say required", "authenc":
                       "say required, and encryption: required", "authnoencap": "say no_encap"},
    "encryption": {"true": "say required", "yes": "say required", "false": "say not_required", **dict.fromkeys(
        ("aes128", "aes192", "aes256", "des3", "3des"), "say required; how is said by an ipsec_quick_mode_crypto_set")},
    "icmp_type": {**dict.fromkeys(("echo", "ping", "echorequest"), "say 8 with icmpv4, 128 with icmpv6"),
                  **dict.fromkeys(("echoreply",), "say 0 with icmpv4, 129 with icmpv6")},
    "action": {"bypass": "say allow, with override_block_rules: true", "secure": "say allow, with authentication: required",
               "allowifsecure": "say allow, with authentication: required",
               "authenc": "say allow, with authentication: required and encryption: required",
               "deny": "say block", "drop": "say block", "reject": "say block", "permit": "say allow",
               "accept": "say allow", "allowtheconnection": "say allow", "blocktheconnection": "say block",
               "allowtheconnectionifitissecure": "say allow, with authentication: required",
               "notconfigured": "say allow or block", "blockall": "say `allow_inbound_rules: false` of a firewall_profile"},
    "default_action": {"blockall": "say block, and allow_inbound_rules: false", "blockinbound": "say block",
                       "blockinboundalways": "say block, and allow_inbound_rules: false", "allowinbound": "say allow",
                       "allowoutbound": "say allow", "blockoutbound": "say block", "deny": "say block", "drop": "say block"},
    "protocol": {
        **{name: f"{name} is number {number}" for name, number in _PROTOCOLS.items()}, "icmp": "say icmpv4 or icmpv6",
        **dict.fromkeys(("tcp/udp", "tcp,udp", "udp,tcp", "both", "tcp+udp"), "make a rule of each, with `loop: [tcp, udp]`"),
        "http": "say tcp, with local_port: 80", "https": "say tcp, with local_port: 443", "ipv6icmp": "say icmpv6",
        "all": "say any", "*": "say any", "ping": "say icmpv4 with icmp_type: 8, or icmpv6 with icmp_type: 128",
        "tcpudp": "make a rule of each, with `loop: [tcp, udp]`"},
    "port": {"http": "say 80", "https": "say 443", "rdp": "say 3389", "ssh": "say 22", "dns": "say 53", "smb": "say 445",
             "winrm": "say 5985, 5986", "sql": "say 1433", "ldap": "say 389", "kerberos": "say 88", "ntp": "say 123",
             "rpcdynamic": "say RPC"},
    "interface_type": {"ras": "say remote_access", "vpn": "say remote_access", "lan": "say wired",
                       "ethernet": "say wired", "wifi": "say wireless",
                       "wlan": "say wireless"},
    "edge": {"yes": "say allow", "true": "say allow", "no": "say block", "false": "say block", "deferuser": "say defer_to_user",
             "deferapp": "say defer_to_app"},
}
_NOUNS = {  # of NetSecurity's cmdlets, and of the resources of DSC: which kind it is
    **dict.fromkeys(("netfirewallrule", "firewall", "xfirewall", "netshadvfirewall", "netsh"), "firewall_rule"),
    **dict.fromkeys(("netfirewallprofile", "firewallprofile", "xfirewallprofile"), "firewall_profile"),
    "netfirewallsetting": "firewall_setting", "netipsecrule": "ipsec_rule", "netipsecmainmoderule": "ipsec_main_mode_rule",
    "netipsecphase1authset": "ipsec_phase1_auth_set", "netipsecphase2authset": "ipsec_phase2_auth_set",
    "netipsecmainmodecryptoset": "ipsec_main_mode_crypto_set", "netipsecquickmodecryptoset": "ipsec_quick_mode_crypto_set",
    "netipsecdospsetting": "ipsec_dosp_setting"}
_VERBS = ("new", "set", "remove", "get", "enable", "disable", "rename", "copy", "show")
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


def kind(key: str) -> str:
    """Which kind a cmdlet, or a resource of DSC, is here; nothing where it is not known."""
    verb, _, noun = key.rpartition("-")
    found = _NOUNS.get(noun.casefold()) if not verb or verb.casefold() in _VERBS else None
    return f"Its kind here is {found}: `ringfence doc {found}`." if found else ""
