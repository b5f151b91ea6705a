# Whether a member of a domain reaches its controllers: connections that this host itself opens, and closes.
# It has no cmdlet: a stand-in may define it before. The name of a domain resolves to its controllers ([MS-ADTS] 6.3.2.3).
if (-not (Test-Path -LiteralPath Function:\Test-RingfenceDomain)) { function Test-RingfenceDomain([string]$Domain) {
    $addresses = @(@([Net.Dns]::GetHostAddresses($Domain))[0..4] | Where-Object { $_ })
    $clients = @(foreach ($address in $addresses) { New-Object Net.Sockets.TcpClient $address.AddressFamily })
    $answers = @(for ($i = 0; $i -lt $clients.Count; $i++) { $clients[$i].ConnectAsync($addresses[$i], 389) })
    # all at once, and no longer than three seconds for all; that one refuses is an error of the whole
    try { $null = [Threading.Tasks.Task]::WaitAll([Threading.Tasks.Task[]]$answers, 3000) } catch { }
    for ($i = 0; $i -lt $clients.Count; $i++) { if ($clients[$i].Connected) { "$($addresses[$i])" }; $clients[$i].Dispose() }
} }
$verbs += @{
    'Domain.Read' = {
        $unread.Clear()
        $domain = (Get-Fact domain { Get-CimInstance -ClassName Win32_ComputerSystem -ErrorAction Continue } | Where-Object { $_.PartOfDomain }).Domain
        @{ domain = $domain; controllers = @(if ($domain) { Get-Fact controllers { Test-RingfenceDomain $domain } }); unread = @($unread) }
    }
}
