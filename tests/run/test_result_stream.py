"""Results on their way between processes: the same as before, equal parts once, secrets never in clear."""

import pickle
from pathlib import Path
from typing import Any

import pytest
from core import at, task
from cryptography.fernet import InvalidToken
from hosts import LabHost

from ringfence import kinds
from ringfence.model.state import Change, id_of
from ringfence.report import HostResult
from ringfence.run import result_stream
from ringfence.run.result_stream import ResultReader, ResultWriter, new_key
from ringfence.secret import Secret

KEY = "correct horse battery"

OWN_KIND = """\
from ringfence.model.resource import Resource, prop, resource
from ringfence.model.storage import ByCmdlet
from ringfence.types.enums import TRUE_FALSE

@resource("own_setting", noun="NetOwnSetting", whole=False, storage=ByCmdlet("Get-NetOwnSetting"), example_name="x")
class OwnSetting(Resource):
    \"\"\"Settings of our own.\"\"\"
    wanted: bool = prop("Whether it is wanted.", TRUE_FALSE, default=True, example=False)
"""


class Stream:
    """A writer and its reader."""

    def __init__(self) -> None:
        key = new_key()
        self.writer, self.reader = ResultWriter(key), ResultReader(key)
        self.bytes = b""

    def __call__(self, message: Any) -> Any:
        self.bytes = self.writer.dumps(message)
        return self.reader.loads(self.bytes)


def planned(host: str, *names: str) -> HostResult:
    """A plan of a host that is to have so many rules."""
    found = LabHost({}).plan(*(at(n, name=name, protocol="tcp", local_port=n) for n, name in enumerate(names, 1)))
    return HostResult(host, found.changes)


def test_results_are_the_same_on_the_other_side() -> None:
    stream, names = Stream(), [f"rule-{n}" for n in range(20)]
    for result in (planned("srv1", *names), planned("srv2", *names[:5], "another"), planned("srv3")):
        there = stream(result)
        assert there == result
        assert [c.resource.source for c in there.changes] == [c.resource.source for c in result.changes]


def test_what_hosts_have_alike_travels_once_and_is_one_object() -> None:
    stream, names = Stream(), [f"rule-{n}" for n in range(50)]
    first = stream(planned("srv1", *names))
    size = len(stream.bytes)
    second = stream(planned("srv2", *names))
    assert len(stream.bytes) < size / 5  # the rest is the result itself
    assert all(a is b for a, b in zip(first.changes, second.changes, strict=True))


def test_what_is_remembered_stays_bounded_on_both_sides(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(result_stream, "MOST_KNOWN", 30)
    stream = Stream()
    for host in range(10):
        result = planned(f"srv{host}", *(f"rule-{n}" for n in range(host, host + 20)))
        assert stream(result) == result
        assert len(stream.reader.known) < 30 + 20 + 1


def test_a_message_that_cannot_be_written_disturbs_no_later_one() -> None:
    stream, result = Stream(), planned("srv1", "a", "b")
    with pytest.raises((AttributeError, pickle.PicklingError)):
        stream((result, lambda: None))
    assert stream(result) == result
    assert stream(result) == result


def test_kinds_of_the_projects_own_travel(tmp_path: Path) -> None:
    (tmp_path / "own_setting.py").write_text(OWN_KIND, encoding="utf-8")
    kind = kinds.load([tmp_path])["own_setting"]
    before, after = (kind.create("x", {"wanted": wanted}) for wanted in (True, False))
    result, stream = HostResult("srv1", (Change(id_of(after), before, after),)), Stream()
    assert stream(result) == result
    assert stream(result).changes[0].after.kind is kind


def test_secrets_travel_sealed() -> None:
    """Whoever reads along learns nothing, and whoever has another key cannot open it."""
    stream, sets = Stream(), task("ipsec_phase1_auth_set", {
        "name": "s", "proposal": [{"machine": True, "pre_shared_key": Secret(KEY)}]})
    (change,) = LabHost().plan(sets).changes
    result = HostResult("srv1", (change,))
    there = stream(result)
    assert there == result
    (proposal,) = there.changes[0].after.proposal
    assert proposal.pre_shared_key.reveal() == KEY
    assert not any(text in stream.bytes for text in (KEY.encode(), KEY.encode("utf-16-le"), b"horse"))
    with pytest.raises(InvalidToken):
        ResultReader(new_key()).loads(stream.bytes)
