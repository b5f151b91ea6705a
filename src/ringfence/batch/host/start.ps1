# ringfence on a host: one batch of calls in, one framed reply out. For Windows PowerShell 5.1 and PowerShell 7.
# This text is constant: what a run wants arrives as pipeline input (base64 of gzip of UTF-8 JSON) and never becomes script text.
# It answers <<ringfence:BASE64(GZIP(JSON))>>, or <<ringfence-fatal:KIND:DETAIL>> where it cannot run.
$ProgressPreference = 'SilentlyContinue'
$language = "$($ExecutionContext.SessionState.LanguageMode)"
if ($language -ne 'FullLanguage') { "<<ringfence-fatal:language_mode:the session runs in $language>>"; return }
Set-StrictMode -Off; $ErrorActionPreference = 'Stop'; $PSDefaultParameterValues = @{}
$wire, $own = '2.2', "$($MyInvocation.MyCommand.ScriptBlock)"  # the version that is spoken here, the text that runs
$batch = "$(@($input)[0])"  # a parameter would be written to transcripts
# What is kept by names of Windows' objects: 5.1's @{} knows them apart by the language, ß is ss to it, and the registry does not.
function Get-NameTable { New-Object Collections.Hashtable ([StringComparer]::OrdinalIgnoreCase) }
$verbs = @{}  # what may be called: each part that follows adds its own
$unread = New-Object Collections.ArrayList  # what could not be read, and why
$secrets = New-Object Collections.ArrayList  # what no message may hold
