"""Whose an object on a host is: who put it there, as far as its store, its name and its texts tell. Pure, and the one place.

What decides, the first that is true:

0. the ledgers of projects on the host (model/ledger.py), where they were read;
1. the store: Group Policy and MDM bring what is in theirs, Windows ships the static restrictions of services (stores:
   New-NetFirewallRule, -PolicyStore);
2. its name is in the host's own table of what Windows ships (defaults.py; the DefaultsStore of [MS-FASP] 3.1.1): `windows`, or
   `windows_changed` where it is not as shipped. What is a part of Windows, as profiles are, is judged so by any name;
3. a package: its SID or family name (AppPkgId: [MS-GPFAS] 2.2.2.19; PFN: [MS-FASP] FW_RULE), or a text of one,
   `@{FULL-NAME?ms-resource:…}`;
4. texts of a file, `@FILE,-ID` ([MS-GPFAS] 2.2.2.19 has Name, Desc and EmbedCtxt as such): of Windows' own files
   `windows_feature`, of others `vendor`;
5. an owner (LUOwn, [MS-GPFAS] 2.2.2.19): `user`; so is the form of name that the prompt of Windows gives its rules;
6. else `other`: an administrator, or an installer that writes as one.

4 rests on a form of text, and anybody may write such a text: `windows_feature` is therefore no proof, and a word of its own.
Windows looks for a file without a folder where its own are, and all of 2,255 such texts in real exports are of Windows. The
name of the prompt's rules (`TCP Query User{GUID}PATH`) is counted in real exports; no document was found that names it.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from ringfence.model.ledger import Ledger
from ringfence.model.resource import Resource
from ringfence.model.state import GROUP_POLICY, MDM, Id, State

STATIC_SERVICE, CONFIGURABLE_SERVICE, APP_ISOLATION = "static_service", "configurable_service", "app_isolation"
"""Stores of restrictions: of Windows' services, of others', of app packages."""
ORIGINS = {  # name -> in words, in the order in which they are shown
    "project": "this project",
    "other_project": "another project",
    "windows": "Windows, as it ships",
    "windows_changed": "Windows, changed since",
    "windows_feature": "a feature of Windows, or what claims to be",
    "package": "an app package",
    "vendor": "a vendor's program",
    "user": "a user",
    "other": "an administrator, or an installer",
    "group_policy": "Group Policy",
    "mdm": "device management (MDM)",
}
TEXT_PROPERTIES = ("display_name", "group", "description")  # Name, EmbedCtxt and Desc
TEXT_OF_PACKAGE = re.compile(r"@\{(?P<name>[^_?}]{1,200})_[^?}]{0,200}_(?P<publisher>[^_?}]{1,50})\?", re.I)
TEXT_OF_FILE = re.compile(r"@(?P<file>[^{,|][^,|]{0,500}),-\d{1,9}")
OF_WINDOWS = re.compile(r"[^\\/:%]+|(%systemroot%|%windir%|\\systemroot|[a-z]:\\windows)\\.*", re.I)
_OF_THE_PROMPT = re.compile(r"(TCP|UDP) Query User\{[0-9a-f-]{36}\}", re.I)


@dataclass(frozen=True, slots=True)
class Origin:
    """A row of ORIGINS, and whose: the family name or SID of a package, the SID of an owner, the file of a vendor, the name of
    another project, how this one came to it."""

    name: str
    of: str = ""

    @property
    def is_windows(self) -> bool:
        """Whether Windows brought it, or it looks so."""
        return self.name.startswith("windows")


def origin_of(id: Id, resource: Resource, shipped: State, ledger: Ledger | None = None) -> Origin:
    """Whose an object is. `shipped`: what Windows ships on that host (Defaults.state); may be empty."""
    if ledger and (entry := ledger.owned(id, resource)) and entry.how != "mentioned":
        return Origin("project", entry.how)
    if ledger and (other := ledger.foreign.get(id)):
        return Origin("other_project", other)
    if id.store in (GROUP_POLICY, MDM):
        return Origin(id.store)
    if id.store == STATIC_SERVICE:
        return Origin("windows")
    default = shipped.get(id)
    if default is not None or not resource.kind.storage.removable:
        return Origin("windows" if default is None or default.in_effect() == resource.in_effect() else "windows_changed")
    found = (rule(resource) for rule in _BY_CONTENT)
    return next((origin for origin in found if origin), Origin("other"))


def _texts(resource: Resource) -> Iterator[str]:
    """The texts of an object; those that stand in a file or a package of the host are `@…`."""
    return (str(value) for name in TEXT_PROPERTIES if (value := getattr(resource, name, None)))


def _package(resource: Resource) -> Origin | None:
    text = next((m for t in _texts(resource) if (m := TEXT_OF_PACKAGE.match(t))), None)
    family = _value(resource, "package_family_name", "PFN") or (f"{text['name']}_{text['publisher']}" if text else "")
    found = family or _value(resource, "package", "AppPkgId")
    return Origin("package", found.lower() if family else found) if found else None


def _file(resource: Resource) -> Origin | None:
    for text in _texts(resource):
        if match := TEXT_OF_FILE.fullmatch(text):
            return Origin("windows_feature") if OF_WINDOWS.fullmatch(match["file"]) else Origin("vendor", match["file"])
    return None


def _owner(resource: Resource) -> Origin | None:
    owner = _value(resource, "owner", "LUOwn")
    return Origin("user", owner) if owner or _OF_THE_PROMPT.match(resource.name) else None


_BY_CONTENT: tuple[Callable[[Resource], Origin | None], ...] = (_package, _file, _owner)


def _value(resource: Resource, property: str, token: str) -> str:
    """A property as text; where a kind has none of that name, or did not understand it, the token as it stands."""
    value: Any = getattr(resource, property, None)
    told = (t.partition("=")[2] for t in resource.unknown_tokens if t.lower().startswith(f"{token.lower()}="))
    return str(value) if value else next(told, "")
