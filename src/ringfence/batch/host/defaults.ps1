# Windows' own policy, as this host keeps it: NetSecurity's store SystemDefaults. A rule that stands word for word in the local policy
# too is told by its name alone, so that all of it costs little.
$defaultsKey = 'HKLM:\SYSTEM\CurrentControlSet\Services\SharedAccess\Defaults\FirewallPolicy'
function Get-KeyIfThere([string]$Path) { Get-Fact "the key $Path" { Get-Item -LiteralPath $Path -ErrorAction Continue } }
function Get-Stored($Key, [string]$Name) { if ($Key) { $Key.GetValue($Name, $null, 'DoNotExpandEnvironmentNames') } }
function Read-Defaults {
    $unread.Clear()
    $root, $rules, $live = (Get-KeyIfThere $defaultsKey), (Get-KeyIfThere "$defaultsKey\FirewallRules"), (Get-KeyIfThere "$firewallKey\FirewallRules")
    $rows, $same = @(if ($root) { Read-Key $root $defaultsKey '' 'FirewallRules' }), (New-Object Collections.ArrayList)
    if ($rules) {
        $other = foreach ($name in $rules.GetValueNames()) {
            $rule = "$(Get-Stored $rules $name)"
            if ($rule -ceq "$(Get-Stored $live $name)") { [void]$same.Add($name) }
            else { '[' + (ConvertTo-JsonText $name) + ',"' + $rules.GetValueKind($name) + '",' + (ConvertTo-JsonText $rule) + ']' }
        }
        $rows += '["FirewallRules",[' + ($other -join ',') + ']]'
    }
    @{ rows = New-Object Text.StringBuilder ('[' + ($rows -join ',') + ']'); same = $same; language = $PSUICulture; unread = @($unread) }
}
$verbs += @{
    'Defaults.Read' = { Read-Defaults }
}
