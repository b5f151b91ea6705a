# The task by which this host undoes a run by itself: Windows' own scheduler, netsh, and no script that something could forbid.
# How far it is, the name of an empty file says: RUN.arming, exported, armed, firing, again, confirmed. A file is renamed or it is
# not: of two who want to go on from where it is, one can. The task's text is constant but for the run, and the machine.
$undoFolder, $undoKey, $undoSteps = "$env:ProgramData\ringfence", "$ledger\undo", @('arming', 'exported', 'armed', 'firing', 'again', 'confirmed')
$undoTask = @{ TaskPath = '\ringfence\'; TaskName = 'undo'; ErrorAction = 'Stop' }
# All for SYSTEM, Administrators, and the firewall's own service (NT SERVICE\mpssvc), which may be who reads and writes there.
$undoOwners = 'O:BAD:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;FA;;;S-1-5-80-3088073201-1464728630-1879813800-1107566885-823218052)'
# /a: hidden ones too, as the logs are that Windows keeps beside a hive that was loaded.
$undoEnd = '%SystemRoot%\System32\schtasks.exe /delete /tn \ringfence\undo /f >nul & del /a /q {run}.*'
$undoSay = '%SystemRoot%\System32\reg.exe add HKLM\SOFTWARE\ringfence\undo /v State /f /reg:64 /d'
$undoMachine = '%SystemRoot%\System32\reg.exe query HKLM\SOFTWARE\Microsoft\Cryptography /v MachineGuid /reg:64 | %SystemRoot%\System32\find.exe'
$undoImport = '%SystemRoot%\System32\netsh.exe advfirewall import "%ProgramData%\ringfence\{run}.wfw" >nul'
$undoLine = @(  # another machine, made from an image of this one, undoes nothing (a tool that does not run tells of none)
    'cd /d "%ProgramData%\ringfence" || exit 3'
    "& ($undoMachine /i `"MachineGuid`" >nul) && (($undoMachine /i `"{machine}`" >nul) || ($undoSay dropped >nul & $undoEnd))"
    "& if /i not `"%COMPUTERNAME%`"==`"{computer}`" ($undoSay dropped >nul & $undoEnd)"
    'else if exist {run}.arming (del /q {run}.wfw 2>nul & %SystemRoot%\System32\netsh.exe advfirewall export "%ProgramData%\ringfence\{run}.wfw" >nul && ren {run}.arming {run}.exported)'
    "else if exist {run}.armed (ren {run}.armed {run}.firing && ($undoSay firing >nul & $undoImport && ren {run}.firing {run}.again))"
    "else if exist {run}.firing ($undoSay firing >nul & $undoImport && ren {run}.firing {run}.again)"
    "else if exist {run}.again ($undoImport && ($undoSay restored >nul & $undoEnd))"  # what a write had begun before the first
    "else if exist {run}.confirmed ($undoSay confirmed >nul & $undoEnd) else ($undoSay dropped >nul & $undoEnd)") -join ' '
