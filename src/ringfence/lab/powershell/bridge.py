"""How a real PowerShell on a simulated host reaches its machine: a loopback socket that answers the functions of shims/.

A request is a line, base64 of CLIXML: {token, verb, with}; the answer is such a line: {value} or {error}. The token stands
for a session, of which the machine has to know who calls and from where.
"""

import base64
import binascii
import secrets
import socket
import time
from collections.abc import Callable, Mapping
from typing import Any
from xml.etree.ElementTree import ParseError

from psrpcore import PSRemotingCrypto, types

from ringfence.lab.enforcement import security_associations
from ringfence.lab.enforcement.policy_in_force import active_store
from ringfence.lab.enforcement.rule_enforcement import SOURCE_TYPES, rule_status, unreadable
from ringfence.lab.host_script.changes import require_running
from ringfence.lab.host_script.event_facts import UNAUTHORIZED, may_read_events
from ringfence.lab.host_script.executor import as_powershell_shows
from ringfence.lab.host_script.happenings import Happenings
from ringfence.lab.host_script.later_cmdlets import LATER, shown_by
from ringfence.lab.host_script.project_ledgers import DENIAL, may_open
from ringfence.lab.host_script.session_facts import author, identity
from ringfence.lab.listeners import Acceptor, Connections
from ringfence.lab.machine.event_logs import PROVIDER
from ringfence.lab.machine.machine import Machine
from ringfence.lab.netsecurity import dispatch
from ringfence.lab.netsecurity.change_events import logged
from ringfence.lab.netsecurity.cmdlet_errors import CmdletError, system_error
from ringfence.lab.netsecurity.objects import NOUNS, Noun, for_each, select
from ringfence.lab.netsecurity.parameter_binding import Proposal
from ringfence.lab.netsecurity.policy_stores import policy_root
from ringfence.lab.netsecurity.wildcards import escaped
from ringfence.lab.powershell.event_query import EventQuery
from ringfence.lab.powershell.tasks_and_files import TasksAndFiles
from ringfence.lab.powershell.windows_objects import WindowsObjects
from ringfence.lab.registry.hive import GROUP_POLICY, MDM, POLICY, SimulatedRegistry, StoredKey, StoredValue
from ringfence.lab.session import Dropped, Session

_SOURCES = {POLICY: "PersistentStore", GROUP_POLICY: "GroupPolicy", MDM: "MDM"}
_NO_SECRETS = PSRemotingCrypto()  # nothing here is a secure string
With = Mapping[str, Any]  # the parameters of a request
_SILENCE = 1.0  # seconds after which a session that nobody hears has nothing more to do


class NotAllFound(Exception):
    """Some of the names that a Get- cmdlet was asked for are there (`shown`), others are not (`error`)."""

    def __init__(self, shown: list[dict[str, Any]], error: CmdletError) -> None:
        super().__init__(error.message)
        self.shown, self.error = shown, error


