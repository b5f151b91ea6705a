# What the cmdlets of Windows show of the objects of tests/windows_job/policy.yml, as one line of JSON.
$ErrorActionPreference = 'Stop'
[Console]::OutputEncoding = New-Object Text.UTF8Encoding $false
function Select-Text($Object, [string[]]$Names) {
    $told = @{}
    foreach ($name in $Names) { $told[$name] = @($Object.$name | ForEach-Object { "$_" }) }
    $told
}
$rule = Get-NetFirewallRule -Name ringfence-ci-web
$isolation = Get-NetIPsecRule -IPsecRuleName ringfence-ci-isolation
$tunnel = Get-NetIPsecRule -IPsecRuleName ringfence-ci-tunnel
$shown = @{
    rule = Select-Text $rule Enabled, Direction, Action, DisplayName, Group, Description, EnforcementStatus, PrimaryStatus
    port = Select-Text ($rule | Get-NetFirewallPortFilter) Protocol, LocalPort
    address = Select-Text ($rule | Get-NetFirewallAddressFilter) RemoteAddress
    program = Select-Text ($rule | Get-NetFirewallApplicationFilter) Program
    profile = Select-Text (Get-NetFirewallProfile -Name Public) Enabled, LogBlocked, LogMaxSizeKilobytes
    isolation = Select-Text $isolation InboundSecurity, OutboundSecurity, Phase1AuthSet, Phase2AuthSet, QuickModeCryptoSet
    tunnel = Select-Text $tunnel Mode, InboundSecurity, OutboundSecurity
}
ConvertTo-Json -InputObject $shown -Depth 5 -Compress
