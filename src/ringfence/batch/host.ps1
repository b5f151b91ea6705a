<#
.SYNOPSIS
ringfence on a host: one batch of calls in, one framed reply out.
.DESCRIPTION
This text is constant. What a run wants arrives as data in -Batch (base64 of UTF-8 JSON); no value ever becomes script
text. The answer is one string, <<ringfence:BASE64(GZIP(JSON))>>, or <<ringfence-fatal:KIND:DETAIL>> where this cannot
run. It reads the registry keys and runs the cmdlets that stand here, and nothing else; docs/reference/host-script.md
lists them. For Windows PowerShell 5.1 and PowerShell 7.
#>
param([string]$Batch)

$ProgressPreference = 'SilentlyContinue'
$language = "$($ExecutionContext.SessionState.LanguageMode)"
if ($language -ne 'FullLanguage') { "<<ringfence-fatal:language_mode:the session runs in $language>>"; return }
Set-StrictMode -Off
$ErrorActionPreference = 'Stop'

# ---- What may be touched ---------------------------------------------------------------------------------------------
$firewallKey = 'HKLM:\SYSTEM\CurrentControlSet\Services\SharedAccess\Parameters\FirewallPolicy'
$ipsecKey = 'HKLM:\SOFTWARE\Policies\Microsoft\Windows\IPSec'
$stores = @{  # its root, then the subkeys of it that are stores of their own
    local = @($firewallKey, 'Mdm', 'RestrictedServices'); mdm = @("$firewallKey\Mdm")
    restricted = @("$firewallKey\RestrictedServices"); group_policy = @('HKLM:\SOFTWARE\Policies\Microsoft\WindowsFirewall')
}
$dosp = 'Name DefBlockExemptDscp DefBlockExemptRateLimitBytesPerSec EnabledKeyingModules FilteringFlags IcmpV6Dscp
    IcmpV6RateLimitBytesPerSec IpV6FilterExemptDscp IpV6FilterExemptRateLimitBytesPerSec IpV6IPsecAuthDscp
    IpV6IPsecAuthRateLimitBytesPerSec IpV6IPsecUnauthDscp IpV6IPsecUnauthPerIPRateLimitBytesPerSec
    IpV6IPsecUnauthRateLimitBytesPerSec MaxPerIPRateLimitQueues MaxStateEntries PerIPRateLimitQueueIdleTimeoutSeconds
    PrivateInterfaceAliases PrivateV6Address PublicInterfaceAliases PublicV6Address StateIdleTimeoutSeconds'
