"""ringfence completion: what a shell needs to complete command lines."""

from typing import Annotated

from ringfence.cli.command import usage_error
from ringfence.cli.completion import SHELLS, shipped
from ringfence.cli.console import Console
from ringfence.cli.options import Argument
from ringfence.diagnostics import suggest
from ringfence.errors import ExitCode

EXAMPLES = """
ringfence completion fish > ~/.config/fish/completions/ringfence.fish
ringfence completion powershell | Out-String | Invoke-Expression         a line for $PROFILE
eval "$(ringfence completion bash)"                                      a line for ~/.bashrc
eval "$(ringfence completion zsh)"                                       a line for ~/.zshrc, behind compinit
"""


def completion(console: Console, shell: Annotated[str, Argument(metavar="SHELL", help=f"One of {', '.join(SHELLS)}.")],
               ) -> ExitCode:
    """Write a script that completes command lines: commands, flags, kinds, hosts, groups, tags, playbooks.

    Nothing is installed: the script goes to standard output, for the file that your shell reads. At a Tab it asks ringfence,
    which reads ringfence.yml, inventories and playbooks of the current folder, and runs nothing of them.
    """
    if shell not in SHELLS:
        raise usage_error(f"there is no completion for {shell}{suggest(shell, SHELLS, '; ')}", f"one of {', '.join(SHELLS)}")
    script = shipped(SHELLS[shell])
    console.show({"shell": shell, "script": script}, script)
    return ExitCode.IN_SYNC
