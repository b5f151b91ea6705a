"""A secret: shown nowhere, compared by its value, told apart by digests; of lists and mappings each member is one too."""

import hashlib
import hmac
import pickle
from types import MappingProxyType
from typing import Any

import pytest

from ringfence.secret import (
    MASK,
    Secret,
    StoredSecret,
    contains_secret,
    opened,
    revealed,
    revealed_all,
    secrets_travel,
    sources_in,
)

TEXT = "correct horse"


@pytest.mark.parametrize("secret", [Secret(TEXT), Secret([TEXT]), StoredSecret()])
def test_it_is_shown_nowhere(secret: Secret) -> None:
    assert repr(secret) == repr([secret])[1:-1] == MASK
    for show in (str, format, "{:>3}".format):
        with pytest.raises(TypeError, match="no text"):
            show(secret)


@pytest.mark.parametrize(("one", "other", "same"), [
    (TEXT, TEXT, True), (TEXT, TEXT + "x", False), (1, "1", False), ("\ud83d", "\ud83d", True), ("1", 1, False),
    (1, 1, True), (1, True, False), (1, 1.0, False), ([1], [1], True), ([1], [2], False), ({"a": 1}, {"a": 1}, True),
    (None, None, True)])
def test_two_are_equal_when_their_values_are(one: Any, other: Any, same: bool) -> None:
    assert (Secret(one) == Secret(other, "sealed", ("x",))) is same
    assert hash(Secret(one)) == hash(Secret(other)) == hash(StoredSecret())  # a hash would tell something of the value
    assert Secret(one) != one


def test_one_that_a_host_keeps_equals_itself_alone() -> None:
    stored = StoredSecret()
    assert stored == stored
    assert (stored == StoredSecret(), stored == Secret(TEXT), Secret(TEXT) == stored) == (False, False, False)
    assert (stored.digest(b"salt"), stored.slow_digest(b"salt"), stored.sealed, stored.sources) == ("", "", "", ())
    for ask in (stored.reveal, lambda: stored.fingerprint(b"k")):
        with pytest.raises(TypeError, match="not known here"):
            ask()


def test_it_is_stored_nowhere_and_travels_to_a_process_of_ours_alone() -> None:
    secrets = [Secret({"a": TEXT}, "sealed", ("vars.yml:1",)), StoredSecret()]
    with pytest.raises(ZeroDivisionError), secrets_travel():
        raise ZeroDivisionError
    for secret in secrets:
        with pytest.raises(TypeError, match="cannot be stored"):
            pickle.dumps(secret)
    with secrets_travel():
        held = pickle.dumps(secrets)
    one, stored = pickle.loads(held)
    assert (one, one.sealed, one.sources) == (secrets[0], "sealed", ("vars.yml:1",))
    assert type(stored) is StoredSecret


@pytest.mark.parametrize(("value", "text"), [(TEXT, TEXT), (5, "5"), (1.5, "1.5"), (True, None), (None, None), ([1], None)])
def test_a_number_may_be_given_as_a_text(value: Any, text: str | None) -> None:
    secret = Secret(value, "sealed", ("x",))
    assert secret.is_text == (text is not None)
    if text is not None:
        told = secret.as_text()
        assert (told.reveal(), told.sealed, told.sources, revealed(secret)) == (text, "sealed", ("x",), text)
    assert revealed(None) is None


def test_what_tells_whether_it_was_exchanged() -> None:
    """Of one from a vault what says nothing of the text; else what makes guesses dear (scrypt of RFC 7914, 2^14 rounds)."""
    slow = "scrypt:" + hashlib.scrypt(TEXT.encode(), salt=b"salt", n=16384, r=8, p=1).hex()[:32]
    assert Secret(TEXT).digest(b"salt") == Secret(TEXT, "abc").slow_digest(b"salt") == slow
    assert Secret(TEXT, "abc").digest(b"salt") == "vault:abc"
    assert Secret("\ud83d").digest(b"salt").startswith("scrypt:")
    assert Secret(5).fingerprint(b"key") == hmac.new(b"key", b"5", "sha256").hexdigest()


def test_a_member_is_as_secret_as_the_whole() -> None:
    inner = Secret("inner")
    whole = Secret({"a": TEXT, "b": inner, "1": 1, 1: 2}, "sealed", ("x",))
    member = whole.member("a")
    assert (member.reveal(), member.sources, len(member.sealed)) == (TEXT, ("x",), 32)
    assert len({member.sealed, whole.sealed, whole.member("1").sealed, whole.member(1).sealed}) == 4
    assert member.sealed == Secret({"a": 5}, "sealed").member("a").sealed != Secret({"a": 5}, "other").member("a").sealed
    assert whole.member("b") is inner
    assert Secret([TEXT]).member(0).sealed == ""
    for key, error in (("c", LookupError), ([], TypeError)):
        with pytest.raises(error):
            whole.member(key)


@pytest.mark.parametrize("value", [
    Secret(1), [Secret(1)], (1, [Secret(1)]), {"a": {"b": Secret(1)}}, MappingProxyType({"a": Secret(1)}),
    ["x", {"a": 1}, MappingProxyType({"a": [[(Secret(1),)]]})]])
def test_one_that_stands_somewhere_inside_is_found(value: Any) -> None:
    kept: list[Secret] = []
    assert contains_secret(value)
    assert not contains_secret(revealed_all(value, kept))
    assert kept == [Secret(1)]
    assert contains_secret([[], StoredSecret()])


def test_where_there_is_none_nothing_changes() -> None:
    round_about: list[Any] = [1]
    round_about += [round_about, round_about]
    for value in (1, "x", None, [], {"a": [1, ("b", {"c": None})]}, round_about, object()):
        assert not contains_secret(value)
        assert revealed_all(value) is value


def test_a_secret_list_or_mapping_is_opened_to_its_members() -> None:
    whole = Secret({"keys": [TEXT, 5], "b": Secret((True,))}, "sealed", ("x", "y"))
    told = opened({"outer": [whole, "plain", Secret(TEXT)]})
    (members, plain, text) = told["outer"]
    assert (plain, text) == ("plain", Secret(TEXT))
    assert members == {"keys": [Secret(TEXT), Secret(5)], "b": [Secret(True)]}
    assert len({m.sealed for m in members["keys"]} - {""}) == 2
    assert revealed_all(told) == {"outer": [{"keys": [TEXT, 5], "b": [True]}, "plain", TEXT]}
    assert sources_in([whole, Secret(1, "", ("y", "z"))]) == ("x", "y", "z")
