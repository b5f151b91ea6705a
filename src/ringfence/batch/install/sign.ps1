# Signs the modules of ringfence's endpoints with a certificate for code, and makes a signed catalog of each.
# Run it where the key of the certificate is, in the folder of the export, before the modules are copied to hosts:
#   .\sign.ps1 -Thumbprint 0123456789ABCDEF0123456789ABCDEF01234567 -TimestampServer http://timestamp.example
# Whether what is installed is still what was signed, on a host:
#   Test-FileCatalog -CatalogFilePath .\RingfenceHost.cat -Path "$env:ProgramFiles\WindowsPowerShell\Modules\RingfenceHost"
param([Parameter(Mandatory = $true)][string]$Thumbprint, [string]$TimestampServer)
$ErrorActionPreference = 'Stop'
$certificate = @(Get-Item -Path "Cert:\*\My\$Thumbprint")[0]
if (-not $certificate.HasPrivateKey) { throw "the key of the certificate $Thumbprint is not here" }
$how = @{ Certificate = $certificate; HashAlgorithm = 'SHA256' }
if ($TimestampServer) { $how['TimestampServer'] = $TimestampServer }  # without it signatures end with the certificate
function Add-Signature([string]$File) {
    $signature = Set-AuthenticodeSignature -FilePath $File @how
    if ("$($signature.Status)" -ne 'Valid') { throw "$File is not signed: $($signature.StatusMessage)" }
}
foreach ($module in 'RingfenceHost', 'RingfenceAudit') {
    $folder, $catalog = (Join-Path $PSScriptRoot $module), (Join-Path $PSScriptRoot "$module.cat")
    foreach ($kind in 'psd1', 'psm1') { Add-Signature (Join-Path $folder "$module.$kind") }
    [void](New-FileCatalog -Path $folder -CatalogFilePath $catalog -CatalogVersion 2.0)  # of the role capability too
    Add-Signature $catalog
}
