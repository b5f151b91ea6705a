# What a change expects to find: what its run has read. Where it differs somebody else changed it, and it stays as it is.
$met = Get-NameTable  # what was looked at already: after our own change it differs of course
# As .NET writes UTF-8, with ? for half a pair of characters: so it is in what was read.
$utf8 = [Text.Encoding]::GetEncoding('utf-8', (New-Object Text.EncoderReplacementFallback '?'), (New-Object Text.DecoderReplacementFallback '?'))
function Get-StoredText($Key, [string]$Below, $Names) {  # of some values, or of all, the keys below among them
    $all = $null -eq $Names
    if ($all) { "$Below`0"; $Names = $Key.GetValueNames() }
    foreach ($name in $Names) {
        $value = $Key.GetValue($name, $null, 'DoNotExpandEnvironmentNames')
        if ($null -eq $value -or $name -eq 'SHKey') { continue }  # no digest of a pre-shared key
        if ($value -is [int]) { $value = [long]$value -band 0xFFFFFFFFL }
        if ($value -is [byte[]]) { $value = [Convert]::ToBase64String($value) }
        "$name`0$($value -join "`0")`0"
    }
    $leaves = if ($all) { $Key.GetSubKeyNames() }
    foreach ($leaf in $leaves) {
        $child = $Key.OpenSubKey($leaf)
        if ($child) { Get-StoredText $child "$Below\$leaf" $null }
    }
}
function Assert-Expected($Expected) {
    if (-not $Expected) { return }
    $root, $what = (Get-Item -LiteralPath $firewallKey), (ConvertTo-ReplyJson $Expected['stored'])
    if ($met[$what]) { return }
    $text = foreach ($place in $Expected['stored']) {
        $key = $root.OpenSubKey($place[0])
        try { if ($key) { Get-StoredText $key '' $place[1] } } catch { if (-not (Test-Gone $_)) { throw } }
    }
    $digest = (New-Object Security.Cryptography.SHA256CryptoServiceProvider).ComputeHash($utf8.GetBytes(-join $text))
    $found = if ($text) { -join ($digest | ForEach-Object { $_.ToString('x2') }) } else { 'none' }
    if ($found -ne $Expected['sha256']) { Stop-Call InvalidOperation changed 'it is not as it was read, somebody else has changed it' }
    $met[$what] = $true
}
function Assert-Bits {  # a 32-bit process is shown another registry, and other programs and modules, than all that reads here later
    if ([Environment]::Is64BitOperatingSystem -and -not [Environment]::Is64BitProcess) {
        Stop-Call InvalidOperation bits 'this is a 32-bit PowerShell on a 64-bit Windows: nothing is written from it'
    }
}
# From the look to the write no other run of ringfence looks or writes here. Somebody who keeps that name is waited for once.
$turns = @{ wait = $true }
function Invoke-Alone([scriptblock]$Work, $With) {
    Assert-Bits
    $mutex = if ($turns['wait']) { try { New-Object Threading.Mutex $false, 'Global\ringfence' } catch { $turns['wait'] = $false } }
    if ($mutex) { $turns['wait'] = try { $mutex.WaitOne(60000) } catch [Threading.AbandonedMutexException] { $true } }
    try { & $Work $With }
    finally { if ($mutex) { if ($turns['wait']) { $mutex.ReleaseMutex() }; $mutex.Dispose() } }
}
