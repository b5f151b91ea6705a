# The way `local`: the PowerShell that runs this script.
. (Join-Path $PSScriptRoot 'ways.ps1')
Write-Way 'local' @{ ansible_connection = 'local'; ringfence_powershell = $engine }
Write-Host "local: $engine, $($PSVersionTable.PSVersion)"
