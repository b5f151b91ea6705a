# What writes, and nothing else does: cmdlets of the list in cmdlets.ps1.
$changesOf, $objectsOf = @{}, @{}  # by noun: how many changes there are in the whole batch, and the objects by name
$renamed = @{}  # by noun: names that objects got since these were read
# How a file of this host begins; what these two variables stand for begins with a server (KB 141714, Q101507).
$onThisHost = '^\s*([a-z]:|%(?!(LOGONSERVER|HOMESHARE)%)[^%\\/]+%)\\'
function Assert-Allowed($Call, [bool]$Nested = $false) {  # throws before anything has run
    if (-not $Call['parameters']) { $Call['parameters'] = @{} }
    $cmdlet, $with = $Call['cmdlet'], $Call['parameters']
    $known = if ($cmdlet -is [string] -and ($cmdlet -like '*Proposal') -eq $Nested) { -split $cmdlets[$cmdlet] }
    Assert-Cmdlet $cmdlet @(if ($known) { $cmdlet })
    foreach ($pair in $with.GetEnumerator()) {
        if ($pair.Key -notin $known) { Stop-Call PermissionDenied allowlist "-$($pair.Key) is not among the parameters of $cmdlet" }
        foreach ($one in @($pair.Value) | Where-Object { $pair.Key -eq 'LogFileName' -and $_ -ne 'NotConfigured' -and "$_" -notmatch $onThisHost }) {
            Stop-Call PermissionDenied allowlist "-LogFileName is not on this host, as C:\... and %SystemRoot%\... are: $one"
        }
        foreach ($one in @($pair.Value) | Where-Object { $_ -is [hashtable] }) {
            if ($one['$call'] -isnot [hashtable]) { Stop-Call InvalidArgument value "-$($pair.Key) holds neither values nor calls" }
            Assert-Allowed $one['$call'] $true
        }
    }
    if ($cmdlet -notlike 'New-*' -and (-not $known -or 'Name' -in $known) -and -not $with['Name']) { Stop-Call PermissionDenied allowlist "$cmdlet needs a name" }
}
function Invoke-NetCmdlet($Call) {
    $cmdlet, $with = $Call['cmdlet'], @{ ErrorAction = 'Stop' }
    foreach ($pair in $Call['parameters'].GetEnumerator()) {
        $given = foreach ($one in $pair.Value) { if ($one -is [hashtable]) { Invoke-NetCmdlet $one['$call'] } else { $one } }
        $with[$pair.Key] = if ($pair.Value -is [array]) { , @($given) } else { $given }
        if ($pair.Key -eq 'PreSharedKey' -and $given) { [void]$secrets.Add("$given") }
    }
    if ($cmdlet -notlike 'New-*' -and $with['Name']) {
        if ($with['Name'] -is [string] -and (Invoke-ByObject $cmdlet $with)) { return }
        $with['Name'] = @($with['Name'] | ForEach-Object { ConvertTo-Pattern $_ })  # it means itself
        $with.Remove('Group')  # there it would be what is looked for
    }
    & $cmdlet @with 3>$null
}
function Read-Objects([string]$Noun) {  # one that fails does not hide the others: it alone goes by name
    $objectsOf[$Noun], $renamed[$Noun] = (Get-NameTable), (Get-NameTable)
    try { [void](Get-Named $Noun @{} $null $objectsOf[$Noun]) } catch { }
}
function Find-Object([string]$Noun, [string]$Name, [bool]$Needed) {  # by name a cmdlet searches all: from two on they are read once
    if (-not $changesOf.Count) {
        foreach ($with in $job['calls'] | ForEach-Object { $_['args'] }) {
            if ("$($with['cmdlet'])" -match '^(Set|Remove|Rename)-(Net\w+(Rule|Set))$') { $changesOf[$Matches[2]]++ }
        }
    }
    if ($changesOf[$Noun] -gt 1 -and (-not $objectsOf.ContainsKey($Noun) -or $renamed[$Noun][$Name])) { Read-Objects $Noun }
    $known = $objectsOf[$Noun]
    if ($known -and $known[$Name]) { $known[$Name]; $known.Remove($Name) }  # once changed, it is out of date
    elseif ($Needed) { (Get-Named $Noun @{ Name = ConvertTo-Pattern $Name })[$Name] }
}
function Invoke-ByObject([string]$Cmdlet, $With) {  # whether it was done so; a group can only be changed so
    $grouped, $rest, $noun = $With.ContainsKey('Group'), $With.Clone(), $Cmdlet.Split('-')[1]
    $object = Find-Object $noun $With['Name'] $grouped
    if ($With['NewName'] -and $renamed[$noun]) { $renamed[$noun][$With['NewName']] = $true }  # all are read once more for those
    if (-not $object) { return $false }
    'Name', 'Group' | ForEach-Object { $rest.Remove($_) }
    try {
        if ($grouped) { $object.Group = $With['Group'] }
        & $Cmdlet -InputObject $object @rest 3>$null | Out-Null
        $true
    }
    catch [Management.Automation.ParameterBindingException] { if ($grouped) { throw } else { $false } }
}
function Remove-Peer([string]$Mode, [string]$Peer) {  # how many there were
    $with = @(Get-Plain "Get-NetIPsec${Mode}ModeSA" | Where-Object { $_['RemoteEndpoint'] -eq $Peer })
    foreach ($one in $with) { & "Remove-NetIPsec${Mode}ModeSA" -Name $one['Name'] -ErrorAction Stop 3>$null }
    $with.Count
}
$change = { param($With) Assert-Armed; Assert-Expected $With['expected']; [void](Invoke-NetCmdlet $With) }
$verbs += @{
    'Net.Call' = { param($With) Assert-Allowed $With; Invoke-Alone $change $With }
    'SA.Delete' = { param($With) Assert-Armed; @{ quick_mode = Remove-Peer Quick $With['remote_address']; main_mode = Remove-Peer Main $With['remote_address'] } }
}
