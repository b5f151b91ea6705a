# What registers and removes the tasks of expiry.ps1. A task starts at its moment, or as soon as it can after that, and again until the
# rule is gone, and no undo waits that could put it back; then it deletes itself.
$ourTask = '^[0-9a-f]{32}\z'
$expiringNouns = '^(NetFirewallRule|NetIPsecRule|NetIPsecMainModeRule)\z'
$expiryXml = @'
<?xml version="1.0"?>
<Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">
<RegistrationInfo><Author>ringfence</Author><Description>Removes the {noun} {name}, which was asked for until {at}; then it deletes itself.</Description><SecurityDescriptor>O:BAG:SYD:P(A;;FA;;;SY)(A;;FA;;;BA)</SecurityDescriptor></RegistrationInfo>
<Triggers>
<TimeTrigger><StartBoundary>{at}</StartBoundary><Repetition><Interval>PT5M</Interval><StopAtDurationEnd>false</StopAtDurationEnd></Repetition></TimeTrigger>
<BootTrigger><StartBoundary>{at}</StartBoundary></BootTrigger>
</Triggers>
<Principals><Principal id="System"><UserId>S-1-5-18</UserId><RunLevel>HighestAvailable</RunLevel></Principal></Principals>
<Settings><MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy><DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries><StopIfGoingOnBatteries>false</StopIfGoingOnBatteries><StartWhenAvailable>true</StartWhenAvailable><ExecutionTimeLimit>PT5M</ExecutionTimeLimit><Priority>4</Priority></Settings>
<Actions Context="System"><Exec><Command>{shell}</Command><Arguments>{line}</Arguments></Exec></Actions>
</Task>
'@
function Stop-Expiry([string]$Why, [string]$Category = 'InvalidArgument') { Stop-Call $Category expiry $Why }
function Assert-Expiry($With) {
    if ("$($With['noun'])" -cnotmatch $expiringNouns) { Stop-Expiry "no $($With['noun']) ends by itself" }
    if ($With['name'] -isnot [string] -or $With['name'] -notmatch '^[^*?`\[\]\x00-\x1f]{1,1000}\z') { Stop-Expiry "no rule that ends by itself is named '$($With['name'])'" }
    if ("$($With['at'])" -cnotmatch '^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\z' -or $null -eq ($With['at'] -as [datetime])) { Stop-Expiry "'$($With['at'])' is no moment" }
}
$writeExpiry = { param($With)
    Assert-Armed
    $noun, $name, $at = $With['noun'], $With['name'], $With['at']
    $task, $line = (Get-ExpiryName $noun $name), [Security.SecurityElement]::Escape((Get-ExpiryLine $noun $name))
    $shown = [Security.SecurityElement]::Escape(($name -replace '[^ -~]', '?'))
    $xml = $expiryXml.Replace('{noun}', $noun).Replace('{at}', $at).Replace('{shell}', $expiryShell).Replace('{line}', $line).Replace('{name}', $shown)
    try { Register-ScheduledTask -TaskPath $expiryFolder -TaskName $task -Xml $xml -Force -ErrorAction Stop | Out-Null }
    catch { Stop-Expiry "the task that ends it was not registered: $($_.Exception.Message)" InvalidOperation }
    try {
        $found = Get-ExpiryTask @{ TaskName = $task } | ForEach-Object { Get-Expiry $_ }
        if (-not $found['fits'] -or ($found['at'] -as [datetime]) -ne ($at -as [datetime])) { Stop-Expiry 'the task that ends it is not as it was registered' InvalidOperation }
        Remove-ExpiryOf $noun $name $task
    }
    catch { Unregister-ScheduledTask -TaskPath $expiryFolder -TaskName $task -Confirm:$false -ErrorAction SilentlyContinue; throw }  # refused is not there
    $found
}
# Every task of a rule but one. A rule has more than one where its name was spelled otherwise, or where another PowerShell registered
# one, which may know other small letters.
function Remove-ExpiryOf([string]$Noun, [string]$Name, [string]$Kept) {
    foreach ($one in Get-ExpiryTask @{} | ForEach-Object { Get-Expiry $_ }) {
        if ($one['task'] -cnotmatch $ourTask -or $one['task'] -eq $Kept -or $one['noun'] -ne $Noun -or -not [string]::Equals($one['name'], $Name, 'OrdinalIgnoreCase')) { continue }
        Unregister-ScheduledTask -TaskPath $expiryFolder -TaskName $one['task'] -Confirm:$false -ErrorAction Stop
    }
}
$removeExpiry = { param($With)
    Assert-Armed
    if (-not (Test-RingfenceElevation)) { Stop-Expiry $hiddenTasks PermissionDenied }
    if ($With['name']) { Remove-ExpiryOf $With['noun'] $With['name'] }
    elseif (Get-ExpiryTask @{ TaskName = $With['task'] }) { Unregister-ScheduledTask -TaskPath $expiryFolder -TaskName $With['task'] -Confirm:$false -ErrorAction Stop }
}
$verbs += @{
    'Expiry.Write' = { param($With) Assert-Expiry $With; Invoke-Alone $writeExpiry $With }
    'Expiry.Remove' = { param($With)
        if (-not $With['name'] -and "$($With['task'])" -cnotmatch $ourTask) { Stop-Expiry "no task is named '$($With['task'])'" }
        Invoke-Alone $removeExpiry $With }
}
