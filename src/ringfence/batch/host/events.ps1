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
function Read-Event($Record) {
    $document, $data = (New-Object Xml.XmlDocument), @{}
    $document.LoadXml($Record.ToXml())
    foreach ($node in $document.GetElementsByTagName('Data')) {
        $name, $text = $node.GetAttribute('Name'), $node.get_InnerText()
        if ($name -in $eventFields) { $data[$name] = $text.Substring(0, [Math]::Min($text.Length, 1000)) }
    }
    @{ id = $Record.Id; time = $Record.TimeCreated; data = $data }
}
function Read-EventLog([string]$Log, [string]$Since) {
    $state = Get-WinEvent -ListLog $Log -ErrorAction Stop
    $query = '(' + ($eventLogs[$Log.Split('/')[1]] -join ') or (') + ')'
    if ($Since) { $query = "($query) and TimeCreated[@SystemTime >= '$Since']" }
    $records, $damaged = @(Get-Records $Log "*[System[$query]]" ($mostEvents + 1)), 0
    $events = foreach ($record in $records) { try { Read-Event $record } catch { $damaged++ } }
    @{  enabled = [bool]$state.IsEnabled; oldest = @(Get-Records $Log '*' 1 $true)[0].TimeCreated; events = @($events)
        whole = $records.Count -le $mostEvents; damaged = $damaged }
}
function Read-Events([string]$Since) {
    if ($Since -and $Since -notmatch '^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000Z\z') { Stop-Call InvalidArgument since "'$Since' is no moment" }
    $unread.Clear()
    $logs, $accounts = @{}, @{}
    foreach ($name in $eventLogs.Keys) { $logs[$name] = Get-Fact $name { Read-EventLog "$provider/$name" $Since } }
    $users = foreach ($log in $logs.Values) { if ($log) { foreach ($one in $log['events']) { $one['data']['ModifyingUser'] } } }
    $names = Convert-Accounts @($users | Where-Object { $_ -match '^S-1-\d+(-\d+)+$' } | Sort-Object -Unique) $false
    foreach ($sid in $names.Keys) { if ($names[$sid] -is [string] -and $names[$sid]) { $accounts[$sid] = $names[$sid] } }
    @{ logs = $logs; accounts = $accounts; unread = @($unread) }
}
$verbs += @{
    'Events.Read' = { param($With) Read-Events $With['since'] }
}
