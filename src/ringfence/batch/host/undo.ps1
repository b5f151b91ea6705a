# The undo of a run: armed before the first write, confirmed by who came back over a new connection, else done by the task.
$undo = @{}  # of this batch: `run`, whose undo is armed; `until`, when its writes have to be over
$undoCounts = 'FirewallRules', 'ConSecRules', 'MainModeRules'  # keys of which each value is a rule
function Get-Step([string]$Run) { foreach ($step in $undoSteps) { if (Test-Path -LiteralPath "$undoFolder\$Run.$step") { return $step } }; 'none' }
function Step-Undo([string]$Run, [string]$From, [string]$To) {  # whether it was there, and is here
    try { Rename-Item -LiteralPath "$undoFolder\$Run.$From" -NewName "$Run.$To" -ErrorAction Stop } catch { return $false }
    Sync-RingfenceFile "$undoFolder\$Run.$To"
    $true
}
function Read-Undo {
    if (-not (Test-RingfenceElevation)) { Stop-Call PermissionDenied undo 'who is no administrator sees no task of SYSTEM' }  # none shown is not none there
    $key, $found = (Get-RingfenceRegistry).OpenSubKey($undoKey), @{}
    foreach ($name in 'Run', 'State', 'Project', 'Armed') { $found[$name.ToLowerInvariant()] = if ($key) { $key.GetValue($name) } }
    $task = Get-UndoTask
    $found['task'] = if ($task) { if ("$($task.Actions[0].Arguments)" -match '(\S+)\.armed') { $Matches[1] } else { '' } }
    $found['step'] = Get-Step $(if ($found['task']) { $found['task'] } else { $found['run'] })
    $found
}
function Write-UndoKey($Values) {
    $key = Open-LedgerKey (Open-LedgerKey (Get-RingfenceRegistry) $ledger $true) undo $true "$ownersOnly(A;CI;KR;;;AU)"  # whoever may write to the firewall has to see it
    foreach ($pair in $Values.GetEnumerator()) { $key.SetValue($pair.Key, "$($pair.Value)", 'String') }
    $key.Flush()
}
function Remove-Undo([string]$Run) {  # the task first: it would do nothing without the files
    $task = Get-UndoTask
    if ($task -and "$($task.Actions[0].Arguments)".Contains("$Run.armed")) { Unregister-ScheduledTask @undoTask -Confirm:$false }
    Remove-UndoFile $Run $false
}
function Wait-Undo([string]$Run, [string[]]$Steps, [int]$Seconds, [bool]$Again) {  # the step that it came to, or got stuck at
    $end = (Get-RingfenceUptime) + $Seconds
    do {
        Start-Sleep -Milliseconds 200
        $step, $task = (Get-Step $Run), (Get-UndoTask)
        if ($step -in $Steps -or -not $task) { return $step }
        if ("$($task.State)" -in 'Queued', 'Running') { continue }
        $code = (Get-ScheduledTaskInfo @undoTask).LastTaskResult  # [MS-TSCH] 2.3.14: ready, running, has not run, queued
        if (-not $Again -and $code -notin 0, 0x41300, 0x41301, 0x41303, 0x41325) { Stop-Undo "what undoes it, run as SYSTEM, ended with $code" }
        if ($Again) { Start-ScheduledTask @undoTask }
    } while ((Get-RingfenceUptime) -lt $end)
    $step
}
function Assert-Export([string]$Run) {
    $there, $now = (Read-RingfenceHive "$undoFolder\$Run.wfw"), (Get-Item -LiteralPath $firewallKey)
    foreach ($leaf in $undoCounts) {
        $key = $now.OpenSubKey($leaf)
        $rules = if ($key) { @($key.GetValueNames()).Count } else { 0 }
        if ([int]$there[$leaf] -lt $rules) { Stop-Undo "of $rules values in $leaf netsh has exported $([int]$there[$leaf])" }
    }
    $there
}
function Stop-Busy($Run) { Stop-Call ResourceExists busy "the undo of run $Run is under way here" }
function Assert-NoOther {  # who would write beside the undo of another run, loses what is written
    try { if ($key = (Get-RingfenceRegistry).OpenSubKey($undoKey)) { $state, $run = $key.GetValue('State'), $key.GetValue('Run') } }
    catch {
        if (-not (Test-Gone $_)) { Stop-Call PermissionDenied undo_unread "whether an undo waits here is not known: HKLM\${undoKey}: $($_.Exception.GetBaseException().Message)" }
    }
    if ($state -notin 'arming', 'armed', 'firing') { return }
    $other = if (Test-RingfenceElevation) { (Read-Undo)['task'] } else { $run }  # without its task it is over: but who sees that
    if ($other) { Stop-Busy $other }
}
function Assert-Armed {  # before each write
    Assert-Bits
    if (-not $undo['run']) { Assert-NoOther }
    elseif ((Get-Step $undo['run']) -ne 'armed') { Stop-Undo 'this host has begun to undo it' }
    elseif ((Get-RingfenceUptime) -gt $undo['until']) { Stop-Undo 'it took longer than was thought: the time that is left is for the way back' }
}
function Get-Run($With) {
    if ("$($With['run'])" -cnotmatch '^\d{8}T\d{6}Z-[0-9a-f]{6}\z') { Stop-Call InvalidArgument undo "no run has the id '$($With['run'])'" }
    $With['run']
}
$arm = { param($With)
    $run, $delay, $begun = (Get-Run $With), [int]$With['delay'], (Get-RingfenceUptime)
    if ("$($With['project'])" -cnotmatch '^[0-9a-f-]{0,64}\z') { Stop-Call InvalidArgument undo "no project has the id '$($With['project'])'" }
    if ($delay -lt 10 -or $delay -gt 86400) { Stop-Call InvalidArgument undo "$delay is no number of seconds from 10 to 86400" }
    Open-RingfenceFolder $undoFolder
    New-Item -ItemType File -Path "$undoFolder\$run.arming" -ErrorAction Stop | Out-Null
    try { Register-ScheduledTask @undoTask -Xml (Get-UndoXml $run $delay) | Out-Null }  # without -Force: this is the lock
    catch {
        Remove-Item -LiteralPath "$undoFolder\$run.arming" -Force -ErrorAction SilentlyContinue
        if ($_.FullyQualifiedErrorId -notlike 'HRESULT 0x800700b7*') { Stop-Undo "the task that undoes it was not registered: $($_.Exception.Message)" }
        Stop-Busy (Read-Undo)['task']
    }
    try {
        Write-UndoKey @{ Run = $run; State = 'arming'; Project = $With['project']; Armed = (Get-Date).ToUniversalTime().ToString('s') + 'Z' }
        Start-ScheduledTask @undoTask
        if (($step = Wait-Undo $run exported 60) -ne 'exported') { Stop-Undo "netsh has exported nothing in a minute: $step" }
        $there = Assert-Export $run
        Remove-UndoFile $run $true  # what others could not: the task is this run's, so theirs are over
        Sync-RingfenceFile "$undoFolder\$run.wfw"  # else a marker could outlive a loss of power, and what it stands for not
        if (-not (Step-Undo $run exported armed)) { Stop-Undo 'it took longer to arm than the undo waits' }
        Write-UndoKey @{ State = 'armed' }
    }
    catch { Remove-Undo $run; Write-UndoKey @{ State = 'dropped' }; throw }
    $undo['run'], $undo['until'] = $run, ($begun + [int]$With['write_seconds'])
    @{ exported = $there; seconds = [int]((Get-RingfenceUptime) - $begun) }
}
$confirm = { param($With)  # what is confirmed already, is
    $run, $found = (Get-Run $With), (Read-Undo)
    if (-not (Step-Undo $run armed confirmed) -and (Get-Step $run) -ne 'confirmed') {
        if ("$($found['run']) $($found['state'])" -eq "$run confirmed") { return $found }
        Stop-Undo "the undo of the run is not armed any more: $(Get-Step $run), $($found['run']) $($found['state'])"
    }
    Remove-Undo $run
    Write-UndoKey @{ Run = $run; State = 'confirmed' }
    Read-Undo
}
$fire = { param($With)
    $run = Get-Run $With
    if ((Get-Step $run) -in 'armed', 'firing', 'again') { [void](Wait-Undo $run none 240 $true) }
    Read-Undo
}
$verbs += @{
    'Undo.Read' = { Read-Undo }
    'Undo.Arm' = { param($With) Invoke-Alone $arm $With }
    'Undo.Continue' = { param($With) $run = Get-Run $With; $undo['run'], $undo['until'] = $run, [double]::MaxValue; Assert-Armed }
    'Undo.Confirm' = { param($With) Invoke-Alone $confirm $With }
    'Undo.Fire' = { param($With) Assert-Bits; & $fire $With }
}
