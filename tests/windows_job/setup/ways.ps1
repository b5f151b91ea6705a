# Dot-sourced by the other scripts: the folder of the job, and the ways in that its steps use.
$ErrorActionPreference = 'Stop'
Set-StrictMode -Version 2
$job = if ($env:RINGFENCE_JOB) { $env:RINGFENCE_JOB } else { '.windows-job' }
$null = New-Item -ItemType Directory -Force -Path (Join-Path $job 'ways')
$job = (Resolve-Path -LiteralPath $job).ProviderPath
$engine = (Get-Process -Id $PID).Path  # the PowerShell that runs this
$isCore = $PSVersionTable.PSVersion.Major -gt 5
$administrators = New-Object Security.Principal.SecurityIdentifier 'S-1-5-32-544'

function Write-Way([string]$Name, [hashtable]$Variables) {  # JSON is YAML; without a byte order mark
    $text = ConvertTo-Json -InputObject $Variables -Compress
    [IO.File]::WriteAllText((Join-Path $job "ways\$Name.yml"), $text, (New-Object Text.UTF8Encoding $false))
}
function New-Secret {  # a password for an account of this machine, masked in the log of the run
    $bytes = New-Object byte[] 24
    $random = [Security.Cryptography.RandomNumberGenerator]::Create()
    $random.GetBytes($bytes)
    $random.Dispose()
    $secret = 'aA1!' + [Convert]::ToBase64String($bytes)
    Write-Host "::add-mask::$secret"
    $secret
}
function Add-Account([string]$Name, [string]$Password) {  # a local account, new or with a new password
    $secure = ConvertTo-SecureString -String $Password -AsPlainText -Force
    if (Get-LocalUser | Where-Object { $_.Name -eq $Name }) { Set-LocalUser -Name $Name -Password $secure }
    else { $null = New-LocalUser -Name $Name -Password $secure -PasswordNeverExpires }
}
function Set-RegistryValue([string]$Key, [string]$Name, $Value, [string]$Type = 'DWord') {
    if (-not (Test-Path -LiteralPath $Key)) { $null = New-Item -Path $Key -Force }
    $null = New-ItemProperty -LiteralPath $Key -Name $Name -Value $Value -PropertyType $Type -Force
}
