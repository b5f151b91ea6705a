"""Names of hosts as inventories write them: `web[01:20:2].example.com:5986` is ten hosts and a port."""

import ipaddress
import re
import string

from ringfence.diagnostics import Problems, Where

MAX_HOSTS = 30_000  # hosts of all inventories of a run; each takes about 0.1 ms and 1 kB
MAX_DIGITS = 9  # digits of a bound of a range of hosts

_RANGE = re.compile(r"\[([^\[\]]*)\]")
_PORT = re.compile(r"(?P<name>[^:]+|\[[0-9a-fA-F:.]+\]|[^:\[]*(?:\[[^\]]*\][^:\[]*)+):(?P<port>[0-9]{1,9})")


def split_port(name: str) -> tuple[str, int | None]:
    """The name and the port behind it, if there is one: `host:22`, `[::1]:22`, `web[1:3]:22`."""
    bare = name[1:-1] if name.startswith("[") and name.endswith("]") else name
    if is_ipv6(bare):
        return bare, None
    match = _PORT.fullmatch(name)
    if not match:
        return name, None
    host = match["name"]
    return (host[1:-1] if is_ipv6(host[1:-1]) else host), int(match["port"])


def is_ipv6(text: str) -> bool:
    """Whether a text is an IPv6 address, without brackets."""
    if ":" not in text:
        return False
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return True


def expand(pattern: str, where: Where, problems: Problems) -> list[tuple[str, int | None]]:
    """The hosts that a pattern names, each with its port. Ranges are `[first:last]` or `[first:last:step]`, of
    numbers (leading zeros are kept) or of letters."""
    name, port = split_port(pattern)
    try:
        return [(host, port) for host in _ranges(name)]
    except ValueError as error:
        problems.error(where, f'the host range in "{pattern[:60]}" is wrong: {error}',
                       "A range is written [first:last] or [first:last:step], as in web[01:20].")
        return []


def _ranges(name: str) -> list[str]:
    if is_ipv6(name):
        return [name]
    names = [""]
    end = 0
    for found in _RANGE.finditer(name):
        values = _values(found[1])
        if len(names) * len(values) > MAX_HOSTS:
            raise ValueError(f"more than {MAX_HOSTS} hosts")
        names = [n + name[end:found.start()] + v for n in names for v in values]
        end = found.end()
    rest = name[end:]
    if "[" in rest or "]" in rest:
        raise ValueError("a bracket is missing")
    return [n + rest for n in names]


def _values(text: str) -> list[str]:
    bounds = text.split(":")
    if len(bounds) not in (2, 3):
        raise ValueError("first and last are needed, with a colon between them")
    if any(len(bound) > MAX_DIGITS for bound in bounds):
        raise ValueError(f"a number of more than {MAX_DIGITS} digits")
    first, last, step = bounds[0] or "0", bounds[1], int(bounds[2]) if len(bounds) == 3 else 1
    if not last:
        raise ValueError("the last value is missing")
    if step < 1:
        raise ValueError("the step has to be at least 1")
    letters = string.ascii_letters
    if first in letters and last in letters:
        if letters.index(first) > letters.index(last):
            raise ValueError("the first value comes after the last")
        return list(letters[letters.index(first):letters.index(last) + 1:step])
    width = len(first) if first[0] == "0" and len(first) > 1 else 0
    if width and width != len(last):
        raise ValueError("first and last have to have the same number of digits")
    if not (first.isdecimal() and last.isdecimal()) or int(first) > int(last):
        raise ValueError("first and last have to be numbers or letters, in ascending order")
    numbers = range(int(first), int(last) + 1, step)
    if len(numbers) > MAX_HOSTS:
        raise ValueError(f"more than {MAX_HOSTS} hosts")
    return [str(n).zfill(width) for n in numbers]
