# What writes, and nothing else does: cmdlets of the list in cmdlets.ps1.
$manySets = 8  # so many Set-* of a noun are worth reading its objects once: by name, each of them searches all
$setsAt, $objectsAt = @{}, @{}  # by cmdlet
function Assert-Allowed($Call, [bool]$Nested = $false) {  # throws before anything has run
    if (-not $Call['parameters']) { $Call['parameters'] = @{} }
    $cmdlet, $with = $Call['cmdlet'], $Call['parameters']
    $known = if ($cmdlet -is [string] -and ($cmdlet -like '*Proposal') -eq $Nested) { -split $cmdlets[$cmdlet] }
    Assert-Cmdlet $cmdlet $(if ($known) { $cmdlet })
    foreach ($pair in $with.GetEnumerator()) {
        if ($pair.Key -notin $known) { Stop-Call PermissionDenied allowlist "-$($pair.Key) is not among the parameters of $cmdlet" }
        if ($pair.Key -eq 'LogFileName' -and "$($pair.Value)" -match '^[\\/]{2}') {
            Stop-Call PermissionDenied allowlist "-LogFileName is not on this host: $($pair.Value)"  # a share or a device
        }
        foreach ($one in @($pair.Value) | Where-Object { $_ -is [hashtable] }) {
            if ($one['$call'] -isnot [hashtable]) { Stop-Call InvalidArgument value "-$($pair.Key) holds neither values nor calls" }
            Assert-Allowed $one['$call'] $true
        }
    }
    if ($cmdlet -notlike 'New-*' -and -not $with['Name']) { Stop-Call PermissionDenied allowlist "$cmdlet needs a name" }
}
function Invoke-NetCmdlet($Call) {
    $cmdlet, $with = $Call['cmdlet'], @{ ErrorAction = 'Stop' }
    foreach ($pair in $Call['parameters'].GetEnumerator()) {
        $given = foreach ($one in $pair.Value) { if ($one -is [hashtable]) { Invoke-NetCmdlet $one['$call'] } else { $one } }
        $with[$pair.Key] = if ($pair.Value -is [array]) { , @($given) } else { $given }
        if ($pair.Key -eq 'PreSharedKey' -and $given) { [void]$secrets.Add("$given") }
    }
    if ($cmdlet -like 'Set-*' -and $with['Name'] -is [string] -and (Set-ByObject $cmdlet $with)) { return }
    if ($cmdlet -notlike 'New-*') { $with['Name'] = @($with['Name'] | ForEach-Object { [WildcardPattern]::Escape($_) }) }  # it means itself
    foreach ($known in $objectsAt.Values) { @($Call['parameters']['Name']) -ne $null | ForEach-Object { $known.Remove($_) } }
    & $cmdlet @with 3>$null
}
function Measure-Sets {  # how many there will be of each, in the whole batch
    foreach ($with in $job['calls'] | ForEach-Object { $_['args'] } | Where-Object { $_['cmdlet'] -like 'Set-*' }) {
        $setsAt["$($with['cmdlet'])"]++
    }
}
function Set-ByObject([string]$Cmdlet, $With) {  # whether it was set: Group needs the object, many sets are quicker by it
    $noun, $name = $Cmdlet.Substring(4), $With['Name']
    if (-not $setsAt.Count) { Measure-Sets }
    $many = $setsAt[$Cmdlet] -ge $manySets
    if ($many -and -not $objectsAt[$Cmdlet]) { $objectsAt[$Cmdlet] = try { Get-Named $noun @{} } catch { @{} } }
    $object = if ($objectsAt[$Cmdlet]) { $objectsAt[$Cmdlet][$name]; $objectsAt[$Cmdlet].Remove($name) }  # once set, out of date
    $grouped, $rest = $With.ContainsKey('Group'), $With.Clone()
    if ($grouped -and -not $object) { $object = (Get-Named $noun @{ Name = [WildcardPattern]::Escape($name) })[$name] }
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
$change = { param($With) Assert-Expected $With['expected']; [void](Invoke-NetCmdlet $With) }
$verbs += @{
    'Net.Call' = { param($With) Assert-Allowed $With; Invoke-Alone $change $With }
    'SA.Delete' = { param($With) @{ quick_mode = Remove-Peer Quick $With['remote_address']; main_mode = Remove-Peer Main $With['remote_address'] } }
}
