"""Plays host.ps1 on a simulated host: one base64 batch line in, one framed reply out, the same verbs and failures."""

import base64
import gzip
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ringfence.lab import associations, netsecurity
from ringfence.lab.binding import Proposal, cmdlets
from ringfence.lab.failures import Dropped, Refusal, native
from ringfence.lab.host import Session
from ringfence.lab.registry import GROUP_POLICY, MDM, POLICY, RESTRICTED, Value, plain

if TYPE_CHECKING:
    from ringfence.lab.machine import Machine

ROOTS = {"local": (POLICY, ("RestrictedServices", "Mdm")), "group_policy": (GROUP_POLICY, ()), "mdm": (MDM, ()),
         "restricted": (RESTRICTED, ())}
_SELECT = {"Remove": {"Name", "PolicyStore"}, "Rename": {"Name", "NewName", "PolicyStore"},
           "Copy": {"Name", "NewName", "NewPolicyStore", "PolicyStore"}, "Enable": {"Name", "Group", "PolicyStore"},
           "Disable": {"Name", "Group", "PolicyStore"}}
_NEEDED = {"Account.Resolve": ("names",), "Enforcement.Read": ("kind", "names"), "SA.Delete": ("remote_address",)}
_NEVER = {"GPOSession", "NewGPOSession", "IPsecRuleName", "All"}


def allowed(cmdlet: str) -> set[str]:
    """The parameters that the host script passes on, lower case."""
    verb = cmdlet.partition("-")[0]
    known = set(cmdlets()[cmdlet.lower()]["parameters"]) | ({"Name"} if cmdlet.endswith("-NetIPsecRule") else set())
    if verb == "Set":
        known = known - {"DisplayName", "DisplayGroup"} | ({"Group"} if "NewDisplayName" in known else set())
    return {p.lower() for p in (known & _SELECT.get(verb, known)) - _NEVER}


def ready(machine: "Machine", cmdlet: str, session: Session) -> None:
    """Whether a cmdlet can work at all: the service has to run and the session to be elevated. Raises Refusal."""
    if cmdlet in netsecurity.PROPOSALS:
        return
    if machine.services.get("mpssvc") != "running" or machine.services.get("BFE") != "running":
        raise native(1753).of(cmdlet)
    if machine.faults.read_only or not session.elevated:
        raise native(5).of(cmdlet)


