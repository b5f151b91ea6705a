# A small stand-in for the NetSecurity module: a few cmdlets, bound as Windows binds them, their rules kept in memory.
# $global:Host1 is the host under test (see ../host.ps1): .Rules, .Sets, .Associations, .Denied, .Bound (what was called).
enum Enabled { True = 1; False = 2 }
enum Direction { Inbound = 1; Outbound = 2 }
enum Action { NotConfigured = 0; Allow = 2; Block = 4 }
enum PrimaryStatus { Unknown; OK; Inactive; Error }
enum EnforcementStatus { Invalid; Enforced; DisabledObject }
[Flags()] enum Profile { Any = 0; Domain = 1; Private = 2; Public = 4 }

function Add-Bound([string]$Cmdlet, $Bound) {
    $with = @{}
    foreach ($name in $Bound.Keys | Where-Object { $_ -notin 'ErrorAction', 'ErrorVariable', 'WarningAction' }) {
        $value = $Bound[$name]
        $with[$name] = if ($value -is [array]) { , @($value | ForEach-Object { ConvertTo-Plain $_ }) } else { ConvertTo-Plain $value }
    }
    [void]$global:Host1.Bound.Add(@{ cmdlet = $Cmdlet; parameters = $with })
}
function ConvertTo-Plain($Value) {
    if ($Value -is [bool] -or $Value -is [int] -or $Value -is [uint32] -or $null -eq $Value) { return $Value }
    if ($Value -is [switch]) { return [bool]$Value }
    if ($Value.PSObject.Properties['InstanceID']) { return "object $($Value.InstanceID)" }
    if ($Value -is [hashtable]) { return $Value }
    "$Value"
}
function New-Refusal([string]$Category, [string]$Id, [string]$Message) {
    [System.Management.Automation.ErrorRecord]::new([InvalidOperationException]::new($Message), $Id, $Category, $null)
}
function Select-Rule($Cmdlet, [string[]]$Name) {
    foreach ($wanted in $Name) {
        $found = @($global:Host1.Rules.Values | Where-Object { $_.Name -like $wanted })
        $found
        if (-not $found -and -not [WildcardPattern]::ContainsWildcardCharacters($wanted)) {
            $Cmdlet.WriteError((New-Refusal ObjectNotFound CmdletizationQuery_NotFound_InstanceID (
                "No MSFT_NetFirewallRule objects found with property 'InstanceID' equal to '$wanted'.")))
        }
    }
}

