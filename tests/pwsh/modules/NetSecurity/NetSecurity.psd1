@{
    RootModule = 'NetSecurity.psm1'
    ModuleVersion = '2.0.0.0'
    GUID = '6c0f2a52-52f0-4f0f-9d0c-4f7f0c1a7d11'
    FunctionsToExport = @('Get-NetFirewallRule', 'New-NetFirewallRule', 'Remove-NetFirewallRule', 'Set-NetFirewallProfile', 'Set-NetFirewallRule')
}
