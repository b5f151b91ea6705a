"""Sets as the registry holds them: keys with proposals below, default sets under fixed or renamed ids, keys that are not told."""

import json
import os
import pickle
from pathlib import Path
from typing import Any

import pytest
from core import KINDS, declare, declared, resources, task
from registry_files import hive

from ringfence.model.plain import resource_as_data
from ringfence.model.resource import Resource
from ringfence.model.state import Id, State
from ringfence.secret import Secret, StoredSecret, secrets_travel
from ringfence.windows.keys import compare_call, wanted_keys, with_known_keys
from ringfence.windows.read import read

PHASE1 = "{E5A5D32A-4BCE-4e4d-B07F-4AB1BA7E5FE3}"


def rows(tree: dict[str, dict[str, str]]) -> list[Any]:
    return [[path, [[n, "Secret" if n == "SHKey" else "String", d] for n, d in values.items()]] for path, values in tree.items()]


def state(tree: dict[str, dict[str, str]], store: str = "local") -> State:
    return read({store: rows(tree)}, KINDS)


def only(tree: dict[str, dict[str, str]], kind: str) -> Resource:
    (found,) = state(tree).by_kind(kind).values()
    return found


def data(resource: Resource) -> Any:
    return resource_as_data(resource)


def test_the_only_real_export_with_sets_reads() -> None:
    """The values of a public Windows 10 export."""
    found = only({"Phase1AuthenticationSets": {}, "Phase1AuthenticationSets\\{9323C5D2-0}": {"Version": "2.30"},
                  "Phase1AuthenticationSets\\{9323C5D2-0}\\0000": {
                      "Method": "MachineCert", "HealthCert": "TRUE", "CAName": "C=GB, S=Greater Manchester, CN=AAA Services",
                      "CertAccountMapping": "TRUE", "ExcludeCAName": "FALSE", "OtherCertSigning": "ECDSA384",
                      "SkipVersion": "2.0"}}, "ipsec_phase1_auth_set")
    assert found.name == "{9323C5D2-0}"
    assert data(found)["proposal"] == [{
        "machine": True, "cert": True, "authority": "C=GB, S=Greater Manchester, CN=AAA Services", "account_mapping": True,
        "health": True, "signing": "ecdsa384"}]


def test_proposals_keep_their_order() -> None:
    key = "Phase2AuthenticationSets\\s"
    tree = {key: {"Name": "x"}, f"{key}\\0010": {"Method": "Anonymous"}, f"{key}\\0000": {"Method": "UserKerb"},
            f"{key}\\0001": {"Method": "UserNTLM"}}
    assert [p.method for p in only(tree, "ipsec_phase2_auth_set").values()["proposal"]] == ["UserKerb", "UserNtlm", "Anonymous"]


@pytest.mark.parametrize(("kind", "key"), [
    ("ipsec_phase1_auth_set", "Phase1AuthenticationSet"), ("ipsec_phase2_auth_set", "Phase2AuthenticationSet"),
    ("ipsec_main_mode_crypto_set", "Phase1CryptoSet"), ("ipsec_quick_mode_crypto_set", "Phase2CryptoSet")])
@pytest.mark.parametrize("plural", ["", "s"])
def test_singular_and_plural_names_of_keys_are_read(kind: str, key: str, plural: str) -> None:
    assert only({f"{key}{plural}\\My Set": {"Name": "x"}}, kind).name == "My Set"


def test_sets_under_both_spellings_of_a_key_are_all_read() -> None:
    found = state({"Phase1AuthenticationSet\\one": {"Name": "1"}, "Phase1AuthenticationSets\\two": {"Name": "2"}})
    assert {r.name: r.values()["display_name"] for r in found.by_kind("ipsec_phase1_auth_set").values()} == {
        "one": "1",
        "two": "2",
    }


