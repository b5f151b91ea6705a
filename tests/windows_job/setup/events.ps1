# The texts of script blocks that this machine has logged (event 4104), into events-4104.txt of the job.
. (Join-Path $PSScriptRoot 'ways.ps1')
$logs = 'Microsoft-Windows-PowerShell/Operational', 'PowerShellCore/Operational'
$there = Get-WinEvent -ListLog $logs -ErrorAction SilentlyContinue
$texts = foreach ($log in $there) {
    Get-WinEvent -FilterHashtable @{ LogName = $log.LogName; Id = 4104 } -ErrorAction SilentlyContinue | ForEach-Object { $_.Message }
}
[IO.File]::WriteAllText((Join-Path $job 'events-4104.txt'), (@($texts) -join "`n"), (New-Object Text.UTF8Encoding $false))
Write-Host "$(@($texts).Count) events"
