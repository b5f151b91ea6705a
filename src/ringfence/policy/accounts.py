"""Which groups an account is in, as far as documents say so for every host: [MS-DTYP] 2.4.2.4, "Well-known security identifiers",
"LocalSystem Account", "LocalService Account", "NetworkService Account". Of other groups only the host, or its domain, knows the
members."""

import re

EVERYONE, _AUTHENTICATED, _ADMINISTRATORS, _SERVICE = "S-1-1-0", "S-1-5-11", "S-1-5-32-544", "S-1-5-6"
_SYSTEM, _SERVICES = "S-1-5-18", ("S-1-5-19", "S-1-5-20")  # of LocalSystem; LocalService and NetworkService
_IS_ACCOUNT = re.compile(r"S-1-5-(7|18|19|20|21-\d+-\d+-\d+-50[0-2])")  # each one account, of whatever domain, and no group
_USER = re.compile(r"S-1-5-21-\d+-\d+-\d+-\d+")
_GUEST = "-501"
_OF_SERVICES = "S-1-5-80-"  # of services, which run under accounts of their own beside these


def is_member(account: str | None, trustee: str, of_domain: bool = False) -> bool | None:
    """Whether an account is one that an entry of a list is for, or in that group; None where nobody here knows. account: its SID,
    None where it is not known · of_domain: whether the entry is for an account or a group of a domain, and none of the machine's
    own: accounts of services are the machine's, and are in no group of a domain (in one the machine is, as which they go out)."""
    group = trustee.upper()
    if group == EVERYONE:
        return True
    if account is None:
        return None
    mine = account.upper()
    if mine == group:
        return True
    if _IS_ACCOUNT.fullmatch(group):
        return False
    if group.startswith(_OF_SERVICES):
        return None
    if mine == _SYSTEM:
        return group in (_AUTHENTICATED, _ADMINISTRATORS)
    if group == _AUTHENTICATED and _USER.fullmatch(mine):
        return not mine.endswith(_GUEST)
    if mine in _SERVICES and of_domain:
        return False
    return True if mine in _SERVICES and group in (_AUTHENTICATED, _SERVICE) else None