@pytest.mark.parametrize(
    ("piece", "property", "value"),
    [
        ("NameType=DNS", "subject_name_type", "domain_name"),
        ("NameType=UPN", "subject_name_type", "user_principal_name"),
        ("NameType=RFC822", "subject_name_type", "email_address"),
        ("NameType=CN", "subject_name_type", "cn"),
        ("NameType=OU", "subject_name_type", "ou"),
        ("NameType=O", "subject_name_type", "o"),
        ("NameType=DC", "subject_name_type", "dc"),
        ("CriteriaType=Both", "selection_criteria", True),
        ("CriteriaType=Select", "selection_criteria", True),
        ("CriteriaType=Validate", "selection_criteria", False),
        ("CriteriaType=Both", "validation_criteria", True),
        ("CriteriaType=Select", "validation_criteria", False),
        ("CriteriaType=Validate", "validation_criteria", True),
    ],
)
def test_criteria_of_certificates(piece: str, property: str, value: Any) -> None:
    """The words of [MS-GPFAS] 2.2.4.8 as they are stored."""
    key = "Phase1AuthenticationSets\\s"
    found = only({key: {"Name": "x"}, f"{key}\\0000": {"Method": "MachineCert", "CAName": "CN=CA",
                                                        "CertCriteria": f"v2.20|{piece}|Name=x|"}}, "ipsec_phase1_auth_set")
    (proposal,) = found.values()["proposal"]
    assert getattr(proposal, property) == value


def test_a_criterion_nobody_understands_is_kept() -> None:
    key = "Phase1AuthenticationSets\\s"
    found = only(
        {
            key: {"Name": "x"},
            f"{key}\\0000": {"Method": "MachineCert", "CAName": "CN=CA", "CertCriteria": "v2.20|NameType=DNS|Name=x|Future=1|"},
        },
        "ipsec_phase1_auth_set",
    )
    (proposal,) = found.values()["proposal"]
    assert "Future=1" in str(proposal.unknown_tokens)


@pytest.mark.parametrize("id", [PHASE1, PHASE1.lower(), PHASE1.upper()])
def test_the_default_set_by_its_fixed_id(id: str) -> None:
    found = only({f"Phase1AuthenticationSets\\{id}": {"Name": "x"}}, "ipsec_phase1_auth_set")
    assert found.name == "default"


def test_the_default_set_under_the_id_that_group_policy_gives_it() -> None:
    tree = {"Phase1AuthenticationSets": {"Other": "{0B}", PHASE1: "{0A}"}, "Phase1AuthenticationSets\\{0A}": {"Name": "x"},
            "Phase1AuthenticationSets\\{0A}\\0000": {"Method": "MachineNtlm"},
            "Phase1AuthenticationSets\\{0B}": {"Name": "other"},
            "ConSecRules": {"r1": f"v2.31|Action=Secure|Active=TRUE|Auth1Set={PHASE1}|",
                            "r2": "v2.31|Action=Secure|Auth1Set={0a}|", "r3": "v2.31|Action=Secure|Auth1Set={0B}|",
                            "r4": "v2.31|Action=Secure|Auth1Set={0A}|"}}
    found = state(tree, "group_policy")
    assert set(found.by_kind("ipsec_phase1_auth_set", "group_policy")) == {"default", "{0b}"}
    assert [str(r.values()["phase1_auth_set"]) for r in found.by_kind("ipsec_rule", "group_policy").values()] == [
        "default", "default", "{0B}", "default"]


@pytest.mark.parametrize(("stored", "group"), [("DH1", "dh1"), ("DH2048", "dh14"), ("ECDH-384", "dh20"), ("DH24", "dh24")])
def test_groups_under_their_later_name(stored: str, group: str) -> None:
    """[MS-GPFAS] 2.2.5 gives 2_16KeyExchange and 2_16PFS all groups, not DH24 alone."""
    found = only({"Phase1CryptoSets\\s": {"Name": "x"}, "Phase1CryptoSets\\s\\0000": {
        "2_16KeyExchange": stored, "Encryption": "AES-256", "Hash": "SHA1"}}, "ipsec_main_mode_crypto_set")
    (proposal,) = found.values()["proposal"]
    assert (proposal.key_exchange, proposal.unknown_tokens) == (group, ())
    pfs = "ReKey" + stored.replace("-", "")
    found = only({"Phase2CryptoSets\\s": {"Name": "x", "2_16PFS": pfs}}, "ipsec_quick_mode_crypto_set")
    assert (found.values()["perfect_forward_secrecy_group"], found.unknown_tokens) == (group, ())


