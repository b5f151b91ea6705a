# The policy as this machine keeps it, before and after the job: for comparison, and for people who read the grammar.
param([Parameter(Mandatory = $true)][ValidateSet('before', 'after')][string]$When)
. (Join-Path $PSScriptRoot 'ways.ps1')
$keys = @{
    local = 'HKLM\SYSTEM\CurrentControlSet\Services\SharedAccess\Parameters\FirewallPolicy'
    defaults = 'HKLM\SYSTEM\CurrentControlSet\Services\SharedAccess\Defaults\FirewallPolicy'
    group_policy = 'HKLM\SOFTWARE\Policies\Microsoft\WindowsFirewall'
}
foreach ($name in $keys.Keys) {
    if (-not (Test-Path -LiteralPath "Registry::$($keys[$name])")) { Write-Host "no $($keys[$name])"; continue }
    & reg.exe export $keys[$name] (Join-Path $job "registry-$name-$When.reg") /y
    if ($LASTEXITCODE -ne 0) { throw "reg.exe ended with $LASTEXITCODE" }
}
& netsh.exe advfirewall export (Join-Path $job "policy-$When.wfw")
if ($LASTEXITCODE -ne 0) { throw "netsh.exe ended with $LASTEXITCODE" }
