"""Questions to a host over one way in, each able to refute a guarantee: what a probe yields is what contradicts it."""

import re
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from lab_cases import KEY, READ, SETS, proposals, rows

from ringfence.batch import CHANGED_MEANWHILE, AsHmac, Call, cmdlet_call
from ringfence.batch.scripts import COMPARE_KEYS
from ringfence.errors import HostError
from ringfence.model.host_expiry import HostExpiry
from ringfence.plan.in_force import not_enforced
from ringfence.secret import Secret
from ringfence.types.moments import moment_text
from ringfence.windows.attribution import PROFILE_BITS, PROGRAMS_OF_CMDLETS, program_file
from ringfence.windows.expiry_calls import remove_expiry_of, write_expiry
from ringfence.windows.policy_events import parse_event_logs

from .job import Job, NotReached, Way, problems_of

Probe = Callable[[Way], Iterator[str]]
PROBES: dict[str, Probe] = {}
NAME = "ringfence-probe"
FACTS = (Call("Facts.Read"), Call("Interfaces.Read"), Call("Management.Read"))


def facts_of(way: Way) -> dict[str, Any]:
    """What a host says of itself, its interfaces and the session's connection among it."""
    told = way.ask(*FACTS)
    return {name: fact for one in told for name, fact in one.items()} | {"unread": [u for one in told for u in one["unread"]]}


def probe(id: str) -> Callable[[Probe], Probe]:
    """The function that can refute this guarantee."""

    def register(function: Probe) -> Probe:
        PROBES[id] = function
        return function

    return register


def run(job: Job, way: Way) -> int:
    """Every probe: 1 where a guarantee is refuted."""
    refuted = 0
    for id, examine in PROBES.items():
        began = time.monotonic()
        try:
            problems = problems_of(partial(examine, way))
        except NotReached as why:
            job.not_reached(id, way.name, str(why))
            print(f"not reached {id}: {why}")
            continue
        holds = job.saw(id, way.name, problems)
        refuted += not holds
        print(f"{'holds' if holds else 'REFUTED':<11} {id} ({time.monotonic() - began:.1f} s)", *problems[:5], sep="\n  ")
    return 1 if refuted else 0


# Rules to ask about: disabled, so that the host keeps its network


def new(name: str, **parameters: Any) -> Call:
    """The call that makes a rule."""
    return cmdlet_call("New-NetFirewallRule", {"Name": name, "DisplayName": name[:200], "Enabled": "False", **parameters})


def remove(*names: str) -> tuple[Call, ...]:
    """The calls that remove rules."""
    return tuple(cmdlet_call("Remove-NetFirewallRule", {"Name": name}) for name in names)


def strings(policy: Mapping[str, Any]) -> dict[str, str]:
    """The firewall rules of a Policy.Read."""
    return {name: str(data) for name, (_, data) in rows(policy["local"]).get("FirewallRules", {}).items()}


@probe("registry-at-once")
def registry_at_once(way: Way) -> Iterator[str]:
    """Ten rules, a read, ten more …: each read has what was written before it."""
    rounds = [[f"{NAME}-{n}-{i}" for i in range(10)] for n in range(5)]
    calls = [call for names in rounds for call in (*map(new, names), READ)]
    every = [name for names in rounds for name in names]
    try:
        answers = way.ask(*calls)
        for n in range(len(rounds)):
            held = strings(answers[11 * n + 10])
            yield from (f"{name} is not there yet" for names in rounds[: n + 1] for name in names if name not in held)
    finally:
        *_, policy = way.ask(*remove(*every), READ)
    yield from (f"{name} is still there" for name in every if name in strings(policy))


@probe("default-sets")
def default_sets(way: Way) -> Iterator[str]:
    """A phase 1 set made as the default one."""
    primary = "{E5A5D32A-4BCE-4e4d-B07F-4AB1BA7E5FE3}"
    noun, key, cmdlet = SETS["P1"]
    given = {"DisplayName": NAME, "Default": True, "Proposal": proposals(cmdlet, [{"Machine": True, "Kerberos": True}])}
    _, policy, _, after = way.ask(cmdlet_call(f"New-{noun}", given), READ, cmdlet_call(f"Remove-{noun}", {"Name": primary}), READ)
    held, left = ({p.casefold() for p in rows(answer["local"])} for answer in (policy, after))
    place = f"{key}\\{primary}".casefold()
    if place not in held:
        yield f"no {place}, but {sorted(p for p in held if p.startswith(key.casefold()))}"
    if place in left:
        yield f"{place} remains"


