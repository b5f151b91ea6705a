"""IP addresses, ranges and subnets, in any spelling, as intervals of numbers; and intervals as the one text that says them.

All addresses are on one line of numbers: those of IPv4 are what they are, those of IPv6 have bit 128 set, and nothing touches
across the gap. Texts are as `ipaddress` has them (RFC 5952 without its section 5), in a fifth of its time: hosts may say
hundreds of thousands. They are the same on every Python, while `ipaddress` writes ::ffff:1.2.3.4 since 3.13.
"""

import re
from socket import AF_INET, AF_INET6, inet_pton
from struct import Struct

Interval = tuple[int, int, str]  # first, last, and the text that says it; no text where it has to be made
MAX_ADDRESS = 100  # characters of an address or port in any spelling
_OCTET = "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_DOTTED = rf"(?:{_OCTET}\.){{3}}{_OCTET}"
IPV4 = re.compile(_DOTTED)
# the shape is looked at here, for systems differ in it (zeros before a number, names of interfaces); inet_pton counts the rest
_IPV6 = re.compile(rf"(?:[0-9A-Fa-f]{{0,4}}:){{2,8}}(?:{_DOTTED}|[0-9A-Fa-f]{{0,4}})")
_IS_IPV6 = 128
_GROUPS = Struct("!x8H")  # the byte before them says that it is IPv6
_ZEROS = [":" + "0:" * count for count in range(8, 1, -1)]  # the longest first


def _ipv4_text(number: int) -> str:
    return f"{number >> 24}.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"


# Windows itself takes no host masks (0.0.0.255); people who come from routers write them
_HOST_MASKS = {_ipv4_text(2 ** (32 - n) - 1): n for n in range(33)}
_LENGTHS = _HOST_MASKS | {text: n for n in range(33) for text in (str(n), _ipv4_text(2**32 - 2 ** (32 - n)))}


def has_host_mask(text: str) -> bool:
    """Whether a subnet is said by a host mask, such as 10.0.0.0/0.0.0.255."""
    return "/0." in text and text.partition("/")[2] in _HOST_MASKS and not text.endswith("/0.0.0.0")  # which is the mask of all


def address_interval(text: str) -> Interval:
    """What an address, a range or a subnet means, host bits or not; with its text where that is canonical for certain.

    Raises ValueError, which says nothing: there may be a million of them.
    """
    if IPV4.fullmatch(text):
        number = int.from_bytes(inet_pton(AF_INET, text), "big")
        return number, number, text
    if len(text) > MAX_ADDRESS or not (":" in text or "." in text):
        raise ValueError
    base, slash, size = text.partition("/")
    first, dash, last = base.partition("-")
    if dash:
        low, high = _number(first.strip()), _number(last.strip())
        if slash or low > high or low >> _IS_IPV6 != high >> _IS_IPV6:
            raise ValueError
        return low, high, ""
    number = _number(base)
    if slash:
        host_bits = 128 - _length_of_ipv6(size) if number >> _IS_IPV6 else 32 - _LENGTHS.get(size, 33)
        if host_bits < 0:
            raise ValueError
        number = number >> host_bits << host_bits
        return number, number | (1 << host_bits) - 1, ""
    return number, number, ""


def _length_of_ipv6(size: str) -> int:
    if not (size.isascii() and size.isdigit()):
        raise ValueError
    return int(size)


def _number(address: str) -> int:
    if _IPV6.fullmatch(address):
        try:
            return int.from_bytes(b"\1" + inet_pton(AF_INET6, address), "big")
        except OSError:
            raise ValueError from None
    if IPV4.fullmatch(address):
        return int.from_bytes(inet_pton(AF_INET, address), "big")
    raise ValueError


def interval_text(first: int, last: int) -> str:
    """How an interval of addresses is said: a subnet where it is one, else a range. All of a family is a range: [MS-FASP]
    2.2.4 and 2.2.6 know no mask and no prefix of 0."""
    text, bits = (_ipv6_text, 128) if first >> _IS_IPV6 else (_ipv4_text, 32)
    if first == last:
        return text(first)
    size = last - first + 1
    if size.bit_count() > 1 or first % size or size >> bits:
        return f"{text(first)}-{text(last)}"
    return f"{text(first)}/{bits + 1 - size.bit_length()}"


def _ipv6_text(number: int) -> str:
    groups = _GROUPS.unpack(number.to_bytes(17, "big"))
    text = ":{:x}:{:x}:{:x}:{:x}:{:x}:{:x}:{:x}:{:x}:".format(*groups)
    for zeros in _ZEROS:
        before, found, after = text.partition(zeros)
        if found:
            return f"{before[1:]}::{after[:-1]}"
    return text[1:-1]
