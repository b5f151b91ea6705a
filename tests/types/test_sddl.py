"""Security descriptors of rules: one canonical form, nothing lost, no text that takes for ever to refuse."""

import pickle
import time

import pytest
from chance import by_chance
from core import cases
from hypothesis import given
from hypothesis import strategies as st

from ringfence.codecs.tokens import Text, TextOrBase64
from ringfence.types import sddl, well_known_accounts

NAMES = ["CORP\\Finance Servers", "corp\\admins", "user@corp.example"]
SIDS = {"corp\\finance servers": "S-1-5-21-1-2-3-1104", "corp\\admins": "S-1-5-21-1-2-3-512", "user@corp.example": "S-1-5-21-9"}


def test_accounts_wait_for_the_host_and_become_sids() -> None:
    value = sddl.parse([*NAMES, "S-1-5-11"])
    assert value is not None
    assert sorted(sddl.host_names(value)) == sorted(NAMES)
    bound = sddl.bound(value, SIDS)
    assert sddl.host_names(bound) == ()
    assert bound == sddl.parse([*SIDS.values(), "S-1-5-11"])


def test_bound_descriptors_are_canonical_whatever_order_the_names_had() -> None:
    """Names sort otherwise than their SIDs; two names of one account are one entry."""
    one, two = (sddl.parse(names) for names in (["B\\x", "A\\x", "a\\y"], ["a\\y", "A\\x", "B\\x"]))
    sids = {"a\\x": "S-1-5-9", "b\\x": "S-1-5-10", "a\\y": "S-1-5-9"}
    assert one == two
    assert sddl.bound(str(one), sids) == "D:(A;;CC;;;S-1-5-10)(A;;CC;;;S-1-5-9)"


def test_names_that_are_not_known_stay_unbound() -> None:
    assert sddl.host_names(sddl.bound("D:(A;;CC;;;<CORP\\nobody>)", SIDS)) == ("CORP\\nobody",)


def test_nothing_has_no_names() -> None:
    assert sddl.host_names(None) == ()


def test_an_owner_is_bound_too() -> None:
    owner = sddl.parse_owner("CORP\\admins")
    assert sddl.host_names(owner) == ("CORP\\admins",)
    assert sddl.bound(str(owner), SIDS) == "S-1-5-21-1-2-3-512"


def test_less_than_in_a_condition_is_not_an_account() -> None:
    text = 'D:(XA;;CC;;;S-1-1-0;((@User.Level < 5) && (@User.Level > 2)))'
    assert sddl.host_names(sddl.parse(text, conditional=True)) == ()
    assert sddl.bound(text, {" 5) && (@user.level ": "S-1-1"}) == text


def test_every_well_known_name_is_the_sid_of_the_specification() -> None:
    table = {letters: sid for _, letters, sid in cases("sddl_names")}
    for letters, sid in table.items():
        for spelling in (letters, letters.lower()):
            assert sddl.canonical(f"D:(A;;CC;;;{spelling})") == f"D:(A;;CC;;;{sid})"
    assert set(sddl.WELL_KNOWN) == set(table)


@pytest.mark.parametrize(("constant", "name", "sid"), cases("well_known_accounts"))
def test_well_known_names_are_sids_without_a_host(constant: str, name: str, sid: str) -> None:
    for spelling in (name, name.lower(), name.upper()):
        assert sddl.parse([spelling]) == f"D:(A;;CC;;;{sid})", constant
        assert sddl.parse_owner(spelling) == sid


def test_every_well_known_name_has_a_case() -> None:
    assert set(well_known_accounts.SIDS) == {name.casefold() for _, name, _ in cases("well_known_accounts")}


@pytest.mark.parametrize("name", ["Administrators", "SYSTEM", r"BUILTIN\Account Operators", r"CORP\Administrators", "Jeder"])
def test_names_that_may_be_somebody_elses_are_the_hosts_to_translate(name: str) -> None:
    """Without an authority a group of a domain may be meant; some groups only domain controllers have."""
    assert sddl.host_names(sddl.parse(name)) == (name,)


