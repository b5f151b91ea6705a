"""Whether a descriptor grants a token the right to match: [MS-DTYP] 2.5.1.1 and 2.5.3.2, "AppContainer Isolation"."""

import pytest

from ringfence.model.wfp import NO_PACKAGE
from ringfence.policy.access_check import granted

USER, APP, CAPABILITY = "S-1-5-21-1-2-3-1105", "S-1-15-2-7", "S-1-15-3-1"
TOKEN = frozenset({"S-1-1-0", USER})
FAMILY = '(WIN://SYSAPPID Contains "A.App_1")'


@pytest.mark.parametrize(("descriptor", "result"), [
    (f"D:(A;;CC;;;{USER})", True), (f"D:(a;;cc;;;{USER.lower()})", True), ("D:(a;;cc;;;wd)", True), ("D:(A;;CC;;;SY)", False),
    (f"D:(d;;cc;;;{USER})(A;;CC;;;WD)", False), (f"D:(A;;CC;;;WD)(D;;CC;;;{USER})", True), ("D:", False),
    ("D:(A;io;CC;;;WD)", False),
    ("D:(A;CIIO;CC;;;WD)", False), (f"O:SYG:SYD:P(A;;CC;;;{USER})S:(ML;;NW;;;LW)", True), ("O:SYG:SY", "what O:SYG:SY grants"),
    ("D:NO_ACCESS_CONTROL", "what D:NO_ACCESS_CONTROL grants"), ("D:(OA;;CC;;;WD)", "what D:(OA;;CC;;;WD) grants"),
    ("D:(A)", False),
    *((f"D:(A;;{rights};;;WD)", True) for rights in ("0x1", "0X3", "0x80000001", "CCRC", "RCCC", "rccc", "GA", "FA", "KA", "ga")),
    *((f"D:(A;;{rights};;;WD)", False) for rights in ("0x2", "0x0", "0xG1", "DCCR", "RC", "GR", "", "0x100000001")),
    (f"D:(D;;RC;;;{USER})(A;;CC;;;WD)", True), ("D:(A;;CC;;;S-1-15-2-1)", False), (f"D:(A;;CC;;;{CAPABILITY})", False)])
def test_of_an_account(descriptor: str, result: bool | str) -> None:
    assert granted(descriptor, TOKEN, NO_PACKAGE, "", contained=True) == result
    assert granted(descriptor, TOKEN, None, "", contained=False) == result


@pytest.mark.parametrize(("family", "one", "then_all"), [
    ("a.app_1", True, True), ("A.App_2", False, True), ("", False, True),
    (None, "whether its program is of the app A.App_1", True)])
def test_conditions(family: str | None, one: bool | str, then_all: bool) -> None:
    """What a condition may decide the entries after it decide otherwise, or not."""
    of_family = f"(XA;;CC;;;WD;{FAMILY})"
    assert granted(f"D:{of_family}", TOKEN, NO_PACKAGE, family, contained=False) == one
    assert granted(f"D:(xa;;cc;;;WD; {FAMILY} )", TOKEN, NO_PACKAGE, family, contained=False) == one
    after = granted(f"D:{of_family}(A;;CC;;;WD)", TOKEN, NO_PACKAGE, family, contained=False)
    assert after == (one if isinstance(one, str) else then_all)
    strange = granted("D:(XA;;CC;;;WD;(x;(y)))(XA;;CC;;;WD;(z))", TOKEN, NO_PACKAGE, family, contained=False)
    assert strange == "whether (x;(y)) holds"
    assert granted(f"D:(XD;;CC;;;WD;{FAMILY})(A;;CC;;;WD)", TOKEN, NO_PACKAGE, "a.app_1", contained=False) is False


@pytest.mark.parametrize(("entries", "result"), [
    ("(A;;CC;;;WD)", True), ("(D;;CC;;;WD)", False), ("", False), (f"(A;;CC;;;{USER})", f"whether its account is {USER}"),
    (f"(A;;CC;;;{USER})(A;;CC;;;SY)", f"whether its account is {USER}"),
    (f"(A;;CC;;;{USER})(A;;CC;;;WD)", f"whether its account is {USER}"),
    (f"(A;;CC;;;WD)(A;;CC;;;{USER})", True)])
def test_of_an_account_that_nobody_knows(entries: str, result: bool | str) -> None:
    assert granted(f"D:{entries}", None, NO_PACKAGE, "", contained=True) == result


CAPABILITIES = "which capabilities its app container has"


@pytest.mark.parametrize(("entries", "package", "of_token", "of_nobody"), [
    ("", APP, False, False), (f"(A;;CC;;;{APP.lower()})", APP.lower(), True, True),
    (f"(A;;CC;;;{APP})", "S-1-15-2-8", False, CAPABILITIES),
    ("(A;;CC;;;S-1-15-2-1)", APP, True, True), (f"(D;;CC;;;{APP})", APP, False, False),
    (f"(A;;CC;;;{CAPABILITY})", APP, True, CAPABILITIES),
    ("(A;;CC;;;S-1-15-3-2)", APP, False, CAPABILITIES),
    (f"(A;;CC;;;{APP})", None, *["whether its program is in an app container"] * 2),
    ("(A;;CC;;;SY)", APP, False, False)])
def test_of_a_container(entries: str, package: str | None, of_token: bool | str, of_nobody: bool | str) -> None:
    """Its account and itself have to be granted access."""
    tokens = (TOKEN | {CAPABILITY}, None)
    assert [granted(f"D:(A;;CC;;;WD){entries}", t, package, "", contained=True) for t in tokens] == [of_token, of_nobody]
    assert [granted(f"D:(D;;CC;;;WD){entries}", t, package, "", contained=True) for t in tokens] == [False, False]
    assert granted(f"D:(A;;CC;;;WD){entries}", TOKEN, package, "", contained=False) is True


def test_a_container_is_no_account() -> None:
    """What grants the one says nothing of the other."""
    capable = TOKEN | {CAPABILITY}
    assert granted(f"D:(A;;CC;;;{CAPABILITY})", capable, APP, "", contained=True) is False
    assert granted(f"D:(A;;CC;;;{USER})(A;;CC;;;{APP})", None, APP, "", contained=True) == f"whether its account is {USER}"
