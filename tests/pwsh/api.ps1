# What a script uses, by PowerShell's own parser, as JSON: {"commands": {name: [parameters]}, "types": [], "members": [],
# "functions": [], "verbs": []}, and under "lists" the values of the variables that hold the allow-list. Commands named at run time are under "&".
param([string]$Script)
$words = $null
$tree = [System.Management.Automation.Language.Parser]::ParseFile($Script, [ref]$words, [ref]$null)
$words = @($words | Where-Object { $_.Kind -notin 'NewLine', 'Comment', 'EndOfInput' } | ForEach-Object { $_.Text -replace '\s+', ' ' })
function Find-Ast([string]$Type) { $tree.FindAll({ $args[0].GetType().Name -eq $Type }.GetNewClosure(), $true) }
$own = @(Find-Ast FunctionDefinitionAst | ForEach-Object { $_.Name })
$commands = @{}
foreach ($command in Find-Ast CommandAst) {
    $name = $command.GetCommandName()
    if ($name -in $own) { continue }
    if (-not $name) { $name = '&' }
    if (-not $commands[$name]) { $commands[$name] = @() }
    $commands[$name] += @($command.CommandElements | Where-Object { $_.GetType().Name -eq 'CommandParameterAst' } | ForEach-Object { $_.ParameterName })
}
foreach ($name in @($commands.Keys)) { $commands[$name] = @($commands[$name] | Sort-Object -Unique) }
$types = @(@(Find-Ast TypeExpressionAst) + @(Find-Ast ConvertExpressionAst | ForEach-Object { $_.Type }) +
    @(Find-Ast TypeConstraintAst) | ForEach-Object { $_.TypeName.FullName })
$types += @(Find-Ast CommandAst | Where-Object { $_.GetCommandName() -eq 'New-Object' } | ForEach-Object { $_.CommandElements[1].Value })
$members = @(Find-Ast MemberExpressionAst) + @(Find-Ast InvokeMemberExpressionAst) | ForEach-Object { $_.Member.Value }
$verbs = foreach ($one in Find-Ast AssignmentStatementAst) {  # the keys of each table that is added to $verbs
    if ($one.Left.Extent.Text -eq '$verbs' -and $one.Operator -eq 'PlusEquals') {
        $one.Right.Expression.KeyValuePairs | ForEach-Object { $_.Item1.Value }
    }
}
$lists = @{}
foreach ($one in Find-Ast AssignmentStatementAst) {
    $name = $one.Left.VariablePath.UserPath
    if ($one.Parent.Parent -eq $tree -and $name -in 'rules', 'readers', 'cmdlets') {
        . ([scriptblock]::Create($one.Extent.Text))
        $lists[$name] = (Get-Variable -Name $name).Value
    }
}
ConvertTo-Json -Depth 5 -Compress -InputObject @{ commands = $commands; types = @($types | Sort-Object -Unique)
    members = @($members | Where-Object { $_ } | Sort-Object -Unique); lists = $lists; functions = @($own)
    verbs = @($verbs | Sort-Object); tokens = $words }
