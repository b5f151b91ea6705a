"""Plays the host script on a simulated host: one base64 batch line in, one framed reply out, the same verbs and failures."""

import base64
import gzip
import hashlib
import hmac
import json
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ringfence.lab.enforcement import security_associations
from ringfence.lab.enforcement.domain_reach import reached_controllers
from ringfence.lab.enforcement.rule_enforcement import enforcement
from ringfence.lab.host_script.changes import Changes
from ringfence.lab.host_script.condition_facts import condition_facts
from ringfence.lab.host_script.event_facts import read_events
from ringfence.lab.host_script.expiry_verbs import ExpiryVerbs
from ringfence.lab.host_script.failure_texts import failure_text
from ringfence.lab.host_script.happenings import Happenings
from ringfence.lab.host_script.later_cmdlets import shown_by
from ringfence.lab.host_script.project_ledgers import read_ledger, write_ledger
from ringfence.lab.host_script.session_facts import session_facts
from ringfence.lab.host_script.surrounding_facts import services, surrounding_facts
from ringfence.lab.host_script.system_defaults import read_defaults
from ringfence.lab.host_script.undo_verbs import UndoOfBatch
from ringfence.lab.machine.machine import Machine
from ringfence.lab.netsecurity.cmdlet_errors import CmdletError
from ringfence.lab.registry.hive import GROUP_POLICY, MDM, POLICY, RESTRICTED, StoredValue, as_sent
from ringfence.lab.session import Dropped, Session

Arguments = Mapping[str, Any]  # of a verb, as the batch holds them
Verbs = dict[str, Callable[[Arguments, Session], Any]]

ROOTS = {"local": (POLICY, ("RestrictedServices", "Mdm")), "group_policy": (GROUP_POLICY, ()), "mdm": (MDM, ()),
         "restricted": (RESTRICTED, ())}
SETS_WITH_KEYS = {"NetIPsecPhase1AuthSet": ("Phase1AuthenticationSet", "Phase1AuthenticationSets")}
_SERVICES = ("mpssvc", "BFE", "IKEEXT", "PolicyAgent")  # those of which Facts.Read tells
_OF_A_BATCH = ("Expiry.Read", "Expiry.Remove", "Expiry.Write", "Key.Compare", "Ledger.Write", "Net.Call", "Policy.Read",
               "SA.Delete", "Undo.Arm", "Undo.Confirm", "Undo.Continue", "Undo.Fire", "Undo.Read")  # need more than their call
_NEEDED = {"Account.Resolve": ("names",), "Texts.Read": ("texts",), "Enforcement.Read": ("kind", "names"),
           "SA.Delete": ("remote_address",)}


@dataclass(frozen=True)
class _KeptStore:
    """What was read of a store: for a state of the registry, the keys that were wanted, and those that may not be opened."""

    generation: int
    chosen: tuple[str, ...]
    denied: tuple[str, ...]
    rows: str
    unread: list[dict[str, str]]
    others: dict[str, None]


