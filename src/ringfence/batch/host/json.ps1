# JSON, exactly: the cmdlets for it treat dates, short lists, enums and long texts as their version likes.
function ConvertFrom-JsonNode($Node) {  # .NET reads JSON as XML
    $type, $children, $text = $Node.GetAttribute('type'), $Node.get_ChildNodes(), $Node.get_InnerText()
    if ($type -eq 'array') { return , @(foreach ($child in $children) { ConvertFrom-JsonNode $child }) }
    if ($type -eq 'number') { return [decimal]::Parse($text, 'Float', [cultureinfo]::InvariantCulture) }
    if ($type -ne 'object') { return $(if ($type -eq 'string') { $text } elseif ($type -eq 'boolean') { $text -eq 'true' }) }
    $members = Get-NameTable
    foreach ($child in $children) {
        $name = if ($child.HasAttribute('item')) { $child.GetAttribute('item') } else { $child.get_LocalName() }
        $members[$name] = ConvertFrom-JsonNode $child
    }
    $members
}
$unsafe = '[\x00-\x1f\x7f\ud800-\udfff]'
function ConvertTo-Escaped([string]$Text) { [regex]::Replace($Text, $unsafe, { '\u{0:x4}' -f [int]$args[0].Value[0] }) }
function ConvertTo-JsonText([string]$Text) {
    $Text = $Text.Replace('\', '\\').Replace('"', '\"')
    if ($Text -match $unsafe) { $Text = ConvertTo-Escaped $Text }
    '"' + $Text + '"'
}
function ConvertTo-ReplyJson($Value) {
    if ($Value -is [string]) { return ConvertTo-JsonText $Value }  # most are
    if ($null -eq $Value) { return 'null' }
    if ($Value -is [bool]) { return "$Value".ToLowerInvariant() }
    if ($Value -is [Text.StringBuilder]) { return $Value.ToString() }  # JSON already
    if ($Value -is [byte[]]) { $Value = [Convert]::ToBase64String($Value) }
    if ($Value -is [datetime]) { $Value = $Value.ToUniversalTime().ToString('s', [cultureinfo]::InvariantCulture) + 'Z' }
    if ($Value -is [Collections.IDictionary]) {
        $members = foreach ($one in $Value.GetEnumerator()) { "$(ConvertTo-JsonText $one.Key):$(ConvertTo-ReplyJson $one.Value)" }
        return '{' + ($members -join ',') + '}'
    }
    if ($Value -is [Collections.ICollection]) { return "[$(@($Value | ForEach-Object { ConvertTo-ReplyJson $_ }) -join ',')]" }
    if ($Value -isnot [enum] -and [int][Convert]::GetTypeCode($Value) -in 5..15 -and "$Value" -match '\d$') { return "$Value" }
    ConvertTo-JsonText "$Value"
}
function Stop-Call([string]$Category, [string]$Id, [string]$Message) {
    throw (New-Object Management.Automation.ErrorRecord ([InvalidOperationException]$Message), "ringfence.$Id", $Category, $null)
}
function ConvertTo-FailureJson($Record) {
    $id, $code, $cause = $Record.FullyQualifiedErrorId, $null, $Record.Exception
    if ($id -match 'Windows System Error (\d+)') { $code = [int]$Matches[1] }
    if ($id -match 'HRESULT 0x8007([0-9a-f]{4})') { $code = [Convert]::ToInt32($Matches[1], 16) }
    for (; $null -eq $code -and $cause -and $cause -isnot [ArgumentException]; $cause = $cause.InnerException) {
        if ($cause.StatusCode -is [uint32] -and $cause.StatusCode -gt 28) { $code = $cause.StatusCode }  # to 28 they are of CIM (DSP0200)
        elseif ($cause.StatusCode -eq 2) { $code = 5 }  # access denied there, and in Windows
        elseif (($cause.HResult -band 0xFFFF0000) -eq 0x80070000) { $code = $cause.HResult -band 0xFFFF }  # of a Win32 error
    }
    $said = "$($Record.Exception.Message)"
    foreach ($key in $secrets | Sort-Object -Property Length -Descending) {  # one may be a part of another; what is thrown as a text is its own id
        $said, $id = foreach ($text in $said, "$id") { if ($key.Length -gt 7) { $text.Replace($key, '********') } else { 'withheld: a short key' } }
    }
    ConvertTo-ReplyJson @{ category = "$($Record.CategoryInfo.Category)"; id = $id; message = $said; code = $code }
}