class Bridge:
    """The socket of one machine.

    `drop` cuts the connections of the host's servers. It is called where Faults.fail_at says so, before cmdlet N of a
    PowerShell process: here calls of a batch are not seen, only the cmdlets they come to.
    """

    def __init__(self, acceptor: Acceptor, machine: Machine, drop: Callable[[], None] = lambda: None) -> None:
        self.machine, self.drop = machine, drop
        self._windows = WindowsObjects(machine)
        self._sessions: dict[str, Session] = {}
        self._unheard: dict[str, float] = {}  # tokens of sessions that carry on alone, and when they last asked
        self._listener = acceptor.listen(self._serve, lambda: "accept")
        self.port = self._listener.port
        self._verbs: dict[str, Callable[[Session, With], Any]] = {
            "cmdlet": self._cmdlet, "key": self._key, "exists": self._exists, "value": self._value, "show": self._show,
            "security": self._security, "make_key": self._make_key, "set_value": self._set_value,
            "delete_value": self._delete_value, "delete_key": self._delete_key, "flush": self._flush,
            "elevated": self._elevated, "identity": self._identity, "account": self._account, "file": self._file,
            "log": self._log, "records": self._records, **TasksAndFiles(machine).verbs}

    def register(self, session: Session) -> str:
        """A token for a session."""
        token = secrets.token_hex(16)
        self._sessions[token] = session
        return token

    def works_on(self, token: str) -> bool:
        """Whether the session of a token, which nobody hears any more, has asked for something in the last second."""
        return time.monotonic() - self._unheard.get(token, 0.0) < _SILENCE

    def close(self) -> None:
        """Stop listening and end every connection."""
        self._listener.close()

    def _serve(self, sock: socket.socket, connections: Connections) -> None:
        del connections
        cmdlets, happens = 0, Happenings(self.machine, lambda: self._let_alone(session))
        with sock.makefile("rwb") as stream:
            for line in stream:
                session, verb, parameters = self._request(line)
                if verb == "cmdlet":
                    if cmdlets == self.machine.faults.fail_at:
                        self.drop()
                        return
                    cmdlets += 1
                try:
                    answer = types.serialize_clixml(self._answer(session, verb, parameters, happens), _NO_SECRETS)
                except Dropped:
                    if happens.had_power:  # else they were cut at that moment; those that are there now came after it
                        self.drop()
                    return
                if happens.nobody_hears:
                    self._heard_of(session)
                stream.write(base64.b64encode(answer.encode()) + b"\n")
                stream.flush()

    def _let_alone(self, session: Session) -> None:
        """Nobody hears the session from now on, and it carries on."""
        self._heard_of(session)
        self.drop()

    def _heard_of(self, session: Session) -> None:
        self._unheard[next(token for token, one in self._sessions.items() if one is session)] = time.monotonic()

    def _request(self, line: bytes) -> tuple[Session, str, With]:
        """The parts of a request. Raises ConnectionError where it is none of ours."""
        try:
            [request] = types.deserialize_clixml(base64.b64decode(line).decode(), _NO_SECRETS)
            return self._sessions[request["token"]], str(request["verb"]), request["with"]
        except (binascii.Error, ParseError, ValueError, KeyError, TypeError):
            raise ConnectionAbortedError("a request that is none") from None

    def _answer(self, session: Session, verb: str, parameters: With, happens: Happenings) -> dict[str, Any]:
        with self.machine.lock:
            self.machine.clock.run_due()
            happens.require_power()
            self.machine.counters.calls += 1
            what = _written(verb, parameters)
            try:
                if what:
                    happens.before(what)
                answer = {"value": self._verbs[verb](session, parameters)}
                if what:
                    happens.after(what)
                return answer
            except CmdletError as error:
                return _error_record(error)
            except NotAllFound as found:
                return {"value": found.shown, **_error_record(found.error)}

    # cmdlets

    def _cmdlet(self, session: Session, parameters: With) -> Any:
        """A cmdlet with what PowerShell has bound. Raises CmdletError."""
        name, arguments = str(parameters["name"]), {str(k): _plain(v) for k, v in parameters["parameters"].items()}
        require_running(self.machine, name, session)
        verb, _, noun = name.partition("-")
        if name in dispatch.PROPOSALS:
            proposal = dispatch.propose(name, arguments)
            return [{"CimClassName": proposal.cls, **proposal.values}]
        if noun.endswith("ModeSA"):
            return self._associations(verb, f"{'main' if 'Main' in noun else 'quick'}_mode", arguments)
        if verb == "Get" and noun in LATER:
            return shown_by(self.machine, name)
        if verb == "Get" and noun not in NOUNS:
            return [as_powershell_shows(s) for s in self.machine.dosp.values()]
        if verb == "Get":
            return self._objects(NOUNS[noun], arguments)
        objects = arguments.pop("InputObject", ())
        with logged(self.machine, *author(self.machine, session)):
            if not objects:
                dispatch.call(self.machine, name, arguments)
            for_each(objects, lambda item: dispatch.call(
                self.machine, name, *self._by_object(NOUNS[noun], item, arguments), by_object=True))
        return []

    def _by_object(self, noun: Noun, item: Proposal, arguments: Mapping[str, Any]) -> tuple[dict[str, Any], str | None]:
        """The parameters that mean an object that Get- gave, and its group where that has been assigned anew."""
        name, source, group = (str(item.values.get(p) or "") for p in ("InstanceID", "PolicyStoreSource", "Group"))
        root = policy_root(self.machine, source)
        if noun.find(self.machine.registry, root, name) is None:
            raise system_error(2)
        changed = group != noun.properties(self.machine, root, name)["Group"]
        return {**arguments, "Name": [escaped(name)], "PolicyStore": source}, group if changed else None

    def _objects(self, noun: Noun, arguments: Mapping[str, Any]) -> list[dict[str, Any]]:
        """What Get- shows; of rules in the ActiveStore with their status. Raises NotAllFound."""
        store = str(arguments.get("PolicyStore") or "PersistentStore")
        if store.lower() != "activestore" or noun.in_subkeys:
            root = policy_root(self.machine, store, write=False)
            self.machine.went_through(noun.name, len(noun.names(self.machine.registry, root)))
            chosen, missing = _selected(self.machine, noun, [root], arguments)
            shown = [self._object(noun, root, name, store) for name in chosen]
        else:
            there = active_store(self.machine, noun)
            self.machine.went_through(noun.name, len(there), "ActiveStore")
            chosen, missing = _selected(self.machine, noun, list(_SOURCES), arguments)
            failed = unreadable(self.machine, noun, {name.lower() for name in chosen})
            shown = [{**self._object(noun, root, name, _SOURCES[root]), **self._status(noun, root, name)}
                     for name, (root, _) in there.items() if name in chosen and name.lower() not in failed]
            if failed:  # a query that fails says no more of what it has not found
                missing = CmdletError("NotSpecified", "HRESULT 0x80070057", next(iter(failed.values())))
        if missing:
            raise NotAllFound(shown, missing)
        return shown

    def _object(self, noun: Noun, root: str, name: str, source: str) -> dict[str, Any]:
        return {"Name": name, "InstanceID": name, **noun.properties(self.machine, root, name), "PolicyStoreSource": source,
                "PrimaryStatus": "OK", "Status": "", "EnforcementStatus": ["NotApplicable"]}

    def _status(self, noun: Noun, root: str, name: str) -> dict[str, Any]:
        status = rule_status(self.machine, noun, root, noun.read(self.machine.registry, root, name))
        return {"PrimaryStatus": status["primary_status"], "Status": status["status"],
                "EnforcementStatus": status["enforcement"], "PolicyStoreSourceType": SOURCE_TYPES[root]}

    def _associations(self, verb: str, mode: str, arguments: Mapping[str, Any]) -> list[dict[str, Any]]:
        associations = security_associations.read(self.machine)[mode]
        if verb == "Get":
            return associations
        for name in arguments["Name"]:
            if name not in {a["Name"] for a in associations}:
                raise system_error(1168)
            self.machine.deleted_associations.names.add((mode, name))
        return []

    # what Windows shows

    def _opened(self, session: Session, parameters: With) -> StoredKey | None:
        """The key of a path, or None where there is none. Raises CmdletError where it may not be opened."""
        path = str(parameters["path"]).strip("\\")
        if not may_open(self.machine, path, session):
            raise CmdletError("PermissionDenied", "System.Security.SecurityException", DENIAL)
        return self.machine.registry.key(path)

    def _key(self, session: Session, parameters: With) -> dict[str, Any] | None:
        key = self._opened(session, parameters)
        return None if key is None else _as_dotnet_shows(key)

    def _exists(self, session: Session, parameters: With) -> bool:
        if parameters.get("write"):
            self._changes(session)
        return self._opened(session, parameters) is not None

    def _value(self, session: Session, parameters: With) -> list[Any] | None:
        key = self._opened(session, parameters)
        value = key and key.values.get(str(parameters["name"]).casefold())
        return [value.name, value.type, _data(value)] if value else None

    def _security(self, session: Session, parameters: With) -> dict[str, Any]:
        """Owner and DACL, as the classes of .NET show them."""
        self._opened(session, parameters)
        held = self.machine.registry.security(str(parameters["path"]))
        return {"sddl": held.text(), "owner": held.owner_sid, "rules": [
            {"type": "Allow" if e.allows else "Deny", "rights": types.PSInt(e.mask - 2**32 if e.mask >> 31 else e.mask),
             "sid": e.full_sid} for e in held.entries]}

    def _changes(self, session: Session) -> SimulatedRegistry:
        """The registry, for a session that may write to it. Raises CmdletError."""
        if self.machine.faults.read_only or not session.elevated:
            raise CmdletError("PermissionDenied", "System.Security.SecurityException", DENIAL)
        return self.machine.registry

    def _make_key(self, session: Session, parameters: With) -> None:
        """A key; where `sddl` is given with that owner and DACL."""
        self._changes(session).create(str(parameters["path"])).sddl = str(parameters.get("sddl") or "")

    def _set_value(self, session: Session, parameters: With) -> None:
        self._changes(session).set(*(str(parameters[part]) for part in ("path", "name", "text", "kind")))

    def _delete_value(self, session: Session, parameters: With) -> None:
        self._changes(session).unset(str(parameters["path"]), str(parameters["name"]))

    def _delete_key(self, session: Session, parameters: With) -> None:
        self._changes(session).delete(str(parameters["path"]))

    def _flush(self, session: Session, parameters: With) -> None:
        self._changes(session).flush()
        self.machine.counters.ledger_writes += 1  # nothing else is flushed

    def _show(self, session: Session, parameters: With) -> list[dict[str, Any]]:
        return self._windows.show(parameters["what"], session)

    def _log(self, session: Session, parameters: With) -> bool | None:
        """Whether an event log is on; None where there is no such log. Raises CmdletError."""
        if not may_read_events(session):
            raise CmdletError("PermissionDenied", "LogInfoNoAccess", UNAUTHORIZED)
        log = self.machine.event_logs.by_name.get(str(parameters["name"]).removeprefix(f"{PROVIDER}/"))
        return log.enabled if log else None

    def _records(self, session: Session, parameters: With) -> list[dict[str, Any]]:
        """What Get-WinEvent gives of a log. Raises CmdletError."""
        self._log(session, parameters)
        log = self.machine.event_logs.by_name[str(parameters["name"]).removeprefix(f"{PROVIDER}/")]
        query = EventQuery(str(parameters["query"]))
        found = [event for event in log.newest_first() if query.matches(event)]
        chosen = (found[::-1] if parameters["oldest"] else found)[:int(parameters["most"])]
        return [{"Id": types.PSInt(e.id), "Time": f"{e.time:%Y-%m-%dT%H:%M:%S.%fZ}", "Xml": e.xml(self.machine.name)}
                for e in chosen]

    def _elevated(self, session: Session, parameters: With) -> bool:
        return session.elevated

    def _identity(self, session: Session, parameters: With) -> dict[str, str | None]:
        return identity(self.machine, session)

    def _file(self, session: Session, parameters: With) -> bytes | None:
        return self.machine.file(str(parameters["path"]))

    def _account(self, session: Session, parameters: With) -> dict[str, str]:
        return self.machine.account_names.resolve(parameters["name"])


