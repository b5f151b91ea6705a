"""How a real PowerShell on a simulated host reaches its machine: a loopback socket that answers the functions of shims/.

A request is a line, base64 of CLIXML: {token, verb, with}; the answer is such a line: {value} or {error}. The token stands
for a session, of which the machine has to know who calls and from where.
"""

import base64
import binascii
import secrets
import socket
from collections.abc import Callable, Mapping
from typing import Any
from xml.etree.ElementTree import ParseError

from psrpcore import PSRemotingCrypto, types

from ringfence.lab import associations, netsecurity
from ringfence.lab.binding import Proposal
from ringfence.lab.executor import escape, ready, shown
from ringfence.lab.failures import Refusal, native
from ringfence.lab.host import Session
from ringfence.lab.machine import Machine
from ringfence.lab.net import Connections, Gate
from ringfence.lab.netsecurity_store import KINDS, Kind, select, store
from ringfence.lab.registry import GROUP_POLICY, MDM, POLICY, Key, Value

_SOURCES = {POLICY: "PersistentStore", GROUP_POLICY: "GroupPolicy", MDM: "MDM"}
_INTERFACE_TYPES = {"wired": 6, "wireless": 71, "remote_access": 23, "other": 24}
_CATEGORIES = {"domain": "DomainAuthenticated", "private": "Private", "public": "Public"}
_NO_SECRETS = PSRemotingCrypto()  # nothing here is a secure string
_PRODUCTS = {"workstation": 1, "domain_controller": 2, "server": 3}