function New-NetFirewallRule {
    [CmdletBinding(PositionalBinding = $false)]
    param([string]$PolicyStore, [Alias('ID')][string]$Name, [Parameter(Mandatory = $true)][string]$DisplayName, [string]$Description,
        [string]$Group, [Enabled]$Enabled = 'True', [Profile]$Profile, [string[]]$Platform, [Direction]$Direction = 'Inbound',
        [Action]$Action = 'Allow', [bool]$LooseSourceMapping, [string[]]$LocalAddress, [string[]]$RemoteAddress, [string]$Protocol,
        [string[]]$LocalPort, [string[]]$InterfaceAlias, [object[]]$CimSession, [switch]$AsJob)
    if ($global:Host1.Denied) {
        $PSCmdlet.WriteError((New-Refusal PermissionDenied 'Windows System Error 5' 'Access is denied.'))
        return
    }
    if ($Name -and $global:Host1.Rules.Contains($Name)) {
        $PSCmdlet.WriteError((New-Refusal ResourceExists 'Windows System Error 183' 'Cannot create a file when that file already exists.'))
        return
    }
    if ($global:Host1.Fails) { throw $global:Host1.Fails }
    Write-Warning 'noise'
    Write-Progress -Activity noise
    Add-Bound New-NetFirewallRule $PSBoundParameters
    $rule = [pscustomobject]@{
        Name = $Name; InstanceID = $Name; DisplayName = $DisplayName; Group = $Group; Enabled = $Enabled; PrimaryStatus = [PrimaryStatus]'OK'
        Status = 'The rule was parsed successfully from the store. (65536)'; EnforcementStatus = [EnforcementStatus[]]@('Enforced')
        PolicyStoreSourceType = 'Local'
    }
    $global:Host1.Rules[$Name] = $rule
    $rule
}
function Get-NetFirewallRule {
    [CmdletBinding(DefaultParameterSetName = 'GetAll')]
    param([Parameter(ParameterSetName = 'ByName', Mandatory = $true)][string[]]$Name, [string]$PolicyStore)
    if ('Rules' -in $global:Host1.Broken) { $PSCmdlet.WriteError((New-Refusal ReadError Broken 'the rules are broken')); return }
    Add-Bound Get-NetFirewallRule $PSBoundParameters
    $found = if ($Name) { Select-Rule $PSCmdlet $Name } else { $global:Host1.Rules.Values }
    foreach ($rule in @($found)) {  # one that cannot be read ends nothing but itself
        if ($rule.Name -eq $global:Host1.GoneAt) { throw 'the service is gone' }
        if ($rule.Name -in $global:Host1.Corrupt) { $PSCmdlet.WriteError((New-Refusal InvalidData 'HRESULT 0x80070057' "$($rule.Name) is corrupt")) } else { $rule }
    }
}
function Set-NetFirewallRule {
    [CmdletBinding(PositionalBinding = $false)]
    param([Parameter(ParameterSetName = 'ByName', Mandatory = $true)][string[]]$Name,
        [Parameter(ParameterSetName = 'ByGroup', Mandatory = $true)][string[]]$Group,
        [Parameter(ParameterSetName = 'ByName')][Parameter(ParameterSetName = 'ByGroup')][string]$PolicyStore,
        [Parameter(ParameterSetName = 'InputObject', Mandatory = $true, ValueFromPipeline = $true)][pscustomobject[]]$InputObject,
        [string]$NewDisplayName, [string]$Description, [Enabled]$Enabled, [Action]$Action, [string[]]$RemoteAddress)
    process {
        $rules = if ($InputObject) { $InputObject } else { Select-Rule $PSCmdlet $Name }
        Add-Bound Set-NetFirewallRule $PSBoundParameters
        foreach ($rule in $rules) {
            if ($NewDisplayName) { $rule.DisplayName = $NewDisplayName }
            if ($PSBoundParameters.ContainsKey('Enabled')) { $rule.Enabled = $Enabled }
        }
    }
}
function Rename-NetFirewallRule {
    [CmdletBinding(PositionalBinding = $false)]
    param([Parameter(ParameterSetName = 'ByName', Mandatory = $true)][string[]]$Name, [Parameter(Mandatory = $true)][string]$NewName,
        [Parameter(ParameterSetName = 'InputObject', Mandatory = $true, ValueFromPipeline = $true)][pscustomobject[]]$InputObject)
    $rules = if ($InputObject) { $InputObject } else { Select-Rule $PSCmdlet $Name }
    Add-Bound Rename-NetFirewallRule $PSBoundParameters
    foreach ($rule in @($rules)) {  # the object at hand keeps the name that it was read with
        $global:Host1.Rules.Remove($rule.Name)
        $global:Host1.Rules[$NewName] = $rule | Select-Object -Property *
        $global:Host1.Rules[$NewName].Name = $global:Host1.Rules[$NewName].InstanceID = $NewName
    }
}
function Remove-NetFirewallRule {
    [CmdletBinding(DefaultParameterSetName = 'GetAll')]
    param([Parameter(ParameterSetName = 'ByName', Mandatory = $true)][string[]]$Name, [string]$PolicyStore,
        [Parameter(ParameterSetName = 'InputObject', Mandatory = $true, ValueFromPipeline = $true)][pscustomobject[]]$InputObject)
    Add-Bound Remove-NetFirewallRule $PSBoundParameters
    $rules = if ($InputObject) { $InputObject } elseif ($Name) { Select-Rule $PSCmdlet $Name } else { @($global:Host1.Rules.Values) }
    foreach ($rule in @($rules)) { $global:Host1.Rules.Remove($rule.Name) }
}
function Set-NetFirewallProfile {
    [CmdletBinding()]
    param([Parameter(Mandatory = $true)][string[]]$Name, [ValidateSet('True', 'False', 'NotConfigured')][string]$Enabled, [uint64]$LogMaxSizeKilobytes, [string]$LogFileName)
    Add-Bound Set-NetFirewallProfile $PSBoundParameters
}
function New-NetIPsecAuthProposal {
    [CmdletBinding()]
    param([switch]$Machine, [switch]$User, [switch]$Kerberos, [string]$PreSharedKey, [string]$Authority)
    if ($PreSharedKey.Length -gt 100) { throw "the key '$PreSharedKey' is too long" }
    @{ proposal = @($PSBoundParameters.Keys | Where-Object { $_ -ne 'ErrorAction' } | Sort-Object) -join ' ' }
}
function New-NetIPsecPhase1AuthSet {
    [CmdletBinding()]
    param([string]$Name, [Parameter(Mandatory = $true)][string]$DisplayName, [Parameter(Mandatory = $true)][hashtable[]]$Proposal)
    if ($global:Host1.Fails) { throw $global:Host1.Fails }
    Add-Bound New-NetIPsecPhase1AuthSet $PSBoundParameters
}
function Get-NetIPsecDospSetting {
    [CmdletBinding()]
    param()
    foreach ($setting in $global:Host1.Dosp) { [pscustomobject]$setting }
}
function Get-NetIPsecMainModeSA { [CmdletBinding()] param() $global:Host1.Associations | Where-Object { $_.Mode -eq 'main' } }
function Get-NetIPsecQuickModeSA { [CmdletBinding()] param() $global:Host1.Associations | Where-Object { $_.Mode -eq 'quick' } }
function Remove-Association([string]$Mode, [string[]]$Name) {
    $global:Host1.Associations = @($global:Host1.Associations | Where-Object { $_.Mode -ne $Mode -or $_.Name -notin $Name })
}
function Remove-NetIPsecMainModeSA { [CmdletBinding()] param([Parameter(Mandatory = $true)][string[]]$Name) Remove-Association main $Name }
function Remove-NetIPsecQuickModeSA { [CmdletBinding()] param([Parameter(Mandatory = $true)][string[]]$Name) Remove-Association quick $Name }
Export-ModuleMember -Function *-Net*
