# Who works in this session, and what runs it.
# It has no cmdlet: a stand-in may define it before.
if (-not (Test-Path -LiteralPath Function:\Get-RingfenceIdentity)) { function Get-RingfenceIdentity {
    $me = [Security.Principal.WindowsIdentity]::GetCurrent()
    @{ account = $me.Name; sid = $me.User.Value }
} }
function Read-Session {
    $unread.Clear()
    $me, $module = (Get-Fact account { Get-RingfenceIdentity }), $ExecutionContext.SessionState.Module  # of an endpoint, else none
    @{  account = $me.account; sid = $me.sid; connected_as = if ($PSSenderInfo) { "$($PSSenderInfo.UserInfo.Identity.Name)" }
        module = if ($module) { $module.Name }; module_version = if ($module) { "$($module.Version)" }
        bits = if ([Environment]::Is64BitProcess) { 64 } else { 32 }
        os_bits = if ([Environment]::Is64BitOperatingSystem) { 64 } else { 32 }; unread = @($unread) }
}
$verbs += @{
    'Session.Read' = { Read-Session }
}
