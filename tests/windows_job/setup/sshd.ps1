# OpenSSH's server with a key for the administrators of this machine; remoting.ps1 has made the account.
. (Join-Path $PSScriptRoot 'ways.ps1')
if (-not (Get-Service | Where-Object { $_.Name -eq 'sshd' })) {
    $capability = Get-WindowsCapability -Online -Name 'OpenSSH.Server*'
    $null = Add-WindowsCapability -Online -Name $capability.Name
}
Start-Service sshd  # the first start makes the host's keys

$key, $folder = (Join-Path $job 'ssh-key'), (Join-Path $env:ProgramData 'ssh')
if (-not (Test-Path -LiteralPath $key)) {
    # an empty passphrase: Windows PowerShell drops an empty argument, so cmd.exe passes it
    & cmd.exe /d /c "ssh-keygen.exe -q -t ed25519 -N `"`" -f `"$key`""
    if ($LASTEXITCODE -ne 0) { throw "ssh-keygen.exe ended with $LASTEXITCODE" }
}
# sshd takes no other file for administrators, and none that others may write (OpenSSH for Windows, "Key-based authentication")
$authorized = Join-Path $folder 'administrators_authorized_keys'
Copy-Item -Force -LiteralPath "$key.pub" -Destination $authorized
& icacls.exe $authorized /inheritance:r /grant '*S-1-5-32-544:F' /grant '*S-1-5-18:F'
if ($LASTEXITCODE -ne 0) { throw "icacls.exe ended with $LASTEXITCODE" }

$parts = -split [IO.File]::ReadAllText((Join-Path $folder 'ssh_host_ed25519_key.pub'))
[IO.File]::WriteAllText((Join-Path $job 'known_hosts'), "127.0.0.1 $($parts[0]) $($parts[1])`n")
