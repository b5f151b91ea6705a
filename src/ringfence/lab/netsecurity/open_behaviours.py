"""What the lab does where no document says what Windows does, or documents disagree: one row each, marked `open: ID` in the code.

docs/reference/lab.md is made of it. A row goes once a document or a real Windows has answered.
"""

from typing import NamedTuple


class OpenBehaviour(NamedTuple):
    """What the lab does, and what there is to read."""

    does: str
    documents: str


OPEN_BEHAVIOURS = {
    # How cmdlets answer
    "several-objects": OpenBehaviour(
        "Of several objects each is changed or removed, whatever becomes of the others; the first error is told at the end.",
        "In PowerShell's cimChildJobBase.cs each object is a job that fails for itself; with -ErrorAction Stop those that have "
        "not begun are stopped, and no page says how many those are.",
    ),
    "read-only-store": OpenBehaviour(
        "An unknown store is system error 2, an unknown domain 1355.",
        "[MS-FASP] 3.1.4.6 has 50 for read-only stores alone; 3.1.4.1 opens stores by their type, and knows no names. Where the "
        "share of a policy is out of reach, people were told of network names (metablaster/WindowsFirewallRuleset issue 5).",
    ),
    "taken-name": OpenBehaviour(
        "Another spelling of an object's own name is not taken.",
        "[MS-FASP] 3.1.4.6 has 183 for an id that exists, and does not speak of letter case.",
    ),
    "set-in-use": OpenBehaviour(
        "A set that a rule of its store names is not renamed either.",
        "[MS-FASP] 3.1.4.20 has 2402 for its removal; a rename is an affair of the cmdlets.",
    ),
    "list-bounds": OpenBehaviour(
        "More than 1,000 members of a list are error 1734; single addresses count as subnets.",
        "[MS-FASP] bounds its lists, MIDL names the error of a call; what a cmdlet makes of it is not said.",
    ),
    "unknown-gpo-session": OpenBehaviour(
        "A GPO session that nobody has opened is system error 87.",
        "The pages say that Open-NetGPO gives sessions, and not what becomes of other texts.",
    ),
    "profiles-in-one-text": OpenBehaviour(
        "Set-NetFirewallProfile takes several profiles in one text, with commas between, and patterns.",
        "Its page has a list of texts, and no wildcards.",
    ),
    "code-of-bounds": OpenBehaviour(
        "A MaxSAIdleTimeSeconds that is out of its bounds is system error 87.",
        "The documents have 300 to 3600, and of a cmdlet that is told another number nothing.",
    ),
    "flood-settings-names": OpenBehaviour(
        "The name of settings against floods is taken in whatever letters, which is system error 183.",
        "The page of New-NetIPsecDospSetting tells no error.",
    ),
    "unique-beginnings": OpenBehaviour(
        "Names of enumerations may be cut short where only one begins so.",
        "PowerShell converts texts to enumerations in that way; no page of a cmdlet promises it.",
    ),
    # Stored forms
    "main-mode-lifetime": OpenBehaviour(
        "A main mode crypto set without MaxMinutes lives 480 minutes.",
        'New-NetIPsecMainModeCryptoSet has "4800 minutes (eight hours)" and 2,879 as the most; [MS-FASP] note 31 has 480.',
    ),
    "pfs-left-out": OpenBehaviour(
        "A quick mode crypto set without PerfectForwardSecrecyGroup has none.",
        "[MS-FASP] note 31 has none for the default set; New-NetIPsecQuickModeCryptoSet tells no default.",
    ),
    "main-mode-crypto-key": OpenBehaviour(
        "Main mode crypto sets are stored under `Phase1CryptoSet`, all other sets under plurals.",
        "[MS-GPFAS] 2.2.5 spells it so in its text and has no example; no export holds one.",
    ),
    "default-set-ids": OpenBehaviour(
        "A rule that secures and names no set holds the ids of the default sets.",
        "The two real strings do; New-NetIPsecRule says that default sets are used.",
    ),
    "set-words": OpenBehaviour(
        "As the name of a set, `Default` is the default one and `None` no set.",
        "[MS-FASP] 2.2.55 lets the second set be absent; no page says how a cmdlet is told.",
    ),
    "empty-description": OpenBehaviour(
        "A connection security rule always holds `Desc=`.",
        "Real strings and the examples of [MS-GPFAS] 4.3 do; its grammar wants a text.",
    ),
    "descriptors-as-given": OpenBehaviour(
        "Security descriptors are stored as they were given.", "Windows' own hold `O:LSD:`; whether it adds that is not said."
    ),
    "subnets": OpenBehaviour(
        "A subnet loses its host bits, a whole-length one is a single address, an IPv4 mask is dotted.",
        "[MS-FASP] 2.2.4 and 2.2.6 say what each means; examples, and what people got back (dsccommunity/NetworkingDsc issue "
        "404), have dotted masks. No export holds host bits or a whole length.",
    ),
    "platform-added": OpenBehaviour(
        "Rules with a package, an owner or local users get the platform 6.2+ where they have none.",
        "Seen in all 952 such rules of real exports; no page says it.",
    ),
    "unknown-tokens": OpenBehaviour(
        "A token that no cmdlet knows stays in a rule when others change.",
        "[MS-FASP] and [MS-GPFAS] speak of reading such tokens alone. Published scripts expect system error 1306 for a rule of a "
        "newer schema than the host's, which no case here is.",
    ),
    "flood-settings-store": OpenBehaviour(
        "Settings against floods are kept as the cmdlet shows them, in no registry.", "Their registry form is not documented."
    ),
    # What is refused
    "main-mode-set-names": OpenBehaviour(
        "Main mode crypto sets may have names of their own.",
        "[MS-FASP] 2.2.74 allows the primary id alone, [MS-GPFAS] 2.2.7.1 and New-NetIPsecMainModeCryptoSet have others.",
    ),
    "runtime-status": OpenBehaviour(
        "A rule that would never be enforced is refused when it is written: a missing set, key modules that cannot do its "
        "methods, a pre-shared key beside a second authentication.",
        "FW_RULE_STATUS has run-time codes for these; [MS-FASP] 3.1.4.13 refuses missing encapsulation alone.",
    ),
    "local-address-and-interface": OpenBehaviour(
        "A local address excludes interfaces and interface types in firewall rules too.",
        "The text of 0x0010004B is general; [MS-FASP] 2.2.55 has it for connection security rules. No rule of an export "
        "has both.",
    ),
    "loopback": OpenBehaviour(
        "Loopback addresses are refused as ends of tunnels only, unspecified ones alone everywhere.",
        "The texts of 0x0010004A and 0x0010004C name more than [MS-FASP] 2.2.37 and 2.2.55 refuse.",
    ),
    "bypass-list": OpenBehaviour(
        "A rule that overrides block rules needs a list of machines or of users.",
        "[MS-FASP] 2.2.37 and FW_RULE_STATUS: of machines; New-NetFirewallRule: of users.",
    ),
    "remote-machine-outbound": OpenBehaviour(
        "RemoteMachine may stand in outbound rules.", "[MS-FASP] 2.2.37 forbids it, New-NetFirewallRule and a real rule have it."
    ),
    "dynamic-target-list": OpenBehaviour(
        "DynamicTarget takes several targets.", "The page names one enumeration; [MS-FASP] 2.2.37 keeps a bit for each."
    ),
    "request-none": OpenBehaviour(
        "InboundSecurity Request with OutboundSecurity None is refused.",
        "New-NetIPsecRule lists the pair; [MS-FASP] 2.2.52 has no action for it, nor have the five of netsh's `consec add rule`.",
    ),
    "remote-end-omitted": OpenBehaviour(
        "A new tunnel has to be told RemoteTunnelEndpoint as well as LocalTunnelEndpoint.",
        "New-NetIPsecRule calls the local one required, and says only that the remote one may be Any; the help of netsh lets "
        "clients leave out the local one and gateways the remote one.",
    ),
    "ikev2-among-modules": OpenBehaviour(
        "IKEv2 in a tunnel needs a TunnelType also where other key modules stand beside it.",
        "New-NetIPsecRule says it of IKEv2, and that TunnelType is valid only where KeyModule is IKEv2: of several "
        "it says nothing.",
    ),
    "transport-clears-ends": OpenBehaviour(
        "Set-NetIPsecRule with Mode Transport takes the ends of the tunnel away.",
        "The ends are valid in tunnels only; what becomes of stored ones is not said.",
    ),
    "anonymous-alone": OpenBehaviour(
        "Anonymous alone is refused in the first authentication too.",
        "[MS-FASP] 2.2.65 says it of the second; the text of 0x00101032 is general.",
    ),
    "main-mode-groups": OpenBehaviour(
        "Proposals of one main mode set may name several groups.",
        "[MS-FASP] 2.2.74 wants one; both examples of New-NetIPsecMainModeCryptoSet have several.",
    ),
    "esp-without-hash": OpenBehaviour(
        "ESP with a cipher and no hash is accepted.", "[MS-FASP] 2.2.74 and an example have it, KB949856 does not list it."
    ),
    "pfs-code": OpenBehaviour(
        "Perfect forward secrecy beside a proposal without encapsulation is refused with 0x00105020.",
        "TechNet cc733077 excludes the two; the text of that code speaks of key exchange algorithms.",
    ),
    "renewal-code": OpenBehaviour(
        "FollowRenewal of criteria that only validate is refused with 0x00101078.",
        "[MS-FASP] 2.2.59 forbids the two together; which code says so is not told.",
    ),
    "criteria-purpose": OpenBehaviour(
        "Criteria without a purpose are for both, selection and validation; a purpose without criteria stores nothing.",
        "[MS-FASP] 2.2.56 has the three values, New-NetIPsecAuthProposal no default.",
    ),
    "both-ends-any": OpenBehaviour(
        "A tunnel whose both ends are Any is refused.",
        "[MS-FASP] 2.2.55 allows it; nothing in [MS-GPFAS] 2.2.6.2 could tell such a rule from one that is no tunnel.",
    ),
    "port-words": OpenBehaviour(
        "IPHTTPSIn is for TCP, and it and PlayToDiscovery are inbound.",
        "[MS-FASP] 2.2.37 says it of RPC, RPCEPMap and Teredo; rules of Windows have the two so. That PlayToDiscovery is for UDP "
        "alone is shown by a published error record (dsccommunity/NetworkingDsc issue 34).",
    ),
    # Stores
    "stealth-for-ipsec": OpenBehaviour(
        "EnableStealthModeForIPsec True is DisableStealthModeIPsecSecuredPacketExemption 1.",
        "So the names say; by the text of [MS-FASP] 2.2.38 that value, when on, exempts secured packets from stealth.",
    ),
    "localhost-at-once": OpenBehaviour(
        "The local group policy (`localhost`) is in force at once; there are no domain GPOs.",
        "Windows keeps it in registry.pol and applies it at the next refresh.",
    ),
    "not-configured-locally": OpenBehaviour(
        "NotConfigured removes a value of the local store.",
        "The pages have it for Group Policy only; [MS-FASP] 3.1.4.12 deletes an option in any store.",
    ),
    # Event logs
    "event-setting-types": OpenBehaviour(
        "SettingType of an event is the number of the option in [MS-FASP].",
        "The manifest calls 1 of a profile \"Enable Windows Defender Firewall\", and published records of the setting 2 tell the "
        "current profile; of the other numbers no record was found.",
    ),
    "event-of-rename": OpenBehaviour(
        "A renamed object is one that was added and one that was deleted.",
        "[MS-FASP] has no rename: it is an affair of the cmdlets.",
    ),
    "new-event-ids": OpenBehaviour(
        "From build 22621 on rules and settings have ids of their own, connection security has the old ones.",
        "Published records and detection rules have 2052, 2059, 2060, 2071, 2073, 2082 and 2083, others 2097 and 2099 for newer "
        "builds; nothing was found on connection security.",
    ),
    # Which flows pass
    "local-subnet": OpenBehaviour(
        "LocalSubnet is the subnets of all adapters, in a rule that lists profiles those of the adapters of the flow's profile, "
        "and 224.0.0.0/4, fe80::/64 and ff00::/8; nothing that came through the edge of a network.",
        "[MS-FASP] 2.2.21 has the local subnet of the computer; the rest was seen in WFP states of real hosts, without a profile "
        "only of rules for services. Of a rule that lists all three profiles none was seen.",
    ),
    "internet": OpenBehaviour(
        "Internet is every address in public networks; in others it holds public addresses that are in no subnet of the profile, "
        "in private ones no IPv4 address within such a subnet; of others it is not decided.",
        "[MS-FASP] 2.2.21 has all that is in no intranet; what an intranet is without a policy of network isolation is not said. "
        "WFP states of two real hosts have all addresses in public networks, in a private one all but its subnets and multicast.",
    ),
    "rule-owner": OpenBehaviour(
        "A rule with an owner is for flows of that user.",
        "[MS-FASP] 2.2.37 calls it who owns the rule, and no condition; in WFP states of real hosts it is one.",
    ),
    "rules-and-packages": OpenBehaviour(
        "Before build 22000 it is not decided whether a rule without a package holds for app containers; capabilities of "
        "packages are not looked at.",
        "[MS-FASP] 2.2.37: it applies to all processes. In WFP states of Windows 10 such filters are for no package, in those of "
        "Windows 11 for all.",
    ),
    "secured-rule-and-clear-traffic": OpenBehaviour(
        "A rule that allows secured traffic says nothing of clear traffic: other rules and the default action decide.",
        "By [MS-FASP] 2.2.35 clear traffic that matches it is blocked; by New-NetFirewallRule it is no match.",
    ),
    "shields-up": OpenBehaviour(
        "With shields up no inbound rule counts, and the default action holds.",
        "By [MS-FASP] 2.2.38 all that comes in is blocked whatever else is set; Set-NetFirewallProfile speaks of rules.",
    ),
    "exemption-wins": OpenBehaviour(
        "A flow that meets an exemption is not secured, whatever other connection security rules it meets.",
        "New-NetIPsecRule has exemptions as holes in wider rules; what of several rules counts is not said.",
    ),
    "key-exchange": OpenBehaviour(
        "UDP 500 and 4500 of the local system that no rule allows is not decided while there is a main mode policy.",
        'Microsoft, "IKE Exemptions", has permits for it; how they go together with the filters of the firewall is not said.',
    ),
    "loopback-traffic": OpenBehaviour(
        "What a host sends to itself passes, from and to app containers it is not decided.",
        "Seen in WFP states of real hosts; no page says it.",
    ),
    "service-rules": OpenBehaviour(
        "A flow of a service that a rule for it blocks passes if another rule for it allows it; without a rule that matches it "
        "passes.",
        "INetFwServiceRestriction blocks a restricted service but for what rules allow. Windows' own have a rule that blocks "
        "everything for most services, and ports alone for some; of those for the same flow no page says which counts.",
    ),
    "mdm-store": OpenBehaviour(
        "Rules and values of device management come between Group Policy and the local store, and may forbid the merge too.",
        "The Firewall CSP has the values with the merge laws of [MS-FASP] 2.2.38, which knows two stores.",
    ),
    # Exports, scheduled tasks, cmd.exe
    "export-of-sets": OpenBehaviour(
        "Main mode rules and crypto sets are in an export as well; keys without values below them are not.",
        "netsh exports the whole policy; of three exports none has any, nor had the hosts a reason to.",
    ),
    "export-over-a-file": OpenBehaviour(
        "An export into a file that is there fails.",
        "The pages of netsh do not say it; RegSaveKey, which writes hives, refuses. The other way: `Faults.export_overwrites`.",
    ),
    "export-account": OpenBehaviour(
        "It is the caller of netsh who opens the file, and Everybody need not be allowed to.",
        "No page says whether netsh or the service does; The other way: `Faults.netsh_as_service`.",
    ),
    "import-order": OpenBehaviour(
        "An import takes away what the file has not, then writes what differs, one value after another; nobody else is kept out "
        "meanwhile, and no event is logged.",
        "netsh replaces the policy; how, and whether at once, no page says.",
    ),
    "unknown-command-code": OpenBehaviour(
        "cmd /c ends with 1 where its last command was none; errorlevel in the line is 9009.",
        "Published tests have 9009 in batch files; for a line on the command line people report both.",
    ),
    "lost-content": OpenBehaviour(
        "Where `Faults.lazy_disk` says so, a power loss makes zeros of what was written last and not flushed; names of files "
        "stay, and so does the registry.",
        "FlushFileBuffers promises what is flushed; what is lost of the rest, and whether netsh flushes an export, no page says.",
    ),
    "programs-of-a-stopped-task": OpenBehaviour(
        "What ends a task ends the programs that its action has started as well.",
        "The pages speak of the instance; that its processes are in one job, no page says.",
    ),
    "repetition-at-restart": OpenBehaviour(
        "A restart ends the repetitions of a registration trigger, as it ends its delay.",
        "IRegistrationTrigger says it of the delay alone.",
    ),
    "missed-start": OpenBehaviour(
        "What a time trigger missed while the host was off is made up for at once when it is on again; a task that is registered "
        "after the time of its trigger waits for the next repetition.",
        "ITaskSettings::StartWhenAvailable has that it can be started at any time after, and tells no delay; no page says "
        "whether that holds for a task that was not there yet at the time.",
    ),
    "conditions-on-demand": OpenBehaviour(
        "A task whose conditions do not hold is not started on demand either, and its last result is then 0x800710E0.",
        "IRegisteredTask::RunEx has a flag to ignore constraints, so they hold without it; the result is one that people report.",
    ),
    "scheduler-stopped": OpenBehaviour(
        "Without the service Schedule every question about tasks is 0x80041315.",
        "SCHED_E_SERVICE_NOT_RUNNING says so; what the cmdlets make of it no page shows.",
    ),
}
