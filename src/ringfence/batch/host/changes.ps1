# What writes, and nothing else does: the cmdlets and parameters that may be called.
$sets = 'NetIPsecPhase1AuthSet', 'NetIPsecPhase2AuthSet', 'NetIPsecMainModeCryptoSet', 'NetIPsecQuickModeCryptoSet'
$proposals = 'New-NetIPsecAuthProposal', 'New-NetIPsecMainModeCryptoProposal', 'New-NetIPsecQuickModeCryptoProposal'
$writers = @($proposals; 'Set-NetFirewallProfile', 'Set-NetFirewallSetting'
    'New', 'Set', 'Remove' | ForEach-Object { "$_-NetIPsecDospSetting" }; $rules | ForEach-Object { "Enable-$_", "Disable-$_" }
    $rules + $sets | ForEach-Object { "New-$_", "Set-$_", "Remove-$_", "Rename-$_", "Copy-$_" })
$parameters = @{  # by verb; New and Set take $properties besides, of which a cmdlet itself refuses what it does not have
    New = 'Name DisplayName Group PolicyStore'; Set = 'Name NewDisplayName Group PolicyStore'; Remove = 'Name PolicyStore'; Get = ''
    Rename = 'Name NewName PolicyStore'; Copy = 'Name NewName NewPolicyStore PolicyStore'
    Enable = 'Name Group PolicyStore'; Disable = 'Name Group PolicyStore' }
$properties = -split 'AHHash AccountMapping Action AllowIPsecThroughNAT AllowInboundRules AllowLocalFirewallRules
    AllowLocalIPsecRules AllowSetKey AllowUnicastResponseToMulticast AllowUserApps AllowUserPorts AllowWatchKey Anonymous
    Authentication Authority AuthorityType Cert CertValidationLevel DefBlockExemptDscp DefBlockExemptRateLimitBytesPerSec Default
    DefaultInboundAction DefaultOutboundAction Description Direction DisabledInterfaceAliases DynamicTarget ESPHash
    EdgeTraversalPolicy EnablePacketQueuing EnableStatefulFtp EnableStatefulPptp EnableStealthModeForIPsec Enabled
    EnabledKeyingModules Encapsulation EncryptedTunnelBypass Encryption ExcludeCAName Exemptions ExtendedKeyUsage FilteringFlags
    FollowRenewal ForceDiffieHellman ForwardPathLifetime Hash Health IcmpType IcmpV6Dscp IcmpV6RateLimitBytesPerSec InboundSecurity
    InterfaceAlias InterfaceType IpV6FilterExemptDscp IpV6FilterExemptRateLimitBytesPerSec IpV6IPsecAuthDscp
    IpV6IPsecAuthRateLimitBytesPerSec IpV6IPsecUnauthDscp IpV6IPsecUnauthPerIPRateLimitBytesPerSec
    IpV6IPsecUnauthRateLimitBytesPerSec Kerberos KeyEncoding KeyExchange KeyModule LocalAddress LocalOnlyMapping LocalPort
    LocalTunnelEndpoint LocalUser LogAllowed LogBlocked LogFileName LogIgnored LogMaxSizeKilobytes LooseSourceMapping Machine
    MainModeCryptoSet MaxKiloBytes MaxMinutes MaxPerIPRateLimitQueues MaxSAIdleTimeSeconds MaxSessions MaxStateEntries Mode
    NotifyOnListen Ntlm OutboundSecurity OverrideBlockRules Owner Package PerIPRateLimitQueueIdleTimeoutSeconds
    PerfectForwardSecrecyGroup Phase1AuthSet Phase2AuthSet Platform PreSharedKey PrivateInterfaceAliases PrivateV6Address Profile
    Program Proposal Protocol Proxy PublicInterfaceAliases PublicV6Address QuickModeCryptoSet RemoteAddress
    RemoteDynamicKeywordAddresses RemoteMachine RemoteMachineTransportAuthorizationList RemoteMachineTunnelAuthorizationList
    RemotePort RemoteTunnelEndpoint RemoteTunnelHostname RemoteUser RemoteUserTransportAuthorizationList
    RemoteUserTunnelAuthorizationList RequireAuthorization RequireFullAuthSupport SelectionCriteria Service Signing
    StateIdleTimeoutSeconds SubjectName SubjectNameType Thumbprint TunnelType User ValidationCriteria'
