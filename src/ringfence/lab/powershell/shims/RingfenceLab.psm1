# Windows as a simulated host shows it to a real PowerShell: what the host script asks of the system besides NetSecurity, answered by
# the machine of the lab over a loopback socket. Functions win over cmdlets, so this works under any PowerShell 7.
# One request a line, base64 of CLIXML: @{ token; verb; with }; one line back: @{ value } or @{ error }.
class LabException : Exception {  # CimException has such a property
    [uint32]$StatusCode
    LabException([string]$Message, [uint32]$Code) : base($Message) { $this.StatusCode = $Code }
}
class LabSecurity {  # owner and DACL of a key: what RegistrySecurity is on Windows alone
    [string]$Sddl
    [hashtable]$Held
    [string] GetSecurityDescriptorSddlForm([string]$Sections) { return $this.Sddl }
    [object] GetOwner([type]$As) { return @{ Value = $this.Held.owner } }
    [object[]] GetAccessRules([bool]$Explicit, [bool]$Inherited, [type]$As) {
        return @(foreach ($rule in $this.Held.rules) {
                [pscustomobject]@{ AccessControlType = $rule.type; RegistryRights = $rule.rights; IdentityReference = @{ Value = $rule.sid } } })
    }
}
class LabEvent {  # what Get-WinEvent gives for a record
    [int]$Id
    [datetime]$TimeCreated
    [string]$Xml
    [string] ToXml() { return $this.Xml }
}
class LabKey {  # what Get-Item gives for a registry key; its content is asked for when it is looked at
    [string]$Name
    hidden [string]$Path
    hidden [string[]]$Keys
    hidden [System.Collections.Specialized.OrderedDictionary]$Values
    LabKey([string]$Path) { $this.Path, $this.Name = $Path, "HKEY_LOCAL_MACHINE\$Path".TrimEnd('\') }
    [LabKey] Load([hashtable]$Held) {
        $this.Keys, $this.Values = $Held.keys, [ordered]@{}
        foreach ($value in $Held.values) { $this.Values[[string]$value[0]] = $value }
        return $this
    }
    hidden [void] Need() { if ($null -eq $this.Values) { [void]$this.Load((Read-Lab key @{ path = $this.Path })) } }
    hidden [object] Find([string]$Name) {
        if ($null -eq $this.Values) { return Read-Lab value @{ path = $this.Path; name = $Name } }
        return $this.Values[[string]$Name]
    }
    [string[]] GetValueNames() { $this.Need(); return @(foreach ($value in $this.Values.Values) { $value[0] }) }
    [string[]] GetSubKeyNames() { $this.Need(); return @($this.Keys) }
    [string] GetValueKind([string]$Name) {
        $value = $this.Find($Name)
        if ($null -eq $value) { throw [System.IO.IOException]::new('The specified registry key does not exist.', 2) }
        return $value[1]
    }
    [object] GetValue([string]$Name) { return $this.GetValue($Name, $null, 'None') }
    [object] GetValue([string]$Name, [object]$Default) { return $this.GetValue($Name, $Default, 'None') }
    [object] GetValue([string]$Name, [object]$Default, [string]$Options) {
        $value = $this.Find($Name)
        if ($null -eq $value) { return $Default }
        if ($value[1] -eq 'MultiString') { return [string[]]@($value[2]) }
        if ($value[1] -ne 'ExpandString' -or $Options -eq 'DoNotExpandEnvironmentNames') { return $value[2] }
        return [Environment]::ExpandEnvironmentVariables($value[2])
    }
    [object] OpenSubKey([string]$Below) { return $this.OpenSubKey($Below, $false) }
    [object] OpenSubKey([string]$Below, [bool]$Write) {
        $full = "$($this.Path)\$Below".Trim('\')
        if (Read-Lab exists @{ path = $full; write = $Write }) { return [LabKey]::new($full) }
        return $null
    }
    [object] OpenSubKey([string]$Below, [string]$Check, [string]$Rights) { return $this.OpenSubKey($Below, $true) }
    [object] CreateSubKey([string]$Below, [string]$Check, [object]$Security) {  # as .NET does, which gives it to none
        $null = Read-Lab make_key @{ path = "$($this.Path)\$Below".Trim('\') }
        return $this.OpenSubKey($Below, $true)
    }
    [object] GetAccessControl([string]$Sections) {
        $held = Read-Lab security @{ path = $this.Path }
        return [LabSecurity]@{ Sddl = $held.sddl; Held = $held }
    }
    [void] SetAccessControl([object]$Security) { $null = Read-Lab make_key @{ path = $this.Path; sddl = $Security.Sddl } }
    [void] SetValue([string]$Name, [object]$Text, [string]$Kind) {
        $null = Read-Lab set_value @{ path = $this.Path; name = $Name; text = $Text; kind = $Kind }
    }
    [void] DeleteValue([string]$Name, [bool]$Needed) { $null = Read-Lab delete_value @{ path = $this.Path; name = $Name } }
    [void] DeleteSubKeyTree([string]$Below, [bool]$Needed) { $null = Read-Lab delete_key @{ path = "$($this.Path)\$Below" } }
    [void] Flush() { $null = Read-Lab flush }
}
$script:reader = $script:writer = $null
function Connect-Lab {
    $client = [System.Net.Sockets.TcpClient]::new('127.0.0.1', [int]$env:RINGFENCE_LAB_PORT)
    $client.NoDelay = $true
    $script:reader = [System.IO.StreamReader]::new($client.GetStream())
    $script:writer = [System.IO.StreamWriter]::new($client.GetStream())
}
function Send-Lab([string]$Verb, [hashtable]$With) {  # the answer, error or not
    if (-not $script:writer) { Connect-Lab }
    $text = [System.Management.Automation.PSSerializer]::Serialize(@{ token = $env:RINGFENCE_LAB_TOKEN; verb = $Verb; with = $With }, 9)
    $script:writer.WriteLine([Convert]::ToBase64String([System.Text.Encoding]::UTF8.GetBytes($text)))
    $script:writer.Flush()
    $line = $script:reader.ReadLine()
    if ($null -eq $line) { throw 'the simulated host is gone' }
    [System.Management.Automation.PSSerializer]::Deserialize([System.Text.Encoding]::UTF8.GetString([Convert]::FromBase64String($line)))
}
function New-LabRecord($Failure) {
    $why = if ($null -ne $Failure.code) { [LabException]::new($Failure.message, $Failure.code) } else { [Exception]::new($Failure.message) }
    [System.Management.Automation.ErrorRecord]::new($why, $Failure.id, $Failure.category, $null)
}
function Read-Lab([string]$Verb, [hashtable]$With = @{}) {
    $answer = Send-Lab $Verb $With
    if ($answer.error) { throw (New-LabRecord $answer.error) }
    , $answer.value
}
function Show-Lab([string]$What) { foreach ($row in Read-Lab show @{ what = $What }) { [pscustomobject]$row } }
# ---- The cmdlets of NetSecurity: bound by PowerShell, done by the machine ------------------------------------------------------
function ConvertTo-LabValue($Value) {
    if ($null -eq $Value) { return $null }
    if ($Value -is [enum]) {
        if ($Value.GetType().IsDefined([FlagsAttribute], $false)) { return , @("$Value" -split ', ') }
        return "$Value"
    }
    if ($Value -is [switch]) { return [bool]$Value }
    if ($Value -is [WildcardPattern]) {
        return [WildcardPattern].GetProperty('Pattern', [System.Reflection.BindingFlags]'NonPublic, Instance').GetValue($Value)
    }
    if ($Value -is [array]) { return , @(foreach ($item in $Value) { ConvertTo-LabValue $item }) }
    if ($Value.PSObject.TypeNames -contains 'Microsoft.Management.Infrastructure.CimInstance') {
        $members = @{}
        foreach ($property in $Value.PSObject.Properties) { $members[$property.Name] = $property.Value }
        return $members
    }
    $Value
}
function Invoke-LabCmdlet($Cmdlet, $Bound) {
    $with = @{}
    foreach ($pair in $Bound.GetEnumerator()) {
        if ($pair.Key -notin [System.Management.Automation.PSCmdlet]::CommonParameters) { $with[$pair.Key] = ConvertTo-LabValue $pair.Value }
    }
    $answer = Send-Lab cmdlet @{ name = $Cmdlet.MyInvocation.MyCommand.Name; parameters = $with }
    if ($answer.error) { $Cmdlet.WriteError((New-LabRecord $answer.error)) }
    foreach ($row in $answer.value) {
        $row['PSTypeName'] = 'Microsoft.Management.Infrastructure.CimInstance'
        [pscustomobject]$row
    }
}
# ---- The registry --------------------------------------------------------------------------------------------------------------
# What is missing ends the call: a function does not see its caller's $ErrorActionPreference, which is Stop.
function Get-LabKey([string]$Path) {
    $held = Read-Lab key @{ path = $Path }
    if ($held) { [LabKey]::new($Path).Load($held) }
}
function Get-LabPath([string]$Path) { if ($Path -match '^HKLM:\\*(.*?)\\*$') { $Matches[1] } }
function Get-MissingPath([string]$Path) {
    $why = [System.Management.Automation.ItemNotFoundException]::new("Cannot find path '$Path' because it does not exist.")
    [System.Management.Automation.ErrorRecord]::new($why, 'PathNotFound', 'ObjectNotFound', $Path)
}
function Get-Item {
    [CmdletBinding()]
    param([Parameter(Mandatory, Position = 0)][string]$LiteralPath)
    $path = Get-LabPath $LiteralPath
    if ($null -eq $path) { return Microsoft.PowerShell.Management\Get-Item @PSBoundParameters }
    $key = Get-LabKey $path
    if ($key) { $key } else { $PSCmdlet.ThrowTerminatingError((Get-MissingPath $LiteralPath)) }
}
# ---- Facts ---------------------------------------------------------------------------------------------------------------------
function Get-CimInstance {  # of a query the clauses that stand in one: NAME = VALUE, joined by AND and OR, in parentheses
    [CmdletBinding()]
    param([Parameter(Mandatory, Position = 0)][string]$ClassName, [string]$Namespace = 'root/cimv2', [string]$Filter)
    foreach ($one in Show-Lab "$Namespace/$ClassName") {
        if (-not $Filter) { $one; continue }
        $test = [regex]::Replace($Filter, "(\w+) = ('[^']*'|\d+)", { '$one.{0} -eq {1}' -f $args[0].Groups[1].Value, $args[0].Groups[2].Value })
        if (Invoke-Expression ($test -replace ' AND ', ' -and ' -replace ' OR ', ' -or ')) { $one }
    }
}
function Get-WSManInstance {
    [CmdletBinding()] param([Parameter(Mandatory)][string]$ResourceURI, [switch]$Enumerate)
    if (-not (Read-Lab elevated)) { Write-Error 'Access is denied.' -ErrorId WsManError; return }
    foreach ($shell in Show-Lab "wsman/$ResourceURI") {
        if ($shell.ProcessId -eq 'own') { $shell.ProcessId = "$PID" }
        $shell
    }
}
function Get-WinEvent {
    [CmdletBinding(DefaultParameterSetName = 'GetLogSet')]
    param([Parameter(ParameterSetName = 'GetLogSet')][string]$LogName, [Parameter(ParameterSetName = 'GetLogSet')][string]$FilterXPath,
        [Parameter(ParameterSetName = 'GetLogSet')][long]$MaxEvents, [Parameter(ParameterSetName = 'GetLogSet')][switch]$Oldest,
        [Parameter(ParameterSetName = 'ListLogSet')][string]$ListLog)
    $enabled = Read-Lab log @{ name = "$LogName$ListLog" }
    if ($null -eq $enabled) { Write-Error "There is not an event log on the localhost computer that matches `"$LogName$ListLog`"." -ErrorId NoMatchingLogsFound; return }
    if ($ListLog) { return [pscustomobject]@{ IsEnabled = $enabled } }
    $found = Read-Lab records @{ name = $LogName; query = $FilterXPath; most = $MaxEvents; oldest = [bool]$Oldest }
    foreach ($one in $found) {
        [LabEvent]@{ Id = $one.Id; Xml = $one.Xml; TimeCreated = [datetime]::Parse($one.Time, [cultureinfo]::InvariantCulture).ToLocalTime() }
    }
    if (-not $found) {
        Write-Error 'No events were found that match the specified selection criteria.' -ErrorId NoMatchingEventsFound -Category ObjectNotFound
    }
}
function Get-PSSessionConfiguration { [CmdletBinding()] param() Show-Lab PSSessionConfiguration }
function Get-Service {
    [CmdletBinding()] param([Parameter(Position = 0)][string[]]$Name)
    $all = @(Show-Lab service)
    foreach ($pattern in $Name) {
        $services = @($all | Where-Object { $_.Name -like $pattern })
        if ($services) { $services; continue }
        Write-Error "Cannot find any service with service name '$pattern'." -ErrorId NoServiceFoundForGivenName
    }
}
function Get-RingfenceRegistry { [LabKey]::new('') }
function New-RingfenceSecurity([string]$Sddl) { [LabSecurity]@{ Sddl = $Sddl } }
function Test-RingfenceElevation { Read-Lab elevated }
function Get-RingfenceIdentity { Read-Lab identity }
function Get-RingfenceProducts { Show-Lab 'firewall products' }
function Convert-RingfenceAccount([string[]]$Texts, [bool]$ToSid) {  # what has no translation stays empty, as in a collection
    foreach ($text in $Texts) {
        $account = Read-Lab account @{ name = $text }
        if ($account.error) { '' } elseif ($ToSid) { $account.sid } else { $account.name }
    }
}
function Read-RingfenceFile([string]$Path) {
    $bytes = Read-Lab file @{ path = $Path }
    if ($bytes) { , [byte[]]$bytes }
}
Export-ModuleMember -Function Invoke-LabCmdlet, Get-Item, Get-CimInstance, Get-WSManInstance, Get-WinEvent, Get-Service,
    Get-PSSessionConfiguration, Get-RingfenceIdentity, Get-RingfenceProducts, Get-RingfenceRegistry, New-RingfenceSecurity,
    Test-RingfenceElevation, Convert-RingfenceAccount, Read-RingfenceFile
