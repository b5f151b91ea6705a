# What decides on this host, beside its policy, whether that is in force: its networks, firewalls that have taken over, its services.
# HNetCfg.FwProducts (INetFwProducts) has no cmdlet: a stand-in may define it before.
if (-not (Test-Path -LiteralPath Function:\Get-RingfenceProducts)) { function Get-RingfenceProducts {
    foreach ($product in New-Object -ComObject HNetCfg.FwProducts) { $product }
} }
function Read-Conditions([string[]]$Services) {
    $unread.Clear()
    $networks = Get-Fact networks { Get-CimInstance -Namespace root/StandardCimv2 -ClassName MSFT_NetConnectionProfile -ErrorAction Continue }
    @{  networks = @($networks | ForEach-Object { $_.NetworkCategory })
        products = @(Get-Fact products { Get-RingfenceProducts } | ForEach-Object { @{ name = "$($_.DisplayName)"; categories = @($_.RuleCategories) } })
        services = @(Get-Fact services {
                foreach ($name in $Services) { Get-Service -Name ([WildcardPattern]::Escape($name)) -ErrorAction Continue | ForEach-Object { $_.Name } } })
        unread = @($unread) }
}
$verbs += @{
    'Conditions.Read' = { param($With) Read-Conditions $With['services'] }
}