def test_the_place_of_a_denial_counts() -> None:
    """Entries count in their order: behind one that allows everybody a denial has no effect."""
    denied = "D:(D;;CC;;;S-1-5-11)(A;;CC;;;S-1-1-0)"
    allowed = "D:(A;;CC;;;S-1-1-0)(D;;CC;;;S-1-5-11)"
    assert (sddl.canonical(denied), sddl.canonical(allowed)) == (denied, allowed)
    assert sddl.canonical(denied) != sddl.canonical(allowed)
    twice = "D:(D;;CC;;;S-1-5-9)(A;;CC;;;S-1-1-0)(D;;CC;;;S-1-5-11)"
    assert sddl.canonical(twice) == twice


EQUAL = [  # [MS-DTYP] 2.4.4.1, 2.4.6, 2.5.1.1, 2.5.3.2
    ["D:(A;;CC;;;S-1-5-11)", "O:LSD:(A;;CC;;;AU)", "O:S-1-5-19G:SYD:(A;;0x1;;;au)", "D:P(A;;CC;;;AU)", "D:AI(A;;CC;;;AU)",
     "D:PAI(A;;CC;;;AU)", "D:AIARP(A;;CC;;;AU)", "D:(A;OI;CC;;;AU)", "D:(A;CIOIID;CC;;;AU)(A;NP;CC;;;S-1-5-11)"],
    ["D:(A;IO;CC;;;S-1-5-11)", "D:(A;IOCI;CC;;;AU)", "D:(A;OICIIO;CC;;;AU)"],
    ["D:(A;CRFAIOSATP;CC;;;S-1-5-11)", "D:(A;TPSAIOFACR;CC;;;AU)", "D:(A;IOTPOICRSACIFA;CC;;;AU)"],
    ["D:(A;OIC;CC;;;S-1-5-11)"],  # half of a flag is none, and nothing is left out of what nobody understands
    ["D:(D;;CC;;;S-1-5-11)(D;;CC;;;S-1-5-9)(A;;CC;;;S-1-1-0)", "D:(D;;CC;;;AU)(D;;CC;;;ED)(D;;CC;;;AU)(A;;CC;;;WD)"],
    ["D:(D;;CC;;;S-1-5-11)(A;;CC;;;S-1-1-0)(D;;CC;;;S-1-5-9)"],
    ["D:(A;;CC;;;S-1-5-7)", "D:(A;;CC;;;S-1-5-0x7)", "D:(A;;CC;;;s-1-0X5-0007)", "D:(A;;CC;;;S-1-000000000005-7)"],
    ["D:(A;;CC;;;S-1-0x100000000000-1)", "D:(A;;CC;;;S-1-17592186044416-0x1)"],
    # the greatest numbers that a SID has, and the authority from which on it is written in hexadecimal
    ["D:(A;;CC;;;S-1-5-4294967295)", "D:(A;;CC;;;S-1-5-0xffffffff)"],
    ["D:(A;;CC;;;S-1-4294967295-1)", "D:(A;;CC;;;S-1-0xFFFFFFFF-1)"],
    ["D:(A;;CC;;;S-1-0x000100000000-1)", "D:(A;;CC;;;S-1-4294967296-1)"],
    ["D:(A;;CC;;;S-1-0xffffffffffff-1)", "D:(A;;CC;;;S-1-281474976710655-1)"],
    # numbers that no SID has stay as they are
    ["D:(A;;CC;;;S-1-5-4294967296)"], ["D:(A;;CC;;;S-1-0x1000000000000-1)"], ["D:(A;;CC;;;S-1-5-21-04294967296)"],
    ["D:(A;;CC;;;S-1-0x01000000000000-1)"],
    ["D:(A;;CC;;;DA)"], ["D:(A;;CC;;;S-1-5-21-1-2-3-512)"],
    ["D:(A;;CC;bf967aba-0de6-11d0-a285-00aa003049e2;;S-1-5-11)"]]


def test_one_meaning_is_one_form_and_another_is_another() -> None:
    for first, *others in EQUAL:
        assert {str(sddl.canonical(text)) for text in (first, *others)} == {first}
    assert len({sddl.canonical(first) for first, *_ in EQUAL}) == len(EQUAL)


