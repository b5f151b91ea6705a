"""Authentication and crypto sets as the registry keeps them ([MS-GPFAS] 2.2.4, 2.2.5): the opposite of SetKeys.read.

Hosts are written by cmdlets alone; this serves round trips in tests, and exports.
"""

from typing import Any

from ringfence.model.resource import Kind, Resource
from ringfence.model.storage import SetKeys
from ringfence.types.base import SECRET

SCHEMA_VERSION = "2.20"  # the schema that knows every value which is written here
SKIPPED_BY = {"2_1Hash": "2.0", "2_1Encryption": "2.0", "2_1AhHash": "2.0", "2_1EspHash": "2.0", "2_16KeyExchange": "2.10",
              "OtherCertSigning": "2.0", "IntermediateCA": "2.8", "2_9Protocol": "2.9", "CertCriteria": "2.10",
              "AllowProxy": "2.10"}
"""SkipVersion to write: schema versions up to this one do not know the value and must skip the proposal."""

RegistryRows = list[list[Any]]  # of a Policy.Read: [path, [[name, type, data], …]]


def write(resource: Resource) -> RegistryRows:
    """The rows of one set as a Policy.Read has them. A pre-shared key is left out: it only goes through the cmdlet."""
    storage = resource.kind.storage
    assert isinstance(storage, SetKeys)
    path = f"{storage.subkeys[-1]}\\{storage.cmdlet_name(resource.name)}"
    rows: RegistryRows = [[path, [["Version", "String", SCHEMA_VERSION], *_values(resource.kind, resource)]]]
    for p in resource.kind.proposals:
        for number, member in enumerate(getattr(resource, p.name)):
            rows.append([f"{path}\\{number:04}", _values(member.kind, member)])
    return rows


def _values(kind: Kind, resource: Resource) -> list[list[str]]:
    values = {p.name: None if p.type is SECRET else getattr(resource, p.name) for p in kind.properties.values()}
    pieces = [p.partition("=") for p in kind.codec.write_pieces(values, resource.unknown_tokens)]
    skip = max((SKIPPED_BY[n] for n, _, _ in pieces if n in SKIPPED_BY), key=_numbers, default="")
    return [[n, "String", d] for n, _, d in pieces] + ([["SkipVersion", "String", skip]] if skip else [])


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))