@probe("keys-compare")
def keys_compare(way: Way) -> Iterator[str]:
    """A set with a pre-shared key: the host is asked for it, and for another one."""
    noun, key, cmdlet = SETS["P1"]
    proposal = proposals(cmdlet, [{"Machine": True, "PreSharedKey": KEY}])
    way.ask(cmdlet_call(f"New-{noun}", {"Name": NAME, "DisplayName": NAME, "Proposal": proposal}))
    try:
        policy, *same = way.ask(READ, compare(KEY))
        [other] = way.ask(compare(KEY[::-1]))
    finally:
        way.send(cmdlet_call(f"Remove-{noun}", {"Name": NAME}))
    [none] = way.ask(compare(KEY))
    told = rows(policy["local"]).get(f"{key}\\{NAME}\\0000", {}).get("SHKey")
    if told != ("Secret", None):
        yield f"of the key is told {told}"
    if (said := [*same, other, none]) != [["equal"], ["differs"], ["none"]]:
        yield f"the same key, another one, and no set are {said}"


def compare(key: str) -> Call:
    """The question whether the set of the probe has this key."""
    asked = {"store": "local", "kind": SETS["P1"][0], "name": NAME, "hmac": AsHmac(Secret(key))}
    return Call(COMPARE_KEYS, {"keys": [asked]})


PROJECT = "00000000-0000-4000-8000-000000000000"


def ledger(generation: int, **more: Any) -> Call:
    """The call that writes to the ledger of the probe."""
    return Call("Ledger.Write", {"project": PROJECT, "generation": generation, **more})


@probe("ledger-is-guarded")
def ledger_is_guarded(way: Way) -> Iterator[str]:
    """An entry is made, read, made again from the same reading, and removed with its key."""
    entry = {"firewall_rule|local|Prüfung 日本": '{"how": "created"}'}
    try:
        _, told = way.send(ledger(0, header={"State": "final"}, set=entry), Call("Ledger.Read"), ledger(0, set=entry))
    finally:
        _, ended = way.send(ledger(1, delete=True), Call("Ledger.Read"))
    made, read, again = told
    if made.value != {"generation": 1} or not again.error or again.error.id != CHANGED_MEANWHILE:
        yield f"the first write answers {made.value or made.error}, and a second one {again.value or again.error}"
    found = read.value or {}
    held = {name: text for name, _, text in dict(found.get("rows") or []).get(PROJECT, [])}
    if held != {**entry, "State": "final", "Generation": "1"}:
        yield f"what was written is {held}"
    if not re.fullmatch(r"O:BAD:P(AI)?\(A;CI;KA;;;SY\)\(A;CI;KA;;;BA\)", str(found.get("sddl"))):
        yield f"the key of all projects has {found.get('sddl')}"
    if not found.get("machine"):
        yield "no id of the machine"
    yield from (f"of the ledger is left {path}" for path, _ in (ended[1].value or {}).get("rows") or [] if path == PROJECT)


UNDONE = "20260101T000000Z-c1c1c1"


def arm(delay: int) -> Call:
    """The call that arms the undo of the probe."""
    return Call("Undo.Arm", {"run": UNDONE, "project": "", "delay": delay, "write_seconds": min(delay, 600)})


def still_there(way: Way) -> Iterator[str]:
    """The rule of the probe, where it is."""
    [policy] = way.ask(READ)
    yield from (f"{name} is still there" for name in strings(policy) if name == NAME)


def clean_up(way: Way) -> None:
    """Nothing of an undo stays, whatever came of it."""
    way.send(Call("Undo.Confirm", {"run": UNDONE}), *remove(NAME))


