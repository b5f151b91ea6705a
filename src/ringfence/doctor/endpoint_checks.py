"""What an endpoint of JEA can do: whether its script knows what commands ask of it, and whether its account may do that."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ringfence import __version__
from ringfence.batch import jea
from ringfence.batch.scripts import WRITING_VERBS
from ringfence.doctor.examination import Examination, Finding, note, obstacle, ok
from ringfence.windows.endpoint import UNKNOWN_SCRIPT

EXPORT_IT_ANEW = "Export the endpoint anew (`ringfence jea export`) and install it"
AS_ADMINISTRATOR = "let the endpoint run as an administrator (without RunAsVirtualAccountGroups)"
_UNDO = frozenset(verb for verb in WRITING_VERBS if verb.startswith("Undo."))


@dataclass(frozen=True, slots=True)
class CommandNeed:
    """Verbs that something asks of an endpoint. wanted: by whom; else nobody misses them · fails: it does not work without them;
    else it does in part, or few tasks need it."""

    what: str
    verbs: frozenset[str]
    wanted: Callable[[Examination], bool] = lambda seen: True
    fails: bool = True


APPLY = "`apply`"
NEEDS = (
    CommandNeed(APPLY, frozenset({"Net.Call"}), lambda seen: seen.endpoint.writes),
    CommandNeed(APPLY, frozenset({"Ledger.Read", "Ledger.Write"}), lambda seen: seen.endpoint.writes and seen.wants_ledger),
    CommandNeed(APPLY, _UNDO, lambda seen: seen.endpoint.writes and seen.wants_undo),
    CommandNeed("`evaluate`", frozenset({"Interfaces.Read"})),
    CommandNeed("`ledger`", frozenset({"Ledger.Read"}), lambda seen: seen.wants_ledger),
    CommandNeed("`retire`", frozenset({"Ledger.Read", "Ledger.Write"}), lambda seen: seen.endpoint.writes and seen.wants_ledger),
    CommandNeed("`show`", frozenset({"Interfaces.Read"})),
    CommandNeed("`status`", frozenset({"Interfaces.Read", "SA.Read"})),
    CommandNeed("what is in force", frozenset({"Conditions.Read", "Enforcement.Read"}), fails=False),
    CommandNeed("`drift --who`", frozenset({"Events.Read"}), fails=False),
    CommandNeed("interfaces by name", frozenset({"Interfaces.Read"}), fails=False),
    CommandNeed("facts of the network", frozenset({"Interfaces.Read", "Management.Read"}), fails=False),
    CommandNeed("`expires_on_host`", frozenset({"Expiry.Read", "Expiry.Remove", "Expiry.Write"}),
                lambda seen: seen.endpoint.writes, fails=False),
    CommandNeed("pre-shared keys", frozenset({"Key.Compare"}), lambda seen: seen.endpoint.writes, fails=False))
"""What is asked of endpoints beside Facts.Read and Policy.Read, without which there is none."""


def judge_endpoint(seen: Examination) -> Iterator[Finding]:
    """Which release it is of, and what cannot work through it."""
    name = seen.way_in.endpoint
    if not name:
        yield ok("none: the script is sent with each batch")
        return
    module, version = (seen.known("module"), seen.known("module_version")) if seen.session else ("", "")
    if seen.session and not module:
        yield ok(f"{name}: not one of JEA")
        return
    if not seen.session:
        yield note(f"{name} is of an older ringfence: it does not know what is asked here", EXPORT_IT_ANEW)
    elif version != __version__:
        yield note(f"{name} is of ringfence {version}, and this is {__version__}", EXPORT_IT_ANEW)
    else:
        yield ok(f"{name} (module {module} {version})")
    if not seen.endpoint.is_known:
        yield note(*UNKNOWN_SCRIPT)
    if not seen.endpoint.verbs:
        yield "unknown", "what it can be asked was not told", "", ""
        return
    yield from _lacks(seen)
    if not seen.endpoint.writes:
        yield note("the endpoint only reads: plan, drift and status work, apply does not",
                   f"to change the host, use the operator's endpoint (ringfence_endpoint: {jea.OPERATOR.name})")


def _lacks(seen: Examination) -> Iterator[Finding]:
    """What its script does not know, and what does not work, or does not work as a whole, for that."""
    known, name = seen.endpoint.verbs, seen.way_in.endpoint
    missed = [one for one in NEEDS if one.wanted(seen) and not one.verbs <= known]
    failing, others = ([one for one in missed if one.fails is fails] for fails in (True, False))
    if failing:
        yield obstacle(f"{name} does not know {_verbs(failing, known)}: {_whats(failing)} cannot work through it",
                       EXPORT_IT_ANEW + _way_out(failing, known), "endpoint" if any(one.what == APPLY for one in failing) else "")
    if others:
        yield note(f"{name} does not know {_verbs(others, known)}: not told there, or refused, is {_whats(others)}",
                   EXPORT_IT_ANEW)


def _way_out(failing: list[CommandNeed], known: frozenset[str]) -> str:
    """What goes without another endpoint, where the undo alone is missing."""
    missing = frozenset[str]().union(*(one.verbs for one in failing if one.what == APPLY)) - known
    return "; or write without an undo: `revert_after: never`" if missing and missing <= _UNDO else ""


def _verbs(needs: list[CommandNeed], known: frozenset[str]) -> str:
    return ", ".join(sorted(frozenset[str]().union(*(one.verbs for one in needs)) - known))


def _whats(needs: list[CommandNeed]) -> str:
    *first, last = dict.fromkeys(one.what for one in needs)
    return f"{', '.join(first)} and {last}" if first else last


def judge_account(seen: Examination) -> Iterator[Finding]:
    """What an account that is no administrator may do through an endpoint of JEA."""
    account = seen.session.get("account") or "the account"
    if not seen.endpoint.writes:
        yield ok(f"{account} is no administrator, and the endpoint only reads")
        return
    yield note(f"{account} is no administrator: the endpoint's RunAsVirtualAccountGroups decide what it may change",
               "Windows lets Administrators and Network Configuration Operators change the firewall")
    wanted = [(seen.wants_undo, "registers no task of SYSTEM (for the undo)", "without an undo (`revert_after: never`)"),
              (seen.wants_ledger, "writes no ledger", "in the name of no `project`")]
    if any(wants for wants, _, _ in wanted):
        yield obstacle(f"{account} {' and '.join(why for wants, why, _ in wanted if wants)}: `apply` writes nothing",
                       f"{AS_ADMINISTRATOR}; or write {' and '.join(way for wants, _, way in wanted if wants)}", "authorization")
