"""Pictures of what a terminal shows: docs/images/plan.svg and drift.svg, of the demo's real output."""

import contextlib
import io
import os
from collections.abc import Iterator

from rich.console import Console as RichConsole
from rich.terminal_theme import MONOKAI
from rich.text import Text

COLUMNS = 100
COMMANDS_SHOWN = {"plan": "ringfence plan ", "drift": "ringfence drift "}
"""{name of the picture: the beginning of the command}; the first such command of the demo is shown."""
# of fonts that are there: nothing is loaded from elsewhere
_FORMAT = """\
<svg viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<!-- generated from what `ringfence demo` prints: make generate -->
<style>
.{unique_id}-matrix {{ font-family: ui-monospace, "Cascadia Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace;
 font-size: {char_height}px; line-height: {line_height}px; }}
.{unique_id}-title {{ font-size: 18px; font-weight: bold; font-family: sans-serif; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal"><rect x="0" y="0" width="{terminal_width}" height="{terminal_height}" /></clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""


class _Screen(io.StringIO):
    """Standard output that says that it is a terminal."""

    def isatty(self) -> bool:
        return True


@contextlib.contextmanager
def terminal() -> Iterator[io.StringIO]:
    """Standard output is a terminal with colours, COLUMNS wide, whatever the surroundings are."""
    before = dict(os.environ)
    os.environ.update(COLUMNS=str(COLUMNS), TERM="xterm-256color")
    os.environ.pop("NO_COLOR", None)
    try:
        with contextlib.redirect_stdout(_Screen()) as screen:
            yield screen
    finally:
        os.environ.clear()
        os.environ.update(before)


def pictures(shown: str) -> dict[str, str]:
    """{name: SVG} of COMMANDS_SHOWN. shown: what the demo prints, with the codes of colours. The same text, the same bytes."""
    return {name: picture(name, _command(shown, begin)) for name, begin in COMMANDS_SHOWN.items()}


def picture(name: str, shown: str) -> str:
    """The SVG of a text with the codes of colours. name: unique in a page, for its styles."""
    console = RichConsole(record=True, file=io.StringIO(), width=COLUMNS, height=100, force_terminal=True,
                          color_system="standard", legacy_windows=False)
    console.print(Text.from_ansi(f"{shown}\n"), overflow="fold")  # a terminal cuts nothing off either
    svg = console.export_svg(title="ringfence", theme=MONOKAI, code_format=_FORMAT, unique_id=name)
    return "".join(f"{line.rstrip()}\n" for line in svg.splitlines())


def _command(shown: str, begin: str) -> str:
    """A command of the demo and what it showed."""
    _, found, rest = shown.partition(f"$ {begin}")
    if not found:
        raise ValueError(f"the demo does not run {begin}")
    return found + rest.partition("(exit code ")[0].rstrip("\n")
