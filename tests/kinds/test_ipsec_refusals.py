"""What Windows refuses of IPsec objects is found before any host is touched, with the reason and the way out."""

from collections.abc import Sequence
from typing import Any

import pytest
from core import KINDS, cases, declare, task
from hosts import LabHost

from ringfence.batch import Batch
from ringfence.diagnostics import Diagnostic, Where
from ringfence.model.state import Change, Id
from ringfence.windows.calls import cmdlet_calls

SETS = [  # what rules of the cases name
    task("ipsec_phase1_auth_set", {"name": "key", "proposal": {"machine": True, "pre_shared_key": "{{ k }}"}}),
    task("ipsec_phase1_auth_set", {"name": "ntlm", "proposal": {"machine": True, "ntlm": True}}),
    task("ipsec_phase1_auth_set", {"name": "certificate", "proposal": {"machine": True, "cert": True, "authority": "CN=x"}}),
    task("ipsec_phase1_auth_set", {"name": "optional", "proposal": [{"machine": True, "kerberos": True}, {"anonymous": True}]}),
    task("ipsec_phase1_auth_set", {"name": "gone", "state": "absent"}, Where("sets.yml", 7)),
    task("ipsec_phase2_auth_set", {"name": "users", "proposal": [{"user": True, "kerberos": True}, {"anonymous": True}]}),
    task("ipsec_quick_mode_crypto_set", {"name": "ah", "proposal": {"encapsulation": "ah", "ah_hash": "sha256"}}),
    task("ipsec_quick_mode_crypto_set", {"name": "mixed", "proposal": [
        {"encapsulation": "ah", "ah_hash": "sha256"}, {"encapsulation": "esp", "esp_hash": "sha1"}]}),
    task("ipsec_quick_mode_crypto_set", {"name": "bare", "proposal": [
        {"encapsulation": "none"}, {"encapsulation": "esp", "esp_hash": "sha1"}]})]
REFUSED = [(group["kind"], group["with"], case) for group in cases("ipsec_refusals") for case in group["cases"]]


def found(kind: str, properties: dict[str, Any]) -> list[Diagnostic]:
    places = {name: Where("play.yml", 10 + i) for i, name in enumerate(properties)}
    problems = declare(*SETS, task(kind, {"name": "x", **properties}, Where("play.yml", 9), places))[1]
    return [p for p in problems if p.where.file == "play.yml"]


@pytest.mark.parametrize(("kind", "usual", "case"), REFUSED,
                         ids=[f"{k}-{c.get('code') or c.get('words')}" for k, _, c in REFUSED])
def test_refused_with_the_reason_and_the_way_out(kind: str, usual: dict[str, Any], case: dict[str, Any]) -> None:
    properties = {**usual, **({"proposal": [case["proposal"]]} if "proposal" in case else case["say"])}
    problems = found(kind, properties)
    grave = "warning" if case.get("warning") else "error"
    mine = [p for p in problems if p.severity == grave and str(case.get("code") or case["words"]) in f"{p.summary} {p.detail}"]
    assert mine, problems
    line = 10 + list(properties).index(case["wrong"]) if case["wrong"] in properties else 9
    assert mine[0].where.line == line
    assert mine[0].detail  # the way out


@pytest.mark.parametrize(("kind", "usual", "case"), [r for r in REFUSED if "warning" not in r[2] and "gone" not in str(r[2])])
def test_the_lab_refuses_the_same_on_its_own_account(kind: str, usual: dict[str, Any], case: dict[str, Any]) -> None:
    properties = {**usual, **({"proposal": [case["proposal"]]} if "proposal" in case else case["say"])}
    try:
        values = {n: KINDS[kind].properties[n].type.parse(v) for n, v in properties.items()}
    except ValueError:
        return  # nothing that could be said to a host
    lab = LabHost()
    assert lab.apply(*(s for s in SETS if "state" not in s.properties)).error is None
    create = Change(Id("local", kind, "x"), None, KINDS[kind].create("x", values))
    error = lab.run(Batch(cmdlet_calls([create], {}))).answers[create.id].error
    assert (error is None) == ("lab" in case), error


@pytest.mark.parametrize(("kind", "properties"), cases("ipsec_allowed"))
def test_allowed(kind: str, properties: dict[str, Any]) -> None:
    assert not found(kind, properties)


@pytest.mark.parametrize(("property", "longest", "longer"), [
    ("pre_shared_key", "k" * 9999, "k" * 10_000), ("proxy", f"{'a.' * 126}bcd", f"{'a.' * 127}bc")])
def test_how_long_a_text_may_be(property: str, longest: str, longer: str) -> None:
    method = {} if property == "pre_shared_key" else {"kerberos": True}
    told = [found("ipsec_phase1_auth_set", {"proposal": {"machine": True, **method, property: said}})
            for said in (longest, longer)]
    assert [len([p for p in problems if p.severity == "error"]) for problems in told] == [0, 1]


