# Completion of ringfence for PowerShell 5.1 and later. In $PROFILE: ringfence completion powershell | Out-String | Invoke-Expression
Register-ArgumentCompleter -Native -CommandName ringfence, ringfence.exe -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
    $text = $commandAst.Extent.Text
    $length = $cursorPosition - $commandAst.Extent.StartOffset
    if ($length -gt $text.Length) { $text += ' ' } else { $text = $text.Substring(0, $length) }
    $env:_RINGFENCE_COMPLETE = 'powershell'
    $env:_RINGFENCE_LINE = $text
    $env:_RINGFENCE_WORD = $wordToComplete
    try {
        & $commandAst.CommandElements[0].Value 2> $null | ForEach-Object {
            $value, $meaning = $_ -split "`t", 2
            if (-not $meaning) { $meaning = $value }
            [System.Management.Automation.CompletionResult]::new($value, $value, 'ParameterValue', $meaning)
        }
    }
    finally {
        Remove-Item Env:_RINGFENCE_COMPLETE, Env:_RINGFENCE_LINE, Env:_RINGFENCE_WORD
    }
}
