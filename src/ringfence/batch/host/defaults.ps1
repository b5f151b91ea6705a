# Windows' own policy, as this host keeps it: NetSecurity's store SystemDefaults. A rule that stands word for word in the local policy
# too is told by its name alone, so that all of it costs little.
$defaultsKey = 'HKLM:\SYSTEM\CurrentControlSet\Services\SharedAccess\Defaults\FirewallPolicy'
function Get-KeyIfThere([string]$Path) { Get-Fact "the key $Path" { Get-Item -LiteralPath $Path -ErrorAction Continue } }
function Get-Stored($Key, [string]$Name) { if ($Key) { $Key.GetValue($Name, $null, 'DoNotExpandEnvironmentNames') } }
function Read-ShippedRules($Rules, $Live, $Same) {  # JSON of those that differ; $Same is told the names of the others
    $other = foreach ($name in $Rules.GetValueNames()) {
        try {
            $rule, $kind = (Get-Stored $Rules $name), $Rules.GetValueKind($name)  # as in Read-Key
            if ([string]::Equals("$rule", "$(Get-Stored $Live $name)")) { [void]$Same.Add($name) }
            else { '[' + (ConvertTo-JsonText $name) + ',"' + $kind + '",' + (ConvertTo-JsonText "$rule") + ']' }
        }
        catch { Add-Unread "the value $name of the key $defaultsKey\FirewallRules" $_ }
    }
    '["FirewallRules",[' + ($other -join ',') + ']]'
}
$verbs += @{
    'Defaults.Read' = {
        $unread.Clear()
        $root, $rules, $live = (Get-KeyIfThere $defaultsKey), (Get-KeyIfThere "$defaultsKey\FirewallRules"), (Get-KeyIfThere "$firewallKey\FirewallRules")
        $same = New-Object Collections.ArrayList
        $rows = @(Get-Fact "the key $defaultsKey" { if ($root) { Read-Key $root $defaultsKey '' 'FirewallRules' } }) +
            @(Get-Fact "the key $defaultsKey\FirewallRules" { if ($rules) { Read-ShippedRules $rules $live $same } })
        @{ rows = New-Object Text.StringBuilder ('[' + ($rows -join ',') + ']'); same = $same; language = $PSUICulture; unread = @($unread) }
    }
}
