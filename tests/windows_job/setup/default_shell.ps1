# The default shell of sshd, and the way ssh-SHELL: a session over it starts the PowerShell that runs this script.
param([Parameter(Mandatory = $true)][ValidateSet('cmd', 'powershell', 'pwsh')][string]$Shell)
. (Join-Path $PSScriptRoot 'ways.ps1')
$program = (Get-Command -CommandType Application -Name "$Shell.exe" | Select-Object -First 1).Definition
Set-RegistryValue 'HKLM:\SOFTWARE\OpenSSH' DefaultShell $program String
Write-Way "ssh-$Shell" @{ ansible_connection = 'ssh'; ansible_host = '127.0.0.1'; ansible_user = 'ringfence-admin'
    ansible_private_key_file = (Join-Path $job 'ssh-key'); ansible_ssh_known_hosts = (Join-Path $job 'known_hosts')
    ringfence_ssh_agent = $false; ringfence_powershell = $(if ($isCore) { 'pwsh.exe' } else { 'powershell.exe' })
    proves = @('default-shells') }
Write-Host "sshd starts $program"
