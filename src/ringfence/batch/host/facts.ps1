# What the host says of itself: each fact on its own. What could not be read is told beside, what is not there is null.
$ipsecKey = 'HKLM:\SOFTWARE\Policies\Microsoft\Windows\IPSec'; $ntKey = 'HKLM:\SOFTWARE\Microsoft\Windows NT\CurrentVersion'
# It has no cmdlet: a stand-in may define it before.
if (-not (Test-Path -LiteralPath Function:\Test-RingfenceElevation)) { function Test-RingfenceElevation {
    $me = New-Object Security.Principal.WindowsPrincipal ([Security.Principal.WindowsIdentity]::GetCurrent())
    $me.IsInRole([Security.Principal.WindowsBuiltInRole]::Administrator)
} }
function Add-Unread([string]$What, $Why, [hashtable]$More = @{}) {
    if ($Why.FullyQualifiedErrorId -match '^(PathNotFound|NoServiceFound)') { return }  # there is none
    if ($Why.FullyQualifiedErrorId -match '^(CommandNotFound|CouldNotAutoload)') { throw $Why }  # a session that cannot read at all
    [void]$unread.Add(@{ fact = $What; why = $Why.Exception.GetBaseException().Message } + $More)
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
    Get-Fact $Name { Get-Item -LiteralPath $Key -ErrorAction Continue | ForEach-Object { $_.GetValue($Name) } }
}
function Get-NetClass([string]$Fact, [string]$Class, [string]$Filter) {  # numbers as the class has them, and no module of cmdlets
    Get-Fact $Fact {
        if ($Filter) { Get-CimInstance -Namespace root/StandardCimv2 -ClassName $Class -Filter $Filter -ErrorAction Continue }
        else { Get-CimInstance -Namespace root/StandardCimv2 -ClassName $Class -ErrorAction Continue }
    }
}
function Read-Interfaces {
    $all = (Get-NetClass addresses MSFT_NetIPAddress), (Get-NetClass dns_servers MSFT_DNSClientServerAddress),
        (Get-NetClass profiles MSFT_NetConnectionProfile),
        (Get-NetClass gateways MSFT_NetRoute "DestinationPrefix = '0.0.0.0/0' OR DestinationPrefix = '::/0'")
    foreach ($adapter in Get-NetClass interfaces MSFT_NetAdapter) {
        $mine = { $_.InterfaceIndex -eq $adapter.InterfaceIndex }
        $own, $servers, $network, $ways = foreach ($some in $all) { , @($some | Where-Object $mine) }
        if ($adapter.Hidden -and -not $own) { continue }  # a connected VPN is hidden too, but has an address
        @{  alias = $adapter.Name; guid = "$($adapter.InterfaceGuid)".ToUpperInvariant(); index = $adapter.InterfaceIndex
            type = switch ($adapter.InterfaceType) { 6 { 'wired' } 71 { 'wireless' } 23 { 'remote_access' } default { 'other' } }
            status = if ($adapter.InterfaceOperationalStatus -eq 1) { 'up' } else { 'down' }
            profile = switch ($network[0].NetworkCategory) { 2 { 'domain' } 1 { 'private' } 0 { 'public' } }
            addresses = @($own | ForEach-Object { "$($_.IPAddress -replace '%.*')/$($_.PrefixLength)" } | Sort-Object -Unique)
            dns_servers = @($servers | ForEach-Object { $_.ServerAddresses })
            gateways = @($ways | ForEach-Object { $_.NextHop } | Sort-Object -Unique) }
    }
}
function Find-Client {  # who holds the WSMan shell that carries this session; only an administrator may list shells
    try { Get-WSManInstance -ResourceURI shell -Enumerate | Where-Object { $_.ProcessId -eq $PID } | ForEach-Object { $_.ClientIP } }
    catch { }
}
function Read-Management {  # the flow that carries this session, as this host sees it; what is not certain is null
    $ssh = -split "$env:SSH_CONNECTION"
    $flow = @{ transport = if ($ssh) { 'ssh' } elseif ($PSSenderInfo) { 'psrp' } else { 'local' } }
    $seen = @(if ($ssh) { @{ RemoteAddress = $ssh[0]; RemotePort = $ssh[1]; LocalAddress = $ssh[2]; LocalPort = $ssh[3] } }
        elseif ($PSSenderInfo) { Get-NetClass management MSFT_NetTCPConnection 'State = 5 AND (LocalPort = 5985 OR LocalPort = 5986)' })
    if ($flow['transport'] -eq 'psrp' -and ($client = @(Find-Client)[0] -replace '%.*')) {
        $seen = @($seen | Where-Object { ($_.RemoteAddress -replace '%.*') -eq $client })
        if (-not $seen) { $seen = @(@{ RemoteAddress = $client }) }
    }
    foreach ($name in 'Local_Address', 'Local_Port', 'Remote_Address', 'Remote_Port') {  # what all agree on
        $values = @($seen | ForEach-Object { $_.($name -replace '_') -replace '%.*' } | Sort-Object -Unique)
        $flow[$name.ToLowerInvariant()] = if ($values.Count -eq 1 -and $values[0]) { if ($name -like '*t') { [int]$values[0] } else { $values[0] } }
    }
    $flow
}
function Read-Facts([string[]]$With) {  # what costs more: where it is asked for
    $unread.Clear()
    $system = Get-Fact domain { Get-CimInstance -ClassName Win32_ComputerSystem -ErrorAction Continue }
    $os = Get-Fact os { Get-CimInstance -ClassName Win32_OperatingSystem -ErrorAction Continue }
    $services, $environment = @{}, @{}
    foreach ($name in 'mpssvc', 'BFE', 'IKEEXT', 'PolicyAgent') {
        $services[$name] = Get-Fact $name { Get-Service -Name $name -ErrorAction Continue | ForEach-Object { "$($_.Status)".ToLowerInvariant() } }
    }
    foreach ($name in 'SystemRoot', 'SystemDrive', 'ProgramFiles', 'ProgramFiles(x86)', 'ProgramData') {
        $environment[$name] = [Environment]::GetEnvironmentVariable($name)
    }
    $active = Get-RegistryFact "$ipsecKey\Policy\Local" ActivePolicy  # a policy of `netsh ipsec`, assigned here or in a domain
    $named = if ($active) { Get-RegistryFact "HKLM:\$active" ipsecName }
    $legacy = @($named, $active, (Get-RegistryFact "$ipsecKey\GPTIPSECPolicy" DSIPSECPolicyName)) -ne $null
    $facts = @{ computer = if ($env:COMPUTERNAME) { $env:COMPUTERNAME } else { [Environment]::MachineName }
        domain = if ($system.PartOfDomain) { $system.Domain }
        os = @{ caption = $os.Caption; version = $os.Version; edition = Get-RegistryFact $ntKey EditionID
            build = @(@($os.BuildNumber; Get-RegistryFact $ntKey CurrentBuildNumber) -ne $null | ForEach-Object { [int]$_ })[0]
            product = switch ($os.ProductType) { 1 { 'workstation' } 2 { 'domain_controller' } 3 { 'server' } } }
        powershell = "$($PSVersionTable.PSVersion)"; language_mode = $language; elevated = Get-Fact elevated { Test-RingfenceElevation }
        time = Get-Fact time { Get-Date }; services = $services; environment = $environment; legacy_ipsec_policy = $legacy[0] }
    if ($With -contains 'interfaces') { $facts['interfaces'] = @(Read-Interfaces) }
    if ($With -contains 'management') { $facts['management'] = Read-Management }
    if ($With -contains 'services') {  # a rule names a service, people its display name
        $facts['service_names'] = @{}
        foreach ($one in Get-Fact service_names { Get-CimInstance -ClassName Win32_Service -ErrorAction Continue }) { $facts['service_names'][$one.Name] = $one.DisplayName }
    }
    $facts['unread'] = @($unread)
    $facts + (Read-Endpoint)
}
$verbs += @{
    'Facts.Read' = { param($With) Read-Facts $With['with'] }
}
