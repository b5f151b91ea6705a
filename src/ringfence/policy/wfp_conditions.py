"""The conditions of a filter of the Windows Filtering Platform: whether they hold for a flow, do not, or why nobody knows.

Conditions on several fields must all hold; of several on one field one is enough (FWPM_FILTER0). Numbers, paths and SIDs are
compared as they stand: a path with capitals is that of no program, for the platform has them in lower case.
"""

from collections.abc import Callable, Mapping
from typing import Any

from ringfence.model.wfp import SECURED, WfpCondition, WfpFilter, WfpRange
from ringfence.policy.access_check import granted
from ringfence.policy.flow_conditions import Outcome
from ringfence.policy.wfp_flow import NO_FIELD, WFP_FIELDS, FieldValue, WfpFlow

_Test = Callable[[WfpFlow], Outcome]


def _equal(value: Any) -> Callable[[Any], bool]:
    if isinstance(value, WfpRange):
        first, last = value
        return lambda found: bool(first <= found <= last)
    return lambda found: bool(found == value)


def _not(test: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda found: not test(found)


def _prefix(value: Any) -> Callable[[Any], bool]:
    return lambda found: str(found).startswith(str(value))


MATCHES: Mapping[str, Callable[[Any], Callable[[Any], bool]]] = {
    "EQUAL": _equal, "RANGE": _equal, "NOT_EQUAL": lambda value: _not(_equal(value)), "PREFIX": _prefix,
    "NOT_PREFIX": lambda value: _not(_prefix(value)), "GREATER": lambda value: lambda found: bool(found > value),
    "LESS": lambda value: lambda found: bool(found < value), "GREATER_OR_EQUAL": lambda value: lambda found: bool(found >= value),
    "LESS_OR_EQUAL": lambda value: lambda found: bool(found <= value),
    "FLAGS_ALL_SET": lambda value: lambda found: found & value == value, "FLAGS_ANY_SET": lambda value: lambda found: bool(
        found & value), "FLAGS_NONE_SET": lambda value: lambda found: not found & value,
    "EQUAL_CASE_INSENSITIVE": lambda value: lambda found: str(found).casefold() == str(value).casefold()}
"""What FWP_MATCH_TYPE asks of a value."""
_IF_ABSENT = ("EQUAL", "RANGE", "EQUAL_CASE_INSENSITIVE")  # do not hold; what the others say of no value no document tells
_OF_RANGES = ("EQUAL", "RANGE", "NOT_EQUAL")
_ACCESS = ("ALE_USER_ID", "ALE_PACKAGE_FAMILY_NAME")  # ask whether a token is granted access
_PEERS = ("ALE_REMOTE_USER_ID", "ALE_REMOTE_MACHINE_ID")
_CHEAP = ("IP_PROTOCOL", "IP_LOCAL_PORT", "IP_REMOTE_PORT", "ALE_APP_ID", "FLAGS", "ORIGINAL_PROFILE_ID", "CURRENT_PROFILE_ID")


class WfpMatcher:
    """A filter, compiled."""

    __slots__ = ("filter", "tests")

    def __init__(self, filter: WfpFilter) -> None:
        self.filter = filter
        by_field: dict[str, list[_Test]] = {}
        for condition in filter.conditions:
            by_field.setdefault(condition.field, []).append(_test(condition))
        order = sorted(by_field, key=lambda name: _CHEAP.index(name) if name in _CHEAP else len(_CHEAP))
        self.tests = tuple(_any(by_field[name]) for name in order)

    def match(self, flow: WfpFlow) -> Outcome:
        """Whether it matches; in words, what would have to be known to say."""
        doubts = ""
        for test in self.tests:
            outcome = test(flow)
            if outcome is False:
                return False
            if outcome is not True:
                doubts = f"{doubts}, {outcome}" if doubts else outcome
        return doubts or True


def _any(tests: list[_Test]) -> _Test:
    if len(tests) == 1:
        return tests[0]

    def test(flow: WfpFlow) -> Outcome:
        outcomes = {one(flow) for one in tests}
        return True if True in outcomes else next((o for o in outcomes if o is not False), False)

    return test


def _test(condition: WfpCondition) -> _Test:
    field, value = condition.field, condition.value
    compiled = MATCHES.get(condition.match)
    if value is None or compiled is None or not _fits(condition.match, value):
        told = f"what {field} {condition.match} {condition.verbatim or value} means"
        return lambda flow: told
    if field in _ACCESS or field in _PEERS:
        return _access(field, str(value), condition.match)
    if field == "FLAGS":
        return _flags(condition.match, value)
    if (of := WFP_FIELDS.get(field)) is None:
        return lambda flow: f"its {field}"
    return _compared(field, of, compiled(value), condition.match, type(value))


def _fits(match: str, value: int | str | WfpRange) -> bool:
    """Whether a comparison is one of values of that sort: those that order and those of flags are of numbers."""
    if isinstance(value, WfpRange):
        return match in _OF_RANGES
    return isinstance(value, int) or not match.startswith(("FLAGS_", "GREATER", "LESS"))


def _compared(field: str, of: Callable[[WfpFlow], FieldValue], holds: Callable[[Any], bool], match: str, kind: type) -> _Test:
    number = kind is not str
    absent: Outcome = False if match in _IF_ABSENT else f"whether {match} holds where there is no {field}"
    unknown = f"its {field}"

    def test(flow: WfpFlow) -> Outcome:
        found = of(flow)
        if found is None:
            return unknown
        if found is NO_FIELD:
            return absent
        return holds(found) if isinstance(found, int) == number else unknown

    return test


def _flags(match: str, value: Any) -> _Test:
    """Of flags each bit is known or not."""
    if not isinstance(value, int) or not match.startswith("FLAGS_"):
        return lambda flow: f"what FLAGS {match} {value} means"

    def test(flow: WfpFlow) -> Outcome:
        unknown = value & flow.unknown_flags
        set, clear = flow.flags & value & ~unknown, value & ~flow.flags & ~unknown
        yes, no = {"FLAGS_ALL_SET": (not clear, clear), "FLAGS_NONE_SET": (not set, set), "FLAGS_ANY_SET": (set, not set)}[match]
        if unknown and not (no if match != "FLAGS_ANY_SET" else yes):
            return f"its flags {unknown:#x}"
        return bool(yes)

    return test


def _access(field: str, descriptor: str, match: str) -> _Test:
    if match not in ("EQUAL", "NOT_EQUAL"):
        return lambda flow: f"what {field} {match} means"

    def test(flow: WfpFlow) -> Outcome:
        if field in _PEERS:  # IPsec tells who the other side is: of clear traffic there is nobody to grant access to
            return False if match == "EQUAL" and not (flow.flags | flow.unknown_flags) & SECURED else f"its {field}"
        if field == "ALE_PACKAGE_FAMILY_NAME" and flow.package_family == "":
            found: Outcome = False
        else:
            found = granted(descriptor, flow.token, flow.package, flow.package_family, contained=field == "ALE_USER_ID")
        return found if match == "EQUAL" or isinstance(found, str) else not found

    return test
