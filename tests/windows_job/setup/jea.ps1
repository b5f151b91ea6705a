# The endpoints of `ringfence jea export`, installed as their README says, for two accounts without any administrative right:
# the ways jea and jea-audit.
. (Join-Path $PSScriptRoot 'ways.ps1')
$files = Join-Path $job 'jea'
if (-not (Test-Path -LiteralPath $files)) {
    & ringfence jea export $files
    if ($LASTEXITCODE -ne 0) { throw "ringfence jea export ended with $LASTEXITCODE" }
}
$modules = Join-Path $env:ProgramFiles $(if ($isCore) { 'PowerShell\Modules' } else { 'WindowsPowerShell\Modules' })
$null = New-Item -ItemType Directory -Force -Path $modules  # Copy-Item would make a module of it where it is not there
$endpoints = @{
    'jea' = @{ module = 'RingfenceHost'; role = 'Ringfence'; name = 'ringfence'; user = 'ringfence-operator' }
    'jea-audit' = @{ module = 'RingfenceAudit'; role = 'RingfenceAudit'; name = 'ringfence-audit'; user = 'ringfence-auditor' }
}
foreach ($way in $endpoints.Keys) {
    $one, $password = $endpoints[$way], (New-Secret)
    $group = "$($one.user)s"
    Add-Account $one.user $password
    if (-not (Get-LocalGroup | Where-Object { $_.Name -eq $group })) { $null = New-LocalGroup -Name $group }
    if (-not (Get-LocalGroupMember -Name $group)) { Add-LocalGroupMember -Name $group -Member $one.user }

    Copy-Item -Recurse -Force -LiteralPath (Join-Path $files $one.module) -Destination $modules
    $session = Join-Path $files "$($one.role).pssc"
    $text = [IO.File]::ReadAllText($session).Replace('REPLACE-ME\the group that may connect', "$env:COMPUTERNAME\$group")
    [IO.File]::WriteAllText($session, $text)
    if (-not (Test-PSSessionConfigurationFile -Path $session)) { throw "$session is not valid" }
    Get-PSSessionConfiguration | Where-Object { $_.Name -eq $one.name } | Unregister-PSSessionConfiguration -Force
    Register-PSSessionConfiguration -Name $one.name -Path $session -Force | Out-Null

    $variables = @{ ansible_connection = 'psrp'; ansible_host = '127.0.0.1'; ansible_port = 5985; ansible_psrp_protocol = 'http'
        ansible_user = $one.user; ansible_password = $password; ansible_psrp_auth = 'ntlm'; ansible_psrp_ignore_proxy = $true
        ringfence_endpoint = $one.name }
    if ($way -eq 'jea') { $variables['proves'] = @('jea-writes') }
    Write-Way $way $variables
}
