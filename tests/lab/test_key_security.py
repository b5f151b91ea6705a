"""Owners and DACLs of the lab's registry keys: read from SDDL, handed down, and what they let whom do."""

import pytest

from ringfence.lab import machine
from ringfence.lab.registry.key_security import SOFTWARE_SECURITY, KeySecurity

PRIVATE = "O:BAD:P(A;CI;KA;;;SY)(A;CI;KA;;;BA)"
USERS, EVERYONE = "S-1-5-32-545", "S-1-1-0"


@pytest.mark.parametrize("text", [PRIVATE, "O:SYD:", "O:S-1-5-21-1-2-3-500D:PAI(D;CIIO;CCDC;;;BU)(A;;0x20019;;;WD)",
                                  SOFTWARE_SECURITY.text()])
def test_a_descriptor_is_written_as_it_was_read(text: str) -> None:
    assert KeySecurity.parse(text).text() == text


@pytest.mark.parametrize("text", ["", "D:P(A;CI;KA;;;SY)", "O:BA", "O:BAD:P(A;CI;KA;;;SY", "O:BAD:P(AU;CI;KA;;;SY)",
                                  "O:BAD:(A;CI;KA;0-0;;SY)", "O:BAD:(A;CI;KA;;;SY)x"])
def test_what_is_no_owner_and_dacl(text: str) -> None:
    with pytest.raises(ValueError, match="no owner and DACL"):
        KeySecurity.parse(text)


@pytest.mark.parametrize(("entries", "writers"), [
    ("", []), ("(A;CI;KR;;;BU)", []), ("(A;;KX;;;BU)", []), ("(A;;GR;;;BU)", []), ("(A;;CCSWRPRC;;;BU)", []),
    ("(D;CI;KA;;;BU)", []), ("(A;;0x2001F;;;BU)", [USERS]), *((f"(A;CI;{right};;;BU)", [USERS]) for right in (
        "KA", "KW", "GA", "GW", "DC", "LC", "WP", "SD", "WD", "WO", "0x2", "0x40000")),
    ("(A;CIIO;KA;;;WD)(A;;DC;;;BU)(A;;LC;;;BU)", [EVERYONE, USERS])])
def test_who_may_write(entries: str, writers: list[str]) -> None:
    """The owner may always: he may change the DACL."""
    assert KeySecurity.parse(f"O:SYD:P{entries}").writers() == ["S-1-5-18", *writers]


@pytest.mark.parametrize(("entries", "reads"), [
    ("", False), ("(A;;KR;;;BU)", True), ("(A;CIIO;KR;;;BU)", False), ("(D;;KR;;;WD)(A;;KA;;;BU)", False),
    ("(A;;KA;;;BU)(D;;KR;;;WD)", True), ("(A;;KA;;;BA)", False), ("(A;;GR;;;WD)", True), ("(A;;DC;;;BU)", False)])
def test_who_may_read(entries: str, reads: bool) -> None:
    assert KeySecurity.parse(f"O:BAD:{entries}").shows_to(frozenset((USERS, EVERYONE))) is reads


def test_what_keys_hand_down() -> None:
    """Only what containers inherit; the creator becomes the owner of what he made."""
    above = KeySecurity.parse("O:SYD:P(A;CIIO;KA;;;CO)(A;CI;KA;;;SY)(A;;KA;;;BU)(D;CI;KR;;;WD)")
    assert above.handed_down("BA").text() == "O:BAD:AI(A;ID;KA;;;BA)(A;CIIOID;KA;;;CO)(A;CIID;KA;;;SY)(D;CIID;KR;;;WD)"


def test_a_key_of_its_own_and_those_below() -> None:
    registry = machine("HOST1").registry
    registry.create(r"SOFTWARE\one").sddl = PRIVATE
    registry.create(r"SOFTWARE\one\two")
    registry.create(r"SOFTWARE\three")
    assert registry.security(r"software\ONE").text() == PRIVATE
    assert registry.security(r"SOFTWARE\one\two").text() == "O:BAD:AI(A;CIID;KA;;;SY)(A;CIID;KA;;;BA)"
    assert registry.security(r"SOFTWARE\three").shows_to(frozenset((USERS,)))
    assert set(registry.security(r"SOFTWARE\three").writers()) == {"S-1-5-32-544", "S-1-5-18", "S-1-3-0"}
