# ringfence on a host: one batch of calls in, one framed reply out. For Windows PowerShell 5.1 and PowerShell 7.
# This text is constant: what a run wants arrives as data in -Batch (base64 of UTF-8 JSON) and never becomes script text.
# It answers <<ringfence:BASE64(GZIP(JSON))>>, or <<ringfence-fatal:KIND:DETAIL>> where it cannot run. See reference/host-script.md
param([string]$Batch)
$ProgressPreference = 'SilentlyContinue'
$language = "$($ExecutionContext.SessionState.LanguageMode)"
if ($language -ne 'FullLanguage') { "<<ringfence-fatal:language_mode:the session runs in $language>>"; return }
Set-StrictMode -Off; $ErrorActionPreference = 'Stop'
# ---- What may be touched: registry keys, cmdlets, parameters -------------------------------------------------------------------
$firewallKey = 'HKLM:\SYSTEM\CurrentControlSet\Services\SharedAccess\Parameters\FirewallPolicy'
$ipsecKey = 'HKLM:\SOFTWARE\Policies\Microsoft\Windows\IPSec'; $ntKey = 'HKLM:\SOFTWARE\Microsoft\Windows NT\CurrentVersion'
$stores = @{  # a root, then those of its subkeys that are other stores
    local = @($firewallKey, 'Mdm', 'RestrictedServices'); mdm = @("$firewallKey\Mdm")
    restricted = @("$firewallKey\RestrictedServices"); group_policy = @('HKLM:\SOFTWARE\Policies\Microsoft\WindowsFirewall') }
