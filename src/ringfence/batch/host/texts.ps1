# Texts that stand in files: `@FILE,-ID` is the string ID of the string table in FILE, or in its FILE.mui of a language. They are read
# from the file as it lies there: no code of it is loaded, nothing is compiled, and no rule is enumerated.
# It has no cmdlet: a stand-in may define it before.
if (-not (Test-Path -LiteralPath Function:\Read-RingfenceFile)) { function Read-RingfenceFile([string]$Path) {
    if ([IO.File]::Exists($Path) -and (New-Object IO.FileInfo $Path).Length -lt 64MB) { , [IO.File]::ReadAllBytes($Path) }
} }
function Get-Word([byte[]]$File, [long]$At) { [BitConverter]::ToUInt16($File, $At) }
function Get-Long([byte[]]$File, [long]$At) { [long][BitConverter]::ToUInt32($File, $At) }
function Get-Count([byte[]]$File, [long]$At, [int]$Most) {  # a damaged file may say anything
    $count = Get-Word $File $At
    if ($count -gt $Most) { throw "$count are too many" }
    $count
}
function Get-Place([byte[]]$File, [long]$Address) {  # where in the file lies what is loaded at an address
    $header = (Get-Long $File 60) + 4
    $section = $header + 20 + (Get-Word $File ($header + 16))
    for ($left = Get-Count $File ($header + 2) 96; $left -gt 0; $left--) {  # Windows loads no file of more sections
        $begin = Get-Long $File ($section + 12)
        if ($Address -ge $begin -and $Address -lt $begin + (Get-Long $File ($section + 16))) { return $Address - $begin + (Get-Long $File ($section + 20)) }
        $section += 40
    }
    throw 'outside of every section'
}
function Get-Entries([byte[]]$File, [long]$Table, [long]$At, [int]$Most) {  # id = where it leads, of a directory of resources
    $entry, $found = ($At + 16 + 8 * (Get-Word $File ($At + 12))), @{}
    for ($left = Get-Count $File ($At + 14) $Most; $left -gt 0; $left--) {
        $found[(Get-Long $File $entry)] = $Table + ((Get-Long $File ($entry + 4)) -band 0x7FFFFFFF)
        $entry += 8
    }
    $found
}
function Get-StringBlocks([byte[]]$File) {  # number = where it begins; a block has sixteen strings
    $header = (Get-Long $File 60) + 24
    $directory = if ((Get-Word $File $header) -eq 0x20B) { $header + 128 } else { $header + 112 }  # of 64 or 32 bits
    $table, $blocks = (Get-Place $File (Get-Long $File $directory)), @{}
    $strings = Get-Entries $File $table (Get-Entries $File $table $table 256)[6L] 4096  # RT_STRING
    foreach ($number in $strings.Keys) {
        foreach ($data in (Get-Entries $File $table $strings[$number] 64).Values) { $blocks[$number] = Get-Place $File (Get-Long $File $data) }
    }
    $blocks
}
function Get-FileStrings([string]$Path) {
    try {
        $bytes = Read-RingfenceFile $Path
        if ($bytes) { @{ bytes = $bytes; blocks = Get-StringBlocks $bytes } }
    } catch { }  # not a file of that form: it has no strings
}
function Read-String($File, [int]$Id) {
    [byte[]]$bytes, $at = $File['bytes'], $File['blocks'][[long](($Id -shr 4) + 1)]
    if ($null -eq $at) { return }
    for ($left = $Id -band 15; $left -gt 0; $left--) { $at += 2 + 2 * [BitConverter]::ToUInt16($bytes, $at) }
    [Text.Encoding]::Unicode.GetString($bytes, $at + 2, 2 * [BitConverter]::ToUInt16($bytes, $at))
}
function Resolve-Text([string]$Text, $Files) {
    if ($Text -notmatch '^@([^{,|][^,|]*),-(\d{1,5})$') { return }
    $id, $path = [int]$Matches[2], $Matches[1]
    if ($path -notmatch '[\\/:]') { $path = "%SystemRoot%\System32\$path" }
    $path = [Environment]::ExpandEnvironmentVariables($path)
    if ($path -notmatch '^([a-z]:\\(?:[^:/*?"<>|]*\\)?)([^\\:/*?"<>|]+)$') { return }  # no share, no device
    $folder, $name = $Matches[1], $Matches[2]
    foreach ($language in $PSUICulture, [cultureinfo]::InstalledUICulture.Name, 'en-US', '') {
        $file = if ($language) { "$folder$language\$name.mui" } else { $path }
        if (-not $Files.Contains($file)) { $Files[$file] = Get-FileStrings $file }
        if ($Files[$file]) { try { if ($found = Read-String $Files[$file] $id) { return $found } } catch { } }
    }
}
function Resolve-Texts($Texts) {
    $found, $files = (New-Object Collections.Specialized.OrderedDictionary), (Get-NameTable)
    foreach ($text in $Texts) { $found[$text] = Resolve-Text $text $files }
    $found
}
$verbs += @{
    'Texts.Read' = { param($With) Resolve-Texts $With['texts'] }
}
