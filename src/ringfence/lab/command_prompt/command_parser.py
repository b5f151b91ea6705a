"""The grammar of a command line of cmd.exe: what runs after what, and where its output goes.

Precedence from loose to tight: & then || then && then |, as in Microsoft's "Using multiple commands and conditional processing
symbols"; what follows `if` and `else` reaches to the end of the line or of the parentheses around it, and `else` is seen behind a
parenthesis alone (Microsoft, "if"). How characters are taken is as SS64 has it ("Escape characters, delimiters and quotes",
"Redirection", "Parenthesis/Brackets") and as the parser of ReactOS's cmd does it.
"""

import re
from dataclasses import dataclass
from typing import Union

_OPERATORS = ("&", "||", "&&", "|")
SEPARATORS = " \t,;="
_COMPARISONS = ("==", "equ", "neq", "lss", "leq", "gtr", "geq")
_NO_HANDLE = -1


class NotParsed(Exception):
    """The line is none; what cmd.exe says of it."""


@dataclass(frozen=True, slots=True)
class Redirection:
    """handle: 0 is standard input, 1 output, 2 errors. `append`: to what is there. `target`: a file, or &N for another handle."""

    handle: int
    target: str
    append: bool = False


@dataclass(frozen=True, slots=True)
class SimpleCommand:
    """A command with its arguments, quotes and all; what ^ escaped stands without it."""

    text: str
    redirections: tuple[Redirection, ...] = ()


@dataclass(frozen=True, slots=True)
class CommandBlock:
    """Commands in parentheses."""

    body: "CommandNode"
    redirections: tuple[Redirection, ...] = ()


@dataclass(frozen=True, slots=True)
class CommandPair:
    """Two with an operator between them."""

    operator: str
    left: "CommandNode"
    right: "CommandNode"


@dataclass(frozen=True, slots=True)
class ConditionalCommand:
    """if: `test` is exist, errorlevel, defined, or a comparison of `left` and `right`."""

    test: str
    left: str
    right: str
    negated: bool
    ignores_case: bool
    then: "CommandNode"
    otherwise: Union["CommandNode", None]


CommandNode = SimpleCommand | CommandBlock | CommandPair | ConditionalCommand


def parse_line(line: str) -> CommandNode | None:
    """What a line says; nothing where it is empty or a remark. Raises NotParsed."""
    parser = _LineParser(line)
    node = parser.operators(0)
    if parser.at < len(line):
        raise parser.unexpected()
    return node