class Bridge:
    """The socket of one machine.

    `drop` cuts the connections of the host's servers. It is called where Faults.fail_at says so, before cmdlet N of a
    PowerShell process: here calls of a batch are not seen, only the cmdlets they come to.
    """

    def __init__(self, gate: Gate, machine: Machine, drop: Callable[[], None] = lambda: None) -> None:
        self.machine, self.drop = machine, drop
        self._sessions: dict[str, Session] = {}
        self._listener = gate.listen(self._serve, lambda: "accept")
        self.port = self._listener.port
        self._verbs: dict[str, Callable[[Session, Mapping[str, Any]], Any]] = {
            "cmdlet": self._cmdlet, "key": self._key, "children": self._children, "show": self._show,
            "elevated": lambda session, told: session.elevated,
            "account": lambda session, told: self.machine.directory.resolve(told["name"])}

    def register(self, session: Session) -> str:
        """A token for a session."""
        token = secrets.token_hex(16)
        self._sessions[token] = session
        return token

    def close(self) -> None:
        """Stop listening and end every connection."""
        self._listener.close()

    def _serve(self, sock: socket.socket, connections: Connections) -> None:
        del connections
        cmdlets = 0
        with sock.makefile("rwb") as stream:
            for line in stream:
                session, verb, told = self._understood(line)
                if verb == "cmdlet":
                    if cmdlets == self.machine.faults.fail_at:
                        self.drop()
                        return
                    cmdlets += 1
                answer = types.serialize_clixml(self._answer(session, verb, told), _NO_SECRETS)
                stream.write(base64.b64encode(answer.encode()) + b"\n")
                stream.flush()

    def _understood(self, line: bytes) -> tuple[Session, str, Mapping[str, Any]]:
        """The parts of a request. Raises ConnectionError where it is none of ours."""
        try:
            [told] = types.deserialize_clixml(base64.b64decode(line).decode(), _NO_SECRETS)
            return self._sessions[told["token"]], str(told["verb"]), told["with"]
        except (binascii.Error, ParseError, ValueError, KeyError, TypeError):
            raise ConnectionAbortedError("a request that is none") from None

    def _answer(self, session: Session, verb: str, told: Mapping[str, Any]) -> dict[str, Any]:
        with self.machine.lock:
            self.machine.counters.calls += 1
            try:
                return {"value": self._verbs[verb](session, told)}
            except Refusal as refusal:
                return _failed(refusal)

    # cmdlets

    def _cmdlet(self, session: Session, told: Mapping[str, Any]) -> Any:
        """A cmdlet with what PowerShell has bound. Raises Refusal."""
        name, given = str(told["name"]), {str(k): _plain(v) for k, v in told["parameters"].items()}
        ready(self.machine, name, session)
        verb, _, noun = name.partition("-")
        if name in netsecurity.PROPOSALS:
            made = netsecurity.propose(name, given)
            return [{"CimClassName": made.cls, **made.values}]
        if noun.endswith("ModeSA"):
            return self._association(verb, f"{'main' if 'Main' in noun else 'quick'}_mode", given)
        if verb == "Get" and noun not in KINDS:
            return [shown(s) for s in self.machine.dosp.values()]
        if verb == "Get":
            return self._objects(KINDS[noun], given)
        for one in given.pop("InputObject", ()) or [None]:
            netsecurity.call(self.machine, name, *self._by_object(KINDS[noun], one, given) if one else (given,))
        return []

    def _by_object(self, kind: Kind, one: Proposal, given: Mapping[str, Any]) -> tuple[dict[str, Any], str | None]:
        """The parameters that mean an object that Get- gave, and its group where that has been assigned anew."""
        name, source, group = (str(one.values.get(p) or "") for p in ("InstanceID", "PolicyStoreSource", "Group"))
        root = store(self.machine, source)
        if kind.find(self.machine.registry, root, name) is None:
            raise native(2)
        changed = group != kind.properties(self.machine, root, name)["Group"]
        return {**given, "Name": [escape(name)], "PolicyStore": source}, group if changed else None

    def _objects(self, kind: Kind, given: Mapping[str, Any]) -> list[dict[str, Any]]:
        where = str(given.get("PolicyStore") or "PersistentStore")
        if where.lower() != "activestore" or kind.in_subkeys:
            root = store(self.machine, where, write=False)
            names = select(self.machine, kind, root, given)
            return [self._object(kind, root, name, where) for name in names]
        held = associations.in_force(self.machine, kind)
        chosen = {name for root in _SOURCES for name in _selected(self.machine, kind, root, given)}
        return [{**self._object(kind, root, name, _SOURCES[root]), **self._status(kind, root, name)}
                for name, (root, _) in held.items() if name in chosen]

    def _object(self, kind: Kind, root: str, name: str, source: str) -> dict[str, Any]:
        return {"Name": name, "InstanceID": name, **kind.properties(self.machine, root, name), "PolicyStoreSource": source,
                "PrimaryStatus": "OK", "Status": "", "EnforcementStatus": ["NotApplicable"]}

    def _status(self, kind: Kind, root: str, name: str) -> dict[str, Any]:
        found = associations.status(self.machine, kind, root, kind.read(self.machine.registry, root, name))
        return {"PrimaryStatus": found["primary_status"], "Status": found["status"], "EnforcementStatus": found["enforcement"]}

    def _association(self, verb: str, mode: str, given: Mapping[str, Any]) -> list[dict[str, Any]]:
        held = associations.read(self.machine)[mode]
        if verb == "Get":
            return held
        for name in given["Name"]:
            if name not in {a["Name"] for a in held}:
                raise native(1168)
            self.machine.deleted_associations.add((mode, name))
        return []

    # what Windows shows

    def _key(self, session: Session, told: Mapping[str, Any]) -> dict[str, Any] | None:
        key = self.machine.registry.key(str(told["path"]))
        return None if key is None else _held(key)

    def _children(self, session: Session, told: Mapping[str, Any]) -> list[dict[str, Any]] | None:
        key = self.machine.registry.key(str(told["path"]))
        return None if key is None else [_held(child) for child in key.keys.values()]

    def _show(self, session: Session, told: Mapping[str, Any]) -> list[dict[str, Any]]:
        """The objects of a cmdlet that reads the system, with the properties that the host script uses."""
        machine, interfaces = self.machine, self.machine.interfaces
        system = machine.system
        rows: dict[str, Callable[[], list[dict[str, Any]]]] = {
            "Win32_ComputerSystem": lambda: [{"PartOfDomain": machine.domain is not None,
                                              "Domain": machine.domain or "WORKGROUP", "Name": machine.name}],
            "Win32_OperatingSystem": lambda: [{
                "Caption": system.caption, "Version": f"10.0.{system.build}", "BuildNumber": str(system.build),
                "ProductType": types.PSUInt(_PRODUCTS[system.product])}],
            "Service": lambda: [{"Name": n, "Status": s.capitalize()} for n, s in machine.services.items()],
            "NetAdapter": lambda: [{
                "Name": i.alias, "InterfaceGuid": i.guid, "InterfaceIndex": i.index, "Hidden": i.type == "remote_access",
                "InterfaceType": _INTERFACE_TYPES[i.type], "Status": "Up" if i.status == "up" else "Disconnected"}
                for i in interfaces],
            "NetIPAddress": lambda: [_address(i.index, a) for i in interfaces for a in i.addresses],
            "NetConnectionProfile": lambda: [{"InterfaceIndex": i.index, "NetworkCategory": _CATEGORIES[i.profile]}
                                             for i in interfaces if i.profile],
            "DnsClientServerAddress": lambda: [{"InterfaceIndex": i.index, "ServerAddresses": list(i.dns_servers)}
                                               for i in interfaces],
            "NetRoute": lambda: [{"InterfaceIndex": i.index, "NextHop": g,
                                  "DestinationPrefix": "::/0" if ":" in g else "0.0.0.0/0"}
                                 for i in interfaces for g in i.gateways],
            "NetTCPConnection": lambda: [{
                "State": "Established", "LocalAddress": session.local_address, "LocalPort": session.local_port,
                "RemoteAddress": session.remote_address, "RemotePort": session.remote_port}]}
        if told["what"] not in rows:
            raise Refusal("InvalidArgument", "lab.show", f"the simulated host has no {told['what']}")
        return rows[told["what"]]()


