# What projects own here: a key for each below SOFTWARE\ringfence. Beside it only the key that holds the machine's id is opened.
$ledger, $sections = 'SOFTWARE\ringfence', 'Owner, Access'
# It has no cmdlet: a stand-in may define it before. A 32-bit process, too, sees what a 64-bit one does.
if (-not (Test-Path -LiteralPath Function:\Get-RingfenceRegistry)) { function Get-RingfenceRegistry {
    [Microsoft.Win32.RegistryKey]::OpenBaseKey('LocalMachine', 'Registry64')
} }
$verbs += @{
    'Ledger.Read' = {  # rows: none where it is not there, null where it may not be opened
        $unread.Clear()
        $found = @{ rows = @(); machine = Get-Fact machine { (Get-RingfenceRegistry).OpenSubKey('SOFTWARE\Microsoft\Cryptography').GetValue('MachineGuid') } }
        try {
            $root = (Get-RingfenceRegistry).OpenSubKey($ledger)
            if ($root) {
                $found['sddl'] = $root.GetAccessControl($sections).GetSecurityDescriptorSddlForm($sections)
                $found['rows'] = New-Object Text.StringBuilder ('[' + (@(Read-Key $root "HKLM\$ledger" '') -join ',') + ']')
            }
        }
        catch { if (-not (Test-Gone $_)) { $found['rows'] = $null; Add-Unread "the key HKLM\$ledger" $_ } }
        $found['unread'] = @($unread)
        $found
    }
}
