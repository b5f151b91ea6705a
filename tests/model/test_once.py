"""What is remembered of resources for all hosts: the same answers, made once, and nothing of it in another process."""

import pickle

from core import KINDS

from ringfence.model import once as remembered
from ringfence.model.once import alike, filter_of, once
from ringfence.model.resource import Resource
from ringfence.model.state import Id, id_for

RULE = KINDS["firewall_rule"]


def rule(**values: object) -> Resource:
    return RULE.create("r", {"protocol": "tcp", **values})


def test_a_function_is_asked_once_of_each_resource() -> None:
    asked: list[Resource] = []

    @once
    def name_of(resource: Resource) -> str:
        asked.append(resource)
        return resource.name

    one, other = rule(), rule(enabled=False)
    assert [name_of(one), name_of(one), name_of(other), name_of(one)] == ["r"] * 4
    assert [id(r) for r in asked] == [id(one), id(other)]  # as they are, though they may be equal
    assert filter_of(other) is filter_of(other)
    assert filter_of(other) == other.as_filter() != filter_of(one)
    back = pickle.loads(pickle.dumps(one))
    assert back == one
    assert filter_of(back) == filter_of(one)


def test_what_is_alike_is_so_by_its_values() -> None:
    one, same, other = rule(local_port=("80",)), rule(local_port=("80",)), rule(local_port=("81",))
    for _ in range(2):
        assert alike(one, one)
        assert alike(one, same)
        assert not alike(one, other)
    assert filter_of(one) is filter_of(same)
    assert filter_of(other) != filter_of(one)


def test_what_was_worked_out_before_holds_for_what_is_alike() -> None:
    known, other = rule(local_port=("80",)), rule(local_port=("80",))
    filter = filter_of(known)
    assert alike(other, known)
    assert filter_of(other) is filter


def test_pairs_are_remembered_up_to_a_number() -> None:
    one = rule()
    many = [rule() for _ in range(remembered._PAIRS + 1)]
    assert all(alike(one, other) for other in many)
    assert len(remembered._ALIKE) <= remembered._PAIRS


def test_an_id_has_no_capitals_however_long_the_name_is() -> None:
    for name in ("Corp-RDP", "Ä" * 5000):
        assert id_for("local", "firewall_rule", name) == Id("local", "firewall_rule", name.lower())
    assert id_for("local", "firewall_rule", "Corp-RDP") is id_for("local", "firewall_rule", "Corp-RDP")
