# What baselines switch on: transcripts of every session into one folder, and the log of script blocks
# (about_Group_Policy_Settings; Windows PowerShell and PowerShell 7 have keys of their own).
. (Join-Path $PSScriptRoot 'ways.ps1')
$folder = Join-Path $job 'transcripts'
$null = New-Item -ItemType Directory -Force -Path $folder
foreach ($root in 'HKLM:\SOFTWARE\Policies\Microsoft\Windows\PowerShell', 'HKLM:\SOFTWARE\Policies\Microsoft\PowerShellCore') {
    Set-RegistryValue "$root\Transcription" EnableTranscripting 1
    Set-RegistryValue "$root\Transcription" EnableInvocationHeader 1
    Set-RegistryValue "$root\Transcription" OutputDirectory $folder String
    Set-RegistryValue "$root\ScriptBlockLogging" EnableScriptBlockLogging 1
}
