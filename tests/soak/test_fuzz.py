"""A short run of what `make soak` does for long: always the same inputs."""

from .fuzz import fuzz
from .readers import file_readers, host_readers


def test_wrong_inputs_end_in_a_value_or_a_message() -> None:
    done, defects = fuzz(800, seed=20261126)
    assert not defects, "\n\n".join(f"{d.reader}: {d.reason}\n{d.told}\n{d.text!r}" for d in defects)
    assert sum(done.values()) == 800


def test_what_is_right_is_read() -> None:
    """The seeds that are mutated go further than the first check."""
    readers = [*file_readers(), *host_readers()]
    assert len({reader.name for reader in readers}) == len(readers)
    assert all(reader.seeds or reader.trees for reader in readers)