class Executor:
    """One machine's side of the wire. Policy texts are kept until the registry changes."""

    def __init__(self, machine: "Machine") -> None:
        self.machine = machine
        self._policies: dict[str, tuple[int, str, dict[str, str]]] = {}
        self._verbs: dict[str, Callable[[Mapping[str, Any], Session], Any]] = {
            "Facts.Read": self._facts, "Account.Resolve": self._accounts, "Net.Call": self._call, "Net.Get": self._get,
            "Enforcement.Read": self._enforcement, "SA.Read": lambda args, session: associations.read(self.machine),
            "SA.Delete": lambda args, session: associations.delete(self.machine, str(args["remote_address"]))}

    def run(self, line: str, session: Session) -> str:
        """The framed reply to a batch line. Raises Dropped where the fault says so."""
        mode = self.machine.faults.language_mode
        if mode != "FullLanguage":
            return f"<<ringfence-fatal:language_mode:the session runs in {mode}>>"
        try:
            job = json.loads(base64.b64decode(line, validate=True))
            if job["ringfence"] != 1:
                there = job["ringfence"] if isinstance(job["ringfence"], int) else 0
                return f"<<ringfence-fatal:version:here 1, there {there}>>"
            run, key, stop, calls = job["run"], base64.b64decode(job["key"]), job["stop"], job["calls"]
        except (ValueError, KeyError, TypeError) as error:
            detail = "".join(c if c.isascii() and c.isprintable() and c != ">" else " " for c in str(error))
            return f"<<ringfence-fatal:script:{detail}>>"
        replies = self._replies(calls, key, stop, session)
        text = f'{{"ringfence":1,"run":{json.dumps(run)},"replies":[{",".join(replies)}]}}'
        return f"<<ringfence:{base64.b64encode(gzip.compress(text.encode(), 1, mtime=0)).decode()}>>"

    def _replies(self, calls: list[Mapping[str, Any]], key: bytes, stop: bool, session: Session) -> list[str]:
        replies: list[str] = []
        with self.machine.lock:
            self.machine.counters.batches += 1
        for number, call in enumerate(calls):
            with self.machine.lock:
                if number == self.machine.faults.fail_at:
                    raise Dropped(f"the connection broke before call {number}")
                self.machine.counters.calls += 1
                try:
                    replies.append(f'{{"ok":true,"value":{self._value(call, key, session)}}}')
                except Refusal as refusal:
                    replies.append(json.dumps({"ok": False, "error": {
                        "category": refusal.category, "id": refusal.id, "message": refusal.message, "code": refusal.code}}))
                    if stop:
                        break
        return replies

    def _value(self, call: Mapping[str, Any], key: bytes, session: Session) -> str:
        """The value of one call as JSON text."""
        verb, args = call.get("verb"), call.get("args") or {}
        if verb == "Policy.Read":
            return self._policy(args.get("stores", ["local", "group_policy", "mdm"]), key)
        if verb not in self._verbs:
            raise Refusal("InvalidArgument", "ringfence.verb", f"no verb is named '{verb}'")
        if missing := [a for a in _NEEDED.get(verb, ()) if a not in args]:
            raise Refusal("InvalidArgument", "ringfence.args", f"{verb} needs {missing[0]}")
        return json.dumps(self._verbs[verb](args, session), ensure_ascii=False, separators=(",", ":"))

    def _policy(self, stores: list[str], key: bytes) -> str:
        parts = []
        for store in stores:
            if store not in ROOTS:
                raise Refusal("InvalidArgument", "ringfence.store", f"no store is named '{store}'")
            text, secrets = self._store(store)
            for mark, secret in secrets.items():
                text = text.replace(mark, hmac.new(key, secret.encode(), hashlib.sha256).hexdigest())
            parts.append(f'"{store}":{text}')
        return "{" + ",".join(parts) + "}"

    def _store(self, store: str) -> tuple[str, dict[str, str]]:
        """The JSON of one store, and what stands in it for pre-shared keys; kept until the registry changes."""
        generation = self.machine.registry.generation
        kept = self._policies.get(store)
        if kept and kept[0] == generation:
            return kept[1], kept[2]
        secrets: dict[str, str] = {}

        def shown(value: Value) -> list[object]:
            if value.name.lower() != "shkey":
                return plain(value)
            mark = f"\x00{len(secrets)}\x00"
            secrets[json.dumps(mark)[1:-1]] = str(value.data)
            return [value.name, "Hmac", mark]

        root, without = ROOTS[store]
        tree = [[path, [shown(v) for v in k.values.values()]] for path, k in self.machine.registry.tree(root, without)]
        text = json.dumps(tree, ensure_ascii=False, separators=(",", ":"))
        self._policies[store] = (generation, text, secrets)
        return text, secrets

    def _facts(self, args: Mapping[str, Any], session: Session) -> dict[str, Any]:
        m, system = self.machine, self.machine.system
        interfaces = [{"alias": i.alias, "guid": i.guid, "index": i.index, "type": i.type, "status": i.status,
                       "addresses": i.addresses, "profile": i.profile, "dns_servers": i.dns_servers,
                       "gateways": i.gateways} for i in m.interfaces]
        legacy = m.registry.get(r"SOFTWARE\Policies\Microsoft\Windows\IPSec\Policy\Local", "ActivePolicy")
        name = legacy and (m.registry.get(str(legacy), "ipsecName") or legacy)
        assigned = m.registry.get(r"SOFTWARE\Policies\Microsoft\Windows\IPSec\GPTIPSECPolicy", "DSIPSECPolicyName")
        return {"computer": m.name, "domain": m.domain, "os": {
                    "caption": system.caption, "version": f"10.0.{system.build}", "build": system.build,
                    "edition": system.edition, "product": system.product},
                "powershell": system.powershell, "language_mode": m.faults.language_mode, "elevated": session.elevated,
                "time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"), "interfaces": interfaces,
                "services": dict(m.services), "environment": dict(m.environment), "legacy_ipsec_policy": name or assigned,
                "management": {"transport": session.transport, "local_address": session.local_address,
                               "local_port": session.local_port, "remote_address": session.remote_address,
                               "remote_port": session.remote_port}}

    def _accounts(self, args: Mapping[str, Any], session: Session) -> dict[str, Any]:
        return {name: self.machine.directory.resolve(name) for name in args["names"]}

    def _call(self, args: Mapping[str, Any], session: Session) -> None:
        cmdlet, parameters = str(args.get("cmdlet")), args.get("parameters") or {}
        self._allow(cmdlet, parameters, proposals=False)
        given = {p: self._resolved(v) for p, v in parameters.items()}
        new_group = None
        if cmdlet.lower().startswith("set-") and isinstance(given.get("Name"), str) and "Group" in given:
            new_group = str(given.pop("Group"))
        if not cmdlet.lower().startswith("new-"):        # a name means itself
            for p in ("Name", "Group"):
                if p in given:
                    given[p] = [escape(n) for n in (given[p] if isinstance(given[p], list) else [given[p]])]
        ready(self.machine, cmdlet, session)
        if cmdlet in netsecurity.PROPOSALS:
            netsecurity.propose(cmdlet, given)
            return
        try:
            netsecurity.call(self.machine, cmdlet, given, new_group)
        except Refusal as refusal:  # a new group is assigned to an object, which Get- has to find first
            if new_group is None or not refusal.id.startswith("CmdletizationQuery_NotFound"):
                raise
            raise Refusal(refusal.category, refusal.id.replace(",Set-", ",Get-"), refusal.message) from None

    def _allow(self, cmdlet: str, parameters: Mapping[str, Any], proposals: bool) -> None:
        """The allow-list of the host script, of cmdlets and of their parameters."""
        if cmdlet.lower() not in cmdlets() or (proposals and not cmdlet.lower().endswith("proposal")):
            raise Refusal("PermissionDenied", "ringfence.allowlist", f"'{cmdlet}' is not among the cmdlets ringfence runs here")
        passed = allowed(cmdlets()[cmdlet.lower()]["name"])
        for parameter, value in parameters.items():
            if parameter.lower() not in passed:
                raise Refusal("PermissionDenied", "ringfence.allowlist",
                              f"-{parameter} is not among the parameters of {cmdlet} ringfence uses")
            for one in value if isinstance(value, list) else [value]:
                if isinstance(one, dict):
                    inner = one.get("$call")
                    if not isinstance(inner, dict):
                        raise Refusal("InvalidArgument", "ringfence.value", f"-{parameter} holds neither values nor calls")
                    self._allow(str(inner.get("cmdlet")), inner.get("parameters") or {}, proposals=True)
        if cmdlet.partition("-")[0].lower() not in ("new", "set") and not (parameters.get("Name") or parameters.get("Group")):
            raise Refusal("PermissionDenied", "ringfence.allowlist", f"{cmdlet} without a name would touch every object")

    def _resolved(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._resolved(v) for v in value]
        return self._proposal(value["$call"]) if isinstance(value, dict) else value

    def _proposal(self, inner: Mapping[str, Any]) -> Proposal:
        return netsecurity.propose(inner["cmdlet"], inner.get("parameters") or {})

    def _get(self, args: Mapping[str, Any], session: Session) -> list[dict[str, Any]]:
        held = {"Get-NetIPsecDospSetting": lambda: [shown(s) for s in self.machine.dosp.values()],
                "Get-NetIPsecMainModeSA": lambda: associations.read(self.machine)["main_mode"],
                "Get-NetIPsecQuickModeSA": lambda: associations.read(self.machine)["quick_mode"]}
        if args.get("cmdlet") not in held:
            raise Refusal("PermissionDenied", "ringfence.allowlist",
                          f"'{args.get('cmdlet')}' is not among the cmdlets ringfence runs here")
        return held[args["cmdlet"]]()

    def _enforcement(self, args: Mapping[str, Any], session: Session) -> dict[str, Any]:
        if args["kind"] not in ("NetFirewallRule", "NetIPsecRule", "NetIPsecMainModeRule"):
            raise Refusal("InvalidArgument", "ringfence.kind", f"no status is read of '{args['kind']}'")
        return associations.enforcement(self.machine, args["kind"], args["names"])


def shown(setting: Mapping[str, Any]) -> dict[str, Any]:
    """A DoS protection setting as PowerShell shows it: flags enumerations as one text."""
    return {k: ", ".join(v) if k in ("EnabledKeyingModules", "FilteringFlags") else v for k, v in setting.items()}


def escape(name: Any) -> str:
    """A name as a pattern that means itself."""
    return "".join("`" + c if c in "*?[]`" else c for c in str(name))
