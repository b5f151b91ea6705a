# What the host says of itself: each fact on its own. What could not be read is told beside, what is not there is null.
$ipsecKey = 'HKLM:\SOFTWARE\Policies\Microsoft\Windows\IPSec'; $ntKey = 'HKLM:\SOFTWARE\Microsoft\Windows NT\CurrentVersion'
# It has no cmdlet: a stand-in may define it before.
if (-not (Test-Path -LiteralPath Function:\Test-RingfenceElevation)) { function Test-RingfenceElevation {
    $me = New-Object Security.Principal.WindowsPrincipal ([Security.Principal.WindowsIdentity]::GetCurrent())
    $me.IsInRole([Security.Principal.WindowsBuiltInRole]::Administrator)
} }
# The registry says so, by ERROR_FILE_NOT_FOUND and ERROR_KEY_DELETED as they are: for files and COM they are 0x8007…
function Test-Gone($Why) { $Why.Exception.GetBaseException().HResult -in 2, 1018 }
function Add-Unread([string]$What, $Why, [hashtable]$More = @{}) {
    if (Test-Gone $Why) { return }  # it was listed, and somebody has deleted it since
    if ($Why.FullyQualifiedErrorId -match '^(PathNotFound|NoServiceFound)') { return }  # there is none
    if ($Why.FullyQualifiedErrorId -match '^(CommandNotFound|CouldNotAutoload)') { throw $Why }  # a session that cannot read at all
    [void]$unread.Add(@{ fact = $What; why = $Why.Exception.GetBaseException().Message } + $More)
}
function Get-Fact([string]$What, [scriptblock]$Read) {  # one object that cannot be read does not hide the others
    $ErrorActionPreference = 'Continue'
    try {
        & $Read 2>&1 3>$null | ForEach-Object {
            if ($_ -is [Management.Automation.ErrorRecord]) { Add-Unread $What $_ } else { $_ }
        }
    }
    catch { Add-Unread $What $_ }
}
function Get-RegistryFact([string]$Key, [string]$Name) {
    Get-Fact $Name { Get-Item -LiteralPath $Key -ErrorAction Continue | ForEach-Object { $_.GetValue($Name) } }
}
$verbs += @{
    'Facts.Read' = {
        $unread.Clear()
        $system = Get-Fact domain { Get-CimInstance -ClassName Win32_ComputerSystem -ErrorAction Continue }
        $os = Get-Fact os { Get-CimInstance -ClassName Win32_OperatingSystem -ErrorAction Continue }
        $services = @{}
        foreach ($name in 'mpssvc', 'BFE', 'IKEEXT', 'PolicyAgent') {
            $services[$name] = Get-Fact $name {  # of one that may not be opened, too, Get-Service says that it is not there
                try { "$((Get-Service $name -ErrorAction Stop).Status)".ToLowerInvariant() }
                catch {
                    if ($_.FullyQualifiedErrorId -like 'NoServiceFound*' -and (Get-Item "HKLM:\SYSTEM\CurrentControlSet\Services\$name")) { throw 'it may not be opened' }
                    throw
                }
            }
        }
        # For the firewall, of 64 bits, %ProgramFiles% is what a 32-bit process knows as another variable.
        $environment = @{ SystemRoot = $env:SystemRoot; SystemDrive = $env:SystemDrive; ProgramFiles = @($env:ProgramW6432, $env:ProgramFiles -ne $null)[0]
            'ProgramFiles(x86)' = ${env:ProgramFiles(x86)}; ProgramData = $env:ProgramData }
        $active = Get-RegistryFact "$ipsecKey\Policy\Local" ActivePolicy  # a policy of `netsh ipsec`, assigned here or in a domain
        $named = if ($active) { Get-RegistryFact "HKLM:\$active" ipsecName }
        $legacy = @($named, $active, (Get-RegistryFact "$ipsecKey\GPTIPSECPolicy" DSIPSECPolicyName)) -ne $null
        @{ computer = if ($env:COMPUTERNAME) { $env:COMPUTERNAME } else { [Environment]::MachineName }
            domain = if ($system.PartOfDomain) { $system.Domain }
            os = @{ caption = $os.Caption; version = $os.Version; edition = Get-RegistryFact $ntKey EditionID
                build = @(@($os.BuildNumber; Get-RegistryFact $ntKey CurrentBuildNumber) -ne $null | ForEach-Object { [int]$_ })[0]
                product = switch ($os.ProductType) { 1 { 'workstation' } 2 { 'domain_controller' } 3 { 'server' } } }
            powershell = "$($PSVersionTable.PSVersion)"; language_mode = $language; elevated = Get-Fact elevated { Test-RingfenceElevation }
            time = Get-Fact time { Get-Date }; utc_offset = Get-Fact utc_offset { Get-Date -Format zzz }
            services = $services; environment = $environment; legacy_ipsec_policy = $legacy[0]; unread = @($unread) } + (Read-Endpoint)
    }
    'Services.Read' = {
        $unread.Clear()
        $names = Get-NameTable
        foreach ($one in Get-Fact service_names { Get-CimInstance -ClassName Win32_Service -ErrorAction Continue }) { $names[$one.Name] = $one.DisplayName }
        @{ service_names = $names; unread = @($unread) }
    }
}
