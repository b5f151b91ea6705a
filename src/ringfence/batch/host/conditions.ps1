# What decides on this host, beside its policy, whether that is in force: its networks, firewalls that have taken over.
# HNetCfg.FwProducts (INetFwProducts) has no cmdlet: a stand-in may define it before.
if (-not (Test-Path -LiteralPath Function:\Get-RingfenceProducts)) { function Get-RingfenceProducts {
    foreach ($one in New-Object -ComObject HNetCfg.FwProducts) { $one } } }
$verbs += @{
    'Conditions.Read' = { $unread.Clear(); @{
            networks = @(Get-Fact networks { Get-CimInstance -Namespace root/StandardCimv2 -ClassName MSFT_NetConnectionProfile -ErrorAction Continue } |
                    ForEach-Object { $_.NetworkCategory })
            products = @(Get-Fact products { Get-RingfenceProducts } | ForEach-Object { @{ name = $_.DisplayName; categories = @($_.RuleCategories) } })
            unread = @($unread) } }
}
