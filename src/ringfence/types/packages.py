"""Packages of apps: the name of a family, and the SID of the app container that it gives."""

import hashlib
import re
import struct
from typing import Any

from ringfence.types.base import CaseInsensitive, PropertyType, as_text, quoted

_FAMILY = re.compile("[a-z0-9.-]{3,50}_[a-hjkmnp-tv-z0-9]{13}", re.I)  # name and publisher id (MSIX, "package identity")


def _family(value: Any) -> CaseInsensitive | None:
    name = as_text(value)
    if name.casefold() == "any":
        return None
    if not _FAMILY.fullmatch(name):
        raise ValueError(f"{quoted(value)} is not the name of a package family like Contoso.App_8wekyb3d8bbwe")
    return CaseInsensitive(name)


def package_sid(family: str) -> str:
    """The SID of the app container of a package family: S-1-15-2 and seven numbers of the hash of its name.

    SHA-256 of the lower-case name in UTF-16, as DeriveAppContainerSidFromAppContainerName does; real rules of one app, which
    name both, agree. It is another condition than the family: programs of the package that run outside of an app container
    do not have this SID.
    """
    digest = hashlib.sha256(family.lower().encode("utf-16-le")).digest()
    return "S-1-15-2-" + "-".join(map(str, struct.unpack("<7I", digest[:28])))


PACKAGE_FAMILY = PropertyType(
    "the name of a package family", _family, {"type": "string"}, lambda v: str(v) if v else "Any",
    sample="Contoso.App_8wekyb3d8bbwe",
    instead=lambda v: f"`package: {package_sid(v)}` means the app container of that package, not its other programs")