# requests that write; of those that are cmdlets or do something with a task, the ones that begin otherwise than with Get
_WRITES = frozenset({"make_key", "set_value", "delete_value", "delete_key", "flush", "make_file", "rename", "remove", "folder"})


def _written(verb: str, parameters: With) -> str:
    """What a request writes with, as hooks of Faults are told; nothing for one that only asks."""
    if verb == "cmdlet":
        name = str(parameters["name"])
        return "" if name.startswith("Get-") or name in dispatch.PROPOSALS else name
    if verb == "task":
        return "" if parameters["verb"] == "Info" else f"{parameters['verb']}-ScheduledTask"
    return verb if verb in _WRITES else ""


def _error_record(error: CmdletError) -> dict[str, Any]:
    return {"error": {"category": error.category, "id": error.id.partition(",")[0], "message": error.message,
                      "code": None if error.code is None else types.PSUInt(error.code)}}


def _plain(value: Any) -> Any:
    """A bound value as the machine's own cmdlets take it; objects become what they stand for."""
    if isinstance(value, list):
        return [_plain(v) for v in value]
    if isinstance(value, dict):
        values = {str(k): _plain(v) for k, v in value.items()}
        return Proposal(str(values.pop("CimClassName", "")), values)
    return value


def _selected(machine: Machine, noun: Noun, roots: list[str], arguments: Mapping[str, Any],
              ) -> tuple[list[str], CmdletError | None]:
    """The ids that are selected in some stores, and the error for a name which none of them has; the others are shown."""
    found, missing = dict[str, None](), None
    for name in arguments.get("Name") or arguments.get("IPsecRuleName") or [None]:
        there = [select(machine, noun, root, {**arguments, "InputObject": True, "Name": name and [name]}) for root in roots]
        found |= dict.fromkeys(id for selection in there for id in selection.ids)
        if all(selection.missing for selection in there):
            missing = missing or there[0].missing
    return list(found), missing


def _as_dotnet_shows(key: StoredKey) -> dict[str, Any]:
    """A key as .NET shows it: DWORD and QWORD signed."""
    return {"name": key.name, "keys": [k.name for k in key.keys.values()], "values": [
        [v.name, v.type, _data(v)] for v in key.values.values()]}


def _data(value: StoredValue) -> Any:
    if isinstance(value.data, int):
        bits = 64 if value.type == "QWord" else 32
        number = (value.data + 2 ** (bits - 1)) % 2**bits - 2 ** (bits - 1)
        return types.PSInt64(number) if bits == 64 else types.PSInt(number)
    return b"" if value.data is None else value.data