@pytest.mark.parametrize("text", [text for same in EQUAL for text in same if ";bf967aba" not in text])
def test_a_descriptor_is_written_as_it_was_said(text: str) -> None:
    """Compared by what it means, in a copy that went to another process too."""
    said = sddl.parse(f" {text} ")
    assert said is not None
    for value in (said, pickle.loads(pickle.dumps(said)), sddl.bound(said, {})):
        assert value == sddl.canonical(text)
        assert sddl.SDDL.to_parameter(value) == text
        assert list(Text("RUAuth").write(value)) == [f"RUAuth={text}"]
        assert list(TextOrBase64("LUAuth", "LUAuth2_24", sddl.canonical).write(value)) == [f"LUAuth={text}"]


def test_an_account_in_another_spelling_is_that_account() -> None:
    """[MS-DTYP] 2.4.2.1: without a list around it, and where a rule has it alone, too."""
    for spelling in ("S-1-5-11", "s-1-5-011", "S-1-0x5-0xb", "S-1-5-0XB"):
        assert sddl.parse(spelling) == "D:(A;;CC;;;S-1-5-11)"
        assert sddl.parse_owner(spelling) == Text("LUOwn", sddl.stored_sid).read((f"LUOwn={spelling}",))[0][0] == "S-1-5-11"
        assert list(Text("LUOwn").write(sddl.stored_sid(spelling))) == [f"LUOwn={spelling}"]
    assert sddl.parse_package("S-1-0xF-02-1") == sddl.stored_sid("S-1-15-0x2-1") == "S-1-15-2-1"
    assert sddl.stored_sid("S-1-5-" + "9" * 5000) == "S-1-5-" + "9" * 5000
    assert sddl.canonical_sid("S-1-5-" + "0" * 5000 + "1") == "S-1-5-1"  # Python reads no number of so many digits


def test_an_account_of_a_rule_stands_between_spaces_or_is_a_word_of_the_cmdlet() -> None:
    """Spaces around it mean nothing. `Any` is how people say that there is none: in a rule it is no account that anybody
    understands, and neither are spaces alone."""
    assert Text("LUOwn", sddl.stored_sid).read(("LUOwn= S-1-5-011 ",))[0][0] == "S-1-5-11"
    for word in ("Any", "any", " ANY ", " ", "\u3000"):
        assert Text("LUOwn", sddl.stored_sid).read((f"LUOwn={word}",)) == ((None,), (f"LUOwn={word}",))


def test_letter_case_of_names_makes_no_other_list() -> None:
    """Neither another order nor an entry more."""
    assert sddl.parse([r"CORP\b", r"CORP\A"]) == sddl.parse([r"CORP\B", r"CORP\a"])
    assert sddl.parse([r"CORP\b", r"corp\B"]) == sddl.parse(r"CORP\B")


def test_names_in_what_was_said_become_sids_too() -> None:
    said = sddl.parse(r"O:LSD:PAI(A;;CC;;;<corp\admins>)(D;;CC;;;<user@corp.example>)")
    assert said is not None
    bound = sddl.bound(said, SIDS)
    assert bound == "D:(A;;CC;;;S-1-5-21-1-2-3-512)(D;;CC;;;S-1-5-21-9)"
    assert sddl.SDDL.to_parameter(bound) == "O:LSD:PAI(A;;CC;;;S-1-5-21-1-2-3-512)(D;;CC;;;S-1-5-21-9)"


def test_another_right_is_another_list() -> None:
    """A rule that has one is not the rule that people declare."""
    for right in ("GA", "0x10000000", "CCDC", ""):
        assert sddl.canonical(f"D:(A;;{right};;;AU)") == f"D:(A;;{right};;;S-1-5-11)"


def test_what_is_no_flag_of_a_list_is_refused() -> None:
    with pytest.raises(ValueError, match=r"NO.* is no flag"):
        sddl.canonical("D:NO(A;;CC;;;AU)")


def test_spaces_around_the_fields_of_an_entry_mean_nothing() -> None:
    """Nor those between entries; and such a list is not refused."""
    assert sddl.parse("D:( A ; ; 0x1 ; ; ; AU )") == "D:(A;;CC;;;S-1-5-11)"
    assert sddl.parse("D:(A;;CC;;;AU) (A;;CC;;;SY)") == "D:(A;;CC;;;S-1-5-11)(A;;CC;;;S-1-5-18)"


