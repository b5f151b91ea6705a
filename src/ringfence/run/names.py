"""What hosts call what their policy stores: asked at the end of a host's part of a run, for what people are going to see."""

from collections.abc import Callable, Mapping
from typing import Any

from ringfence.batch import Answer, Batch, Call, Reply
from ringfence.errors import HostError
from ringfence.model.facts import parse_interfaces
from ringfence.plan.plan import HostSnapshot
from ringfence.run.questions import INTERFACES
from ringfence.types import sddl
from ringfence.windows.stored_names import StoredNames

MAX_LENGTH = 1000  # characters of a name


def names_on_host(found: HostSnapshot, stored: StoredNames, send: Callable[[Batch], Reply]) -> dict[str, str]:
    """{as it is stored: as the host calls it}, as far as the host can tell.

    What one host says is never shown of another: a host that lies would choose what people read of all the others' rules.
    """
    aliases, untold = found.facts.aliases, bool(stored.interfaces) and not found.facts.tells_interfaces
    known = {str(a.get("sid")).upper(): name for name, a in found.accounts.items() if isinstance(a, Mapping) and a.get("sid")}
    sids = [sid for sid in stored.accounts if sid.upper() not in known]
    said: Mapping[str, str] = {}
    if stored.texts or sids or untold:
        said, more = _ask(list(stored.texts), sids, untold, send)
        aliases = {**aliases, **more}
    return {**{guid: aliases[guid.upper()] for guid in stored.interfaces if guid.upper() in aliases},
            **(stored.packages or {}), **{sid: known[sid.upper()] for sid in stored.accounts if sid.upper() in known}, **said}


def _ask(texts: list[str], sids: list[str], interfaces: bool,
         send: Callable[[Batch], Reply]) -> tuple[dict[str, str], Mapping[str, str]]:
    """What a host says: names, and {GUID: alias} where `interfaces` are asked for. That it cannot say, or cannot be reached any
    more, is no failure: then shown is what is stored."""
    calls = {"texts": Call("Texts.Read", {"texts": texts}), "accounts": Call("Account.Resolve", {"names": sids}),
             INTERFACES: Call(INTERFACES)}
    wanted = {"texts": bool(texts), "accounts": bool(sids), INTERFACES: interfaces}
    try:
        answers = send(Batch({label: call for label, call in calls.items() if wanted[label]})).answers
    except HostError:
        return {}, {}
    told, accounts, network = (_mapping(answers.get(label, Answer()).value) for label in ("texts", "accounts", INTERFACES))
    return {**{text: name for text in texts if (name := _name(told.get(text)))},
            **{sid: name for sid in sids if (name := _account(accounts.get(sid)))}}, {
                i.guid: i.alias for i in parse_interfaces(network)}


def _mapping(said: Any) -> Mapping[str, Any]:
    return said if isinstance(said, Mapping) else {}


def _name(said: Any) -> str:
    return said[:MAX_LENGTH] if isinstance(said, str) else ""


def _account(said: Any) -> str:
    name = _name(said.get("name")) if isinstance(said, Mapping) else ""
    return "" if sddl.SID.fullmatch(name) else name