@probe("undo-fires")
def undo_fires(way: Way) -> Iterator[str]:
    """A rule, made under an armed undo that is fired at once."""
    try:
        armed, _ = way.ask(arm(3600), new(NAME))
        [told] = way.ask(Call("Undo.Fire", {"run": UNDONE}))
        if told["state"] != "restored" or told["task"]:
            yield f"it has come to {told}"
        if not armed["exported"].get("FirewallRules"):
            yield f"what netsh exported has {armed['exported']}"
        yield from still_there(way)
    finally:
        clean_up(way)


@probe("undo-by-itself")
def undo_by_itself(way: Way) -> Iterator[str]:
    """A rule, made under an undo that nobody confirms: its delay, and a minute between its two imports."""
    try:
        way.ask(arm(20), new(NAME))
        for _ in range(20):
            way.pass_time(10)
            [told] = way.ask(Call("Undo.Read"))
            if told["state"] == "restored" and not told["task"]:
                break
        else:
            yield f"it has come to {told}"
        yield from still_there(way)
    finally:
        clean_up(way)


@probe("undo-confirmed")
def undo_confirmed(way: Way) -> Iterator[str]:
    """A rule, made under an undo that is confirmed; then a second one can be armed."""
    try:
        *_, told = way.ask(arm(3600), new(NAME), Call("Undo.Confirm", {"run": UNDONE}), Call("Undo.Read"))
        if (told["state"], told["task"], told["step"]) != ("confirmed", None, "none"):
            yield f"it has come to {told}"
        way.ask(arm(3600), Call("Undo.Confirm", {"run": UNDONE}))
        if not [*still_there(way)]:
            yield "the rule is gone"
    finally:
        clean_up(way)


@probe("ends-by-itself")
def ends_by_itself(way: Way) -> Iterator[str]:
    """A rule whose task ends it half a minute later by the host's clock, which it repeats until it is gone itself."""
    at = moment_text(datetime.fromisoformat(facts_of(way)["time"]) + timedelta(seconds=30))
    try:
        _, told = way.ask(new(NAME), write_expiry(HostExpiry(None, "NetFirewallRule", NAME, at)))
        if (told["name"], told["fits"]) != (NAME, True):
            yield f"the task that was registered is read as {told}"
        for _ in range(20):
            way.pass_time(10)
            [left] = way.ask(Call("Expiry.Read"))
            if not left:
                break
        else:
            yield f"its task is still there: {left}"
        yield from still_there(way)
    finally:
        way.send(remove_expiry_of(HostExpiry(None, "NetFirewallRule", NAME, at)), *remove(NAME))


@probe("log-path")
def log_path(way: Way) -> Iterator[str]:
    """The log of the public profile, and Windows' own path again."""
    wanted, usual = (rf"%systemroot%\system32\LogFiles\Firewall\{name}.log" for name in ("ringfence", "pfirewall"))
    name_it = [cmdlet_call("Set-NetFirewallProfile", {"Name": "Public", "LogFileName": path}) for path in (wanted, usual)]
    _, policy, _ = way.ask(name_it[0], READ, name_it[1])
    held = rows(policy["local"]).get(r"PublicProfile\Logging", {}).get("LogFilePath")
    if held != ("String", wanted):
        yield f"{wanted} is held as {held}"


@probe("flood-settings")
def flood_settings(way: Way) -> Iterator[str]:
    """A setting with values of its own, shown and removed."""
    facts = facts_of(way)
    if facts["os"]["product"] == "workstation":
        raise NotReached("settings against floods are for servers")
    alias = next(i["alias"] for i in facts["interfaces"] if i["status"] == "up")
    given = {"Name": NAME, "PublicInterfaceAliases": [alias], "PrivateInterfaceAliases": [alias], "MaxStateEntries": 5000}
    _, shown, _ = way.ask(cmdlet_call("New-NetIPsecDospSetting", given), Call("Net.Get", {"cmdlet": "Get-NetIPsecDospSetting"}),
                          cmdlet_call("Remove-NetIPsecDospSetting", {"Name": NAME}))  # fmt: skip
    mine: dict[str, Any] = next((one for one in shown if one.get("Name") == NAME), {})
    yield from (f"{key} {value} is shown as {mine.get(key)}" for key, value in given.items() if mine.get(key) != value)


