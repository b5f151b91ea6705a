# The host's interfaces, and the flow that carries the session: what only some declarations need, and costs a host more than facts.
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
function Read-Listener([int]$Port) {  # who listens there: rules may be for a program or a service
    $listener = @(Get-NetClass management MSFT_NetTCPConnection "State = 2 AND LocalPort = $Port")[0]
    if (-not $listener) { return @{} }
    $process = "ProcessId = $([int]$listener.OwningProcess)"
    @{  program = @(Get-Fact management { Get-CimInstance -ClassName Win32_Process -Filter $process -ErrorAction Continue })[0].ExecutablePath
        service = @(Get-Fact management { Get-CimInstance -ClassName Win32_Service -Filter $process -ErrorAction Continue })[0].Name }
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
    if ($ssh) { $flow + (Read-Listener $flow['local_port']) } else { $flow }
}
$verbs += @{
    'Interfaces.Read' = { $unread.Clear(); @{ interfaces = @(Read-Interfaces); unread = @($unread) } }
    'Management.Read' = { $unread.Clear(); @{ management = Read-Management; unread = @($unread) } }
}
