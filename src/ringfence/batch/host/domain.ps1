# Whether a member of a domain reaches its controllers: connections that this host itself opens, and closes.
# It has no cmdlet: a stand-in may define it before. The name of a domain resolves to its controllers ([MS-ADTS] 6.3.2.3).
if (-not (Test-Path -LiteralPath Function:\Test-RingfenceDomain)) { function Test-RingfenceDomain([string]$Domain) {
    foreach ($address in @([Net.Dns]::GetHostAddresses($Domain))[0..4]) {
        if (-not $address) { continue }
        $client = New-Object Net.Sockets.TcpClient $address.AddressFamily
        try { if ($client.ConnectAsync($address, 389).Wait(3000)) { "$address" } } catch { } finally { $client.Dispose() }
    }
} }
$verbs += @{
    'Domain.Read' = {
        $unread.Clear()
        $domain = (Get-Fact domain { Get-CimInstance -ClassName Win32_ComputerSystem -ErrorAction Continue } | Where-Object { $_.PartOfDomain }).Domain
        @{ domain = $domain; controllers = @(if ($domain) { Get-Fact controllers { Test-RingfenceDomain $domain } }); unread = @($unread) }
    }
}