$undoXml = @'
<?xml version="1.0"?>
<Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">
<RegistrationInfo><Author>ringfence</Author><Description>Undoes a change of the firewall, unless the run that made it has come back to confirm it.</Description><SecurityDescriptor>O:BAG:SYD:P(A;;FA;;;SY)(A;;FA;;;BA)</SecurityDescriptor></RegistrationInfo>
<Triggers>
<RegistrationTrigger><Repetition><Interval>PT1M</Interval><Duration>PT1H</Duration><StopAtDurationEnd>false</StopAtDurationEnd></Repetition><Delay>PT{delay}S</Delay></RegistrationTrigger>
<BootTrigger><Repetition><Interval>PT1M</Interval><Duration>PT1H</Duration><StopAtDurationEnd>false</StopAtDurationEnd></Repetition><Delay>PT{delay}S</Delay></BootTrigger>
</Triggers>
<Principals><Principal id="System"><UserId>S-1-5-18</UserId><RunLevel>HighestAvailable</RunLevel></Principal></Principals>
<Settings><MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy><DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries><StopIfGoingOnBatteries>false</StopIfGoingOnBatteries><StartWhenAvailable>true</StartWhenAvailable><ExecutionTimeLimit>PT5M</ExecutionTimeLimit><Priority>4</Priority></Settings>
<Actions Context="System"><Exec><Command>%SystemRoot%\System32\cmd.exe</Command><Arguments>/d /s /c "{line}"</Arguments></Exec></Actions>
</Task>
'@
# These have no cmdlets, or none that does it in one step: a stand-in may define them before.
if (-not (Test-Path -LiteralPath Function:\Open-RingfenceFolder)) { function Open-RingfenceFolder([string]$Path) {
    $security, $sid = (New-Object Security.AccessControl.DirectorySecurity), [Security.Principal.SecurityIdentifier]
    $security.SetSecurityDescriptorSddlForm($undoOwners)
    $folder, $core = (New-Object IO.DirectoryInfo $Path), ($PSVersionTable.PSEdition -eq 'Core')
    if (-not $folder.Exists) { if ($core) { [IO.FileSystemAclExtensions]::Create($folder, $security) } else { $folder.Create($security) }; $folder.Refresh() }
    if ($folder.Attributes -band [IO.FileAttributes]::ReparsePoint) { Stop-Undo "$Path leads elsewhere" }
    $found = if ($core) { [IO.FileSystemAclExtensions]::GetAccessControl($folder) } else { $folder.GetAccessControl() }
    $who = @($found.GetOwner($sid).Value) + @($found.GetAccessRules($true, $true, $sid) | ForEach-Object { $_.IdentityReference.Value })
    $others = @($who | Where-Object { $_ -notin $trusted -and -not $undoOwners.Contains($_) } | Sort-Object -Unique)
    if ($others) { Stop-Undo "others have access to ${Path}: $($others -join ', ')" }
} }
if (-not (Test-Path -LiteralPath Function:\Read-RingfenceHive)) { function Read-RingfenceHive([string]$Path) {  # key = how many values
    $ErrorActionPreference = 'Continue'
    $reg, $name, $keys = "$env:SystemRoot\System32\reg.exe", 'ringfence-undo', @{}
    $unload = {
        foreach ($turn in 1..20) {  # what looks at all that is new may have it open for a moment
            [GC]::Collect(); [GC]::WaitForPendingFinalizers()
            & $reg unload "HKLM\$name" 2>$null | Out-Null
            if (-not $LASTEXITCODE) { return }
            Start-Sleep -Milliseconds 250
        }
        Stop-Undo "something keeps open what netsh has exported, keys and all. Have Windows close it: reg unload HKLM\$name"
    }
    if ((Get-RingfenceRegistry).GetSubKeyNames() -contains $name) { & $unload }  # of a run that could not, or has died
    & $reg load "HKLM\$name" $Path 2>$null | Out-Null
    if ($LASTEXITCODE) { Stop-Undo 'Windows cannot open what netsh has exported' }
    try {
        $root = (Get-RingfenceRegistry).OpenSubKey($name)
        foreach ($leaf in $root.GetSubKeyNames()) { $key = $root.OpenSubKey($leaf); $keys[$leaf] = $key.ValueCount; $key.Dispose() }
        $root.Dispose()
    }
    finally { & $unload }
    $keys
} }
if (-not (Test-Path -LiteralPath Function:\Sync-RingfenceFile)) { function Sync-RingfenceFile([string]$Path) {
    $file = [IO.File]::Open($Path, 'Open', 'ReadWrite')
    try { $file.Flush($true) } finally { $file.Dispose() }
} }
if (-not (Test-Path -LiteralPath Function:\Get-RingfenceUptime)) { function Get-RingfenceUptime {  # in seconds; nobody can set it
    [Diagnostics.Stopwatch]::GetTimestamp() / [Diagnostics.Stopwatch]::Frequency
} }
function Stop-Undo([string]$Why) { Stop-Call InvalidOperation undo $Why }
function Get-UndoXml([string]$Run, [int]$Delay) {
    $machine, $computer = (Get-RingfenceRegistry).OpenSubKey('SOFTWARE\Microsoft\Cryptography').GetValue('MachineGuid'), [Environment]::MachineName
    if ($env:COMPUTERNAME) { $computer = $env:COMPUTERNAME }
    if ("$machine" -notmatch '^[0-9A-Fa-f-]{36}\z' -or $computer -notmatch '^[\w-]{1,63}\z') { Stop-Undo "this machine is not told from others: '$machine', '$computer'" }
    $line = $undoLine.Replace('{run}', $Run).Replace('{machine}', $machine).Replace('{computer}', $computer)
    $undoXml.Replace('{delay}', "$Delay").Replace('{line}', [Security.SecurityElement]::Escape($line))
}
function Get-UndoTask { try { Get-ScheduledTask @undoTask } catch { if ($_.CategoryInfo.Category -ne 'ObjectNotFound') { throw } } }
function Remove-UndoFile([string]$Run, [bool]$Others) {  # those of the run, or of all others
    foreach ($file in Get-ChildItem -LiteralPath $undoFolder -Force -ErrorAction SilentlyContinue) {
        if ($file.Name -match '^(\d{8}T\d{6}Z-[0-9a-f]{6})\.' -and ($Matches[1] -ne $Run) -eq $Others) { Remove-Item -LiteralPath $file.FullName -Force -ErrorAction SilentlyContinue }
    }
}