$rules = 'NetFirewallRule', 'NetIPsecRule', 'NetIPsecMainModeRule'
$sets = 'NetIPsecPhase1AuthSet', 'NetIPsecPhase2AuthSet', 'NetIPsecMainModeCryptoSet', 'NetIPsecQuickModeCryptoSet'
$readers = 'Get-NetIPsecDospSetting', 'Get-NetIPsecMainModeSA', 'Get-NetIPsecQuickModeSA'
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
# ---- What has no cmdlet: a stand-in may define these before --------------------------------------------------------------------
if (-not (Test-Path -LiteralPath Function:\Test-RingfenceElevation)) { function Test-RingfenceElevation {
    $me = New-Object Security.Principal.WindowsPrincipal ([Security.Principal.WindowsIdentity]::GetCurrent())
    $me.IsInRole([Security.Principal.WindowsBuiltInRole]::Administrator)
} }
if (-not (Test-Path -LiteralPath Function:\Resolve-RingfenceAccount)) { function Resolve-RingfenceAccount([string]$Name) {
    $sid = if ($Name -match '^S-1-\d+(-\d+)+$') { New-Object Security.Principal.SecurityIdentifier $Name }
    else { (New-Object Security.Principal.NTAccount $Name).Translate([Security.Principal.SecurityIdentifier]) }
    @{ sid = $sid.Value; name = $sid.Translate([Security.Principal.NTAccount]).Value }
} }
# ---- JSON, exactly: the cmdlets for it treat dates, short lists, enums and long texts as their version likes -------------------
function ConvertFrom-JsonNode($Node) {  # .NET reads JSON as XML
    $type, $children, $text = $Node.GetAttribute('type'), $Node.get_ChildNodes(), $Node.get_InnerText()
    if ($type -eq 'array') { return , @(foreach ($child in $children) { ConvertFrom-JsonNode $child }) }
    if ($type -eq 'number') { return [decimal]::Parse($text, 'Float', [cultureinfo]::InvariantCulture) }
    if ($type -ne 'object') { return $(if ($type -eq 'string') { $text } elseif ($type -eq 'boolean') { $text -eq 'true' }) }
    $members = @{}
    foreach ($child in $children) {
        $name = if ($child.HasAttribute('item')) { $child.GetAttribute('item') } else { $child.get_LocalName() }
        $members[$name] = ConvertFrom-JsonNode $child
    }
    $members
}
function ConvertTo-JsonText([string]$Text) {
    $Text, $unsafe = $Text.Replace('\', '\\').Replace('"', '\"'), '[\x00-\x1f\x7f\ud800-\udfff]'
    if ($Text -match $unsafe) { $Text = [regex]::Replace($Text, $unsafe, { '\u{0:x4}' -f [int]$args[0].Value[0] }) }
    '"' + $Text + '"'
}
function ConvertTo-ReplyJson($Value) {
    if ($null -eq $Value) { return 'null' }
    if ($Value -is [bool]) { return "$Value".ToLowerInvariant() }
    if ($Value -is [Text.StringBuilder]) { return $Value.ToString() }  # JSON already
    if ($Value -is [byte[]]) { $Value = [Convert]::ToBase64String($Value) }
    if ($Value -is [datetime]) { $Value = $Value.ToUniversalTime().ToString('s', [cultureinfo]::InvariantCulture) + 'Z' }
    if ($Value -is [Collections.IDictionary]) {
        $members = foreach ($one in $Value.GetEnumerator()) { "$(ConvertTo-JsonText $one.Key):$(ConvertTo-ReplyJson $one.Value)" }
        return '{' + ($members -join ',') + '}'
    }
    if ($Value -is [Collections.ICollection]) { return "[$(@($Value | ForEach-Object { ConvertTo-ReplyJson $_ }) -join ',')]" }
    if ($Value -isnot [enum] -and [int][Convert]::GetTypeCode($Value) -in 5..15 -and "$Value" -match '\d$') { return "$Value" }
    ConvertTo-JsonText "$Value"
}
function Stop-Call([string]$Category, [string]$Id, [string]$Message) {
    throw (New-Object Management.Automation.ErrorRecord ([InvalidOperationException]$Message), "ringfence.$Id", $Category, $null)
}
function ConvertTo-FailureJson($Record) {
    $said, $id, $code, $cause = $Record.Exception.Message, $Record.FullyQualifiedErrorId, $null, $Record.Exception
    foreach ($key in $secrets) { $said = if ($key.Length -gt 7) { $said.Replace($key, '********') } else { 'withheld: a short key' } }
    if ($id -match 'Windows System Error (\d+)') { $code = [int]$Matches[1] }
    for (; $null -eq $code -and $cause -and $cause -isnot [ArgumentException]; $cause = $cause.InnerException) {
        if ($cause.StatusCode -is [uint32]) { $code = $cause.StatusCode }  # CimException
        elseif (($cause.HResult -band 0xFFFF0000) -eq 0x80070000) { $code = $cause.HResult -band 0xFFFF }  # of a Win32 error
    }
    ConvertTo-ReplyJson @{ category = "$($Record.CategoryInfo.Category)"; id = $id; message = $said; code = $code }
}
# ---- Facts: each on its own; what cannot be had is null ------------------------------------------------------------------------
function Get-Fact([scriptblock]$Read) { try { & $Read 2>$null 3>$null } catch { } }
function Get-RegistryFact([string]$Key, [string]$Name) { Get-Fact { (Get-Item -LiteralPath $Key).GetValue($Name) } }
function Read-Interfaces {
    $all = (Get-Fact { Get-NetIPAddress }), (Get-Fact { Get-DnsClientServerAddress }), (Get-Fact { Get-NetConnectionProfile }),
        (Get-Fact { Get-NetRoute | Where-Object { $_.DestinationPrefix -in '0.0.0.0/0', '::/0' } })
    foreach ($adapter in Get-Fact { Get-NetAdapter -IncludeHidden }) {
        $mine = { $_.InterfaceIndex -eq $adapter.InterfaceIndex }
        $own, $servers, $network, $ways = foreach ($some in $all) { , @($some | Where-Object $mine) }
        if ($adapter.Hidden -and -not $own) { continue }  # a connected VPN is hidden too, but has an address
        @{  alias = $adapter.Name; guid = "$($adapter.InterfaceGuid)".ToUpperInvariant(); index = $adapter.InterfaceIndex
            type = switch ($adapter.InterfaceType) { 6 { 'wired' } 71 { 'wireless' } 23 { 'remote_access' } default { 'other' } }
            status = if ("$($adapter.Status)" -eq 'Up') { 'up' } else { 'down' }
            profile = switch -Wildcard ($network[0].NetworkCategory) { D* { 'domain' } Private { 'private' } Public { 'public' } }
            addresses = @($own | ForEach-Object { "$($_.IPAddress -replace '%.*')/$($_.PrefixLength)" })
            dns_servers = @($servers | ForEach-Object { $_.ServerAddresses }); gateways = @($ways | ForEach-Object { $_.NextHop }) }
    }
}
function Read-Management {  # the flow that carries this session, as this host sees it
    $ssh = -split "$env:SSH_CONNECTION"
    $seen = @(if ($ssh) { @{ RemoteAddress = $ssh[0]; RemotePort = $ssh[1]; LocalAddress = $ssh[2]; LocalPort = $ssh[3] } }
        elseif ($PSSenderInfo) { Get-Fact { Get-NetTCPConnection -State Established -LocalPort 5985, 5986 } })
    $flow = @{ transport = if ($ssh) { 'ssh' } elseif ($PSSenderInfo) { 'psrp' } else { 'local' } }
    foreach ($name in 'Local_Address', 'Local_Port', 'Remote_Address', 'Remote_Port') {  # what all agree on
        $values = @($seen | ForEach-Object { $_.($name -replace '_') -replace '%.*' } | Sort-Object -Unique)
        $flow[$name.ToLowerInvariant()] = if ($values.Count -eq 1) { if ($name -like '*t') { [int]$values[0] } else { $values[0] } }
    }
    $flow
}
function Read-Facts {
    $system, $os = (Get-Fact { Get-CimInstance Win32_ComputerSystem }), (Get-Fact { Get-CimInstance Win32_OperatingSystem })
    $services, $environment = @{}, @{}
    foreach ($name in 'mpssvc', 'BFE', 'IKEEXT', 'PolicyAgent') {
        $services[$name] = Get-Fact { "$((Get-Service -Name $name).Status)".ToLowerInvariant() }
    }
    foreach ($name in 'SystemRoot', 'SystemDrive', 'ProgramFiles', 'ProgramFiles(x86)', 'ProgramData') {
        $environment[$name] = [Environment]::GetEnvironmentVariable($name)
    }
    $active = Get-RegistryFact "$ipsecKey\Policy\Local" ActivePolicy  # a policy of `netsh ipsec`, assigned here or in a domain
    $named = if ($active) { Get-RegistryFact "HKLM:\$active" ipsecName }
    $legacy = @($named, $active, (Get-RegistryFact "$ipsecKey\GPTIPSECPolicy" DSIPSECPolicyName)) -ne $null
    @{  computer = if ($env:COMPUTERNAME) { $env:COMPUTERNAME } else { [Environment]::MachineName }
        domain = if ($system.PartOfDomain) { $system.Domain }
        os = @{ caption = $os.Caption; version = $os.Version; edition = Get-RegistryFact $ntKey EditionID
            build = @(@($os.BuildNumber; Get-RegistryFact $ntKey CurrentBuildNumber) -ne $null | ForEach-Object { [int]$_ })[0]
            product = switch ($os.ProductType) { 1 { 'workstation' } 2 { 'domain_controller' } 3 { 'server' } } }
        powershell = "$($PSVersionTable.PSVersion)"; language_mode = $language; elevated = Get-Fact { Test-RingfenceElevation }
        time = Get-Fact { Get-Date }; interfaces = @(Read-Interfaces); services = $services; environment = $environment
        management = Read-Management; legacy_ipsec_policy = $legacy[0] }
}
# ---- Policy as the registry holds it -------------------------------------------------------------------------------------------
function Read-Key($Key, [string]$Root, [string]$Path, [string[]]$Without) {  # JSON of the key, then of each key below it
    $values = foreach ($name in $Key.GetValueNames()) {
        $kind, $value = "$($Key.GetValueKind($name))", $Key.GetValue($name, $null, 'DoNotExpandEnvironmentNames')
        if ($kind -eq 'DWord') { $value = [long]$value -band 0xFFFFFFFFL }
        if ($name -eq 'SHKey') {  # a pre-shared key stands here in clear: it never leaves the host
            $kind, $value = 'Hmac', $hmac.ComputeHash([Text.Encoding]::UTF8.GetBytes("$value"))
            $value = -join ($value | ForEach-Object { $_.ToString('x2') })
        }
        '[' + (ConvertTo-JsonText $name) + ',"' + $kind + '",' + (ConvertTo-ReplyJson $value) + ']'
    }
    '[' + (ConvertTo-JsonText $Path) + ',[' + ($values -join ',') + ']]'
    $children = if ($Path.Contains('/')) { foreach ($leaf in $Key.GetSubKeyNames()) { $Key.OpenSubKey($leaf) } }  # not in a path
    else { Get-ChildItem -LiteralPath "$Root\$Path" }
    foreach ($child in $children) {
        $leaf = $child.Name.Substring($child.Name.LastIndexOf('\') + 1)
        if ($leaf -notin $Without) { Read-Key $child $Root "$Path\$leaf".TrimStart('\') }
    }
}
function Read-Policy([string[]]$Names) {
    $found = @{}
    foreach ($name in $Names) {
        if (-not $stores.ContainsKey($name)) { Stop-Call InvalidArgument store "no store is named '$name'" }
        $root, $without = $stores[$name]
        $key = try { Get-Item -LiteralPath $root } catch { if ($_.FullyQualifiedErrorId -notlike 'PathNotFound*') { throw } }
        $found[$name] = New-Object Text.StringBuilder ('[' + ($(if ($key) { Read-Key $key $root '' $without }) -join ',') + ']')
    }
    $found
}
# ---- Cmdlets of NetSecurity ----------------------------------------------------------------------------------------------------
function Assert-Allowed($Call, [string[]]$Among) {  # throws before anything has run
    if (-not $Call['parameters']) { $Call['parameters'] = @{} }
    $cmdlet, $with = $Call['cmdlet'], $Call['parameters']
    if ($cmdlet -notin $Among) { Stop-Call PermissionDenied allowlist "'$cmdlet' is not among the cmdlets ringfence runs here" }
    $known = @(-split $parameters["$cmdlet".Split('-')[0]]) + @(if ($cmdlet -match '^(New|Set)-') { $properties })
    foreach ($pair in $with.GetEnumerator()) {
        if ($pair.Key -notin $known) { Stop-Call PermissionDenied allowlist "-$($pair.Key) is not among the parameters of $cmdlet" }
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
function Get-Named([string]$Noun, $With) {  # name = object
    $named = @{}
    & "Get-$Noun" @With -ErrorAction Stop 3>$null | ForEach-Object { $named["$(@($_.Name, $_.InstanceID -ne $null)[0])"] = $_ }
    $named
}
function Set-ByObject([string]$Cmdlet, $With) {  # whether it was set: Group needs the object, many sets are quicker by it
    $noun, $name, $place, $store = $Cmdlet.Substring(4), $With['Name'], "$Cmdlet $($With['PolicyStore'])", @{}
    if ($With['PolicyStore']) { $store['PolicyStore'] = $With['PolicyStore'] }
    $many = $setsAt[$place] -ge $manySets
    if ($many -and -not $objectsAt[$place]) { $objectsAt[$place] = @(Get-Fact { Get-Named $noun $store }; @{})[0] }
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
function Get-Plain([string]$Cmdlet) {
    foreach ($one in & $Cmdlet -ErrorAction Stop 3>$null) {
        $plain = @{}
        $one.PSObject.Properties | Where-Object { $_.Name -notmatch '^(Cim|PS)' } | ForEach-Object { $plain[$_.Name] = $_.Value }
        $plain
    }
}
function Read-Enforcement([string]$Kind, [string[]]$Names) {
    if ($Kind -notin $rules) { Stop-Call InvalidArgument kind "no status is read of '$Kind'" }
    $found, $inForce = @{}, (Get-Named $Kind @{ PolicyStore = 'ActiveStore' })
    foreach ($name in $Names | Where-Object { $inForce[$_] }) {
        $rule = $inForce[$name]
        $why = @($rule.EnforcementStatus | ForEach-Object { "$_" })
        $found[$name] = @{ primary_status = "$($rule.PrimaryStatus)"; enforcement = $why; status = "$($rule.Status)" }
    }
    $found
}
function Remove-Peer([string]$Mode, [string]$Peer) {  # how many there were
    $with = @(Get-Plain "Get-NetIPsec${Mode}ModeSA" | Where-Object { $_['RemoteEndpoint'] -eq $Peer })
    foreach ($one in $with) { & "Remove-NetIPsec${Mode}ModeSA" -Name $one['Name'] -ErrorAction Stop 3>$null }
    $with.Count
}
# ---- The verbs, and nothing else -----------------------------------------------------------------------------------------------
function Invoke-Verb([string]$Verb, $With) {
    switch -CaseSensitive ($Verb) {
        Facts.Read { return Read-Facts }
        Policy.Read { return Read-Policy $(if ($With['stores']) { $With['stores'] } else { 'local', 'group_policy', 'mdm' }) }
        Account.Resolve {
            $who = New-Object Collections.Specialized.OrderedDictionary  # knows names apart by case
            foreach ($name in $With['names']) {
                $who[$name] = try { Resolve-RingfenceAccount $name } catch { @{ error = $_.Exception.GetBaseException().Message } }
            }
            return $who
        }
        Net.Call { Assert-Allowed $With $writers; [void](Invoke-NetCmdlet $With); return }
        Net.Get { Assert-Allowed $With $readers; return , @(Get-Plain $With['cmdlet']) }
        Enforcement.Read { return Read-Enforcement $With['kind'] $With['names'] }
        SA.Read { return @{ main_mode = @(Get-Plain Get-NetIPsecMainModeSA); quick_mode = @(Get-Plain Get-NetIPsecQuickModeSA) } }
        SA.Delete {
            $peer = $With['remote_address']
            return @{ quick_mode = Remove-Peer Quick $peer; main_mode = Remove-Peer Main $peer }
        }
    }
    Stop-Call InvalidArgument verb "no verb is named '$Verb'"
}
try {
    Add-Type -AssemblyName System.Runtime.Serialization
    $told, $document = [Convert]::FromBase64String($Batch), (New-Object Xml.XmlDocument -Property @{ PreserveWhitespace = $true })
    $document.Load([Runtime.Serialization.Json.JsonReaderWriterFactory]::CreateJsonReader($told, [Xml.XmlDictionaryReaderQuotas]::Max))
    $job = ConvertFrom-JsonNode $document.get_DocumentElement()
    if ($job['ringfence'] -ne 1) { "<<ringfence-fatal:version:here 1, there $($job['ringfence'] -as [int])>>"; return }
    $hmac = New-Object Security.Cryptography.HMACSHA256 (, [Convert]::FromBase64String($job['key']))
    if ($hmac.Key.Length -ne 32) { throw 'the key of the batch is not of 32 bytes' }
    $secrets, $setsAt, $objectsAt = (New-Object Collections.ArrayList), @{}, @{}
    foreach ($with in $job['calls'] | ForEach-Object { $_['args'] } | Where-Object { $_['cmdlet'] -like 'Set-*' }) {
        $setsAt["$($with['cmdlet']) $($with['parameters']['PolicyStore'])"]++
    }
    $replies = foreach ($call in $job['calls']) {
        try { $secrets.Clear(); '{"ok":true,"value":' + (ConvertTo-ReplyJson (Invoke-Verb $call['verb'] $call['args'])) + '}' }
        catch { '{"ok":false,"error":' + (ConvertTo-FailureJson $_) + '}'; if ($job['stop']) { break } }
    }
    $text = '{"ringfence":1,"run":' + (ConvertTo-JsonText $job['run']) + ',"replies":[' + ($replies -join ',') + ']}'
    $bytes, $packed = [Text.Encoding]::UTF8.GetBytes($text), (New-Object IO.MemoryStream)
    $gzip = New-Object IO.Compression.GZipStream $packed, ([IO.Compression.CompressionMode]::Compress)
    $gzip.Write($bytes, 0, $bytes.Length); $gzip.Dispose()
    '<<ringfence:' + [Convert]::ToBase64String($packed.ToArray()) + '>>'
}
catch { '<<ringfence-fatal:script:' + ("$($_.Exception.Message)" -replace '[^ -=?-~]', ' ') + '>>' }