def test_windows_limits() -> None:
    long = "D:" + "(A;;CC;;;S-1-5-21-1-2-3-4)" * 400
    assert "more than 9999" in sddl.check(long)
    assert sddl.check("D:(A;;CC;;;S-1-5-11)(D;;0x1;;;SY)") == ""
    assert sddl.check("D:(XA;;CC;;;WD;(x))", conditional=True) == ""
    assert "has a condition" in sddl.check("D:(XA;;CC;;;WD;(x))")
    assert "neither an allow nor a deny" in sddl.check("D:(OA;;CC;;;S-1-5-11)")
    with pytest.raises(ValueError, match="more than 9999"):  # what is written is what was said, though it means one entry
        sddl.parse("D:" + "(A;;CC;;;AU)" * 1000)


@pytest.mark.parametrize("text", [
    "D:" + "(A)" * 3000 + "!", "D:" + "(" * 50_000, "O:" + "G:" * 20_000, "D:" + "()" * 20_000, "D:" + "A" * 100_000,
    "D:(" + "(a)(" * 10_000, "O:SYG:SYD:" * 5_000,
])
def test_hostile_descriptors_are_refused_at_once(text: str) -> None:
    """A host may store anything; matching it must not take exponential time."""
    start = time.perf_counter()
    with pytest.raises(ValueError, match=r"."):
        sddl.canonical(text)
    assert time.perf_counter() - start < 1


def test_more_accounts_than_a_list_can_hold_are_refused_before_windows_does() -> None:
    """[MS-FASP] 2.2.37: no more than 9,999 characters. Of the shortest SID there is, 588 fit."""
    accounts = [f"S-1-1-{i:x}" for i in range(589)]
    assert len(sddl.parse(accounts[:588]) or "") > sddl.MAX_DESCRIPTOR - len("(A;;CC;;;S-1-1-0)")
    with pytest.raises(ValueError, match=r"589 accounts make a list of more than 9999 characters.* name a group"):
        sddl.parse(accounts)
    assert sddl.parse(["SYSTEM"] * 1000) == sddl.parse("SYSTEM")
    assert len(sddl.host_names(sddl.parse([rf"CORP\A group with a long name {i:080}" for i in range(500)]))) == 500
    with pytest.raises(ValueError, match="not a security descriptor"):
        sddl.canonical("D:" + "(A;;CC;;;WD)" * 10_000)


TRUSTEE = st.sampled_from([*sddl.WELL_KNOWN, *sddl.WELL_KNOWN.values(), "S-1-5-21-1-2-3-500", "DA"])
ACE = st.tuples(st.sampled_from(["A", "D", "a"]), st.sampled_from(["CC", "0x1", "cc"]), TRUSTEE)
ACES = st.lists(ACE, min_size=1, max_size=5)


@by_chance(100)
@given(ACES, st.sampled_from(["", "O:LS", "O:SYG:SY", "o:S-1-5-18"]))
def test_canonical_form_is_a_fixpoint_and_forgets_spelling(aces: list[tuple[str, str, str]], owner: str) -> None:
    canonical = sddl.canonical(f"{owner}D:" + "".join(f"({k};;{r};;;{t})" for k, r, t in aces))
    assert sddl.canonical(canonical) == canonical
    assert sddl.canonical(canonical.lower()) == canonical
    assert sddl.check(canonical) == ""
    if all(kind in "Aa" for kind, _, _ in aces):
        assert sddl.canonical("D:" + "".join(f"(A;;CC;;;{t})" for _, _, t in reversed(aces))) == canonical


@by_chance(200)
@given(st.one_of(st.text(max_size=60), st.from_regex(r"[OGDS:();ACS<>1-]{0,40}", fullmatch=True)))
def test_any_text_is_canonical_or_refused(text: str) -> None:
    try:
        canonical = sddl.canonical(text)
    except ValueError:
        return
    assert sddl.canonical(canonical) == canonical
    sddl.check(canonical)
