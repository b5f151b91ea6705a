# A stand-in for NetSecurity that is found on PSModulePath and keeps its rules where Windows keeps them, in HKLM:.
enum Enabled { True = 1; False = 2 }
enum Action { NotConfigured = 0; Allow = 2; Block = 4 }
enum GpoBoolean { False = 0; True = 1; NotConfigured = 2 }
$policy = 'HKLM:\SYSTEM\CurrentControlSet\Services\SharedAccess\Parameters\FirewallPolicy'
$rules = "$policy\FirewallRules"

function Write-Rule($Rule) {
    if (-not (Test-Path -LiteralPath $rules)) { $null = New-Item -Path $rules -Force }
    $text = "v2.31|Action=$($Rule.Action)|Active=$("$($Rule.Enabled)".ToUpperInvariant())|Dir=In|"
    foreach ($address in $Rule.RemoteAddress) { $text += "RA4=$address|" }
    $text += "Name=$($Rule.DisplayName)|"
    if ($Rule.Group) { $text += "EmbedCtxt=$($Rule.Group)|" }
    $null = New-ItemProperty -LiteralPath $rules -Name $Rule.Name -Value $text -PropertyType String -Force
}
function Read-Rule([string]$Name) {
    $rule = [pscustomobject]@{
        Name = $Name; InstanceID = $Name; Action = [Action]'Allow'; Enabled = [Enabled]'True'; RemoteAddress = @(); DisplayName = ''
        Group = ''; PrimaryStatus = 'OK'; EnforcementStatus = @('Enforced'); Status = 'The rule was parsed successfully from the store. (65536)'
    }
    foreach ($token in (Get-Item -LiteralPath $rules).GetValue($Name) -split '\|' | Where-Object { $_ -like '*=*' }) {
        $key, $value = $token -split '=', 2
        switch ($key) {
            Action { $rule.Action = [Action]$value }
            Active { $rule.Enabled = [Enabled]$value }
            RA4 { $rule.RemoteAddress += $value }
            Name { $rule.DisplayName = $value }
            EmbedCtxt { $rule.Group = $value }
        }
    }
    $rule
}
function Find-Rule($Cmdlet, [string[]]$Name) {
    $there = if (Test-Path -LiteralPath $rules) { (Get-Item -LiteralPath $rules).GetValueNames() }
    foreach ($wanted in $Name) {
        $found = @($there | Where-Object { $_ -like $wanted })
        foreach ($one in $found) { Read-Rule $one }
        if (-not $found -and -not [WildcardPattern]::ContainsWildcardCharacters($wanted)) {
            $Cmdlet.WriteError([System.Management.Automation.ErrorRecord]::new([InvalidOperationException]::new("No rule '$wanted'."),
                'CmdletizationQuery_NotFound_InstanceID', 'ObjectNotFound', $wanted))
        }
    }
}
function Get-NetFirewallRule {
    [CmdletBinding(DefaultParameterSetName = 'GetAll')]
    param([Parameter(ParameterSetName = 'ByName', Mandatory = $true, Position = 0)][string[]]$Name, [string]$PolicyStore)
    if ($Name) { Find-Rule $PSCmdlet $Name } else { Find-Rule $PSCmdlet '*' }
}
function New-NetFirewallRule {
    [CmdletBinding(PositionalBinding = $false)]
    param([string]$Name, [Parameter(Mandatory = $true)][string]$DisplayName, [string]$Group, [Enabled]$Enabled = 'True',
        [Action]$Action = 'Allow', [string[]]$RemoteAddress, [string]$PolicyStore)
    Write-Rule @{ Name = $Name; DisplayName = $DisplayName; Group = $Group; Enabled = $Enabled; Action = $Action; RemoteAddress = $RemoteAddress }
    Read-Rule $Name
}
function Set-NetFirewallRule {
    [CmdletBinding(PositionalBinding = $false)]
    param([Parameter(ParameterSetName = 'ByName', Mandatory = $true)][string[]]$Name,
        [Parameter(ParameterSetName = 'ByName')][string]$PolicyStore,
        [Parameter(ParameterSetName = 'InputObject', Mandatory = $true, ValueFromPipeline = $true)][psobject[]]$InputObject,
        [string]$NewDisplayName, [Enabled]$Enabled, [Action]$Action, [string[]]$RemoteAddress)
    process {
        foreach ($rule in $(if ($InputObject) { $InputObject } else { Find-Rule $PSCmdlet $Name })) {
            foreach ($one in 'Enabled', 'Action', 'RemoteAddress') {
                if ($PSBoundParameters.ContainsKey($one)) { $rule.$one = $PSBoundParameters[$one] }
            }
            if ($NewDisplayName) { $rule.DisplayName = $NewDisplayName }
            Write-Rule $rule
        }
    }
}
function Remove-NetFirewallRule {
    [CmdletBinding(DefaultParameterSetName = 'GetAll')]
    param([Parameter(ParameterSetName = 'ByName', Mandatory = $true)][string[]]$Name, [string]$PolicyStore)
    foreach ($rule in Find-Rule $PSCmdlet $(if ($Name) { $Name } else { '*' })) {
        Remove-ItemProperty -LiteralPath $rules -Name $rule.Name -Force
    }
}
function Set-NetFirewallProfile {
    [CmdletBinding()]
    param([Parameter(Mandatory = $true)][ValidateSet('Domain', 'Private', 'Public')][string[]]$Name, [GpoBoolean]$Enabled, [string]$PolicyStore)
    foreach ($one in $Name) {
        $key = "$policy\$(if ($one -eq 'Private') { 'Standard' } else { $one })Profile"
        if (-not (Test-Path -LiteralPath $key)) { $null = New-Item -Path $key -Force }
        $null = New-ItemProperty -LiteralPath $key -Name EnableFirewall -Value ([int]$Enabled) -PropertyType DWord -Force
    }
}