def test_what_nobody_understands_is_kept() -> None:
    tree = {"Phase2CryptoSets\\s": {"Name": "x", "Future": "1", "PFS": "ReKeyDH99"},
            "Phase2CryptoSets\\s\\0000": {"Protocol": "ESP", "EspHash": "SHA999", "2_1Encryption": "AES-GCM128", "New": "y"}}
    found = only(tree, "ipsec_quick_mode_crypto_set")
    assert sorted(found.unknown_tokens) == ["Future=1", "PFS=ReKeyDH99"]
    (proposal,) = found.values()["proposal"]
    assert sorted(proposal.unknown_tokens) == ["EspHash=SHA999", "New=y"]
    assert (proposal.encryption, proposal.esp_hash) == ("aesgcm128", "none")


@pytest.mark.parametrize(("said", "kept"), [
    ("C=US,O=Contoso,CN=Root", "C=US, O=Contoso, CN=Root"), ("CN=O'Brien Root", "CN=O'Brien Root"),
    ('O="Contoso, Ltd.",CN=Root', 'O="Contoso, Ltd.", CN=Root'), ("2.5.4.3=Root", "2.5.4.3=Root"),
    ("st=Bavaria, cn = \"Root\"", "S=Bavaria, CN=Root"), ("OID.2.5.4.3=Root", "OID.2.5.4.3=Root"),
    ("DC=com, DC=contoso", "DC=com, DC=contoso"), ("CN=a=b", "CN=a=b"), ('CN="open', None), ("Root", None), ("CN=", None),
    ('CN=x"', None), ("CN=x, Root", None), ("", None), ('CN="a"', "CN=a"), ('CN=""', 'CN=""'), ('CN=",a"', 'CN=",a"'),
    ('CN="a,"', 'CN="a,"')])
def test_names_of_authorities(said: str, kept: str | None) -> None:
    word = KINDS["ipsec_phase1_auth_set"].proposals[0].proposal.kind.properties["authority"].type  # type: ignore[union-attr]
    if kept is None:
        with pytest.raises(ValueError, match="0x00101060"):
            word.parse(said)
    else:
        assert str(word.parse(said)) == kept
        assert word.parse(kept.upper()) == word.parse(said)


@pytest.mark.parametrize(("stored", "proxy", "kept"), [
    ({}, None, 0), ({"AllowProxy": "TRUE", "ProxyServer": "kdc.x"}, "kdc.x", 0), ({"AllowProxy": "FALSE"}, None, 0),
    ({"PROXYSERVER": "kdc.x", "allowproxy": "true"}, "kdc.x", 0), ({"AllowProxy": "FALSE", "ProxyServer": "kdc.x"}, None, 2),
    ({"AllowProxy": "TRUE"}, None, 1), ({"ProxyServer": "kdc.x"}, None, 1), ({"AllowProxy": "maybe"}, None, 1)])
def test_a_proxy_stands_beside_the_word_that_allows_it(stored: dict[str, str], proxy: str | None, kept: int) -> None:
    """What one of the two means without the other no document says: it stays as it is."""
    key = "Phase1AuthenticationSets\\s"
    found = only({key: {}, f"{key}\\0000": {"Method": "MachineKerb", **stored}}, "ipsec_phase1_auth_set")
    (proposal,) = found.values()["proposal"]
    assert (proposal.proxy, len(proposal.unknown_tokens), proposal.kerberos) == (proxy, kept, True)
    assert sorted(p for p in proposal.kind.codec.write_pieces(proposal.values()) if "Proxy" in p) == (
        ["AllowProxy=TRUE", "ProxyServer=kdc.x"] if proxy else [])


def test_what_a_certificate_is_for_has_no_order() -> None:
    key = "Phase1AuthenticationSets\\s"
    usages = [only({key: {}, f"{key}\\0000": {"Method": "MachineCert", "CAName": "CN=CA", "CertCriteria": f"v2.20|{eku}|"}},
                   "ipsec_phase1_auth_set").values()["proposal"][0].extended_key_usage for eku in (
                       "CriteriaType=Both|Eku=1.2.4|Eku=1.2.3", "Eku=1.2.3|CriteriaType=Both|Eku=1.2.4")]
    assert usages == [("1.2.3", "1.2.4")] * 2


