"""docs/reference/limits.md: every limit of the product, taken from the constants and the comments behind them.

A limit is a constant of a module whose name begins with MAX_, or that stands in OTHERS. The comment in its line says of what,
and why where that is not plain. So a new limit is in the page as soon as it is written.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

_PAGE = """\
# Limits

<!-- generated from the constants MAX_… of src/ringfence: change them there -->

What comes from others is bounded before work is done for it. The bounds are made so that no file of 1 MB takes any command more
than 5 seconds and 200 MB, and none takes more than 2 seconds for a host. Where one is met, the message says so, with the place;
none but `ringfence_max_reply` and `ringfence_batch_timeout` ([connection variables](connection-variables.md)) can be set.
`make soak` measures it.

| limit | of what | constant |
|---|---|---|
"""
OTHERS = frozenset({
    "batch.reply._RATIO", "run.reply_memory.FLEET_MEMORY", "transports.http.BEFORE_AUTHENTICATION", "transports.http._ROUNDS",
    "transports.ssh_packets.BEFORE_LOG_ON"})


@dataclass(frozen=True, slots=True)
class Limit:
    """One limit: its value, what the comment behind it says, and the module and name of the constant."""

    value: int
    meaning: str
    module: str
    name: str


def limits() -> Iterator[Limit]:
    """All of them, by module. Raises ValueError where one has no comment."""
    import ringfence

    for root in ringfence.__path__:
        for path in sorted(Path(root).rglob("*.py")):
            module = ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__")
            if not module.startswith("lab"):
                yield from _of_file(path, module)


def _of_file(path: Path, module: str) -> Iterator[Limit]:
    text = path.read_text(encoding="utf-8")
    lines = text.splitlines()
    for node in ast.parse(text).body:
        target = node.targets[0] if isinstance(node, ast.Assign) else None
        name = target.id if isinstance(target, ast.Name) else ""
        if not name.lstrip("_").startswith("MAX_") and f"{module}.{name}" not in OTHERS:
            continue
        _, comment, meaning = lines[node.lineno - 1].partition("  # ")
        if not comment:
            raise ValueError(f"{path}:{node.lineno}: a limit needs a comment that says of what")
        yield Limit(getattr(import_module(f"ringfence.{module}"), name), meaning, module, name)


def page() -> str:
    """The text of the page."""
    return _PAGE + "".join(f"| {_shown(one)} | {_cell(one.meaning)} | `{one.module}.{one.name}` |\n" for one in limits())


def _shown(limit: Limit) -> str:
    """A number as people read it; of bytes and characters in KiB and MiB where it is even."""
    for unit, size in (("Mi", 2**20), ("Ki", 2**10)):
        if limit.meaning.startswith(("bytes", "characters")) and limit.value >= size and not limit.value % size:
            return f"{limit.value // size:,} {unit}"
    return f"{limit.value:,}"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