# Each stands beside one that it would mean as a pattern of PowerShell or of WQL.
NAMES = ("a_b", "axb", "100%", "1000", "w[18]*?`", "w1", "it's", "its", "{brace}", "back\\slash", "Prüfung 日本", "n" * 230)


@probe("names-mean-themselves")
def names_mean_themselves(way: Way) -> Iterator[str]:
    """Rules of names that look alike to a pattern: set in one order and in the other, removed by halves."""
    names = [f"{NAME} {name}" for name in NAMES]
    way.ask(*map(new, names))
    try:
        for parameter, token, order in (("Description", "Desc", names), ("Group", "EmbedCtxt", names[::-1])):
            said = {name: f"{token} {n}" for n, name in enumerate(order)}
            sets = [cmdlet_call("Set-NetFirewallRule", {"Name": name, parameter: text}) for name, text in said.items()]
            way.ask(*sets[:6])  # few in a batch: they go by name
            *_, policy = way.ask(*sets[6:], READ)
            held = strings(policy)  # a set that touches a neighbour shows where the neighbour came first
            yield from (
                f"{n[:60]} is {held.get(n)}, not {token}={t}" for n, t in said.items() if f"|{token}={t}|" not in held.get(n, "")
            )
        for gone, left in ((names[::2], names[1::2]), (names[1::2], [])):
            *_, policy = way.ask(*remove(*gone), READ)
            if (there := sorted(n for n in strings(policy) if n.startswith(f"{NAME} "))) != sorted(left):
                yield f"after the removal of {gone}: {there}"
    finally:
        way.send(*remove(*names))


@probe("names-without-case")
def names_without_case(way: Way) -> Iterator[str]:
    """One rule, set in capitals, made again in small letters."""
    name = f"{NAME}-Case"
    _, answers = way.send(new(name), cmdlet_call("Set-NetFirewallRule", {"Name": name.upper(), "Description": "found"}),
                          new(name.lower()), READ, *remove(name.lower()), READ)  # fmt: skip
    held = strings(answers[3].value)
    if answers[1].error or "|Desc=found|" not in held.get(name, ""):
        yield f"Set by {name.upper()} did not find {name}"
    if answers[2].error is None or [n for n in held if n.casefold() == name.casefold()] != [name]:
        yield f"{name.lower()} could be made beside {name}"
    yield from (f"{n} is still there" for n in strings(answers[5].value) if n.casefold() == name.casefold())


@probe("texts-survive")
def texts_survive(way: Way) -> Iterator[str]:
    """A display name and a description, there and back."""
    texts = {"Name": "Prüfung «ß» 日本語 \U0001f600 'q' \"d\" $x `b`", "Desc": "Ωmega \u2028 é e\u0301 \\ / & < > %PATH%"}
    made = new(NAME, DisplayName=texts["Name"], Description=texts["Desc"])
    _, policy, _ = way.ask(made, READ, *remove(NAME))
    held = strings(policy).get(NAME, "")
    yield from (f"{text!a} is not in {held!a}" for token, text in texts.items() if f"|{token}={text}|" not in held)


@probe("ships-its-own-table")
def ships_its_own_table(way: Way) -> Iterator[str]:
    """The table names rules; what stands word for word in the policy too has texts of Windows and no package."""
    told, policy = way.ask(Call("Defaults.Read"), READ)
    changed = {name: str(data) for name, (_, data) in rows(told["rows"]).get("FirewallRules", {}).items()}
    here = strings(policy)
    shipped = {**changed, **{name: here[name] for name in told["same"]}}
    if len(shipped) < 100:
        yield f"the table has {len(shipped)} rules"
    yield from (f"{name}: {text}" for name, text in shipped.items() if "|Name=@" not in text or "|Name=@{" in text)


