# The tasks by which this host ends rules by itself: each one rule, from a moment on. What a task does is text that is constant but for
# its own name, the noun of a cmdlet, and the name of the rule, which stands there as the numbers of its characters: it is data alone.
$expiryFolder, $expiryShell = '\ringfence\expires\', '%SystemRoot%\System32\WindowsPowerShell\v1.0\powershell.exe'
$expiryLine = (@('-NoProfile -NonInteractive -Command "try { Remove-{noun} -Name (-join [char[]]({codes})) -ErrorAction Stop }'
        'catch { if ($_.CategoryInfo.Category -ne ''ObjectNotFound'') { exit 1 } };'
        'if (-not (Get-ScheduledTask -TaskPath \ringfence\ -TaskName undo -ErrorAction SilentlyContinue))'  # it may put the rule back
        '{ Unregister-ScheduledTask -TaskPath {folder} -TaskName {task} -Confirm:$false -ErrorAction Stop }"') -join ' ')
function Get-ExpiryName([string]$Noun, [string]$Name) {  # Windows does not tell names apart by their letter case
    $bytes = [Text.Encoding]::UTF8.GetBytes("$Noun|$($Name.ToLowerInvariant())")
    $sum = (New-Object Security.Cryptography.SHA256CryptoServiceProvider).ComputeHash($bytes)
    (-join ($sum | ForEach-Object { $_.ToString('x2') })).Substring(0, 32)
}
function Get-ExpiryLine([string]$Noun, [string]$Name) {
    $codes = ($Name.ToCharArray() | ForEach-Object { [int]$_ }) -join ','
    $expiryLine.Replace('{noun}', $Noun).Replace('{codes}', $codes).Replace('{folder}', $expiryFolder).Replace('{task}', (Get-ExpiryName $Noun $Name))
}
function Get-Expiry($Task) {  # fits: whether it does what it is there for, and nothing else
    $actions, $begins = @($Task.Actions), @($Task.Triggers | ForEach-Object { "$($_.StartBoundary)" })
    $found = @{ task = $Task.TaskName; at = $begins[0]; fits = $false }
    if ("$($actions[0].Arguments)" -cmatch ' Remove-(\w+) -Name \(-join \[char\[\]\]\(((?:\d{1,5},)*\d{1,5})\)\)') {
        $noun, $name = $Matches[1], (-join ($Matches[2].Split(',') | ForEach-Object { [int]$_ -as [char] }))
        $found['noun'], $found['name'] = $noun, $name
        $found['fits'] = $actions.Count -eq 1 -and [string]::Equals($actions[0].Execute, $expiryShell, 'OrdinalIgnoreCase') -and
            [string]::Equals($actions[0].Arguments, (Get-ExpiryLine $noun $name)) -and [string]::Equals($Task.TaskName, (Get-ExpiryName $noun $name)) -and
            $begins.Count -eq 2 -and [string]::Equals($begins[0], $begins[1]) -and "$($Task.State)" -ne 'Disabled'
    }
    $found
}
function Get-ExpiryTask($Which) {  # of one, or of all: there may be none
    try { Get-ScheduledTask -TaskPath $expiryFolder -ErrorAction Stop @Which } catch { if ($_.CategoryInfo.Category -ne 'ObjectNotFound') { throw } }
}
$hiddenTasks = 'only an administrator with elevated rights sees its tasks'  # to others Windows says that there are none
$verbs += @{
    'Expiry.Read' = {
        if (Test-RingfenceElevation) { , @(Get-ExpiryTask @{} | ForEach-Object { Get-Expiry $_ }) }
        else { @{ unread = @(@{ fact = 'expiries'; why = $hiddenTasks }) } }
    }
}