@pytest.mark.parametrize("missing", ["inbound_security", "outbound_security"])
def test_both_securities_have_to_be_said(missing: str) -> None:
    """Left out, Windows would make an exemption of the rule."""
    said = {"inbound_security": "require", "outbound_security": "request"}
    del said[missing]
    assert [p.summary for p in found("ipsec_rule", said)] == [f"ipsec_rule: {missing} is missing"]


@pytest.mark.parametrize(("name", "words"), [
    ("a\\b", "backslash"), ("a*", "not allowed in a name"), ("x" * 255, "254"),
    ("{E5A5D32A-4BCE-4E4D-B07F-4AB1BA7E5FE3}0", "begins with the id of the default set")])
def test_names_of_sets(name: str, words: str) -> None:
    problems = declare(task("ipsec_phase1_auth_set", {"name": name, "proposal": {"machine": True, "kerberos": True}}))[1]
    assert words in problems[0].summary


DEFAULT_ID = "{E5A5D32A-4BCE-4e4d-B07F-4AB1BA7E5FE3}"


@pytest.mark.parametrize(("name", "known"), [
    ("x" * 254, "x" * 254), ("default", "default"), ("Default", "default"), (DEFAULT_ID, "default"),
    (DEFAULT_ID.lower(), "default"), (DEFAULT_ID.upper(), "default"), (7, "7")])
def test_a_set_is_known_by_its_name_and_the_default_one_by_its_id(name: Any, known: str) -> None:
    [id] = declare(task("ipsec_phase1_auth_set", {"name": name, "proposal": {"machine": True, "kerberos": True}}))[0]
    assert id.name == known
    rule = KINDS["ipsec_rule"].properties["phase1_auth_set"].type
    assert rule.parse(name) == known
    assert rule.to_parameter(rule.parse(name)) == (DEFAULT_ID if known == "default" else known)


@pytest.mark.parametrize("none", ["none", "None", " NONE "])
def test_a_rule_may_do_without_a_second_authentication_alone(none: str) -> None:
    properties = KINDS["ipsec_rule"].properties
    word = properties["phase2_auth_set"].type
    assert (word.parse(none), word.to_parameter(word.parse(none))) == ("none", "None")
    for name in ("phase1_auth_set", "quick_mode_crypto_set"):
        with pytest.raises(ValueError, match="no name of a set"):
            properties[name].type.parse(none)
    with pytest.raises(ValueError, match=r"."):
        word.parse([none, none])


def test_of_a_proposal_that_nobody_understands_nothing_is_wrong() -> None:
    """A host has it: whether Windows would take it is not known."""
    kind = KINDS["ipsec_phase1_auth_set"]
    proposal = kind.proposals[0].proposal
    assert proposal is not None
    wrong, right = ({"machine": True}, {"machine": True, "kerberos": True})
    odd = proposal.kind.create("", wrong, ("Method=Telepathy",)), proposal.kind.create("", {**wrong, "kerberos": None})
    for one, told in ((odd[0], 0), (odd[1], 0), (proposal.kind.create("", right), 0), (proposal.kind.create("", wrong), 1)):
        assert len([f for f in kind.create("s", {"proposal": (one,)}).check() if f.reason.startswith("proposal 1: ")]) == told


def test_a_set_that_is_declared_absent_and_still_named_is_told_with_both_places() -> None:
    (problem,) = found("ipsec_rule", {"inbound_security": "require", "outbound_security": "request", "phase1_auth_set": "gone"})
    assert problem.where == Where("play.yml", 12)
    assert "sets.yml:7" in problem.detail


@pytest.mark.parametrize(("kind", "methods", "told"), [
    ("ipsec_phase1_auth_set", ("user kerberos", "machine kerberos", "user cert", "user ntlm", "user kerberos"),
     ["UserKerb", "UserCert", "UserNtlm"]),
    ("ipsec_phase2_auth_set", ("machine ntlm", "user ntlm", "machine kerberos"), ["MachineNtlm", "MachineKerb"]),
    ("ipsec_phase1_auth_set", ("machine", "user"), []), ("ipsec_phase2_auth_set", ("machine", "user"), [])])
def test_methods_that_do_not_belong_are_told_in_the_order_of_the_proposals(kind: str, methods: Sequence[str],
                                                                           told: list[str]) -> None:
    authority = {"authority": "CN=Contoso", "authority_type": "root"}
    proposals = [{**dict.fromkeys(words.split(), True), **(authority if "cert" in words else {})} for words in methods]
    assert [p.summary.split(": ")[-1].split()[0] for p in found(kind, {"proposal": proposals})
            if "is not a method of" in p.summary] == told


def test_every_mistake_of_every_proposal_is_told_at_once() -> None:
    problems = found("ipsec_phase1_auth_set", {"proposal": [
        {"machine": "perhaps", "kerberos": True}, {"cert": True, "authority": "x"}, 7, {"machine": True, "kerbros": True}]})
    told = problems[0].summary
    for words in ("number 1: machine", "number 2: authority", "number 3", "number 4: kerbros: unknown; did you mean kerberos"):
        assert words in told
