# The batch, call by call.
function Invoke-Verb([string]$Verb, $With) {
    if ($verbs.Keys -cnotcontains $Verb) { Stop-Call InvalidArgument verb "no verb is named '$Verb'" }
    & $verbs[$Verb] $With
}
function Read-Endpoint {  # what answers here, so that both sides know what to ask of each other
    $text = $own.Replace("`r", '').Trim() + "`n"
    $sum = (New-Object Security.Cryptography.SHA256CryptoServiceProvider).ComputeHash([Text.Encoding]::UTF8.GetBytes($text))
    @{ wire = $wire; verbs = @($verbs.Keys | Sort-Object); script_sha256 = -join ($sum | ForEach-Object { $_.ToString('x2') }) }
}
function Expand-Gzip([byte[]]$Bytes) {
    $plain, $packed = (New-Object IO.MemoryStream), (New-Object IO.MemoryStream (, $Bytes))
    $gzip = New-Object IO.Compression.GZipStream $packed, ([IO.Compression.CompressionMode]::Decompress)
    $gzip.CopyTo($plain); $gzip.Dispose()
    , $plain.ToArray()
}
try {
    Add-Type -AssemblyName System.Runtime.Serialization
    $bytes = [Convert]::FromBase64String($batch)
    if ($bytes -and $bytes[0] -eq 0x7B) { '<<ringfence-fatal:version:here 2, there 1>>'; return }  # JSON as it stands
    $told, $document = (Expand-Gzip $bytes), (New-Object Xml.XmlDocument -Property @{ PreserveWhitespace = $true })
    $document.Load([Runtime.Serialization.Json.JsonReaderWriterFactory]::CreateJsonReader($told, [Xml.XmlDictionaryReaderQuotas]::Max))
    $job = ConvertFrom-JsonNode $document.get_DocumentElement()
    if ($job['ringfence'] -ne 2) { "<<ringfence-fatal:version:here 2, there $($job['ringfence'] -as [int])>>"; return }
    $hmac = New-Object Security.Cryptography.HMACSHA256 (, [Convert]::FromBase64String($job['key']))
    if ($hmac.Key.Length -ne 32) { throw 'the key of the batch is not of 32 bytes' }
    $replies = foreach ($call in $job['calls']) {
        try { $secrets.Clear(); '{"ok":true,"value":' + (ConvertTo-ReplyJson (Invoke-Verb $call['verb'] $call['args'])) + '}' }
        catch { '{"ok":false,"error":' + (ConvertTo-FailureJson $_) + '}'; if ($job['stop']) { break } }
    }
    $text = '{"ringfence":2,"run":' + (ConvertTo-JsonText $job['run']) + ',"replies":[' + ($replies -join ',') + ']}'
    $bytes, $packed = [Text.Encoding]::UTF8.GetBytes($text), (New-Object IO.MemoryStream)
    $gzip = New-Object IO.Compression.GZipStream $packed, ([IO.Compression.CompressionMode]::Compress)
    $gzip.Write($bytes, 0, $bytes.Length); $gzip.Dispose()
    '<<ringfence:' + [Convert]::ToBase64String($packed.ToArray()) + '>>'
}
catch { '<<ringfence-fatal:script:' + ("$($_.Exception.Message)" -replace '[^ -=?-~]', ' ') + '>>' }
