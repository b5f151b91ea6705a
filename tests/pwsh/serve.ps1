# Runs host.ps1 for each line from the socket at -Port: base64 of JSON {"setup": PowerShell text, "batch": LINE}. Answers each
# with a line of base64 of JSON {"reply": what the script gave, "bound": what was called, "noise": what else came out}.
param([string]$Script, [int]$Port)
Import-Module (Join-Path $PSScriptRoot NetSecurity) -DisableNameChecking
. (Join-Path $PSScriptRoot host.ps1)
$block = [scriptblock]::Create([IO.File]::ReadAllText($Script))
$client = [Net.Sockets.TcpClient]::new('127.0.0.1', $Port)
$reader, $writer = [IO.StreamReader]::new($client.GetStream()), [IO.StreamWriter]::new($client.GetStream())
while ($null -ne ($line = $reader.ReadLine())) {
    $told = ConvertFrom-Json ([Text.Encoding]::UTF8.GetString([Convert]::FromBase64String($line)))
    Reset-Host
    $answer = try {
        if ($told.setup) { . ([scriptblock]::Create($told.setup)) }
        $all = @($told.batch | & $block *>&1)
        $said = @($all | Where-Object { $_ -is [string] })
        @{ reply = $said[0]; noise = @($all | Where-Object { $_ -isnot [string] } | ForEach-Object { "$_" }) + @($said | Select-Object -Skip 1)
           bound = @($Host1.Bound) }
    }
    catch { @{ reply = "harness: $_ $($_.ScriptStackTrace)"; noise = @(); bound = @() } }
    if ($Host1.Cleanup) { Remove-Item -LiteralPath "Function:\$($Host1.Cleanup)" }
    $json = ConvertTo-Json -InputObject $answer -Depth 10 -Compress
    $writer.WriteLine([Convert]::ToBase64String([Text.Encoding]::UTF8.GetBytes($json)))
    $writer.Flush()
}