@pytest.mark.parametrize("damaged", [
    {"CAName": "nonsense"}, {"CertCriteria": "v2.31|What=1|"}, {"CertCriteria": ""}, {"AllowProxy": "TRUE"},
    {"ProxyServer": "x"}, {"Method": "Telepathy"}, {"Method": ""}, {"": "x"}, {}])
def test_no_value_breaks_the_reader(damaged: dict[str, str]) -> None:
    only({"Phase1AuthenticationSets\\s": {}, "Phase1AuthenticationSets\\s\\0000": damaged}, "ipsec_phase1_auth_set")


def with_key(key: Secret) -> Resource:
    (only,) = resources(declared(task("ipsec_phase1_auth_set", {
        "name": "s", "proposal": {"machine": True, "pre_shared_key": key}})))
    return only


# ---- keys ------------------------------------------------------------------------------------------------------------
KEYED = {"Phase1AuthenticationSets\\s": {"Name": "s"},
         "Phase1AuthenticationSets\\s\\0000": {"Method": "MachineSHKey", "SHKey": "********"}}


def test_of_a_key_on_a_host_is_known_that_it_is_there() -> None:
    found = only(KEYED, "ipsec_phase1_auth_set")
    assert found != with_key(Secret("********"))
    assert with_key(Secret("********")) != found
    assert data(found)["proposal"] == [{"machine": True, "pre_shared_key": "********"}]
    assert "********" in str(found.values()["proposal"])


@pytest.mark.parametrize(("told", "key"), [("a key", Secret("a key")), ("", None)])
def test_a_key_that_a_host_tells_stands_nowhere_else(told: str, key: Secret | None) -> None:
    """A file of a policy has it as a text."""
    values = [["Method", "String", "MachineSHKey"], ["shkey", "String", told], ["", "String", "x"]]
    keys = [["Phase1AuthenticationSets\\s", [["", "String", "x"]]], ["Phase1AuthenticationSets\\s\\0000", values]]
    found = read({"local": keys}, KINDS).by_kind("ipsec_phase1_auth_set")["s"]
    (proposal,) = found.values()["proposal"]
    assert proposal.pre_shared_key == key
    assert proposal.source.stored.values == (("Method", "String", "MachineSHKey"), ("", "String", "x"))
    assert (proposal.unknown_tokens, found.unknown_tokens) == ((), ())


def test_of_two_sets_of_one_name_the_first_spelling_of_the_key_counts() -> None:
    found = state({"Phase1AuthenticationSets\\One": {"Name": "2"}, "Phase1AuthenticationSet\\one": {"Name": "1"}})
    assert [r.values()["display_name"] for r in found.by_kind("ipsec_phase1_auth_set").values()] == ["1"]


@pytest.mark.parametrize(("answer", "equal"), [
    (["equal"], True), (["differs"], False), (["none"], False), ([], False), (None, False), ("equal", False),
    ([["equal"]], False)])
def test_a_key_is_the_wanted_one_where_the_host_says_so(answer: object, equal: bool) -> None:
    wanted = wanted_keys(declared(task("ipsec_phase1_auth_set", {
        "name": "S", "proposal": {"machine": True, "pre_shared_key": Secret("a key")}})).values())
    (found,) = with_known_keys(state(KEYED), wanted, answer).by_kind("ipsec_phase1_auth_set").values()
    assert (found == with_key(Secret("a key"))) is equal
    assert found != with_key(Secret("another"))


def test_what_is_asked_about_keys() -> None:
    """Every set with a key, by the name that it has on the host, and no other."""
    key = {"machine": True, "pre_shared_key": Secret("k")}
    policy = [task("ipsec_phase1_auth_set", {"name": name, "proposal": proposal}) for name, proposal in (
        ("default", key), ("s", [{"machine": True, "kerberos": True}, key]), ("t", [{"machine": True, "kerberos": True}]))]
    call = compare_call(wanted_keys(declared(*policy).values()))
    assert [(q["store"], q["kind"], q["name"]) for q in call.args["keys"]] == [
        ("local", "NetIPsecPhase1AuthSet", PHASE1), ("local", "NetIPsecPhase1AuthSet", "s")]


