# PowerShell remoting on loopback, over HTTP and HTTPS, for a local administrator: the ways psrp-http and psrp-https.
. (Join-Path $PSScriptRoot 'ways.ps1')
$user, $password = 'ringfence-admin', (New-Secret)
Add-Account $user $password
if (-not (Get-LocalGroupMember -SID $administrators | Where-Object { $_.Name -like "*\$user" })) {
    Add-LocalGroupMember -SID $administrators -Member $user
}
# else local accounts other than the built-in one get a token without administrative rights over the network (KB951016)
Set-RegistryValue 'HKLM:\SOFTWARE\Microsoft\Windows\CurrentVersion\Policies\System' LocalAccountTokenFilterPolicy 1
Enable-PSRemoting -SkipNetworkProfileCheck -Force | Out-Null

# PowerShell 7 makes it in another process and has a copy without RawData
$made = New-SelfSignedCertificate -DnsName localhost, $env:COMPUTERNAME -CertStoreLocation Cert:\LocalMachine\My
$certificate = Get-Item -LiteralPath "Cert:\LocalMachine\My\$($made.Thumbprint)"
Get-ChildItem WSMan:\localhost\Listener | Where-Object { $_.Keys -contains 'Transport=HTTPS' } | Remove-Item -Recurse -Force
$null = New-Item -Path WSMan:\localhost\Listener -Transport HTTPS -Address * -CertificateThumbPrint $certificate.Thumbprint -Force
$sha256 = [Security.Cryptography.SHA256]::Create()
$fingerprint = -join ($sha256.ComputeHash($certificate.RawData) | ForEach-Object { $_.ToString('x2') })

$way = @{ ansible_connection = 'psrp'; ansible_host = '127.0.0.1'; ansible_user = $user; ansible_password = $password
    ansible_psrp_auth = 'ntlm'; ansible_psrp_ignore_proxy = $true }
if ($isCore) { $way['ansible_psrp_configuration_name'] = "PowerShell.$($PSVersionTable.PSVersion.Major)" }
Write-Way 'psrp-http' ($way + @{ ansible_port = 5985; ansible_psrp_protocol = 'http' })
Write-Way 'psrp-https' ($way + @{ ansible_port = 5986; ansible_psrp_protocol = 'https'; ringfence_cert_fingerprint = $fingerprint })