@probe("texts-are-found")
def texts_are_found(way: Way) -> Iterator[str]:
    """The display names and groups of all that stands in the policy as it ships."""
    told, policy = way.ask(Call("Defaults.Read"), READ)
    here = strings(policy)
    pieces = {piece for name in told["same"] for piece in here[name].split("|") if piece.startswith(("Name=@", "EmbedCtxt=@"))}
    [found] = way.ask(Call("Texts.Read", {"texts": sorted(piece.partition("=")[2] for piece in pieces)}))
    yield from (f"{text} is told as {shown!r}" for text, shown in found.items() if not shown or shown.startswith("@"))


@probe("groups-by-object")
def groups_by_object(way: Way) -> Iterator[str]:
    """A new group for one rule, then for nine at once, which the script sets through objects that it has read before."""
    names = [f"{NAME}-{n}" for n in range(9)]
    for chosen in (names[:1], names):
        groups = {name: f"{name} of {len(chosen)}" for name in chosen}
        sets = [cmdlet_call("Set-NetFirewallRule", {"Name": name, "Group": group}) for name, group in groups.items()]
        try:
            way.ask(*map(new, chosen))
            *_, policy = way.ask(*sets, READ)
        finally:
            way.send(*remove(*chosen))
        held = strings(policy)
        yield from (
            f"{n} has no group {g!r}: {held.get(n)}" for n, g in groups.items() if f"|EmbedCtxt={g}|" not in held.get(n, "")
        )


@probe("account-names")
def account_names(way: Way) -> Iterator[str]:
    """Two that every Windows has, and one that none has."""
    known = {"BUILTIN\\Administrators": "S-1-5-32-544", "NT AUTHORITY\\SYSTEM": "S-1-5-18"}
    [found] = way.ask(Call("Account.Resolve", {"names": [*known, "ringfence-nobody"]}))
    yield from (f"{name} is {found.get(name)}" for name, sid in known.items() if found.get(name, {}).get("sid") != sid)
    if "error" not in found.get("ringfence-nobody", {}):
        yield f"a name that nobody has is {found.get('ringfence-nobody')}"


@probe("events-name-who")
def events_name_who(way: Way) -> Iterator[str]:
    """A rule, a value of a profile and an authentication set, and what the logs have of them shortly after."""
    noun, _, cmdlet = SETS["P1"]
    proposal = proposals(cmdlet, [{"Machine": True, "Kerberos": True}])
    [session] = way.ask(Call("Session.Read"))
    try:
        way.ask(new(NAME), cmdlet_call("Set-NetFirewallProfile", {"Name": ["Public"], "LogIgnored": "True"}),
                cmdlet_call(f"New-{noun}", {"Name": NAME, "DisplayName": NAME, "Proposal": proposal}))
        missing = {"RuleId": "no event of the rule", "SettingType": "no event of setting 7 of the public profile",
                   "SetId": "no event of the set"}
        for _ in range(20):
            [told] = way.ask(Call("Events.Read"))
            found = {field: event for log in parse_event_logs(told).values() for event in log.events for field in missing
                     if event.text(field) == ("7" if field == "SettingType" else NAME)}
            if found.keys() == missing.keys():
                break
            time.sleep(0 if way.lab else 0.5)  # the log is written when it is written
    finally:
        way.send(*remove(NAME), cmdlet_call("Set-NetFirewallProfile", {"Name": ["Public"], "LogIgnored": "False"}),
                 cmdlet_call(f"Remove-{noun}", {"Name": NAME}))
    yield from (why for field, why in missing.items() if field not in found)
    for field, event in found.items():
        if event.user != session["sid"] or program_file(event) not in PROGRAMS_OF_CMDLETS:
            yield f"{field} was done by {event.user} with {event.program}, not by {session['sid']} with a program of cmdlets"
    if "SettingType" in found and not (found["SettingType"].number("Profiles") or 0) & PROFILE_BITS["public"]:
        yield f"the public profile is {found['SettingType'].text('Profiles')}"
    if told["unread"]:
        yield f"unread: {told['unread']}"