def test_a_secret_equals_its_own_text_alone() -> None:
    one, two = Secret("one"), Secret("two")
    assert (one == Secret("one"), one == two, one != two, one == "one") == (True, False, True, False)
    with pytest.raises(TypeError, match="has no text"):
        f"{one}"


def test_two_tasks_with_different_keys_for_one_set_are_a_conflict() -> None:
    tasks = [task("ipsec_phase1_auth_set", {"name": "s", "proposal": {"machine": True, "pre_shared_key": Secret(key)}})
             for key in ("key-1", "key-2")]
    problems = [p for p in declare(*tasks)[1] if p.severity == "error"]
    assert len(problems) == 1
    assert "s" in problems[0].summary
    assert "key-1" not in str(problems)
    assert "key-2" not in str(problems)


def test_a_secret_that_a_host_keeps_is_itself_alone() -> None:
    stored = StoredSecret()
    assert (stored == stored, stored == StoredSecret(), stored == Secret("x"), Secret("x") == stored, stored == "x") == (
        True, False, False, False, False)
    for reveal in (stored.reveal, lambda: stored.fingerprint(b"k"), lambda: str(stored), lambda: f"{stored}"):
        with pytest.raises(TypeError):
            reveal()
    assert repr(stored) == "********"
    with pytest.raises(TypeError), secrets_travel():
        pickle.loads(pickle.dumps(stored)).reveal()


# ---- what others wrote -------------------------------------------------------------------------------------------------
FOLDER = Path(os.environ.get("RINGFENCE_CORPUS", "no-corpus"))
CORPUS = FOLDER / "strings" / "spec__MS-GPFAS_section4_examples.json"


@pytest.mark.skipif(not FOLDER.is_dir(), reason="RINGFENCE_CORPUS names no folder")
def test_the_export_of_a_real_machine_reads_completely() -> None:
    found = read({"local": hive(FOLDER / "hives" / "luthfina16__Firewall.wfw")}, KINDS)
    sets = [r for i, r in found.items() if i.kind.endswith("_auth_set")]
    assert sorted(len(r.values()["proposal"]) for r in sets) == [1, 2]
    (rule,) = found.by_kind("ipsec_rule").values()
    for resource in (rule, *sets):
        assert resource.unknown_tokens == ()
        assert all(p.unknown_tokens == () for p in resource.values().get("proposal", ()))
    assert {str(rule.values()["phase1_auth_set"]).lower(), str(rule.values()["phase2_auth_set"]).lower()} == {
        r.name.lower() for r in sets}


@pytest.mark.skipif(not FOLDER.is_dir(), reason="RINGFENCE_CORPUS names no folder")
def test_the_examples_of_the_specification_read_completely() -> None:
    tree: dict[str, dict[str, str]] = {}
    for example in json.loads(CORPUS.read_text(encoding="utf-8")):
        if example["type"] == "REG_SZ":
            tree.setdefault(example["key"].partition("WindowsFirewall\\")[2], {})[example["value"]] = example["data"]
    found = state(tree, "group_policy")
    for resource in found.values():
        assert resource.unknown_tokens == ()
        for p in resource.kind.proposals:
            assert all(part.unknown_tokens == () for part in getattr(resource, p.name))
    assert len(found.by_kind("ipsec_rule", "group_policy")) == 3
    sets = {i.name: data(r) for i, r in found.items() if i.kind.endswith("_set")}
    assert sets["{967f0367-f879-42ec-938b-c89fe8289b26}"]["proposal"] == [
        {"user": True, "kerberos": True}, {"user": True, "ntlm": True},
        {"user": True, "cert": True, "authority": "CN=TPM Root", "account_mapping": True}, {"anonymous": True}]
    assert sets["{e9a15cb6-dfc4-41f8-8d14-ca62a4ec708f}"]["proposal"][1] == {
        "encapsulation": ["esp"], "esp_hash": "aesgmac128", "max_kilo_bytes": 2147483647}
    tunnel = found[Id("group_policy", "ipsec_rule", "{06bd9c7f-e80a-4a68-92a2-ccbf5351a60a}")]
    assert (tunnel.values()["mode"], tunnel.values()["remote_tunnel_endpoint"]) == ("tunnel", ("2001:4898:e0:3084::2",))
