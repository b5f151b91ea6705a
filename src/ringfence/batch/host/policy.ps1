# Policy as the registry holds it.
$firewallKey = 'HKLM:\SYSTEM\CurrentControlSet\Services\SharedAccess\Parameters\FirewallPolicy'
$stores = @{  # a root, then those of its subkeys that are other stores
    local = @($firewallKey, 'Mdm', 'RestrictedServices'); mdm = @("$firewallKey\Mdm")
    restricted = @("$firewallKey\RestrictedServices"); group_policy = @('HKLM:\SOFTWARE\Policies\Microsoft\WindowsFirewall') }
function Read-Key($Key, [string]$Root, [string]$Path, [string[]]$Without) {  # JSON of the key, then of each key below it
    $values = foreach ($name in $Key.GetValueNames()) {
        $kind, $value = "$($Key.GetValueKind($name))", $Key.GetValue($name, $null, 'DoNotExpandEnvironmentNames')
        if ($kind -eq 'DWord') { $value = [long]$value -band 0xFFFFFFFFL }
        if ($name -eq 'SHKey') { $kind, $value = 'Secret', $null }  # a pre-shared key in clear: that there is one, and no more
        '[' + (ConvertTo-JsonText $name) + ',"' + $kind + '",' + (ConvertTo-ReplyJson $value) + ']'
    }
    '[' + (ConvertTo-JsonText $Path) + ',[' + ($values -join ',') + ']]'
    $children = if ($Path.Contains('/')) { foreach ($leaf in $Key.GetSubKeyNames()) { $Key.OpenSubKey($leaf) } }  # not in a path
    else { Get-Fact "the policy below $Root\$Path" { Get-ChildItem -LiteralPath "$Root\$Path" } }
    foreach ($child in $children) {
        $leaf = $child.Name.Substring($child.Name.LastIndexOf('\') + 1)
        if ($leaf -notin $Without) { Read-Key $child $Root "$Path\$leaf".TrimStart('\') }
    }
}
function Read-Policy([string[]]$Names) {
    $found = @{}
    $unread.Clear()
    foreach ($name in $Names) {
        if (-not $stores.ContainsKey($name)) { Stop-Call InvalidArgument store "no store is named '$name'" }
        $root, $without = $stores[$name]
        $key = try { Get-Item -LiteralPath $root } catch { if ($_.FullyQualifiedErrorId -notlike 'PathNotFound*') { throw } }
        $found[$name] = New-Object Text.StringBuilder ('[' + ($(if ($key) { Read-Key $key $root '' $without }) -join ',') + ']')
    }
    if ($unread.Count) { $found['unread'] = @($unread) }
    $found
}
$verbs += @{
    'Policy.Read' = { param($With) Read-Policy $(if ($With['stores']) { $With['stores'] } else { 'local', 'group_policy', 'mdm' }) }
}
