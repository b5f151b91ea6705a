# The host under test: $global:Host1 says what it has, the functions below show it as Windows' cmdlets would.
# A case changes $Host1 before its batch runs; $Host1.Happens says what becomes of a key or a value once it is listed. Functions win over cmdlets, so this works under any PowerShell.
class ShimKey {  # what Get-Item gives for a registry key
    [string]$Name
    [System.Collections.IDictionary]$Values
    [string] Below([string]$Name) { return $this.Name.Replace('HKEY_LOCAL_MACHINE', 'HKLM:') + '\' + $Name }
    [void] Fail([string]$How) {  # as .NET does for the errors of Windows
        if ($How -eq 'gone') { throw [System.IO.IOException]::new('The specified registry key does not exist.', 2) }
        if ($How -eq 'deleted') { throw [System.IO.IOException]::new('Illegal operation attempted on a registry key that has been marked for deletion.', 1018) }
        if ($How -eq 'denied') { throw [System.UnauthorizedAccessException]::new('Attempted to perform an unauthorized operation.') }
        if ($How -eq 'broken') { throw [System.IO.IOException]::new('The configuration registry database is corrupt.', 1009) }
    }
    [string[]] GetValueNames() {
        $this.Fail($global:Host1.Happens[$this.Below('').TrimEnd('\')])
        return @($this.Values.Keys)
    }
    [string] GetValueKind([string]$Name) {
        $how = $global:Host1.Happens[$this.Below($Name)]
        if ($how -eq 'going') { $how = 'gone' }  # between its data and its kind
        $this.Fail($how)
        if (-not $this.Values.Contains($Name)) { $this.Fail('gone') }
        return $this.Values[$Name][0]
    }
    [object] GetValue([string]$Name) { return $this.GetValue($Name, $null, 'None') }
    [object] GetValue([string]$Name, [object]$Default, [string]$Options) {
        if (-not $this.Values.Contains($Name) -or $global:Host1.Happens[$this.Below($Name)] -notin $null, 'going') { return $Default }
        $kind, $value = $this.Values[$Name]
        if ($kind -eq 'ExpandString' -and $Options -ne 'DoNotExpandEnvironmentNames') { return "expanded $value" }
        return $value
    }
    [object] GetAccessControl([string]$Sections) { return [ShimSecurity]::new() }
    [string[]] GetSubKeyNames() {
        $prefix = $this.Below('')
        return @($global:Host1.Registry.Keys | Where-Object { $_.StartsWith($prefix) -and -not $_.Substring($prefix.Length).Contains('\') } |
            ForEach-Object { $_.Substring($prefix.Length) })
    }
    [object] OpenSubKey([string]$Below) {
        $path = $this.Below($Below)
        $how = $global:Host1.Happens[$path]
        if ($how -eq 'vanishes') { $global:Host1.Registry.Remove($path) }
        if ($how -eq 'shut') { return $null }
        if ($path -in $global:Host1.DeniedKeys) { throw [System.Security.SecurityException]::new('Requested registry access is not allowed.') }
        if ($global:Host1.Registry.Contains($path)) { return Get-ShimKey $path }
        return $null
    }
}
class ShimSecurity {
    [string] GetSecurityDescriptorSddlForm([string]$Sections) { return 'O:BA' }
}
class ShimEvent {  # what Get-WinEvent gives for a record
    [int]$Id
    [datetime]$TimeCreated
    [string]$Xml
    [string] ToXml() { return $this.Xml }
}
function global:Get-ShimKey([string]$Path) {
    $key = [ShimKey]::new()
    $key.Name = $Path.Replace('HKLM:', 'HKEY_LOCAL_MACHINE')
    $key.Values = $global:Host1.Registry[$Path]
    $key
}
function global:Get-RingfenceRegistry { Get-ShimKey 'HKLM:' }
function global:Get-Item {
    [CmdletBinding()]
    param([string]$LiteralPath)
    $path = $LiteralPath.TrimEnd('\')
    if ($path -in $global:Host1.DeniedKeys) {
        $why = [System.Security.SecurityException]::new('Requested registry access is not allowed.')
        $PSCmdlet.WriteError([System.Management.Automation.ErrorRecord]::new($why, 'System.Security.SecurityException', 'PermissionDenied', $path))
        return
    }
    if ($global:Host1.Registry.Contains($path)) { return Get-ShimKey $path }
    $why = [System.Management.Automation.ErrorRecord]::new(
        [System.Management.Automation.ItemNotFoundException]::new("Cannot find path '$path' because it does not exist."),
        'PathNotFound', 'ObjectNotFound', $path)
    $PSCmdlet.WriteError($why)
}
function global:Show-Host([string]$What) {
    if ($What -in $global:Host1.Broken) { throw "$What is broken" }
    foreach ($one in $global:Host1[$What]) { [pscustomobject]$one }
}
function global:Get-CimInstance([string]$ClassName, [string]$Namespace, [string]$Filter) {
    if (($Namespace -eq 'root/StandardCimv2') -ne ($ClassName -like 'MSFT_*')) { throw "$ClassName is not in $Namespace" }
    $test = [regex]::Replace($Filter, "(\w+) = ('[^']*'|\d+)", { '$_.{0} -eq {1}' -f $args[0].Groups[1].Value, $args[0].Groups[2].Value })
    $where = [scriptblock]::Create($(if ($Filter) { $test -replace ' AND ', ' -and ' -replace ' OR ', ' -or ' } else { '$true' }))
    Show-Host $ClassName | Where-Object $where
}
function global:Get-WSManInstance([string]$ResourceURI, [switch]$Enumerate) { Show-Host "WSMan $ResourceURI" }
function global:Add-Event([int]$Id, [string]$Time, [hashtable]$Data = @{}, [string]$Log = 'Firewall', [string]$Xml) {
    $one = [ShimEvent]@{ Id = $Id; TimeCreated = [datetime]::Parse($Time, [cultureinfo]::InvariantCulture).ToLocalTime() }
    $fields = $Data.GetEnumerator() | ForEach-Object { "<Data Name='$($_.Key)'>$([Security.SecurityElement]::Escape($_.Value))</Data>" }
    $one.Xml = if ($Xml) { $Xml } else {
        "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System><EventID>$Id</EventID></System><EventData>$fields</EventData></Event>" }
    $global:Host1.Logs[$Log].Records.Insert(0, $one)
}
function global:Get-WinEvent {
    [CmdletBinding()] param([string]$LogName, [string]$FilterXPath, [int]$MaxEvents, [switch]$Oldest, [string]$ListLog)
    $name = "$LogName$ListLog" -replace '^Microsoft-Windows-Windows Firewall With Advanced Security/'
    [void]$global:Host1.Bound.Add(@{ cmdlet = 'Get-WinEvent'; parameters = @{ of = $name; query = $FilterXPath; most = $MaxEvents } })
    $log = $global:Host1.Logs[$name]
    if (-not $log) { Write-Error "There is not an event log that matches $name." -ErrorId NoMatchingLogsFound; return }
    if ($log.Denied) { throw [UnauthorizedAccessException]::new('Attempted to perform an unauthorized operation.') }
    if ($ListLog) { return [pscustomobject]@{ IsEnabled = $log.Enabled } }
    $where = $FilterXPath -replace '^\*$', '*[System[EventID >= 0]]' -replace '^\*\[System\[(.*)\]\]$', '$1'
    $where = $where -replace "TimeCreated\[@SystemTime (>=) ('[^']*')\]", '($$_.TimeCreated.ToUniversalTime() $1 [datetime]::Parse($2).ToUniversalTime())'
    $where = $where -replace 'EventID', '$$_.Id' -replace '>=', '-ge' -replace '<=', '-le' -replace ' = ', ' -eq ' -replace ' and ', ' -and ' -replace ' or ', ' -or '
    $found = @($log.Records | Where-Object ([scriptblock]::Create($where)))
    if ($Oldest) { [array]::Reverse($found) }
    if (-not $found) {
        Write-Error 'No events were found that match the specified selection criteria.' -ErrorId NoMatchingEventsFound -Category ObjectNotFound
    }
    $found | Select-Object -First $MaxEvents
}
function global:Get-PSSessionConfiguration { Show-Host Endpoints }
function global:Get-RingfenceProducts { Show-Host FirewallProducts }
function global:Get-RingfenceIdentity { $global:Host1.Identity }
function global:Get-Service {
    [CmdletBinding()] param([string]$Name)
    if (-not $global:Host1.Services.Contains($Name)) {
        Write-Error "Cannot find any service with service name '$Name'." -ErrorId NoServiceFoundForGivenName
        return
    }
    [pscustomobject]@{ Name = $Name; Status = $global:Host1.Services[$Name] }
}
function global:Get-Date { [datetime]::new(2026, 1, 2, 3, 4, 5, [DateTimeKind]::Utc) }
function global:Test-RingfenceElevation {
    if ($global:Host1.Elevated -isnot [bool]) { throw $(if ($global:Host1.Elevated) { $global:Host1.Elevated } else { 'unknown' }) }
    $global:Host1.Elevated
}
function global:Convert-RingfenceAccount([string[]]$Texts, [bool]$ToSid) {  # a text that is $Host1.Hangs ends it for all
    [void]$global:Host1.Bound.Add(@{ cmdlet = "accounts $(if ($ToSid) { 'to SIDs' } else { 'to names' })"; parameters = @{ of = $Texts } })
    if ($global:Host1.Hangs -and $Texts -contains $global:Host1.Hangs) { throw 'The trust relationship failed.' }
    foreach ($text in $Texts) {
        if ($ToSid) { "$($global:Host1.Accounts[$text])" }
        else { "$(@($global:Host1.Accounts.GetEnumerator() | Where-Object { $_.Value -eq $text })[0].Name)" }
    }
}
function global:Read-RingfenceFile([string]$Path) {
    if ($global:Host1.Files.Contains($Path)) { , [Convert]::FromBase64String($global:Host1.Files[$Path]) }
}
function global:Add-Rule([string[]]$Name, [string]$Group = '') {
    foreach ($one in $Name) { $null = New-NetFirewallRule -Name $one -DisplayName $one -Group $Group 3>$null }
    $global:Host1.Bound.Clear()
}
function global:Reset-Host {
    $global:PSSenderInfo = $null
    $env:SSH_CONNECTION = $null
    $env:COMPUTERNAME = 'HOST1'
    $global:Host1 = @{
        Bound = [System.Collections.ArrayList]::new(); Rules = [ordered]@{}; Registry = [ordered]@{}; Denied = $false; Fails = $null
        DeniedKeys = @(); Happens = @{}; Corrupt = @(); GoneAt = '-'; Dosp = @(); Associations = @(); Broken = @(); Elevated = $true; Accounts = @{ 'CORP\Ops' = 'S-1-5-21-1-2-3-1104' }
        Identity = @{ account = 'CORP\Ops'; sid = 'S-1-5-21-1-2-3-1104' }
        Services = @{ mpssvc = 'Running'; BFE = 'Running'; IKEEXT = 'Stopped' }
        Win32_ComputerSystem = @{ PartOfDomain = $true; Domain = 'corp.example' }
        Win32_OperatingSystem = @{ Caption = 'Windows Server'; Version = '10.0.20348'; BuildNumber = '20348'; ProductType = [uint32]3 }
        Files = @{}; Logs = @{}
    }
    foreach ($name in 'Firewall', 'ConnectionSecurity') {
        $global:Host1.Logs[$name] = @{ Enabled = $true; Denied = $false; Records = [System.Collections.Generic.List[object]]::new() }
    }
}
