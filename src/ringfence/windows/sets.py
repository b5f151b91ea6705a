"""Authentication and crypto sets: keys of a registry tree <-> resources ([MS-GPFAS] 2.2.4, 2.2.5).

    Phase1AuthenticationSets\\{9323C5D2-…}         Version=2.30, Name=…
    Phase1AuthenticationSets\\{9323C5D2-…}\\0000    Method=MachineCert, CAName=…, SkipVersion=2.0

Every value is REG_SZ, numbers too. The default set has a fixed id. Group Policy stores it under another id: a value of
the parent key, named by the fixed id, tells it. Here it is `default` in both cases.
"""

from collections.abc import Iterator
from typing import Any

from ringfence.codecs.registry import RegistryTree
from ringfence.model.resource import Kind, Property, Resource
from ringfence.model.storage import DEFAULT, SetKeys
from ringfence.secret import Secret, SecretDigest
from ringfence.types.base import SECRET, CaseInsensitive

WRITERS = {"version", "skipversion"}  # who wrote it and who may skip it: nothing that a person declares
VERSION = "2.20"  # the schema that knows every value which is written here
SKIPPED_BY = {"2_1Hash": "2.0", "2_1Encryption": "2.0", "2_1AhHash": "2.0", "2_1EspHash": "2.0", "2_16KeyExchange": "2.10",
              "OtherCertSigning": "2.0", "IntermediateCA": "2.8", "2_9Protocol": "2.9", "CertCriteria": "2.10",
              "AllowProxy": "2.10"}
"""The last version that does not know a value and has to skip its proposal ([MS-GPFAS] 2.2.4, 2.2.5)."""

Rows = list[list[Any]]  # of a Policy.Read: [path, [[name, type, data], …]]


def key_of(kind: Kind, resource: Resource) -> str:
    """The id under which the local store holds a set."""
    assert isinstance(kind.storage, SetKeys)
    return kind.storage.primary if resource.name == DEFAULT else resource.name


def read(kind: Kind, tree: RegistryTree, key: bytes) -> Iterator[Resource]:
    """The sets of one kind in a store. `key` is that of the batch which read it: secrets are known by their HMAC."""
    assert isinstance(kind.storage, SetKeys)
    seen = set[str]()
    for parent in (k.lower() for k in kind.storage.subkeys):
        default = default_set_id(kind, tree, parent)
        for path in [p for p in tree if p.startswith(parent + "\\") and p.count("\\") == 1]:
            id = tree.spelled[path].rpartition("\\")[2]
            name = DEFAULT if id.lower() in (kind.storage.primary.lower(), default.lower()) else id
            if name.lower() not in seen:
                seen.add(name.lower())
                yield _set(kind, name, tree, path, key)


def default_set_id(kind: Kind, tree: RegistryTree, parent: str) -> str:
    """The id under which Group Policy stores the default set, or nothing."""
    assert isinstance(kind.storage, SetKeys)
    found = (data for name, (_, data) in tree.get(parent, {}).items() if name.lower() == kind.storage.primary.lower())
    return next((str(d) for d in found), "")


def _set(kind: Kind, name: str, tree: RegistryTree, path: str, key: bytes) -> Resource:
    values, extra = kind.codec.read_pieces(_pieces(tree.get(path, {})))
    for p in kind.proposals:
        assert p.proposal is not None
        below = sorted(k for k in tree if k.startswith(path + "\\") and k.count("\\") == 2)
        values[p.name] = tuple(_part(p.proposal.kind, tree[k], key) for k in below)
    return kind.create(name, values, extra)


def _pieces(values: dict[str, tuple[str, Any]]) -> Iterator[str]:
    for name, (_, data) in values.items():
        if name and name.lower() not in WRITERS:
            yield f"{name}={data}"


def _part(kind: Kind, stored: dict[str, tuple[str, Any]], key: bytes) -> Resource:
    values, extra = kind.codec.read_pieces(_pieces(stored))
    hashed = any(type == "Hmac" for type, _ in stored.values())
    for p in kind.properties.values():
        if p.type is SECRET and values.get(p.name) is not None:
            values[p.name] = SecretDigest(values[p.name], key) if hashed else Secret(values[p.name])
    return kind.create("", values, extra)


def write(kind: Kind, resource: Resource) -> Rows:
    """The rows of one set as a Policy.Read has them. A pre-shared key is left out: it only goes through the cmdlet."""
    assert isinstance(kind.storage, SetKeys)
    path = f"{kind.storage.subkeys[-1]}\\{key_of(kind, resource)}"
    rows: Rows = [[path, [["Version", "String", VERSION], *_values(kind, resource)]]]
    for p in kind.proposals:
        for number, one in enumerate(getattr(resource, p.name)):
            rows.append([f"{path}\\{number:04}", _values(one.kind, one)])
    return rows


def _values(kind: Kind, resource: Resource) -> list[list[str]]:
    said = {p.name: None if _secret(p) else getattr(resource, p.name) for p in kind.properties.values()}
    pieces = [p.partition("=") for p in kind.codec.write_pieces(said, resource.unknown_tokens)]
    skip = max((SKIPPED_BY[n] for n, _, _ in pieces if n in SKIPPED_BY), key=_number, default="")
    return [[n, "String", d] for n, _, d in pieces] + ([["SkipVersion", "String", skip]] if skip else [])


def _number(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


def _secret(p: Property) -> bool:
    return p.type is SECRET


def with_default_set(resource: Resource, ids: dict[str, set[str]]) -> Resource:
    """A rule that names a default set by the id under which Group Policy keeps it names `default`. `ids` by kind."""
    values = {p.name: CaseInsensitive(DEFAULT) for p in resource.kind.references
              if str(getattr(resource, p.name)).lower() in ids.get(p.references, ())}
    return resource.replace(**values) if values else resource
