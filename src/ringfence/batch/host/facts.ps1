# What the host says of itself: each fact on its own. What could not be read is told beside, what is not there is null.
$ipsecKey = 'HKLM:\SOFTWARE\Policies\Microsoft\Windows\IPSec'; $ntKey = 'HKLM:\SOFTWARE\Microsoft\Windows NT\CurrentVersion'
# It has no cmdlet: a stand-in may define it before.
if (-not (Test-Path -LiteralPath Function:\Test-RingfenceElevation)) { function Test-RingfenceElevation {
    $me = New-Object Security.Principal.WindowsPrincipal ([Security.Principal.WindowsIdentity]::GetCurrent())
    $me.IsInRole([Security.Principal.WindowsBuiltInRole]::Administrator)
} }
function Add-Unread([string]$What, $Why) {
    if ($Why.FullyQualifiedErrorId -match '^(PathNotFound|NoServiceFound|CmdletizationQuery_NotFound)') { return }  # there is none
    [void]$unread.Add(@{ fact = $What; why = $Why.Exception.Message })
}
function Get-Fact([string]$What, [scriptblock]$Read) {  # one object that cannot be read does not hide the others
    $ErrorActionPreference = 'Continue'
    try {
        & $Read 2>&1 3>$null | ForEach-Object {
            if ($_ -is [Management.Automation.ErrorRecord]) { Add-Unread $What $_ } else { $_ }
        }
    }
    catch { Add-Unread $What $_ }
}
function Get-RegistryFact([string]$Key, [string]$Name) {
    Get-Fact $Name { Get-Item -LiteralPath $Key | ForEach-Object { $_.GetValue($Name) } }
}
function Read-Interfaces {
    $all = (Get-Fact addresses { Get-NetIPAddress }), (Get-Fact dns_servers { Get-DnsClientServerAddress }), (Get-Fact profiles { Get-NetConnectionProfile }),
        (Get-Fact gateways { Get-NetRoute | Where-Object { $_.DestinationPrefix -in '0.0.0.0/0', '::/0' } })
    foreach ($adapter in Get-Fact interfaces { Get-NetAdapter -IncludeHidden }) {
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
        elseif ($PSSenderInfo) { Get-Fact management { Get-NetTCPConnection -State Established -LocalPort 5985, 5986 } })
    $flow = @{ transport = if ($ssh) { 'ssh' } elseif ($PSSenderInfo) { 'psrp' } else { 'local' } }
    foreach ($name in 'Local_Address', 'Local_Port', 'Remote_Address', 'Remote_Port') {  # what all agree on
        $values = @($seen | ForEach-Object { $_.($name -replace '_') -replace '%.*' } | Sort-Object -Unique)
        $flow[$name.ToLowerInvariant()] = if ($values.Count -eq 1) { if ($name -like '*t') { [int]$values[0] } else { $values[0] } }
    }
    $flow
}
function Read-Facts {
    $unread.Clear()
    $system, $os = (Get-Fact domain { Get-CimInstance Win32_ComputerSystem }), (Get-Fact os { Get-CimInstance Win32_OperatingSystem })
    $services, $environment = @{}, @{}
    foreach ($name in 'mpssvc', 'BFE', 'IKEEXT', 'PolicyAgent') {
        $services[$name] = Get-Fact $name { Get-Service -Name $name | ForEach-Object { "$($_.Status)".ToLowerInvariant() } }
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
        powershell = "$($PSVersionTable.PSVersion)"; language_mode = $language; elevated = Get-Fact elevated { Test-RingfenceElevation }
        time = Get-Fact time { Get-Date }; interfaces = @(Read-Interfaces); services = $services; environment = $environment
        management = Read-Management; legacy_ipsec_policy = $legacy[0]; unread = @($unread) }
}
$verbs += @{
    'Facts.Read' = { Read-Facts }
}
