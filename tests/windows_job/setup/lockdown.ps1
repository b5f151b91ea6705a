# A constrained language mode for every Windows PowerShell that starts from here on, by the switch for tests that
# System.Management.Automation has beside a policy (__PSLockdownPolicy): the way constrained. `off` runs in that mode itself.
param([Parameter(Mandatory = $true)][ValidateSet('on', 'off')][string]$Switch)
$ErrorActionPreference = 'Stop'
$key, $name = 'HKLM\SYSTEM\CurrentControlSet\Control\Session Manager\Environment', '__PSLockdownPolicy'
if ($Switch -eq 'off') {
    & reg.exe delete $key /v $name /f
}
else {
    . (Join-Path $PSScriptRoot 'ways.ps1')
    Write-Way 'constrained' @{ ansible_connection = 'local'; ringfence_powershell = 'powershell.exe' }
    & reg.exe add $key /v $name /t REG_SZ /d 4 /f
}
if ($LASTEXITCODE -ne 0) { throw "reg.exe ended with $LASTEXITCODE" }
