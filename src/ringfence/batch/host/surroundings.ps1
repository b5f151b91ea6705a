# How Windows is set up around its firewall on this host: what only doctor asks. Nothing of it is changed.
$policies = 'HKLM:\SOFTWARE\Policies\Microsoft\Windows'; $current = 'HKLM:\SOFTWARE\Microsoft\Windows\CurrentVersion'
$settings = @{  # fact = key, value; null where it is not set
    scripts_enabled = "$policies\PowerShell", 'EnableScripts'
    execution_policy = "$policies\PowerShell", 'ExecutionPolicy'
    transcription = "$policies\PowerShell\Transcription", 'EnableTranscripting'
    transcript_folder = "$policies\PowerShell\Transcription", 'OutputDirectory'
    script_block_logging = "$policies\PowerShell\ScriptBlockLogging", 'EnableScriptBlockLogging'
    module_logging = "$policies\PowerShell\ModuleLogging", 'EnableModuleLogging'
    applocker_scripts = "$policies\SrpV2\Script", 'EnforcementMode'
    new_tasks_forbidden = "$policies\Task Scheduler5.0", 'Task Creation'
    mdm_wins = 'HKLM:\SOFTWARE\Microsoft\PolicyManager\current\device\ControlPolicyConflict', 'MDMWinsOverGP' }
$marks = @{  # fact = a key that is there or not
    restart_for_components = "$current\Component Based Servicing\RebootPending"
    restart_for_updates = "$current\WindowsUpdate\Auto Update\RebootRequired" }
$around = 'mpssvc', 'BFE', 'IKEEXT', 'PolicyAgent', 'WinRM', 'sshd', 'Schedule'
function Get-NodeText($Node) {  # a setting that Group Policy makes has an attribute, and is an element then
    if ($Node -is [Xml.XmlElement]) { $Node.get_InnerText() } else { $Node }
}
function Read-Services {
    $found, $filter = @{}, (($around | ForEach-Object { "Name = '$_'" }) -join ' OR ')
    foreach ($one in Get-Fact services { Get-CimInstance -ClassName Win32_Service -Filter $filter -ErrorAction Continue }) {
        $found[$one.Name] = @{ state = "$($one.State)".ToLowerInvariant(); start = "$($one.StartMode)".ToLowerInvariant() }
    }
    $found
}
function Read-WinRM {
    foreach ($config in Get-Fact winrm { Get-WSManInstance -ResourceURI winrm/config -ErrorAction Continue }) {
        @{  max_envelope_kb = Get-NodeText $config.MaxEnvelopeSizekb; allow_unencrypted = Get-NodeText $config.Service.AllowUnencrypted
            ipv4_filter = Get-NodeText $config.Service.IPv4Filter; ipv6_filter = Get-NodeText $config.Service.IPv6Filter
            remote_shells = Get-NodeText $config.Winrs.AllowRemoteShellAccess; shells_per_user = Get-NodeText $config.Winrs.MaxShellsPerUser
            memory_per_shell_mb = Get-NodeText $config.Winrs.MaxMemoryPerShellMB }
    }
}
function Read-Listeners {
    foreach ($one in Get-Fact listeners { Get-WSManInstance -ResourceURI winrm/config/listener -Enumerate -ErrorAction Continue }) {
        $listener = @{}
        'Address', 'Transport', 'Port', 'Enabled' | ForEach-Object { $listener[$_.ToLowerInvariant()] = Get-NodeText $one.$_ }
        $listener
    }
}
function Read-SessionConfigurations {
    if ($PSVersionTable.PSEdition -eq 'Core') {  # it shows its own alone
        [void]$unread.Add(@{ fact = 'endpoints'; why = 'those of Windows PowerShell are not known from PowerShell 7' })
        return
    }
    foreach ($one in Get-Fact endpoints { Get-PSSessionConfiguration -ErrorAction Continue }) {
        @{ name = $one.Name; virtual_account = "$($one.RunAsVirtualAccount)"; groups = "$($one.RunAsVirtualAccountGroups)" }
    }
}
function Read-Surroundings {
    $unread.Clear()
    $found = @{ services = Read-Services }
    foreach ($name in $settings.Keys) {
        $key, $value = $settings[$name]
        $found[$name] = Get-Fact $name { Get-Item -LiteralPath $key -ErrorAction Continue | ForEach-Object { $_.GetValue($value) } }
    }
    $found['applocker_script_rules'] = @(Get-Fact applocker_script_rules {
            Get-Item -LiteralPath $settings['applocker_scripts'][0] -ErrorAction Continue | ForEach-Object { $_.GetSubKeyNames() } }).Count
    foreach ($name in $marks.Keys) { $found[$name] = [bool](Get-Fact $name { Get-Item -LiteralPath $marks[$name] -ErrorAction Continue }) }
    $texts = @(Get-Fact restart_for_files {
            Get-Item -LiteralPath 'HKLM:\SYSTEM\CurrentControlSet\Control\Session Manager' -ErrorAction Continue |
                ForEach-Object { $_.GetValue('PendingFileRenameOperations') } } | Where-Object { $null -ne $_ })  # no value is a $null
    $found['restart_for_files'] = ($texts.Count + 1) -shr 1  # two for each: from where to where, empty where it is to be deleted
    $guard = Get-Fact app_control { Get-CimInstance -Namespace root/Microsoft/Windows/DeviceGuard -ClassName Win32_DeviceGuard -ErrorAction Continue }
    $found['app_control'] = $guard.UsermodeCodeIntegrityPolicyEnforcementStatus
    if ($found['services']['WinRM'].state -eq 'running') {  # a look at a stopped one asks whether to start it
        $found += @{ winrm = Read-WinRM; listeners = @(Read-Listeners); endpoints = @(Read-SessionConfigurations) }
    }
    $found['unread'] = @($unread)
    $found
}
$verbs += @{
    'Surroundings.Read' = { Read-Surroundings }
}