$manySets = 8  # so many Set-* of a noun are worth reading its objects once: by name, each of them searches all
$setsAt, $objectsAt = @{}, @{}  # by cmdlet and store
function Assert-Place([string]$Name, [string]$Value) {  # on this host: no policy of a domain, no share, no device
    $elsewhere = ($Name -like '*PolicyStore' -and $Value.Contains('\')) -or ($Name -eq 'LogFileName' -and $Value -match '^[\\/]{2}')
    if ($elsewhere) { Stop-Call PermissionDenied allowlist "-$Name is not on this host: $Value" }
}
function Assert-Allowed($Call, [string[]]$Among) {  # throws before anything has run
    if (-not $Call['parameters']) { $Call['parameters'] = @{} }
    $cmdlet, $with = $Call['cmdlet'], $Call['parameters']
    Assert-Cmdlet $cmdlet $Among
    $known = @(-split $parameters["$cmdlet".Split('-')[0]]) + @(if ($cmdlet -match '^(New|Set)-') { $properties })
    foreach ($pair in $with.GetEnumerator()) {
        if ($pair.Key -notin $known) { Stop-Call PermissionDenied allowlist "-$($pair.Key) is not among the parameters of $cmdlet" }
        Assert-Place $pair.Key "$($pair.Value)"
        foreach ($one in @($pair.Value) | Where-Object { $_ -is [hashtable] }) {
            if ($one['$call'] -isnot [hashtable]) { Stop-Call InvalidArgument value "-$($pair.Key) holds neither values nor calls" }
            Assert-Allowed $one['$call'] $proposals
        }
    }
    $names = @($with['Name']) + @($with['Group']) | Where-Object { $_ }
    if (-not $names -and $cmdlet -notmatch '^(New|Set|Get)-') { Stop-Call PermissionDenied allowlist "$cmdlet needs a name" }
}
function Invoke-NetCmdlet($Call) {
    $cmdlet, $with = $Call['cmdlet'], @{ ErrorAction = 'Stop' }
    foreach ($pair in $Call['parameters'].GetEnumerator()) {
        $given = foreach ($one in $pair.Value) { if ($one -is [hashtable]) { Invoke-NetCmdlet $one['$call'] } else { $one } }
        $with[$pair.Key] = if ($pair.Value -is [array]) { , @($given) } else { $given }
        if ($pair.Key -eq 'PreSharedKey' -and $given) { [void]$secrets.Add("$given") }
    }
    if ($cmdlet -like 'Set-*' -and $with['Name'] -is [string] -and (Set-ByObject $cmdlet $with)) { return }
    foreach ($key in 'Name', 'Group' | Where-Object { $with[$_] -and $cmdlet -notlike 'New-*' }) {
        $with[$key] = @($with[$key] | ForEach-Object { [WildcardPattern]::Escape($_) })  # a pattern there: it has to mean itself
    }
    foreach ($known in $objectsAt.Values) { @($Call['parameters']['Name']) -ne $null | ForEach-Object { $known.Remove($_) } }
    & $cmdlet @with 3>$null
}
function Measure-Sets {  # how many there will be of each, in the whole batch
    foreach ($with in $job['calls'] | ForEach-Object { $_['args'] } | Where-Object { $_['cmdlet'] -like 'Set-*' }) {
        $setsAt["$($with['cmdlet']) $($with['parameters']['PolicyStore'])"]++
    }
}
function Set-ByObject([string]$Cmdlet, $With) {  # whether it was set: Group needs the object, many sets are quicker by it
    $noun, $name, $place, $store = $Cmdlet.Substring(4), $With['Name'], "$Cmdlet $($With['PolicyStore'])", @{}
    if ($With['PolicyStore']) { $store['PolicyStore'] = $With['PolicyStore'] }
    if (-not $setsAt.Count) { Measure-Sets }
    $many = $setsAt[$place] -ge $manySets
    if ($many -and -not $objectsAt[$place]) { $objectsAt[$place] = try { Get-Named $noun $store } catch { @{} } }
    $object = if ($objectsAt[$place]) { $objectsAt[$place][$name]; $objectsAt[$place].Remove($name) }  # once set, out of date
    $grouped, $rest = $With.ContainsKey('Group'), $With.Clone()
    if ($grouped -and -not $object) { $object = (Get-Named $noun ($store + @{ Name = [WildcardPattern]::Escape($name) }))[$name] }
    if (-not $object) { return $false }
    'Name', 'Group', 'PolicyStore' | ForEach-Object { $rest.Remove($_) }
    try {
        if ($grouped) { $object.Group = $With['Group'] }
        & $Cmdlet -InputObject $object @rest 3>$null | Out-Null
        $true
    }
    catch [Management.Automation.ParameterBindingException] { if ($grouped) { throw } else { $false } }
}
function Remove-Peer([string]$Mode, [string]$Peer) {  # how many there were
    $with = @(Get-Plain "Get-NetIPsec${Mode}ModeSA" | Where-Object { $_['RemoteEndpoint'] -eq $Peer })
    foreach ($one in $with) { & "Remove-NetIPsec${Mode}ModeSA" -Name $one['Name'] -ErrorAction Stop 3>$null }
    $with.Count
}
$change = { param($With) Assert-Expected $With['expected']; [void](Invoke-NetCmdlet $With) }
$verbs += @{
    'Net.Call' = { param($With) Assert-Allowed $With $writers; Invoke-Alone $change $With }
    'SA.Delete' = { param($With) @{ quick_mode = Remove-Peer Quick $With['remote_address']; main_mode = Remove-Peer Main $With['remote_address'] } }
}
