# Policy as the registry holds it.
$firewallKey = 'HKLM:\SYSTEM\CurrentControlSet\Services\SharedAccess\Parameters\FirewallPolicy'
$stores = @{  # a root, then those of its subkeys that are other stores
    local = @($firewallKey, 'Mdm', 'RestrictedServices'); mdm = @("$firewallKey\Mdm")
    restricted = @("$firewallKey\RestrictedServices"); group_policy = @('HKLM:\SOFTWARE\Policies\Microsoft\WindowsFirewall') }
function Read-Key($Key, [string]$Root, [string]$Path, [string[]]$Without, [string[]]$Only) {  # JSON of the key, then of each below it
    $where = "$Root\$Path".TrimEnd('\')
    $values = foreach ($name in $Key.GetValueNames()) {
        try {
            # GetValue does not say why it has none: what comes behind it throws
            $value, $kind = $Key.GetValue($name, $null, 'DoNotExpandEnvironmentNames'), "$($Key.GetValueKind($name))"
        }
        catch { Add-Unread "the value $name of the key $where" $_ @{ path = $Path; value = $name }; continue }
        if ($kind -eq 'DWord') { $value = [long]$value -band 0xFFFFFFFFL }
        if ($name -eq 'SHKey') { $kind, $value = 'Secret', $null }  # a pre-shared key in clear: that there is one, and no more
        if ($value -is [string]) {  # most are: to call a function for each takes many times as long as what it does
            $row = $name.Replace('\', '\\').Replace('"', '\"') + '","' + $kind + '","' + $value.Replace('\', '\\').Replace('"', '\"')
            if ($row -match $unsafe) { $row = ConvertTo-Escaped $row }
            '["' + $row + '"]'
        }
        else { '[' + (ConvertTo-JsonText $name) + ',"' + $kind + '",' + (ConvertTo-ReplyJson $value) + ']' }
    }
    '[' + (ConvertTo-JsonText $Path) + ',[' + ($values -join ',') + ']]'
    foreach ($leaf in $Key.GetSubKeyNames()) {
        if ($leaf -in $Without) { continue }
        if ($Only -and $leaf -notin $Only) { if ($leaf -notin $others) { [void]$others.Add($leaf) }; continue }
        $below = "$Path\$leaf".TrimStart('\')
        try {
            $child = $Key.OpenSubKey($leaf)
            if ($child) { Read-Key $child $Root $below }
            elseif ($leaf -in $Key.GetSubKeyNames()) { throw 'it cannot be opened' }
        }
        catch { Add-Unread "the key $Root\$below" $_ @{ path = $below } }
    }
}
function Read-Store([string]$Store, [string[]]$Only) {  # [] where it is not there, null where it cannot be read
    $root, $without = $stores[$Store]
    $first, $rows = $unread.Count, $null
    try { $rows = @(Read-Key (Get-Item -LiteralPath $root -ErrorAction Stop) $root '' $without $Only) }
    catch {
        $before = $unread.Count
        Add-Unread "the key $root" $_ @{ path = '' }
        if ($unread.Count -eq $before) { $rows = @() }
    }
    for (; $first -lt $unread.Count; $first++) { $unread[$first]['store'] = $Store }
    if ($null -ne $rows) { New-Object Text.StringBuilder ('[' + ($rows -join ',') + ']') }
}
function Read-Policy([string[]]$Names, [string[]]$Only) {
    $found, $others = @{}, (New-Object Collections.ArrayList)  # others: keys that nobody asked for
    $unread.Clear()
    foreach ($name in $Names) {
        if (-not $stores.ContainsKey($name)) { Stop-Call InvalidArgument store "no store is named '$name'" }
        $found[$name] = Read-Store $name $Only
    }
    if ($unread.Count) { $found['unread'] = @($unread) }
    if ($others.Count) { $found['others'] = @($others) }
    $found
}
$verbs += @{
    'Policy.Read' = { param($With) Read-Policy $(if ($With['stores']) { $With['stores'] } else { 'local', 'group_policy', 'mdm' }) $With['keys'] }
}
