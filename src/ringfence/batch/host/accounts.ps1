# Names of accounts to SIDs and back; services by name, for a rule names a service and people its display name.
# It has no cmdlet: a stand-in may define it before.
if (-not (Test-Path -LiteralPath Function:\Convert-RingfenceAccount)) { function Convert-RingfenceAccount([string[]]$Texts, [bool]$ToSid) {
    $account, $sid = [Security.Principal.NTAccount], [Security.Principal.SecurityIdentifier]
    $from, $to = if ($ToSid) { $account, $sid } else { $sid, $account }
    $all = New-Object Security.Principal.IdentityReferenceCollection
    foreach ($text in $Texts) { $all.Add((New-Object $from.FullName $text)) }
    foreach ($one in $all.Translate($to, $false)) { if ($one -is $to) { $one.Value } else { '' } }
} }
function Convert-Accounts([string[]]$Texts, [bool]$ToSid) {  # text = what it became; in one question, as each may search a forest
    $found = New-Object Collections.Specialized.OrderedDictionary  # knows texts apart by case
    if (-not $Texts) { return $found }
    try { $all = @(Convert-RingfenceAccount $Texts $ToSid); for ($i = 0; $i -lt $Texts.Count; $i++) { $found[$Texts[$i]] = $all[$i] } }
    catch {  # one of them ended it: each for itself
        foreach ($text in $Texts) {
            $found[$text] = try { @(Convert-RingfenceAccount $text $ToSid)[0] } catch { $_.Exception.GetBaseException() }
        }
    }
    $found
}
function Resolve-Accounts([string[]]$Names) {
    $who = New-Object Collections.Specialized.OrderedDictionary
    $sids = Convert-Accounts @($Names | Where-Object { $_ -notmatch '^S-1-\d+(-\d+)+$' }) $true
    foreach ($name in $Names) { if (-not $sids.Contains($name)) { $sids[$name] = $name } }
    $known = @($sids.Values | Where-Object { $_ -is [string] -and $_ })
    $back = Convert-Accounts $known $false
    foreach ($name in $Names) {
        $sid = $sids[$name]
        $who[$name] = if ($sid -is [Exception]) { @{ error = $sid.Message } }
        elseif ($sid) { @{ sid = $sid; name = $(if ($back[$sid] -is [string] -and $back[$sid]) { $back[$sid] }) } }
        else { @{ error = 'Some or all identity references could not be translated.' } }
    }
    $who
}
$verbs += @{
    'Account.Resolve' = { param($With) Resolve-Accounts $With['names'] }
}
