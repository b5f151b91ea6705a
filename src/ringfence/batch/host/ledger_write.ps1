# What writes to the ledger: one project's key at a time, and only where nobody but Windows and administrators may write.
$headers = 'Format', 'Name', 'Run', 'Machine', 'Build', 'Inputs', 'Generation', 'State'  # in the order in which they are written
$ownersOnly = 'O:BAD:P(A;CI;KA;;;SY)(A;CI;KA;;;BA)'  # of a new key: nothing from above, all for SYSTEM and Administrators
$trusted = 'S-1-5-18', 'S-1-5-32-544', 'S-1-3-0',  # SYSTEM, Administrators, CREATOR OWNER
    'S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464'  # TrustedInstaller
$writing = 0x500D0026  # to set values, make subkeys and links, delete, write DACL and owner; generic: all and write
# It has no cmdlet: a stand-in may define it before.
if (-not (Test-Path -LiteralPath Function:\New-RingfenceSecurity)) { function New-RingfenceSecurity([string]$Sddl) {
    $security = New-Object Security.AccessControl.RegistrySecurity
    $security.SetSecurityDescriptorSddlForm($Sddl, $sections)
    $security
} }
function Stop-Ledger([string]$Why, [string]$Category = 'InvalidArgument') { Stop-Call $Category ledger $Why }
function Assert-Name($Name, [bool]$Fits) {
    if ($Name -isnot [string] -or -not $Fits -or $Name.Length -gt 16383 -or $Name.Contains("`0")) { Stop-Ledger "no value is named '$Name'" }
}
function Assert-Ledger($With) {  # throws before anything is opened
    if ($With['project'] -isnot [string] -or $With['project'] -cnotmatch '^[0-9a-f-]{8,64}\z') { Stop-Ledger "no project has the id '$($With['project'])'" }
    if ($With['generation'] -isnot [decimal]) { Stop-Ledger 'the generation is not a number' }
    $remove = @($With['remove'] | Where-Object { $null -ne $_ })
    foreach ($part in 'header', 'set') {
        if ($null -eq $With[$part]) { $With[$part] = @{} }
        if ($With[$part] -isnot [hashtable]) { Stop-Ledger "'$part' is not names with texts" }
        if ($remove.Count + @($With[$part].GetEnumerator()).Count -gt 50000) { Stop-Ledger 'more than 50,000 names' }
        foreach ($pair in $With[$part].GetEnumerator()) {
            Assert-Name $pair.Key $(if ($part -eq 'set') { "$($pair.Key)".Contains('|') } else { $pair.Key -cin $headers })
            if ($pair.Value -isnot [string] -or $pair.Value.Length -gt 32767) { Stop-Ledger "of '$($pair.Key)': more than 32,767 characters, or no text" }
        }
    }
    if ($With['header']['Generation'] -notmatch '^(\d{1,18})?\z') { Stop-Ledger 'the new generation is not a number' }
    foreach ($name in $remove) { Assert-Name $name "$name".Contains('|') }
}
function Assert-Trusted($Key) {  # whoever else could write here could say what is ours
    $sid, $security = [Security.Principal.SecurityIdentifier], $Key.GetAccessControl($sections)
    $writers = @($security.GetOwner($sid).Value) + @($security.GetAccessRules($true, $true, $sid) |
            Where-Object { "$($_.AccessControlType)" -eq 'Allow' -and [int]$_.RegistryRights -band $writing } |
            ForEach-Object { $_.IdentityReference.Value })
    $others = @($writers | Where-Object { $_ -notin $trusted } | Sort-Object -Unique)
    if ($others) {
        $who = foreach ($one in (Resolve-Accounts $others).GetEnumerator()) { "$($one.Key) $($one.Value['name'])".Trim() }
        Stop-Ledger "others may write to $($Key.Name): $($who -join ', ')" PermissionDenied
    }
}
function Open-LedgerKey($Above, [string]$Name, [bool]$Make, [string]$Sddl = $ownersOnly) {  # Sddl: of a key that is new
    try {
        $key = $Above.OpenSubKey($Name, $true)
        if (-not $key -and $Make) {
            $security = New-RingfenceSecurity $Sddl
            $key = $Above.CreateSubKey($Name, 'ReadWriteSubTree', $security)
            $Above.OpenSubKey($Name, 'ReadWriteSubTree', 'FullControl').SetAccessControl($security)  # PowerShell 7 made it without
        }
    }
    catch { Stop-Ledger $_.Exception.GetBaseException().Message PermissionDenied }
    if ($key) { Assert-Trusted $key; $key }
}
$writeLedger = { param($With)
    $project, $header = $With['project'], $With['header']
    if ($header['State'] -eq 'pending') { Assert-Armed }  # before changes, which would be refused
    $root = Open-LedgerKey (Get-RingfenceRegistry) $ledger
    $key = if ($root) { Open-LedgerKey $root $project }
    $stored = if ($key -and "$($key.GetValue('Generation'))" -match '^\d{1,18}\z') { [long]$Matches[0] } else { 0L }
    if ($stored -ne $With['generation']) { Stop-Call InvalidOperation changed 'the ledger is not as it was read, somebody else has changed it' }
    if ($With['delete']) {
        if ($key) { $root.DeleteSubKeyTree($project, $false); $root.Flush() }
        return @{ generation = 0 }
    }
    if (-not $root) { $root = Open-LedgerKey (Get-RingfenceRegistry) $ledger $true }
    if (-not $key) { $key = Open-LedgerKey $root $project $true }
    if ($null -eq $header['Generation']) { $header['Generation'] = "$($stored + 1)" }
    if ($null -eq $header['State']) { $header['State'] = "$($key.GetValue('State', 'pending'))" }
    $key.SetValue('State', 'pending', 'String')  # whatever ends this half way
    foreach ($name in $With['remove']) { $key.DeleteValue($name, $false) }
    foreach ($pair in $With['set'].GetEnumerator()) { $key.SetValue($pair.Key, $pair.Value, 'String') }
    foreach ($name in $headers) { if ($null -ne $header[$name]) { $key.SetValue($name, $header[$name], 'String') } }
    $key.Flush()
    @{ generation = [long]$header['Generation'] }
}
$verbs += @{
    'Ledger.Write' = { param($With) Assert-Ledger $With; Invoke-Alone $writeLedger $With }
}