$allowed = @{  # cmdlet: its parameters
    'Set-NetFirewallProfile' = 'Name PolicyStore AllowInboundRules AllowLocalFirewallRules AllowLocalIPsecRules LogIgnored
        AllowUnicastResponseToMulticast AllowUserApps AllowUserPorts DefaultInboundAction DefaultOutboundAction LogAllowed
        DisabledInterfaceAliases EnableStealthModeForIPsec Enabled LogBlocked LogFileName LogMaxSizeKilobytes NotifyOnListen'
    'Set-NetFirewallSetting' = 'PolicyStore AllowIPsecThroughNAT CertValidationLevel EnablePacketQueuing EnableStatefulFtp
        EnableStatefulPptp Exemptions KeyEncoding MaxSAIdleTimeSeconds RemoteMachineTransportAuthorizationList
        RemoteMachineTunnelAuthorizationList RemoteUserTransportAuthorizationList RemoteUserTunnelAuthorizationList
        RequireFullAuthSupport'
    'New-NetIPsecDospSetting' = $dosp; 'Set-NetIPsecDospSetting' = $dosp; 'Remove-NetIPsecDospSetting' = 'Name'
    'New-NetIPsecAuthProposal' = 'AccountMapping Anonymous Authority AuthorityType Cert ExcludeCAName ExtendedKeyUsage
        FollowRenewal Health Kerberos Machine Ntlm PreSharedKey Proxy SelectionCriteria Signing SubjectName SubjectNameType
        Thumbprint User ValidationCriteria'
    'New-NetIPsecMainModeCryptoProposal' = 'Encryption Hash KeyExchange'
    'New-NetIPsecQuickModeCryptoProposal' = 'AHHash ESPHash Encapsulation Encryption MaxKiloBytes MaxMinutes'
}
$verbs = @{
    New = 'Name DisplayName Group PolicyStore'; Set = 'Name NewDisplayName Group PolicyStore'; Remove = 'Name PolicyStore'
    Rename = 'Name NewName PolicyStore'; Copy = 'Name NewName NewPolicyStore PolicyStore'
    Enable = 'Name Group PolicyStore'; Disable = 'Name Group PolicyStore'
}
$nouns = @{  # what New and Set take besides; + marks what only New takes
    NetFirewallRule = 'Action Authentication Description Direction DynamicTarget EdgeTraversalPolicy Enabled Encryption
        IcmpType InterfaceAlias InterfaceType LocalAddress LocalOnlyMapping LocalPort LocalUser LooseSourceMapping
        OverrideBlockRules Owner Package Platform Profile Program Protocol RemoteAddress RemoteDynamicKeywordAddresses
        RemoteMachine RemotePort RemoteUser Service'
    NetIPsecRule = 'AllowSetKey AllowWatchKey Description Enabled EncryptedTunnelBypass ForwardPathLifetime InboundSecurity
        InterfaceAlias InterfaceType KeyModule LocalAddress LocalPort LocalTunnelEndpoint Machine Mode OutboundSecurity
        Phase1AuthSet Phase2AuthSet Platform Profile Protocol QuickModeCryptoSet RemoteAddress RemotePort
        RemoteTunnelEndpoint RemoteTunnelHostname RequireAuthorization +TunnelType User'
    NetIPsecMainModeRule = 'Description Enabled LocalAddress MainModeCryptoSet Phase1AuthSet Platform Profile RemoteAddress'
    NetIPsecPhase1AuthSet = '+Default Description Proposal'
    NetIPsecPhase2AuthSet = '+Default Description Proposal'
    NetIPsecMainModeCryptoSet = '+Default Description ForceDiffieHellman MaxMinutes MaxSessions Proposal'
    NetIPsecQuickModeCryptoSet = '+Default Description PerfectForwardSecrecyGroup Proposal'
}
foreach ($noun in $nouns.Keys) {
    foreach ($verb in $verbs.Keys | Where-Object { $noun -like '*Rule' -or $_ -notlike '*able' }) {
        $more = switch ($verb) { New { $nouns[$noun] -replace '\+' } Set { $nouns[$noun] -replace '\+\w+' } }
        $allowed["$verb-$noun"] = "$($verbs[$verb]) $more"
    }
}
$manySets = 8  # so many Set-* of a noun are worth reading its objects once: by name, each searches them all

# ---- What has no cmdlet: a stand-in may define these before ----------------------------------------------------------
if (-not (Test-Path -LiteralPath Function:\Test-RingfenceElevation)) {
    function Test-RingfenceElevation {
        $me = New-Object Security.Principal.WindowsPrincipal ([Security.Principal.WindowsIdentity]::GetCurrent())
        $me.IsInRole([Security.Principal.WindowsBuiltInRole]::Administrator)
    }
}
if (-not (Test-Path -LiteralPath Function:\Resolve-RingfenceAccount)) {
    function Resolve-RingfenceAccount([string]$Name) {
        $sid = if ($Name -match '^S-1-\d+(-\d+)+$') { New-Object Security.Principal.SecurityIdentifier $Name }
        else { (New-Object Security.Principal.NTAccount $Name).Translate([Security.Principal.SecurityIdentifier]) }
        @{ sid = $sid.Value; name = $sid.Translate([Security.Principal.NTAccount]).Value }
    }
}

