# Who changed the firewall's policy, as its own event logs tell: the newest of those events, their fields by the names that they have.
# Nothing is taken from messages, which are translated, nor by position: newer versions of Windows have more fields.
$mostEvents, $provider = 2000, 'Microsoft-Windows-Windows Firewall With Advanced Security'
$eventLogs = @{  # log = which of its events tell of a change; in one query 22 comparisons are the most (KB970453)
    Firewall = 'EventID >= 2002 and EventID <= 2006', 'EventID = 2032', 'EventID = 2033', 'EventID = 2052', 'EventID = 2059',
        'EventID = 2060', 'EventID = 2071', 'EventID = 2073', 'EventID = 2082', 'EventID = 2083', 'EventID = 2097', 'EventID = 2099'
    ConnectionSecurity = 'EventID >= 2012 and EventID <= 2037' }
$eventFields = 'RuleId', 'RuleName', 'SetId', 'SetName', 'Origin', 'Profiles', 'SettingType', 'IPsecPhase', 'IPsec Phase', 'StoreType',
    'Store Type', 'ModifyingUser', 'ModifyingApplication'
function Get-Records([string]$Log, [string]$Query, [int]$Most, [bool]$Oldest) {  # the newest first, or the oldest; none is no mistake
    $found = Get-WinEvent -LogName $Log -FilterXPath $Query -MaxEvents $Most -Oldest:$Oldest -ErrorAction SilentlyContinue -ErrorVariable problems
    foreach ($problem in $problems) { if ($problem.FullyQualifiedErrorId -notlike 'NoMatchingEventsFound*') { throw $problem } }
    $found
}
function Read-Event($Record, [string]$Xml, $Users) {  # JSON of it; who did it is noted in $Users
    $document, $fields = (New-Object Xml.XmlDocument), @{}
    $document.LoadXml($Xml)
    foreach ($node in $document.GetElementsByTagName('Data')) {
        $name = $node.GetAttribute('Name')
        if ($name -in $eventFields) { $text = $node.get_InnerText(); $fields[$name] = $text.Substring(0, [Math]::Min($text.Length, 1000)) }
    }
    if ($fields['ModifyingUser']) { $Users[$fields['ModifyingUser']] = $true }
    $data = foreach ($name in $fields.Keys) { (ConvertTo-JsonText $name) + ':' + (ConvertTo-JsonText $fields[$name]) }
    '{"id":' + [int]$Record.Id + ',"time":' + (ConvertTo-ReplyJson $Record.TimeCreated) + ',"data":{' + ($data -join ',') + '}}'
}
function Read-EventLog([string]$Log, [string]$Since, $Names, $Users) {
    $state = Get-WinEvent -ListLog $Log -ErrorAction Stop
    $query = '(' + ($eventLogs[$Log.Split('/')[1]] -join ') or (') + ')'
    if ($Since) { $query = "($query) and TimeCreated[@SystemTime >= '$Since']" }
    $records, $damaged = @(Get-Records $Log "*[System[$query]]" ($mostEvents + 1)), 0
    $events = foreach ($record in $records) {
        try {
            $xml = $record.ToXml()  # of most records this is all that is looked at
            $other = $Names -and $xml -match '<Data Name=["''](?:Rule|Set)Id["'']>([^<]+)<' -and -not $Names[[Net.WebUtility]::HtmlDecode($Matches[1])]
            if (-not $other) { Read-Event $record $xml $Users }
        }
        catch { $damaged++ }
    }
    @{  enabled = [bool]$state.IsEnabled; oldest = @(Get-Records $Log '*' 1 $true)[0].TimeCreated; damaged = $damaged
        events = New-Object Text.StringBuilder ('[' + ($events -join ',') + ']')
        whole = $records.Count -le $mostEvents; back_to = if ($records) { $records[-1].TimeCreated } }
}
function Read-Events($With) {
    $since = "$($With['since'])"
    if ($since -and $since -notmatch '^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000Z\z') { Stop-Call InvalidArgument since "'$since' is no moment" }
    $unread.Clear()
    $logs, $accounts, $users, $names = @{}, @{}, @{}, (Get-NameTable)
    foreach ($name in $With['names']) { $names["$name"] = $true }
    if (-not $names.Count) { $names = $null }
    foreach ($name in $eventLogs.Keys) { $logs[$name] = Get-Fact $name { Read-EventLog "$provider/$name" $since $names $users } }
    $called = Convert-Accounts @($users.Keys | Where-Object { $_ -match '^S-1-\d+(-\d+)+$' } | Sort-Object) $false
    foreach ($sid in $called.Keys) { if ($called[$sid] -is [string] -and $called[$sid]) { $accounts[$sid] = $called[$sid] } }
    @{ logs = $logs; accounts = $accounts; unread = @($unread) }
}
$verbs += @{
    'Events.Read' = { param($With) Read-Events $With }
}