@probe("enforcement-words")
def enforcement_words(way: Way) -> Iterator[str]:
    """A rule that is on, for an address that nobody has; one that is off; one for every profile but the active ones."""
    facts = facts_of(way)
    active = {i["profile"] for i in facts["interfaces"] if i["profile"] and i["status"] == "up"}
    narrow = {"Enabled": "True", "RemoteAddress": "192.0.2.1"}
    kinds: dict[str, dict[str, Any]] = {f"{NAME}-on": narrow, f"{NAME}-off": {}}
    if others := [p for p in ("Domain", "Private", "Public") if p.lower() not in active]:
        kinds[f"{NAME}-elsewhere"] = narrow | {"Profile": others}
    try:
        way.ask(*(new(name, **parameters) for name, parameters in kinds.items()))
        [status] = way.ask(Call("Enforcement.Read", {"kind": "NetFirewallRule", "names": list(kinds)}))
    finally:
        way.send(*remove(*kinds))
    for name in kinds:
        words = status.get(name, {}).get("enforcement")
        if not words:
            yield f"{name} is not in the active store, or has no status: {status.get(name)}"
        elif said := not_enforced(status[name]):
            yield f"{name}: {', '.join(said)}"
        else:
            shown = {p: status[name].get("shows", {}).get(p) for p in ("Direction", "Action")}
            if (status[name].get("source"), shown) != ("Local", {"Direction": "Inbound", "Action": "Allow"}):
                yield f"{name}: {status[name].get('source')}, {shown}"


@probe("everything-is-read")
def everything_is_read(way: Way) -> Iterator[str]:
    """No fact and no key is told as unread; the essential facts are there."""
    facts, [policy, conditions] = facts_of(way), way.ask(READ, Call("Conditions.Read"))
    told = [*facts["unread"], *policy.get("unread", []), *conditions["unread"]]
    yield from (f"{one['fact']}: {one['why']}" for one in told)
    yield from (f"no {fact}" for fact in ("computer", "os", "interfaces", "services", "time") if not facts.get(fact))
    if facts.get("elevated") is not True:
        yield f"elevated is {facts.get('elevated')}"


@probe("management-flow")
def management_flow(way: Way) -> Iterator[str]:
    """The transport, and where there is a connection, its addresses and the host's port."""
    facts = facts_of(way)
    flow, transport = facts["management"], way.variables["ansible_connection"]
    if flow["transport"] != transport:
        yield f"the transport is told as {flow['transport']}"
    if transport != "local" and not (flow["remote_address"] and flow["local_port"]):
        yield f"of the connection it knows {flow}"


VARYING = ("time", "management", "powershell", "verbs", "script_sha256")  # an endpoint has a script of its own


@probe("one-behaviour")
def one_behaviour(way: Way) -> Iterator[str]:
    """The facts, compared with those of the way that asked first."""
    facts = facts_of(way)
    same = {name: fact for name, fact in facts.items() if name not in VARYING}
    first = way.remembered("facts", same)
    yield from (
        f"{name} is {same.get(name)}, and over another way {first.get(name)}" for name in first if first[name] != same.get(name)
    )


CUT_AFTER = 1  # seconds


@probe("lost-batches")
def lost_batches(way: Way) -> Iterator[str]:
    """Many rules in a batch for which there is not time enough; then what is there, once it changes no more."""
    names = [f"{NAME}-{n:03}" for n in range(100)]
    try:
        way.with_variables(ringfence_batch_timeout=CUT_AFTER).send(*map(new, names))
    except HostError:
        held = _settled(way)
        made = [name for name in names if name in held]
        if made != names[: len(made)]:
            yield f"{len(made)} are made, but not the first ones"
        yield from (f"{name} is {held[name]}" for name in made if f"|Name={name}|" not in held[name])
    else:
        raise NotReached(f"{len(names)} rules took less than {CUT_AFTER} s")
    finally:
        [policy] = way.ask(READ)
        way.send(*remove(*(name for name in names if name in strings(policy))))


def _settled(way: Way) -> dict[str, str]:
    """The rules of the host once two reads in turn are the same."""
    before: dict[str, str] | None = None
    held: dict[str, str] = {}
    while held != before:
        before = held
        time.sleep(0 if way.lab else 5)
        [policy] = way.ask(READ)
        held = strings(policy)
    return held