# ---- JSON, exactly: the cmdlets for it treat dates, short lists, enums and long texts as their version likes ---------
function ConvertFrom-JsonNode($Node) {  # of .NET's JSON reader, which shows JSON as XML
    switch ($Node.GetAttribute('type')) {
        'object' {
            $members = @{}
            foreach ($child in $Node.get_ChildNodes()) {
                $name = if ($child.HasAttribute('item')) { $child.GetAttribute('item') } else { $child.get_LocalName() }
                $members[$name] = ConvertFrom-JsonNode $child
            }
            $members
        }
        'array' { , @(foreach ($child in $Node.get_ChildNodes()) { ConvertFrom-JsonNode $child }) }
        'boolean' { $Node.get_InnerText() -eq 'true' }
        'number' { [decimal]::Parse($Node.get_InnerText(), 'Float', [cultureinfo]::InvariantCulture) }
        'string' { $Node.get_InnerText() }
    }
}
function ConvertTo-JsonText([string]$Text) {
    $Text = $Text.Replace('\', '\\').Replace('"', '\"')
    if ($Text -match '[\x00-\x1f\x7f\ud800-\udfff]') {
        $Text = [regex]::Replace($Text, '[\x00-\x1f\x7f\ud800-\udfff]', { '\u{0:x4}' -f [int]$args[0].Value[0] })
    }
    '"' + $Text + '"'
}
function ConvertTo-Reply($Value) {
    if ($null -eq $Value) { return 'null' }
    if ($Value -is [bool]) { return "$Value".ToLowerInvariant() }
    if ($Value -is [Text.StringBuilder]) { return $Value.ToString() }  # JSON already
    if ($Value -is [byte[]]) { $Value = [Convert]::ToBase64String($Value) }
    if ($Value -is [datetime]) { $Value = $Value.ToUniversalTime().ToString('s', [cultureinfo]::InvariantCulture) + 'Z' }
    if ($Value -is [Collections.IDictionary]) {
        $parts = foreach ($pair in $Value.GetEnumerator()) { (ConvertTo-JsonText $pair.Key) + ':' + (ConvertTo-Reply $pair.Value) }
        return '{' + ($parts -join ',') + '}'
    }
    if ($Value -isnot [string] -and $Value -is [Collections.IEnumerable]) {
        $parts = foreach ($one in $Value) { ConvertTo-Reply $one }
        return '[' + ($parts -join ',') + ']'
    }
    if ($Value -isnot [enum] -and [int][Convert]::GetTypeCode($Value) -in 5..15 -and "$Value" -match '\d$') { return "$Value" }
    ConvertTo-JsonText "$Value"
}

# ---- Failures --------------------------------------------------------------------------------------------------------
function New-Failure([string]$Category, [string]$Id, [string]$Message) {
    New-Object Management.Automation.ErrorRecord (New-Object InvalidOperationException $Message), $Id, $Category, $null
}
function Get-NativeCode($Record) {
    if ($Record.FullyQualifiedErrorId -match 'Windows System Error (\d+)') { return [int]$Matches[1] }
    for ($cause = $Record.Exception; $cause -and $cause -isnot [ArgumentException]; $cause = $cause.InnerException) {
        if ($cause.StatusCode -is [uint32]) { return $cause.StatusCode }  # CimException
        if (($cause.HResult -band 0xFFFF0000) -eq 0x80070000) { return $cause.HResult -band 0xFFFF }  # HRESULT_FROM_WIN32
    }
}

# ---- Facts: each on its own; what cannot be had is null --------------------------------------------------------------
function Get-Fact([scriptblock]$Read) { try { & $Read 2>$null 3>$null } catch { } }
function Select-Of($Index, $Items) { $Items | Where-Object { $_.InterfaceIndex -eq $Index } }
function Read-Interfaces {
    $addresses, $resolvers = @(Get-Fact { Get-NetIPAddress }), @(Get-Fact { Get-DnsClientServerAddress })
    $networks, $routes = @(Get-Fact { Get-NetConnectionProfile }), @(Get-Fact { Get-NetRoute })
    foreach ($adapter in Get-Fact { Get-NetAdapter -IncludeHidden }) {
        $index = $adapter.InterfaceIndex
        $own = @(Select-Of $index $addresses)
        if ($adapter.Hidden -and -not $own) { continue }  # a connected VPN is hidden too, but has an address
        @{
            alias = $adapter.Name; guid = "$($adapter.InterfaceGuid)".ToUpperInvariant(); index = $index
            type = switch ($adapter.InterfaceType) { 6 { 'wired' } 71 { 'wireless' } 23 { 'remote_access' } default { 'other' } }
            status = if ("$($adapter.Status)" -eq 'Up') { 'up' } else { 'down' }
            addresses = @($own | ForEach-Object { "$($_.IPAddress -replace '%.*')/$($_.PrefixLength)" })
            profile = switch -Wildcard (@(Select-Of $index $networks)[0].NetworkCategory) {
                Domain* { 'domain' } Private { 'private' } Public { 'public' } }
            dns_servers = @(Select-Of $index $resolvers | ForEach-Object { $_.ServerAddresses })
            gateways = @(Select-Of $index $routes | Where-Object { $_.DestinationPrefix -in '0.0.0.0/0', '::/0' } | ForEach-Object { $_.NextHop })
        }
    }
}
function Read-Management {  # the flow that carries this session, as this host sees it
    $ssh = -split "$env:SSH_CONNECTION"
    $winrm = @(if ($PSSenderInfo) { Get-Fact { Get-NetTCPConnection -State Established -LocalPort 5985, 5986 } })
    $flow = if ($ssh.Count -eq 4) { @('ssh') + $ssh } elseif ($PSSenderInfo) { 'psrp' } else { 'local' }
    if ($winrm -and @($winrm | Group-Object RemoteAddress, LocalAddress, LocalPort).Count -eq 1) {  # else: which one is ours?
        $port = if ($winrm.Count -eq 1) { $winrm[0].RemotePort }
        $flow = 'psrp', $winrm[0].RemoteAddress, $port, $winrm[0].LocalAddress, $winrm[0].LocalPort
    }
    $transport, $from, $fromPort, $to, $toPort = $flow
    @{ transport = $transport; remote_address = if ($from) { $from -replace '%.*' }; remote_port = if ($fromPort) { [int]$fromPort }
       local_address = if ($to) { $to -replace '%.*' }; local_port = if ($toPort) { [int]$toPort } }
}
function Read-LegacyPolicy {  # a `netsh ipsec` policy that is assigned, here or by Group Policy
    $active = Get-Fact { (Get-Item -LiteralPath "$ipsecKey\Policy\Local").GetValue('ActivePolicy') }
    if (-not $active) { return Get-Fact { (Get-Item -LiteralPath "$ipsecKey\GPTIPSECPolicy").GetValue('DSIPSECPolicyName') } }
    $name = Get-Fact { (Get-Item -LiteralPath "HKLM:\$active").GetValue('ipsecName') }
    if ($name) { $name } else { $active }
}
function Read-Facts {
    $system = Get-Fact { Get-CimInstance -ClassName Win32_ComputerSystem }
    $os = Get-Fact { Get-CimInstance -ClassName Win32_OperatingSystem }
    $services, $environment = @{}, @{}
    foreach ($name in 'mpssvc', 'BFE', 'IKEEXT', 'PolicyAgent') {
        $services[$name] = Get-Fact { "$((Get-Service -Name $name).Status)".ToLowerInvariant() }
    }
    foreach ($name in 'SystemRoot', 'SystemDrive', 'ProgramFiles', 'ProgramFiles(x86)', 'ProgramData') {
        $environment[$name] = [Environment]::GetEnvironmentVariable($name)
    }
    @{
        computer = if ($env:COMPUTERNAME) { $env:COMPUTERNAME } else { [Environment]::MachineName }
        domain = if ($system.PartOfDomain) { $system.Domain }
        os = @{
            caption = $os.Caption; version = $os.Version; build = if ($os) { [int]$os.BuildNumber }
            edition = Get-Fact { (Get-Item -LiteralPath 'HKLM:\SOFTWARE\Microsoft\Windows NT\CurrentVersion').GetValue('EditionID') }
            product = switch ($os.ProductType) { 1 { 'workstation' } 2 { 'domain_controller' } 3 { 'server' } }
        }
        powershell = "$($PSVersionTable.PSVersion)"; language_mode = $language; elevated = Get-Fact { Test-RingfenceElevation }
        time = Get-Fact { Get-Date }; interfaces = @(Read-Interfaces); services = $services; environment = $environment
        management = Read-Management; legacy_ipsec_policy = Read-LegacyPolicy
    }
}

# ---- Policy as the registry holds it ---------------------------------------------------------------------------------
function Read-Key($Key, [string]$Root, [string]$Path, [string[]]$Without) {  # JSON of the key, then of each key below it
    $values = foreach ($name in $Key.GetValueNames()) {
        $kind, $value = "$($Key.GetValueKind($name))", $Key.GetValue($name, $null, 'DoNotExpandEnvironmentNames')
        if ($kind -eq 'DWord') { $value = [long]$value -band 0xFFFFFFFFL }
        if ($name -eq 'SHKey') {  # a pre-shared key stands here in clear: it never leaves the host
            $hash = $hmac.ComputeHash([Text.Encoding]::UTF8.GetBytes("$value"))
            $kind, $value = 'Hmac', [BitConverter]::ToString($hash).Replace('-', '').ToLowerInvariant()
        }
        '[' + (ConvertTo-JsonText $name) + ',"' + $kind + '",' + (ConvertTo-Reply $value) + ']'
    }
    '[' + (ConvertTo-JsonText $Path) + ',[' + ($values -join ',') + ']]'
    $children = if ($Path.Contains('/')) { foreach ($leaf in $Key.GetSubKeyNames()) { $Key.OpenSubKey($leaf) } }  # no path has it
    else { Get-ChildItem -LiteralPath "$Root\$Path" }
    foreach ($child in $children) {
        $leaf = $child.Name.Substring($child.Name.LastIndexOf('\') + 1)
        if ($leaf -notin $Without) { Read-Key $child $Root "$Path\$leaf".TrimStart('\') }
    }
}
function Read-Policy([string[]]$Names) {
    $found = @{}
    foreach ($name in $Names) {
        if (-not $stores.ContainsKey($name)) { throw (New-Failure InvalidArgument ringfence.store "no store is named '$name'") }
        $root, $without = $stores[$name]
        $key = try { Get-Item -LiteralPath $root } catch { if ($_.FullyQualifiedErrorId -notlike 'PathNotFound*') { throw } }
        $keys = if ($key) { Read-Key $key $root '' $without }
        $found[$name] = New-Object Text.StringBuilder ('[' + ($keys -join ',') + ']')
    }
    $found
}

# ---- Cmdlets of NetSecurity ------------------------------------------------------------------------------------------
function Assert-Allowed($Call, [string[]]$Among) {  # throws before anything has run
    $cmdlet, $with = $Call['cmdlet'], $Call['parameters']
    if ($cmdlet -notin $Among) { throw (New-Failure PermissionDenied ringfence.allowlist "'$cmdlet' is not allowed here") }
    foreach ($pair in $with.GetEnumerator()) {
        if ($pair.Key -notin -split $allowed[$cmdlet]) {
            throw (New-Failure PermissionDenied ringfence.allowlist "-$($pair.Key) is not allowed with $cmdlet")
        }
        $inner = @($pair.Value) | Where-Object { $_ -is [hashtable] }
        foreach ($value in $inner) { Assert-Allowed $value['$call'] ($allowed.Keys -like '*Proposal') }
    }
    if ($cmdlet -notmatch '^(New|Set)-' -and -not (@($with['Name']) + @($with['Group']) | Where-Object { $_ })) {
        throw (New-Failure PermissionDenied ringfence.allowlist "$cmdlet is not allowed without a name: it would mean all")
    }
}
function Invoke-NetCmdlet($Call) {
    $cmdlet, $with = $Call['cmdlet'], @{ ErrorAction = 'Stop' }
    foreach ($pair in $Call['parameters'].GetEnumerator()) {
        $many = foreach ($one in $pair.Value) { if ($one -is [hashtable]) { Invoke-NetCmdlet $one['$call'] } else { $one } }
        $with[$pair.Key] = if ($pair.Value -is [array]) { , @($many) } else { $many }
        if ($pair.Key -eq 'PreSharedKey') { $keysSent.Add("$many") }
    }
    if ($cmdlet -like 'Set-*' -and $with['Name'] -is [string] -and (Set-ByObject $cmdlet $with)) { return }
    foreach ($name in @('Name', 'Group' | Where-Object { $with[$_] -and $cmdlet -notlike 'New-*' })) {
        $with[$name] = @($with[$name] | ForEach-Object { [WildcardPattern]::Escape($_) })  # a pattern there: it means itself
    }
    & $cmdlet @with 3>$null
}
function Get-Named([string]$Noun, $With) {  # name = object
    $named = @{}
    & "Get-$Noun" @With -ErrorAction Stop 3>$null | ForEach-Object { $named[$(if ($_.Name) { "$($_.Name)" } else { "$($_.InstanceID)" })] = $_ }
    $named
}
function Set-ByObject([string]$Cmdlet, $With) {  # whether it was set: the object is needed for Group, and quicker for many
    $noun, $name, $group, $rest = $Cmdlet.Substring(4), $With['Name'], $With.ContainsKey('Group'), $With.Clone()
    $store = @{}
    if ($With['PolicyStore']) { $store['PolicyStore'] = $With['PolicyStore'] }
    $kept = "$noun $($With['PolicyStore'])"
    if ($setsOf[$kept] -ge $manySets -and -not $objectsOf[$kept]) { $objectsOf[$kept] = Get-Fact { Get-Named $noun $store } }
    $object = if ($objectsOf[$kept]) { $objectsOf[$kept][$name]; $objectsOf[$kept].Remove($name) }  # once set, out of date
    if ($group -and -not $object) { $object = (Get-Named $noun ($store + @{ Name = [WildcardPattern]::Escape($name) }))[$name] }
    if (-not $object) { return $false }
    foreach ($key in 'Name', 'Group', 'PolicyStore') { $rest.Remove($key) }
    try {
        if ($group) { $object.Group = $With['Group'] }
        & $Cmdlet -InputObject $object @rest 3>$null | Out-Null
        $true
    }
    catch [Management.Automation.ParameterBindingException] { if ($group) { throw } else { $false } }
}
function Get-Plain([string]$Cmdlet, [string[]]$Names = '*') {
    foreach ($object in & $Cmdlet -ErrorAction Stop 3>$null) {
        $plain = @{}
        foreach ($property in $object.PSObject.Properties) {
            if ($property.Name -notlike 'Cim*' -and ($property.Name -in $Names -or $Names[0] -eq '*')) { $plain[$property.Name] = $property.Value }
        }
        $plain
    }
}
function Read-Enforcement([string]$Kind, [string[]]$Names) {
    if ($Kind -notin $nouns.Keys) { throw (New-Failure InvalidArgument ringfence.kind "no kind is named '$Kind'") }
    $found, $inForce = @{}, (Get-Named $Kind @{ PolicyStore = 'ActiveStore' })
    foreach ($name in $Names | Where-Object { $inForce[$_] }) {
        $found[$name] = @{ primary_status = "$($inForce[$name].PrimaryStatus)"; status = "$($inForce[$name].Status)"
                           enforcement = @($inForce[$name].EnforcementStatus | ForEach-Object { "$_" }) }
    }
    $found
}
function Remove-Associations([string]$Peer) {
    $removed = @{ main_mode = 0; quick_mode = 0 }
    foreach ($mode in 'quick_mode', 'main_mode') {
        $noun = if ($mode -eq 'main_mode') { 'NetIPsecMainModeSA' } else { 'NetIPsecQuickModeSA' }
        foreach ($association in @(Get-Plain "Get-$noun") | Where-Object { $_['RemoteEndpoint'] -eq $Peer }) {
            & "Remove-$noun" -Name $association['Name'] -ErrorAction Stop 3>$null
            $removed[$mode]++
        }
    }
    $removed
}

# ---- The verbs, and nothing else -------------------------------------------------------------------------------------
function Invoke-Verb([string]$Verb, $With) {
    switch -CaseSensitive ($Verb) {
        Facts.Read { return Read-Facts }
        Policy.Read { return Read-Policy $(if ($With['stores']) { $With['stores'] } else { 'local', 'group_policy', 'mdm' }) }
        Account.Resolve {
            $known = @{}
            foreach ($name in $With['names']) {
                $known[$name] = try { Resolve-RingfenceAccount $name } catch { @{ error = $_.Exception.GetBaseException().Message } }
            }
            return $known
        }
        Net.Call { Assert-Allowed $With $allowed.Keys; Invoke-NetCmdlet $With | Out-Null; return }
        Net.Get {
            if ($With['cmdlet'] -cne 'Get-NetIPsecDospSetting') {
                throw (New-Failure PermissionDenied ringfence.allowlist "'$($With['cmdlet'])' is not allowed here")
            }
            return , @(Get-Plain Get-NetIPsecDospSetting (-split $dosp))
        }
        Enforcement.Read { return Read-Enforcement $With['kind'] $With['names'] }
        SA.Read { return @{ main_mode = @(Get-Plain Get-NetIPsecMainModeSA); quick_mode = @(Get-Plain Get-NetIPsecQuickModeSA) } }
        SA.Delete { return Remove-Associations $With['remote_address'] }
    }
    throw (New-Failure InvalidArgument ringfence.verb "no verb is named '$Verb'")
}
try {
    Add-Type -AssemblyName System.Runtime.Serialization
    $reader = [Runtime.Serialization.Json.JsonReaderWriterFactory]::CreateJsonReader(
        [Convert]::FromBase64String($Batch), [Xml.XmlDictionaryReaderQuotas]::Max)
    $document = New-Object Xml.XmlDocument -Property @{ PreserveWhitespace = $true }
    $document.Load($reader)
    $job = ConvertFrom-JsonNode $document.get_DocumentElement()
    if ($job['ringfence'] -ne 1) { "<<ringfence-fatal:version:here 1, there $($job['ringfence'] -as [int])>>"; return }
    $hmac = New-Object Security.Cryptography.HMACSHA256 (, [Convert]::FromBase64String($job['key']))
    $objectsOf, $setsOf, $keysSent = @{}, @{}, (New-Object Collections.ArrayList)
    foreach ($with in $job['calls'] | ForEach-Object { $_['args'] } | Where-Object { $_['cmdlet'] -like 'Set-*' }) {
        $setsOf["$($with['cmdlet'].Substring(4)) $($with['parameters']['PolicyStore'])"]++
    }
    $replies = foreach ($call in $job['calls']) {
        try { '{"ok":true,"value":' + (ConvertTo-Reply (Invoke-Verb $call['verb'] $call['args'])) + '}' }
        catch {
            $said = $_.Exception.Message
            foreach ($key in $keysSent) { $said = $said.Replace($key, '********') }
            '{"ok":false,"error":' + (ConvertTo-Reply @{ category = "$($_.CategoryInfo.Category)"; message = $said
                id = $_.FullyQualifiedErrorId; code = Get-NativeCode $_ }) + '}'
            if ($job['stop']) { break }
        }
    }
    $bytes = [Text.Encoding]::UTF8.GetBytes('{"ringfence":1,"run":' + (ConvertTo-JsonText $job['run']) + ',"replies":[' + ($replies -join ',') + ']}')
    $packed = New-Object IO.MemoryStream
    $gzip = New-Object IO.Compression.GZipStream $packed, ([IO.Compression.CompressionMode]::Compress)
    $gzip.Write($bytes, 0, $bytes.Length)
    $gzip.Dispose()
    '<<ringfence:' + [Convert]::ToBase64String($packed.ToArray()) + '>>'
}
catch { '<<ringfence-fatal:script:' + ("$($_.Exception.Message)" -replace '[^ -=?-~]', ' ') + '>>' }
