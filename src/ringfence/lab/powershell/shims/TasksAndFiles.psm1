# Scheduled tasks, files with a drive letter, time and the domain as a simulated host has them. These functions stand behind those of
# RingfenceLab.psm1, in the same module.
# ---- The module ScheduledTasks ---------------------------------------------------------------------------------------------------
function Send-LabError($Cmdlet, $Failure) {  # a function does not see its caller's $ErrorActionPreference, which is Stop
    $record = if ($Failure -is [System.Management.Automation.ErrorRecord]) { $Failure } else { New-LabRecord $Failure }
    if ($Cmdlet.MyInvocation.BoundParameters.ContainsKey('ErrorAction')) { $Cmdlet.WriteError($record) } else { $Cmdlet.ThrowTerminatingError($record) }
}
function Invoke-LabTask($Cmdlet, [string]$Verb, [string]$Path, [string]$Name, [hashtable]$More = @{}) {
    $answer = Send-Lab task (@{ verb = $Verb; path = $Path; name = $Name } + $More)
    if ($answer.error) {
        $missing = $Verb -eq 'Unregister' -and $answer.error.id -eq 'HRESULT 0x80070002'
        if ($missing) { return Send-LabError $Cmdlet (Get-MissingTask $Name) }
        return Send-LabError $Cmdlet $answer.error
    }
    foreach ($row in $answer.value) { ConvertTo-LabTask $row }
}
function ConvertTo-LabTask($Row) {
    foreach ($part in 'Actions', 'Triggers') { if ($Row[$part]) { $Row[$part] = @(foreach ($one in $Row[$part]) { [pscustomobject]$one }) } }
    foreach ($part in 'Settings', 'Principal') { if ($Row[$part]) { $Row[$part] = [pscustomobject]$Row[$part] } }
    if ($Row['LastRunTime']) { $Row['LastRunTime'] = [datetime]::Parse($Row['LastRunTime'], [cultureinfo]::InvariantCulture).ToLocalTime() }
    $Row['PSTypeName'] = 'Microsoft.Management.Infrastructure.CimInstance#Root/Microsoft/Windows/TaskScheduler/MSFT_ScheduledTask'
    [pscustomobject]$Row
}
function Get-MissingTask([string]$Name, [string]$Property = 'TaskName') {  # as CDXML says it
    @{ category = 'ObjectNotFound'; id = "CmdletizationQuery_NotFound_$Property"; code = $null
        message = "No MSFT_ScheduledTask objects found with property '$Property' equal to '$Name'.  Verify the value of the property and retry." }
}
function Register-ScheduledTask {
    [CmdletBinding()]
    param([Parameter(Mandatory, Position = 0)][string]$TaskName, [Parameter(Position = 1)][string]$TaskPath = '\', [Parameter(Mandatory)][string]$Xml, [switch]$Force)
    Invoke-LabTask $PSCmdlet Register $TaskPath $TaskName @{ xml = $Xml; force = [bool]$Force }
}
function Unregister-ScheduledTask {
    [CmdletBinding(SupportsShouldProcess, ConfirmImpact = 'High')]
    param([Parameter(Mandatory, Position = 0)][string]$TaskName, [Parameter(Position = 1)][string]$TaskPath = '\')
    if ($PSCmdlet.ShouldProcess("$TaskPath$TaskName", 'Delete')) { Invoke-LabTask $PSCmdlet Unregister $TaskPath $TaskName }
}
function Start-ScheduledTask {
    [CmdletBinding()] param([Parameter(Mandatory, Position = 0)][string]$TaskName, [Parameter(Position = 1)][string]$TaskPath = '\')
    Invoke-LabTask $PSCmdlet Start $TaskPath $TaskName
}
function Stop-ScheduledTask {
    [CmdletBinding()] param([Parameter(Mandatory, Position = 0)][string]$TaskName, [Parameter(Position = 1)][string]$TaskPath = '\')
    Invoke-LabTask $PSCmdlet Stop $TaskPath $TaskName
}
function Enable-ScheduledTask {
    [CmdletBinding()] param([Parameter(Mandatory, Position = 0)][string]$TaskName, [Parameter(Position = 1)][string]$TaskPath = '\')
    Invoke-LabTask $PSCmdlet Enable $TaskPath $TaskName
}
function Disable-ScheduledTask {
    [CmdletBinding()] param([Parameter(Mandatory, Position = 0)][string]$TaskName, [Parameter(Position = 1)][string]$TaskPath = '\')
    Invoke-LabTask $PSCmdlet Disable $TaskPath $TaskName
}
function Get-ScheduledTaskInfo {
    [CmdletBinding()] param([Parameter(Mandatory, Position = 0)][string]$TaskName, [Parameter(Position = 1)][string]$TaskPath = '\')
    Invoke-LabTask $PSCmdlet Info $TaskPath $TaskName
}
function Get-ScheduledTask {
    [CmdletBinding()] param([Parameter(Position = 0)][string]$TaskName, [Parameter(Position = 1)][string]$TaskPath)
    $found = Read-Lab tasks @{ name = $TaskName; path = $TaskPath }
    foreach ($row in $found) { ConvertTo-LabTask $row }
    foreach ($asked in @('TaskName', $TaskName), @('TaskPath', $TaskPath)) {
        if (-not $found.Count -and $asked[1] -and -not [WildcardPattern]::ContainsWildcardCharacters($asked[1])) { return Send-LabError $PSCmdlet (Get-MissingTask $asked[1] $asked[0]) }
    }
}
# ---- Files: what has a drive letter is on the simulated host, anything else is no file of it ------------------------------------------
function Test-LabFile([string]$Path) { $Path -match '^[A-Za-z]:\\' }
function Test-Path {
    [CmdletBinding()] param([Parameter(Position = 0)][string[]]$Path, [string[]]$LiteralPath, [string]$PathType = 'Any')
    if (Test-LabFile "$Path$LiteralPath") { return Read-Lab path @{ path = "$Path$LiteralPath" } }
    Microsoft.PowerShell.Management\Test-Path @PSBoundParameters
}
function New-Item {
    [CmdletBinding()] param([Parameter(Position = 0)][string]$Path, [string]$ItemType, [object]$Value, [string]$Name, [switch]$Force)
    if (-not (Test-LabFile $Path)) { return Microsoft.PowerShell.Management\New-Item @PSBoundParameters }
    $answer = Send-Lab make_file @{ path = $Path }
    if ($answer.error) { return Send-LabError $PSCmdlet $answer.error }
    [pscustomobject]@{ FullName = $Path; Name = $Path.Split('\')[-1]; Length = 0 }
}
function Rename-Item {
    [CmdletBinding()] param([Parameter(Position = 0)][string]$Path, [string]$LiteralPath, [Parameter(Position = 1)][string]$NewName)
    if (-not (Test-LabFile "$Path$LiteralPath")) { return Microsoft.PowerShell.Management\Rename-Item @PSBoundParameters }
    $answer = Send-Lab rename @{ path = "$Path$LiteralPath"; name = $NewName }
    if ($answer.error) { Send-LabError $PSCmdlet $answer.error }
}
function Remove-Item {
    [CmdletBinding()] param([Parameter(Position = 0)][string[]]$Path, [string[]]$LiteralPath, [switch]$Force, [switch]$Recurse)
    if (-not (Test-LabFile "$Path$LiteralPath")) { return Microsoft.PowerShell.Management\Remove-Item @PSBoundParameters }
    foreach ($one in @($Path) + @($LiteralPath) | Where-Object { $_ }) {
        $answer = Send-Lab remove @{ path = $one; force = [bool]$Force; recurse = [bool]$Recurse }
        if ($answer.error) { Send-LabError $PSCmdlet $answer.error }
    }
}
function Get-ChildItem {
    [CmdletBinding()] param([Parameter(Position = 0)][string[]]$Path, [string[]]$LiteralPath, [switch]$Force)
    if (-not (Test-LabFile "$Path$LiteralPath")) { return Microsoft.PowerShell.Management\Get-ChildItem @PSBoundParameters }
    $found = Read-Lab children @{ path = "$Path$LiteralPath"; force = [bool]$Force }
    if ($null -eq $found) { return Send-LabError $PSCmdlet (Get-MissingPath "$Path$LiteralPath") }
    foreach ($row in $found) { [pscustomobject]$row }
}
# ---- Time, and what has no cmdlet --------------------------------------------------------------------------------------------------
function Get-Date {
    [CmdletBinding()] param([Parameter(Position = 0)][object]$Date, [string]$Format, [string]$UFormat)
    if ($Format -eq 'zzz' -and $PSBoundParameters.Count -eq 1) { return Read-Lab offset }
    if ($PSBoundParameters.Count) { return Microsoft.PowerShell.Utility\Get-Date @PSBoundParameters }
    [datetime]::Parse((Read-Lab now), [cultureinfo]::InvariantCulture).ToLocalTime()
}
function Get-RingfenceUptime { [double](Read-Lab uptime) }
function Open-RingfenceFolder([string]$Path) { $null = Read-Lab folder @{ path = $Path } }
function Read-RingfenceHive([string]$Path) { Read-Lab hive @{ path = $Path } }
function Sync-RingfenceFile([string]$Path) { $null = Read-Lab synced @{ path = $Path } }
function Test-RingfenceDomain([string]$Domain) { foreach ($address in Read-Lab controllers @{ domain = $Domain }) { $address } }
Export-ModuleMember -Function *-ScheduledTask*, Test-Path, New-Item, Rename-Item, Remove-Item, Get-ChildItem, Get-Date, Get-RingfenceUptime,
    Open-RingfenceFolder, Read-RingfenceHive, Sync-RingfenceFile, Test-RingfenceDomain