class _LineParser:
    def __init__(self, line: str) -> None:
        self.line, self.at, self.depth = line, 0, 0

    def operators(self, level: int) -> CommandNode | None:
        """What stands between the operators of a level, and all that are tighter."""
        if level == len(_OPERATORS):
            return self._primary()
        left = self.operators(level + 1)
        self._skip(" \t")
        if left is None or self._operator() != _OPERATORS[level]:
            return left
        self.at += len(_OPERATORS[level])
        right = self.operators(level)
        if right is None:
            if _OPERATORS[level] == "&":  # nothing needs to follow it
                return left
            raise self.unexpected()
        return CommandPair(_OPERATORS[level], left, right)

    def unexpected(self) -> NotParsed:
        """What stands here should not."""
        found = self._operator() or self.line[self.at:self.at + 1]
        if not found:
            return NotParsed("The syntax of the command is incorrect.")
        word = found if found in "&|()<>" or found in _OPERATORS else self.line[self.at:].split(" ")[0]
        return NotParsed(f"{word} was unexpected at this time.")

    def _operator(self) -> str:
        two, one = self.line[self.at:self.at + 2], self.line[self.at:self.at + 1]
        return two if two in _OPERATORS else one if one in _OPERATORS else ""

    def _skip(self, characters: str) -> None:
        while self.at < len(self.line) and self.line[self.at] in characters:
            self.at += 1

    def _primary(self) -> CommandNode | None:
        self._skip(SEPARATORS)
        redirections: list[Redirection] = []
        while self._redirection(redirections):
            self._skip(SEPARATORS)
        here = self.line[self.at:self.at + 1]
        if here == ")" and self.depth and not redirections:
            return None
        if here == "@":
            self.at += 1
            return self.operators(0)
        if here == "(":
            return self._block(redirections)
        if not here and not redirections:
            return None
        if not here or here == ")" or self._operator():
            raise self.unexpected()
        word = re.match(r"(if|rem)(?=[\s,;=/(]|$)", self.line[self.at:], re.IGNORECASE)
        if word and word[1].lower() == "rem":  # SS64, "REM": the rest of the line
            self.at = len(self.line)
            return None
        if word:
            if redirections:
                raise self.unexpected()
            return self._if()
        return self._simple(redirections)

    def _block(self, redirections: list[Redirection]) -> CommandBlock:
        self.at, self.depth = self.at + 1, self.depth + 1
        body = self.operators(0)
        if body is None or self.line[self.at:self.at + 1] != ")":
            raise self.unexpected()
        self.at, self.depth = self.at + 1, self.depth - 1
        self._skip(SEPARATORS)
        while self._redirection(redirections):
            self._skip(SEPARATORS)
        return CommandBlock(body, tuple(redirections))

    def _simple(self, redirections: list[Redirection]) -> SimpleCommand:
        text, quoted = "", False
        while self.at < len(self.line):
            here = self.line[self.at]
            if here == '"':
                quoted = not quoted
            elif not quoted:
                if here in "&|" or (here == ")" and self.depth):
                    break
                if here in "<>":
                    digit = re.search(rf"(?:^|[{SEPARATORS}])(\d)$", text)
                    self._redirection(redirections, int(digit[1]) if digit else _NO_HANDLE)
                    text = text[:-1] if digit else text
                    continue
                if here == "^":
                    self.at += 1
                    here = self.line[self.at:self.at + 1]
            text += here
            self.at += 1
        return SimpleCommand(text, tuple(redirections))

    def _redirection(self, found: list[Redirection], handle: int = _NO_HANDLE) -> bool:
        """Takes one that stands here."""
        match = re.compile(r"(\d?)(<|>>|>)").match(self.line, self.at)
        if match is None:
            return False
        self.at = match.end()
        if match[1]:
            handle = int(match[1])
        if handle == _NO_HANDLE:
            handle = 0 if match[2] == "<" else 1
        if self.line[self.at:self.at + 1] == "&":
            self.at += 1
            digit = self.line[self.at:self.at + 1]
            if not digit.isdigit():
                raise self.unexpected()
            self.at += 1
            found.append(Redirection(handle, f"&{digit}"))
            return True
        self._skip(" \t")
        target = self._word("&|<>" + (")" if self.depth else ""))
        if not target:
            raise self.unexpected()
        found.append(Redirection(handle, target.replace('"', ""), match[2] == ">>"))
        return True

    def _word(self, ends: str = "") -> str:
        """What stands up to a separator outside of quotes."""
        start, quoted = self.at, False
        while self.at < len(self.line):
            here = self.line[self.at]
            if here == '"':
                quoted = not quoted
            elif not quoted and (here in SEPARATORS or here in ends):
                break
            self.at += 1
        return self.line[start:self.at]

    # Microsoft, "if": [/i] [not] exist FILE | errorlevel N | defined NAME | TEXT==TEXT | TEXT equ TEXT …
    def _if(self) -> ConditionalCommand:
        self.at += 2
        negated = ignores_case = False
        while True:
            self._skip(SEPARATORS)
            start, word = self.at, self._operand()
            if word.lower() == "/i":
                ignores_case = True
            elif word.lower() == "not":
                negated = not negated
            else:
                break
        test, left, right = word.lower(), "", ""
        if test in ("exist", "errorlevel", "defined", "cmdextversion"):
            self._skip(SEPARATORS)
            left = self._operand().replace('"', "") if test != "errorlevel" else self._operand()
        else:
            self.at = start
            left = self._operand()
            self._skip(" \t")
            found = next((c for c in _COMPARISONS if self.line[self.at:self.at + len(c)].lower() == c), "")
            if not left or not found:
                raise self.unexpected()
            self.at += len(found)
            self._skip(SEPARATORS if found == "==" else " \t")
            test, right = found, self._operand(ends_at_equals=False)
        if not (right if test in _COMPARISONS else left):
            raise self.unexpected()
        then = self.operators(0)
        if then is None:
            raise self.unexpected()
        self._skip(" \t")
        otherwise = None
        if re.match(r"else(?=[\s(,;=]|$)", self.line[self.at:], re.IGNORECASE):
            self.at += 4
            otherwise = self.operators(0)
            if otherwise is None:
                raise self.unexpected()
        return ConditionalCommand(test, left, right, negated, ignores_case, then, otherwise)

    def _operand(self, *, ends_at_equals: bool = True) -> str:
        """One side of a comparison, or a word before it."""
        start, quoted = self.at, False
        while self.at < len(self.line):
            here = self.line[self.at]
            if here == '"':
                quoted = not quoted
            elif not quoted and (here in " \t,;" or (here == "=" and ends_at_equals) or here in "&|<>"
                                 or (here == ")" and self.depth)):
                break
            self.at += 1
        return self.line[start:self.at]
