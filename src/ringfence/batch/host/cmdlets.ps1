# The cmdlets that write, each with the parameters it may get: all that the tables of the kinds come to.
# Made of them by `make generate`.
$cmdlets = @{
    'New-NetFirewallRule' = 'Action Authentication Description Direction DisplayName DynamicTarget EdgeTraversalPolicy
        Enabled Encryption Group IcmpType InterfaceAlias InterfaceType LocalAddress LocalOnlyMapping LocalPort LocalUser
        LooseSourceMapping Name OverrideBlockRules Owner Package Platform Profile Program Protocol RemoteAddress
        RemoteMachine RemotePort RemoteUser Service'
    'New-NetIPsecAuthProposal' = 'AccountMapping Anonymous Authority AuthorityType Cert ExcludeCAName ExtendedKeyUsage
        FollowRenewal Health Kerberos Machine Ntlm PreSharedKey Proxy SelectionCriteria Signing SubjectName SubjectNameType
        Thumbprint User ValidationCriteria'
    'New-NetIPsecDospSetting' = 'DefBlockExemptDscp DefBlockExemptRateLimitBytesPerSec EnabledKeyingModules FilteringFlags
        IcmpV6Dscp IcmpV6RateLimitBytesPerSec IpV6FilterExemptDscp IpV6FilterExemptRateLimitBytesPerSec IpV6IPsecAuthDscp
        IpV6IPsecAuthRateLimitBytesPerSec IpV6IPsecUnauthDscp IpV6IPsecUnauthPerIPRateLimitBytesPerSec
        IpV6IPsecUnauthRateLimitBytesPerSec MaxPerIPRateLimitQueues MaxStateEntries Name
        PerIPRateLimitQueueIdleTimeoutSeconds PrivateInterfaceAliases PrivateV6Address PublicInterfaceAliases PublicV6Address
        StateIdleTimeoutSeconds'
    'New-NetIPsecMainModeCryptoProposal' = 'Encryption Hash KeyExchange'
    'New-NetIPsecMainModeCryptoSet' = 'Default Description DisplayName ForceDiffieHellman Group MaxMinutes MaxSessions Name
        Proposal'
    'New-NetIPsecMainModeRule' = 'Description DisplayName Enabled Group LocalAddress MainModeCryptoSet Name Phase1AuthSet
        Platform Profile RemoteAddress'
    'New-NetIPsecPhase1AuthSet' = 'Default Description DisplayName Group Name Proposal'
    'New-NetIPsecPhase2AuthSet' = 'Default Description DisplayName Group Name Proposal'
    'New-NetIPsecQuickModeCryptoProposal' = 'AHHash ESPHash Encapsulation Encryption MaxKiloBytes MaxMinutes'
    'New-NetIPsecQuickModeCryptoSet' = 'Default Description DisplayName Group Name PerfectForwardSecrecyGroup Proposal'
    'New-NetIPsecRule' = 'AllowSetKey AllowWatchKey Description DisplayName Enabled EncryptedTunnelBypass ForwardPathLifetime
        Group InboundSecurity InterfaceAlias InterfaceType KeyModule LocalAddress LocalPort LocalTunnelEndpoint Machine Mode
        Name OutboundSecurity Phase1AuthSet Phase2AuthSet Platform Profile Protocol QuickModeCryptoSet RemoteAddress
        RemotePort RemoteTunnelEndpoint RemoteTunnelHostname RequireAuthorization User'
    'Remove-NetFirewallRule' = 'Name'
    'Remove-NetIPsecDospSetting' = 'Name'
    'Remove-NetIPsecMainModeCryptoSet' = 'Name'
    'Remove-NetIPsecMainModeRule' = 'Name'
    'Remove-NetIPsecPhase1AuthSet' = 'Name'
    'Remove-NetIPsecPhase2AuthSet' = 'Name'
    'Remove-NetIPsecQuickModeCryptoSet' = 'Name'
    'Remove-NetIPsecRule' = 'Name'
    'Rename-NetFirewallRule' = 'Name NewName'
    'Rename-NetIPsecMainModeRule' = 'Name NewName'
    'Rename-NetIPsecRule' = 'Name NewName'
    'Set-NetFirewallProfile' = 'AllowInboundRules AllowLocalFirewallRules AllowLocalIPsecRules
        AllowUnicastResponseToMulticast AllowUserApps AllowUserPorts DefaultInboundAction DefaultOutboundAction
        DisabledInterfaceAliases EnableStealthModeForIPsec Enabled LogAllowed LogBlocked LogFileName LogIgnored
        LogMaxSizeKilobytes Name NotifyOnListen'
    'Set-NetFirewallRule' = 'Action Authentication Description Direction DynamicTarget EdgeTraversalPolicy Enabled Encryption
        Group IcmpType InterfaceAlias InterfaceType LocalAddress LocalOnlyMapping LocalPort LocalUser LooseSourceMapping Name
        NewDisplayName OverrideBlockRules Owner Package Platform Profile Program Protocol RemoteAddress RemoteMachine
        RemotePort RemoteUser Service'
    'Set-NetFirewallSetting' = 'AllowIPsecThroughNAT CertValidationLevel EnablePacketQueuing EnableStatefulFtp
        EnableStatefulPptp Exemptions KeyEncoding MaxSAIdleTimeSeconds RemoteMachineTransportAuthorizationList
        RemoteMachineTunnelAuthorizationList RemoteUserTransportAuthorizationList RemoteUserTunnelAuthorizationList
        RequireFullAuthSupport'
    'Set-NetIPsecDospSetting' = 'DefBlockExemptDscp DefBlockExemptRateLimitBytesPerSec EnabledKeyingModules FilteringFlags
        IcmpV6Dscp IcmpV6RateLimitBytesPerSec IpV6FilterExemptDscp IpV6FilterExemptRateLimitBytesPerSec IpV6IPsecAuthDscp
        IpV6IPsecAuthRateLimitBytesPerSec IpV6IPsecUnauthDscp IpV6IPsecUnauthPerIPRateLimitBytesPerSec
        IpV6IPsecUnauthRateLimitBytesPerSec MaxPerIPRateLimitQueues MaxStateEntries Name
        PerIPRateLimitQueueIdleTimeoutSeconds PrivateInterfaceAliases PrivateV6Address PublicInterfaceAliases PublicV6Address
        StateIdleTimeoutSeconds'
    'Set-NetIPsecMainModeCryptoSet' = 'Description ForceDiffieHellman Group MaxMinutes MaxSessions Name NewDisplayName
        Proposal'
    'Set-NetIPsecMainModeRule' = 'Description Enabled Group LocalAddress MainModeCryptoSet Name NewDisplayName Phase1AuthSet
        Platform Profile RemoteAddress'
    'Set-NetIPsecPhase1AuthSet' = 'Description Group Name NewDisplayName Proposal'
    'Set-NetIPsecPhase2AuthSet' = 'Description Group Name NewDisplayName Proposal'
    'Set-NetIPsecQuickModeCryptoSet' = 'Description Group Name NewDisplayName PerfectForwardSecrecyGroup Proposal'
    'Set-NetIPsecRule' = 'AllowSetKey AllowWatchKey Description Enabled EncryptedTunnelBypass ForwardPathLifetime Group
        InboundSecurity InterfaceAlias InterfaceType KeyModule LocalAddress LocalPort LocalTunnelEndpoint Machine Mode Name
        NewDisplayName OutboundSecurity Phase1AuthSet Phase2AuthSet Platform Profile Protocol QuickModeCryptoSet
        RemoteAddress RemotePort RemoteTunnelEndpoint RemoteTunnelHostname RequireAuthorization User'
}
