"""One PowerShell command as it is typed: its name, and what its parameters are given. No pipes, variables or scripts."""

import re
from dataclasses import dataclass, field
from typing import Any

_CONSTANTS = {"$true": True, "$false": False, "$null": None}
# a quoted text (quotes are doubled in it), a comma, or a bare word, which ends at a space or comma
_TOKEN = re.compile(r"""\s*(?:'(?P<single>(?:[^']|'')*)'|"(?P<double>(?:[^"`$]|"")*)"|(?P<comma>,)|(?P<word>[^\s,'"]+))""")
_PARAMETER = re.compile(r"-([A-Za-z]\w*)(?::(.*))?")
_REFUSED = "|;&(){}<>`"


class NotUnderstood(ValueError):
    """It is no command that is understood here."""


@dataclass
class TypedCommand:
    """name: of the cmdlet · parameters: by name; one without a value is true · values: what stands there without a name."""

    name: str
    parameters: dict[str, Any] = field(default_factory=dict)
    values: list[Any] = field(default_factory=list)


def parse(text: str) -> TypedCommand:
    """The command that a line is. Raises NotUnderstood."""
    tokens = _tokens(text)
    if not tokens or tokens[0][0] != "word" or not re.fullmatch(r"[A-Za-z]+-[A-Za-z0-9]+", tokens[0][1]):
        raise NotUnderstood("a command begins with the name of a cmdlet: Set-NetFirewallRule -Name corp-rdp -Enabled False")
    command, name, at = TypedCommand(tokens[0][1]), "", 1
    while at < len(tokens):
        kind, word = tokens[at]
        if kind == "word" and (found := _PARAMETER.fullmatch(word)):
            name, at = found[1], at + 1
            if name.lower() in (n.lower() for n in command.parameters):
                raise NotUnderstood(f"-{name} is there twice")
            command.parameters[name] = True  # a switch, unless a value follows
            if found[2]:  # -Confirm:$false
                tokens.insert(at, ("word", found[2]))
            continue
        value, at = _value(tokens, at)
        if name:
            command.parameters[name], name = value, ""
        else:
            command.values.append(value)
    return command


def _tokens(text: str) -> list[tuple[str, str]]:
    found, at = [], 0
    text = text.strip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise NotUnderstood(f"this is not understood here: {text[at:at + 40]}")
        kind = str(match.lastgroup)
        word = match[kind]
        if kind == "word" and (bad := next((c for c in word if c in _REFUSED), "")):
            raise NotUnderstood(f"{bad} is not understood here: one command, without pipes and expressions; quote texts")
        quote = {"single": "'", "double": '"'}.get(kind)
        found.append((kind, word.replace(quote * 2, quote) if quote else word))
        at = match.end()
        while at < len(text) and text[at].isspace():
            at += 1
    return found


def _value(tokens: list[tuple[str, str]], at: int) -> tuple[Any, int]:
    """A value, or those of an array, and where it ends."""
    values = []
    while True:
        if at >= len(tokens) or tokens[at][0] == "comma":
            raise NotUnderstood("a value is missing beside a comma")
        kind, word = tokens[at]
        if kind == "word" and word.startswith("$") and word.lower() not in _CONSTANTS:
            raise NotUnderstood(f"{word}: there are no variables here")
        values.append(_CONSTANTS.get(word.lower(), word) if kind == "word" else word)
        at += 1
        if at >= len(tokens) or tokens[at][0] != "comma":
            return (values[0] if len(values) == 1 else values), at
        at += 1