class HostScript:
    """The host script as one machine runs it. The texts of its policy are kept until the registry changes."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self._policies: dict[str, _KeptStore] = {}
        self._verbs: Verbs = {
            "Facts.Read": self._facts, "Interfaces.Read": self._interfaces, "Management.Read": self._management,
            "Services.Read": self._service_names,
            "Session.Read": self._session, "Account.Resolve": self._accounts, "Net.Get": self._get,
            "Surroundings.Read": lambda arguments, session: surrounding_facts(self.machine),
            "Conditions.Read": lambda arguments, session: condition_facts(self.machine),
            "Defaults.Read": lambda arguments, session: read_defaults(self.machine),
            "Ledger.Read": lambda arguments, session: read_ledger(self.machine, session),
            "Events.Read": lambda arguments, session: read_events(self.machine, arguments, session),
            "Domain.Read": self._domain, "Texts.Read": self._texts, "Enforcement.Read": self._enforcement,
            "SA.Read": self._associations}

    def run(self, line: str, session: Session) -> str:
        """The framed reply to a batch line. Raises Dropped where the fault says so."""
        mode = self.machine.faults.language_mode
        if mode != "FullLanguage":
            return f"<<ringfence-fatal:language_mode:the session runs in {mode}>>"
        try:
            told = base64.b64decode(line, validate=True)
            if told.startswith(b"{"):
                return "<<ringfence-fatal:version:here 2, there 1>>"
            batch = json.loads(gzip.decompress(told))
            if batch["ringfence"] != 2:
                there = batch["ringfence"] if isinstance(batch["ringfence"], int) else 0
                return f"<<ringfence-fatal:version:here 2, there {there}>>"
            run, key, stop, calls = batch["run"], base64.b64decode(batch["key"]), batch["stop"], batch["calls"]
        except (ValueError, KeyError, TypeError, EOFError, OSError, zlib.error) as error:
            detail = "".join(c if c.isascii() and c.isprintable() and c != ">" else " " for c in str(error))
            return f"<<ringfence-fatal:script:{detail}>>"
        replies = self._replies(calls, key, stop, session)
        text = f'{{"ringfence":2,"run":{json.dumps(run)},"replies":[{",".join(replies)}]}}'
        return f"<<ringfence:{base64.b64encode(gzip.compress(text.encode(), 1, mtime=0)).decode()}>>"

    def _replies(self, calls: list[Mapping[str, Any]], key: bytes, stop: bool, session: Session) -> list[str]:
        replies: list[str] = []
        undo = UndoOfBatch(self.machine)
        changes = Changes(self.machine, calls, undo.require_armed)

        def delete_associations(arguments: Arguments, session: Session) -> dict[str, int]:
            undo.require_armed(session)
            return security_associations.delete(self.machine, str(arguments["remote_address"]))

        def write_to_ledger(arguments: Arguments, session: Session) -> dict[str, int]:
            if (arguments.get("header") or {}).get("State") == "pending":
                undo.require_armed(session)
            return write_ledger(self.machine, arguments, session)

        verbs: Verbs = {**self._verbs, "Net.Call": changes.call, "SA.Delete": delete_associations, **undo.verbs,
                        "Ledger.Write": write_to_ledger,
                        **ExpiryVerbs(self.machine, undo.require_armed).verbs}
        tried: set[str] = set()  # the sets whose key this batch has asked about
        with self.machine.lock:
            self.machine.counters.batches += 1
            happens = Happenings(self.machine)
        for number, call in enumerate(calls):
            with self.machine.lock:
                happens.require_power()
                if number == self.machine.faults.fail_at:
                    raise Dropped(f"the connection broke before call {number}")
                self.machine.counters.calls += 1
                changes.keys.clear()
                try:
                    happens.before(str(call.get("verb")))
                    value = self._value(call, key, tried, session, verbs)
                    happens.after(str(call.get("verb")))
                    replies.append(f'{{"ok":true,"value":{value}}}')
                except CmdletError as error:
                    replies.append(failure_text(error, changes.keys))
                    if stop:
                        break
        if happens.nobody_hears:
            raise Dropped("the connection broke, and the batch ran on")
        happens.require_power()
        return replies

    def _value(self, call: Mapping[str, Any], key: bytes, tried: set[str], session: Session, verbs: Verbs) -> str:
        """The value of one call as JSON text."""
        verb, arguments = call.get("verb"), call.get("args") or {}
        if verb == "Policy.Read":
            return self._policy(arguments.get("stores", ["local", "group_policy", "mdm"]), arguments.get("keys") or ())
        lacks = session.endpoint.lacks if session.endpoint else frozenset()
        if verb == "Key.Compare" and verb not in lacks:
            return json.dumps([self._compare(question, key, tried) for question in arguments.get("keys") or ()])
        if verb not in verbs or verb in lacks:
            raise CmdletError("InvalidArgument", "ringfence.verb", f"no verb is named '{verb}'")
        if missing := [a for a in _NEEDED.get(verb, ()) if a not in arguments]:
            raise CmdletError("InvalidArgument", "ringfence.args", f"{verb} needs {missing[0]}")
        return json.dumps(verbs[verb](arguments, session), ensure_ascii=False, separators=(",", ":"))

    # Policy.Read

    def _policy(self, stores: list[str], wanted: Sequence[str]) -> str:
        for store in stores:
            if store not in ROOTS:
                raise CmdletError("InvalidArgument", "ringfence.store", f"no store is named '{store}'")
        parts, unread, others = [], list[dict[str, str]](), dict[str, None]()
        for store in stores:
            rows = self._rows(store, wanted, unread, others)
            parts.append(f'"{store}":{rows}')
        parts += [f'"{name}":{json.dumps(list(told))}' for name, told in (("unread", unread), ("others", others)) if told]
        return "{" + ",".join(parts) + "}"

    def _rows(self, store: str, wanted: Sequence[str], unread: list[dict[str, str]], others: dict[str, None]) -> str:
        """The JSON of one store, of which the keys below the root may be chosen. What may not be opened is told as unread, what
        nobody wants by the name of its key. Of a pre-shared key it says that there is one."""
        generation, chosen = self.machine.registry.generation, tuple(w.casefold() for w in wanted)
        kept = self._policies.get(store)
        if not kept or kept.generation != generation or kept.chosen != chosen or kept.denied != self.machine.faults.denied_keys:
            kept = self._policies[store] = self._read_store(store, chosen)
        unread += kept.unread
        others.update(kept.others)
        return kept.rows

    def _read_store(self, store: str, chosen: tuple[str, ...]) -> "_KeptStore":
        root, without = ROOTS[store]
        denied, unread, others = self.machine.faults.denied_keys, list[dict[str, str]](), dict[str, None]()

        def closed(path: str) -> bool:
            """Whether a key or one above it may not be opened; told once for each that stops the way."""
            whole = "\\".join(filter(None, (root, path)))
            stop = next((d for d in denied if f"{whole}\\".casefold().startswith(f"{d}\\".casefold())), None)
            if stop is None:
                return False
            below = stop[len(root):].strip("\\")
            entry = {"fact": "the key HKLM:\\" + "\\".join(filter(None, (root, below))), "store": store, "path": below,
                     "why": "Requested registry access is not allowed."}
            if entry not in unread:
                unread.append(entry)
            return True

        tree = []
        for path, key in self.machine.registry.tree(root, without):
            first = path.partition("\\")[0]
            if any(not entry["path"] for entry in unread):  # the root is shut: nothing below it is seen
                break
            if chosen and first and first.casefold() not in chosen:
                others[first] = None
            elif not closed(path):
                tree.append([path, [[v.name, "Secret", None] if _is_key(v) else as_sent(v) for v in key.values.values()]])
        shut = any(not entry["path"] for entry in unread)
        text = "null" if shut else json.dumps(tree, ensure_ascii=False, separators=(",", ":"))
        return _KeptStore(self.machine.registry.generation, chosen, denied, text, unread, others)

    # Key.Compare

    def _compare(self, question: Mapping[str, Any], key: bytes, tried: set[str]) -> str:
        """Whether the key of one set has the HMAC that the question names; a batch may try one on each set."""
        store, kind, name = (str(question.get(part)) for part in ("store", "kind", "name"))
        if store not in ROOTS:
            raise CmdletError("InvalidArgument", "ringfence.store", f"no store is named '{store}'")
        if kind not in SETS_WITH_KEYS:
            raise CmdletError("InvalidArgument", "ringfence.kind", f"no key is kept in '{kind}'")
        parents = [self.machine.registry.key(rf"{ROOTS[store][0]}\{parent}") for parent in SETS_WITH_KEYS[kind]]
        found = next((p.keys[name.casefold()] for p in parents if p and name.casefold() in p.keys), None)
        held = [str(v.data) for proposal in found.keys.values() for v in proposal.values.values() if _is_key(v)] if found else []
        if not held:
            return "none"
        if (place := f"{store} {name}".casefold()) in tried:
            raise CmdletError("PermissionDenied", "ringfence.candidate", f"one candidate in a batch for the key of '{name}'")
        tried.add(place)
        sums = {hmac.new(key, text.encode(), hashlib.sha256).hexdigest() for text in held}
        return "equal" if sums == {question.get("hmac")} else "differs"

    # Facts.Read, Interfaces.Read, Management.Read, Account.Resolve

    def _facts(self, arguments: Arguments, session: Session) -> dict[str, Any]:
        machine, system, denied = self.machine, self.machine.system, self.machine.faults.denied_services
        lacks = session.endpoint.lacks if session.endpoint else frozenset()
        return {"computer": machine.name, "domain": machine.domain,
                "os": {"caption": system.caption, "version": f"10.0.{system.build}", "build": system.build,
                       "edition": system.edition, "product": system.product},
                "powershell": system.powershell, "language_mode": machine.faults.language_mode,
                "elevated": session.elevated, "time": self._time(), "utc_offset": machine.surroundings.utc_offset,
                "services": {name: None if name in denied else machine.services.get(name) for name in _SERVICES},
                "environment": dict(machine.environment), "legacy_ipsec_policy": self._legacy_ipsec_policy(),
                "unread": [{"fact": name, "why": "it may not be opened"} for name in _SERVICES if name in denied],
                "wire": "2.2", "verbs": sorted({*self._verbs, *_OF_A_BATCH} - lacks),
                "script_sha256": None}

    def _interfaces(self, arguments: Arguments, session: Session) -> dict[str, Any]:
        return {"unread": [], "interfaces": [{
            "alias": i.alias, "guid": i.guid, "index": i.index, "type": i.type, "status": i.status, "addresses": i.addresses,
            "profile": i.profile, "dns_servers": i.dns_servers, "gateways": i.gateways} for i in self.machine.interfaces]}

    def _management(self, arguments: Arguments, session: Session) -> dict[str, Any]:
        listener = {"program": self.machine.sshd_program, "service": "sshd"} if session.transport == "ssh" else {}
        return {"unread": [], "management": {
            **listener,
            "transport": session.transport, "local_address": session.local_address, "local_port": session.local_port,
            "remote_address": session.remote_address, "remote_port": session.remote_port}}

    def _service_names(self, arguments: Arguments, session: Session) -> dict[str, Any]:
        return {"unread": [], "service_names": {s["Name"]: s["DisplayName"] for s in services(self.machine)}}

    def _time(self) -> str:
        return self.machine.clock.wall().strftime("%Y-%m-%dT%H:%M:%SZ")

    def _legacy_ipsec_policy(self) -> object:
        """The name of an assigned IPsec policy of the old kind: the local one, else that of Group Policy."""
        registry, root = self.machine.registry, r"SOFTWARE\Policies\Microsoft\Windows\IPSec"
        active = registry.get(root + r"\Policy\Local", "ActivePolicy")
        name = active and (registry.get(str(active), "ipsecName") or active)
        return name or registry.get(root + r"\GPTIPSECPolicy", "DSIPSECPolicyName")

    def _session(self, arguments: Arguments, session: Session) -> dict[str, Any]:
        return session_facts(self.machine, session)

    def _accounts(self, arguments: Arguments, session: Session) -> dict[str, Any]:
        return {name: self.machine.account_names.resolve(name) for name in arguments["names"]}

    def _domain(self, arguments: Arguments, session: Session) -> dict[str, Any]:
        machine = self.machine
        reached = reached_controllers(machine, machine.domain) if machine.domain else []
        return {"domain": machine.domain, "controllers": reached, "unread": []}

    def _texts(self, arguments: Arguments, session: Session) -> dict[str, str | None]:
        """Texts of files; those of packages lie in files of another form."""
        found = {text: self.machine.text(str(text)) for text in arguments["texts"]}
        return {text: None if shown == text or text.startswith("@{") else shown for text, shown in found.items()}

    # Net.Get

    def _get(self, arguments: Arguments, session: Session) -> list[dict[str, Any]]:
        match arguments.get("cmdlet"):
            case "Get-NetIPsecDospSetting":
                return [as_powershell_shows(s) for s in self.machine.dosp.values()]
            case "Get-NetIPsecMainModeSA":
                return security_associations.read(self.machine)["main_mode"]
            case "Get-NetIPsecQuickModeSA":
                return security_associations.read(self.machine)["quick_mode"]
            case cmdlet:
                return shown_by(self.machine, str(cmdlet))

    # Enforcement.Read, SA.Read

    def _enforcement(self, arguments: Arguments, session: Session) -> dict[str, Any]:
        if arguments["kind"] not in ("NetFirewallRule", "NetIPsecRule", "NetIPsecMainModeRule"):
            raise CmdletError("InvalidArgument", "ringfence.kind", f"no status is read of '{arguments['kind']}'")
        return enforcement(self.machine, arguments["kind"], arguments["names"])

    def _associations(self, arguments: Arguments, session: Session) -> dict[str, list[dict[str, Any]]]:
        return security_associations.read(self.machine)


def _is_key(value: StoredValue) -> bool:
    return value.name.lower() == "shkey"


def as_powershell_shows(setting: Mapping[str, Any]) -> dict[str, Any]:
    """A DoS protection setting as PowerShell shows it: flags enumerations as one text."""
    return {k: ", ".join(v) if k in ("EnabledKeyingModules", "FilteringFlags") else v for k, v in setting.items()}
