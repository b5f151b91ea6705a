# What only the cmdlets of NetSecurity can tell: what is in force, security associations, settings against floods.
$rules = 'NetFirewallRule', 'NetIPsecRule', 'NetIPsecMainModeRule'
$shownOfRules = 'Enabled', 'Direction', 'Action', 'Profile', 'Mode', 'InboundSecurity', 'OutboundSecurity'  # what a rule itself holds
$fewReasons = 3  # so many are told of each object that was not read
$fewNames = 20  # so many are asked for by name; of more, the whole store is read
$readers = 'Get-NetIPsecDospSetting', 'Get-NetIPsecMainModeSA', 'Get-NetIPsecQuickModeSA', 'Get-NetFirewallDynamicKeywordAddress',
    'Get-NetFirewallHyperVVMCreator', 'Get-NetFirewallHyperVVMSetting', 'Get-NetFirewallHyperVProfile', 'Get-NetFirewallHyperVRule'
function Assert-Cmdlet($Cmdlet, [string[]]$Among) {
    if ($Cmdlet -notin $Among) { Stop-Call PermissionDenied allowlist "'$Cmdlet' is not among the cmdlets ringfence runs here" }
}
# A name as a pattern that means itself: WildcardPattern.Escape of 5.1 leaves backticks alone.
function ConvertTo-Pattern([string]$Name) { $Name -replace '[*?\[\]`]', '`$0' }
function Get-Named([string]$Noun, $With, $Failed, $Named = (Get-NameTable)) {  # name = object; a name that is not there is left out. Failed: what went wrong beside
    & "Get-$Noun" @With -ErrorAction SilentlyContinue -ErrorVariable problems 3>$null |
        ForEach-Object { $named["$(@($_.Name, $_.InstanceID -ne $null)[0])"] = $_ }
    foreach ($problem in $problems) {
        if ($problem.FullyQualifiedErrorId -like 'CmdletizationQuery_NotFound*') { continue }
        if ($null -eq $Failed) { throw $problem }
        [void]$Failed.Add($problem)
    }
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
    if ($Names.Count -le $fewNames) { $with['Name'] = @($Names | ForEach-Object { ConvertTo-Pattern $_ }) }
    $failed = New-Object Collections.ArrayList
    $inForce = if ($Names) { Get-Named $Kind $with $failed } else { Get-NameTable }
    $unread.Clear()
    foreach ($problem in $failed) { Add-Unread $Kind $problem }
    $why = @(@($unread)[0..($fewReasons - 1)])
    foreach ($name in $Names) {
        $rule, $shows = $inForce[$name], @{}
        if (-not $rule) {  # which object a failure was of, it does not say: it may have been any that is not there
            if ($failed.Count) { $found[$name] = @{ unread = $why } }
            continue
        }
        $shownOfRules | Where-Object { $null -ne $rule.$_ } | ForEach-Object { $shows[$_] = "$($rule.$_)" }
        $words = @($rule.EnforcementStatus | ForEach-Object { "$_" })
        $found[$name] = @{ primary_status = "$($rule.PrimaryStatus)"; enforcement = $words; status = "$($rule.Status)"
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
