"""How the host script starts where only a command line and standard input reach the host (SSH, local).

A Windows command line holds 8,191 characters under cmd.exe, so the command carries this short constant text and standard
input carries two lines of base64: the script (UTF-8), then the batch. The text looks at the language mode first: where
that is restricted neither base64 nor a script block is allowed, and a plain string is all that can be said.
`$input` is read rather than the console, because powershell.exe itself reads a redirected standard input to fill it.
"""

import base64

BOOTSTRAP = """\
$ProgressPreference = 'SilentlyContinue'
$language = "$($ExecutionContext.SessionState.LanguageMode)"
if ($language -ne 'FullLanguage') { "<<ringfence-fatal:language_mode:the session runs in $language>>"; exit }
try {
    $script, $batch = @($input | Where-Object { $_ })
    if (-not $batch) { throw 'standard input was cut short' }
    $text = [Text.Encoding]::UTF8.GetString([Convert]::FromBase64String($script))
    $batch | & ([ScriptBlock]::Create($text))
}
catch { "<<ringfence-fatal:script:$("$_" -replace '[^ -=?-~]', ' ')>>" }
"""


def bootstrap() -> str:
    """BOOTSTRAP as `-EncodedCommand` takes it: base64 of UTF-16LE."""
    return base64.b64encode(BOOTSTRAP.encode("utf-16-le")).decode("ascii")
