# What only the cmdlets of NetSecurity can tell: what is in force, security associations, settings against floods.
$rules = 'NetFirewallRule', 'NetIPsecRule', 'NetIPsecMainModeRule'
$shownOfRules = 'Enabled', 'Direction', 'Action', 'Profile', 'Mode', 'InboundSecurity', 'OutboundSecurity'  # what a rule itself holds
$fewNames = 20  # so many are asked for by name; of more, the whole store is read
$readers = 'Get-NetIPsecDospSetting', 'Get-NetIPsecMainModeSA', 'Get-NetIPsecQuickModeSA', 'Get-NetFirewallDynamicKeywordAddress',
    'Get-NetFirewallHyperVVMCreator', 'Get-NetFirewallHyperVVMSetting', 'Get-NetFirewallHyperVProfile', 'Get-NetFirewallHyperVRule'
function Assert-Cmdlet($Cmdlet, [string[]]$Among) {
    if ($Cmdlet -notin $Among) { Stop-Call PermissionDenied allowlist "'$Cmdlet' is not among the cmdlets ringfence runs here" }
}
function Get-Named([string]$Noun, $With, $Named = (Get-NameTable)) {  # name = object; a name that is not there is left out
    & "Get-$Noun" @With -ErrorAction SilentlyContinue -ErrorVariable problems 3>$null |
        ForEach-Object { $named["$(@($_.Name, $_.InstanceID -ne $null)[0])"] = $_ }
    foreach ($problem in $problems) { if ($problem.FullyQualifiedErrorId -notlike 'CmdletizationQuery_NotFound*') { throw $problem } }
    $named
}
function Get-Plain([string]$Cmdlet) {
    foreach ($one in & $Cmdlet -ErrorAction Stop 3>$null) {
        $plain = @{}
        $one.PSObject.Properties | Where-Object { $_.Name -notmatch '^(Cim|PS)' } | ForEach-Object { $plain[$_.Name] = $_.Value }
        $plain
    }
}
function Read-Enforcement([string]$Kind, [string[]]$Names) {
    if ($Kind -notin $rules) { Stop-Call InvalidArgument kind "no status is read of '$Kind'" }
    $found, $with = (Get-NameTable), @{ PolicyStore = 'ActiveStore' }
    if ($Names.Count -le $fewNames) { $with['Name'] = @($Names | ForEach-Object { [WildcardPattern]::Escape($_) }) }
    $inForce = if ($Names) { Get-Named $Kind $with } else { Get-NameTable }
    foreach ($name in $Names | Where-Object { $inForce[$_] }) {
        $rule, $shows = $inForce[$name], @{}
        $shownOfRules | Where-Object { $null -ne $rule.$_ } | ForEach-Object { $shows[$_] = "$($rule.$_)" }
        $why = @($rule.EnforcementStatus | ForEach-Object { "$_" })
        $found[$name] = @{ primary_status = "$($rule.PrimaryStatus)"; enforcement = $why; status = "$($rule.Status)"
            source = "$($rule.PolicyStoreSourceType)"; shows = $shows }
    }
    $found
}
function Read-Shown($Call) {
    Assert-Cmdlet $Call['cmdlet'] $readers
    foreach ($name in $Call['parameters'].Keys) { Stop-Call PermissionDenied allowlist "-$name is not among the parameters of $($Call['cmdlet'])" }
    , @(Get-Plain $Call['cmdlet'])
}
$verbs += @{
    'Net.Get' = { param($With) Read-Shown $With }
    'Enforcement.Read' = { param($With) Read-Enforcement $With['kind'] $With['names'] }
    'SA.Read' = { @{ main_mode = @(Get-Plain Get-NetIPsecMainModeSA); quick_mode = @(Get-Plain Get-NetIPsecQuickModeSA) } }
}
