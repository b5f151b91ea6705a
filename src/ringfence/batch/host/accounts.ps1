# Names of accounts to SIDs and back. It has no cmdlet: a stand-in may define it before.
if (-not (Test-Path -LiteralPath Function:\Resolve-RingfenceAccount)) { function Resolve-RingfenceAccount([string]$Name) {
    $sid = if ($Name -match '^S-1-\d+(-\d+)+$') { New-Object Security.Principal.SecurityIdentifier $Name }
    else { (New-Object Security.Principal.NTAccount $Name).Translate([Security.Principal.SecurityIdentifier]) }
    @{ sid = $sid.Value; name = $sid.Translate([Security.Principal.NTAccount]).Value }
} }
function Resolve-Accounts($Names) {
    $who = New-Object Collections.Specialized.OrderedDictionary  # knows names apart by case
    foreach ($name in $Names) {
        $who[$name] = try { Resolve-RingfenceAccount $name } catch { @{ error = $_.Exception.GetBaseException().Message } }
    }
    $who
}
$verbs += @{
    'Account.Resolve' = { param($With) Resolve-Accounts $With['names'] }
}
