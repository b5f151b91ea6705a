"""The promise of ownership, held against chance: nothing passes that did not, but by a word.

Rules of real machines, whoever made them, meet tasks that say some or all of their properties, as they are or otherwise. What
passes is decided by the lab, on the rule strings before and after, whatever the host does with what no rule matches:

    allowed after ⊆ allowed before ∪ what the task says

What a task says, and no more than that (FoundRule.may, FoundRule.intended):

* of a rule that is nobody's, without a word, or with `omitted: default` alone: nothing; of another project's: nothing;
* of Windows', a vendor's, a package's, and with `omitted: keep`: what it mentions, with all else as it was found. A flow that an
  allow rule lets pass meets every condition that is mentioned; a block is lifted for what fails one of them;
* of what the project created or adopted, and with `adopt: true`: all that a rule passes which has what is mentioned, and Windows'
  default for the rest;
* with `state: default`: what Windows ships.
"""

from random import Random
from typing import get_args

import pytest
from found_rules import AS_SHIPPED, ORIGINS, TREATMENTS, real_rules
from opened import Judgement, clear_text_after_pruning, judge_ownership, judge_pruning

from ringfence.model.ledger import Prune

SEED = 20261126


@pytest.fixture(scope="module")
def judged() -> Judgement:
    return judge_ownership(Random(SEED), 20_000)


def test_no_plan_opens_more_than_its_tasks_say(judged: Judgement) -> None:
    assert not judged.wrong, "\n\n".join(judged.wrong[:5])


def test_it_was_put_to_the_test(judged: Judgement) -> None:
    """Everybody's rules met every word; tasks did open what they may; and plans were made as well as refused."""
    assert len(real_rules()) >= 200
    assert sum(judged.counted.values()) >= 1000
    assert judged.opened >= 1000
    done, refused = ({(origin, word) for origin, word, came in judged.counted if came == what} for what in ("done", "refused"))
    words = [str(word) for word in TREATMENTS]
    assert done >= {(origin, word) for origin in ORIGINS for word in words if origin != "foreign"}
    assert done >= {(origin, str(AS_SHIPPED)) for origin in ("windows", "windows_changed")}
    assert refused >= {("foreign", word) for word in words} | {("other", "{}"), ("user", "{}"), ("mentioned", "{}")}
    assert {origin for origin, _, _ in judged.counted} == set(ORIGINS)
    assert not [origin for origin, _ in done if origin == "foreign"]


@pytest.mark.parametrize("word", get_args(Prune))
def test_nothing_passes_by_what_goes(word: Prune) -> None:
    judged = judge_pruning(Random(SEED), word)
    assert bool(judged.wrong) == (word == "all"), "\n\n".join(judged.wrong[:5])
    assert bool(clear_text_after_pruning(word)) == (word == "all")
    came = {(way, what) for way, _, what in judged.counted}
    assert (("created", "gone") in came) == (word in ("created", "restore", "all"))
    assert (("mentioned", "changed") in came) == (word == "restore")
    assert ("adopted", "as it was") in came
