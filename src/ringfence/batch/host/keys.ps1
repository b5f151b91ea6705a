# Whether a pre-shared key is the wanted one: the host compares, and neither a key nor anything made of one leaves it.
$keyParents = @{ NetIPsecPhase1AuthSet = 'Phase1AuthenticationSet', 'Phase1AuthenticationSets' }  # both spellings are met
$compared = Get-NameTable  # sets that a candidate was tried on: one in a batch, so that no batch is a dictionary
function Find-Set([string]$Root, [string[]]$Parents, [string]$Name) {  # by the names that are there, never by a path
    foreach ($parent in $Parents) {
        $key = try { Get-Item -LiteralPath "$Root\$parent" -ErrorAction Stop } catch { if ($_.FullyQualifiedErrorId -notlike 'PathNotFound*') { throw } }
        foreach ($leaf in $(if ($key) { $key.GetSubKeyNames() })) { if ([string]::Equals($leaf, $Name, 'OrdinalIgnoreCase')) { return $key.OpenSubKey($leaf) } }
    }
}
function Compare-Key($Question) {  # equal, differs, or none where no key is stored
    $store, $kind, $name = $Question['store'], $Question['kind'], $Question['name']
    if (-not $stores.ContainsKey("$store")) { Stop-Call InvalidArgument store "no store is named '$store'" }
    if (-not $keyParents.ContainsKey("$kind")) { Stop-Call InvalidArgument kind "no key is kept in '$kind'" }
    $set = Find-Set $stores[$store][0] $keyParents[$kind] $name
    $stored = try {
        foreach ($leaf in $(if ($set) { $set.GetSubKeyNames() })) {
            $proposal = $set.OpenSubKey($leaf)
            $names = if ($proposal) { $proposal.GetValueNames() }
            foreach ($one in $names) { if ($one -eq 'SHKey' -and $null -ne ($key = $proposal.GetValue($one))) { "$key" } }
        }
    }
    catch { if (-not (Test-Gone $_)) { throw } }
    if ($null -eq $stored) { return 'none' }
    if ($compared[$set.Name]) { Stop-Call PermissionDenied candidate "one candidate in a batch for the key of '$name'" }
    $compared[$set.Name] = $true
    foreach ($key in $stored) {
        $sum = -join ($hmac.ComputeHash([Text.Encoding]::UTF8.GetBytes($key)) | ForEach-Object { $_.ToString('x2') })
        if ($sum -ne $Question['hmac']) { return 'differs' }
    }
    'equal'
}
$verbs += @{
    'Key.Compare' = { param($With) , @(foreach ($one in $With['keys']) { Compare-Key $one }) }
}