def _failed(refusal: Refusal) -> dict[str, Any]:
    return {"error": {"category": refusal.category, "id": refusal.id.partition(",")[0], "message": refusal.message,
                      "code": None if refusal.code is None else types.PSUInt(refusal.code)}}


def _plain(value: Any) -> Any:
    """A bound value as the machine's own cmdlets take it; objects become what they stand for."""
    if isinstance(value, list):
        return [_plain(v) for v in value]
    if isinstance(value, dict):
        values = {str(k): _plain(v) for k, v in value.items()}
        return Proposal(str(values.pop("CimClassName", "")), values)
    return value


def _selected(machine: Machine, kind: Kind, root: str, given: Mapping[str, Any]) -> list[str]:
    """The ids in one of the stores in force; a name has to be in one of them only."""
    try:
        return select(machine, kind, root, given)
    except Refusal:
        return []


def _held(key: Key) -> dict[str, Any]:
    """A key as .NET shows it: DWORD and QWORD signed."""
    return {"name": key.name, "keys": [k.name for k in key.keys.values()], "values": [
        [v.name, v.kind, _data(v)] for v in key.values.values()]}


def _data(value: Value) -> Any:
    if isinstance(value.data, int):
        bits = 64 if value.kind == "QWord" else 32
        number = (value.data + 2 ** (bits - 1)) % 2**bits - 2 ** (bits - 1)
        return types.PSInt64(number) if bits == 64 else types.PSInt(number)
    return b"" if value.data is None else value.data


def _address(index: int, address: str) -> dict[str, Any]:
    """Link-local addresses carry the interface, as Get-NetIPAddress shows them."""
    ip, _, length = address.partition("/")
    scope = f"%{index}" if ip.lower().startswith("fe80:") else ""
    return {"InterfaceIndex": index, "IPAddress": ip + scope, "PrefixLength": int(length)}
