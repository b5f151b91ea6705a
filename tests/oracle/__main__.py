"""`python -m tests.oracle PYTHON …`: ask the ansible-core of other environments what the inventories, plays and templates of the
tests mean, and write what it says into tests/cases/ansible/VERSION. Of one version everything is kept, of the others what they
answer otherwise; without that one among those that are asked, what is kept of it counts.

`--check` writes nothing, tells what is kept otherwise, and ends with 1 where something is. A version of which nothing is kept is
held against the one that is kept whole.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ansible_answers import ORACLE, WHOLE, kept, order
from language_cases import KINDS

from .questions import FILES, Question, questions_of

HERE = Path(__file__).parent
Answers = Mapping[str, Any]
SEEDS_OF_HASHES = ("0", "1", "2", "3")
TOLD = 20


def version_of(python: str) -> str:
    """The ansible-core of an environment: 2.19."""
    code = "import ansible.release as r; print('.'.join(r.__version__.split('.')[:2]))"
    return subprocess.run([python, "-c", code], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def asked(python: str, file: str) -> Answers:
    """What one version says of everything of a file. Orders of hosts that depend on the seed of hashes are none of it: such
    answers are sorted, behind null."""
    with tempfile.TemporaryDirectory() as folder:
        asking = [*questions_of(file, Path(folder).resolve())]
        first = _said(python, asking, SEEDS_OF_HASHES[0], folder)
        again = [question for question in asking if question.by_hash]
        others = [_said(python, again, seed, folder) for seed in SEEDS_OF_HASHES[1:]] if again else []
    settled = {**first, **{one.name: _settled([first[one.name], *(run[one.name] for run in others)]) for one in again}}
    return {name: said for question in asking for name, said in question.named(settled[question.name])}


def _said(python: str, asking: Sequence[Question], seed: str, folder: str) -> Answers:
    actions = Path(folder) / "actions"
    actions.mkdir(exist_ok=True)
    for kind in KINDS:
        shutil.copy(HERE / "recording_action.py", actions / f"{kind}.py")
    environment = {k: v for k, v in os.environ.items() if not k.startswith("ANSIBLE_") or k == "ANSIBLE_COLLECTIONS_PATH"}
    environment |= {"PYTHONHASHSEED": seed, "PATH": os.pathsep.join([str(Path(python).parent.absolute()), os.environ["PATH"]]),
                    "ANSIBLE_ACTION_PLUGINS": str(actions), "ANSIBLE_HOME": folder, "ANSIBLE_LOCAL_TEMP": folder,
                    "ANSIBLE_GATHERING": "explicit", "ANSIBLE_LOCALHOST_WARNING": "0"}
    done = subprocess.run([python, HERE / "ask_ansible.py"], input="".join(json.dumps(one.asked) + "\n" for one in asking),
                          stdout=subprocess.PIPE, text=True, check=True, env=environment)
    said = [json.loads(line) for line in done.stdout.splitlines()]
    for one in said:
        if isinstance(one, dict):
            one.get("_meta", {}).pop("profile", None)
    return dict(zip((one.name for one in asking), said, strict=True))


def _settled(said: Sequence[Any]) -> Any:
    return [one[0] if all(o == one[0] for o in one) else [None, *sorted(one[0])] for one in zip(*said, strict=True)]


def text(answers: Answers, heading: Mapping[str, str]) -> str:
    """As it is kept: an answer a line."""
    lines = (f"{json.dumps(name)}: {json.dumps(said, sort_keys=True, separators=(',', ':'))}"
             for name, said in {**heading, **answers}.items())
    return "{\n" + ",\n".join(lines) + "\n}\n"


def main(pythons: Sequence[str], check: bool) -> int:
    stale = False
    of_versions = sorted(((version_of(python), python) for python in pythons), key=lambda one: (one[0] != WHOLE, order(one[0])))
    for file, asked_of in FILES.items():
        path = ORACLE / WHOLE / f"{file}.json"
        whole: Answers = kept(path) if path.exists() else {}
        for version, python in of_versions:
            answers = asked(python, file)
            print(f"ansible-core {version}: {len(answers)} {file}", flush=True)
            if version == WHOLE:
                made, before, whole = answers, whole, whole if check else answers
            else:
                made = {name: said for name, said in answers.items() if name not in whole or said != whole[name]}
                path = ORACLE / version / f"{file}.json"
                before = kept(path) if path.exists() else {}
            heading = {"asked": asked_of()} if version == WHOLE else {"asked": asked_of(), "base": WHOLE}
            stale |= _told(made, before)
            if not check:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text(made, heading), encoding="utf-8")
    return int(check and stale)


def _told(made: Answers, before: Answers) -> bool:
    """Say what differs from what is kept, and whether something does."""
    changed = [name for name in {**before, **made} if made.get(name, "-") != before.get(name, "-")]
    for name in changed[:TOLD]:
        print(f"  {name}: {json.dumps(made.get(name, 'as the others'))[:200]}, before {json.dumps(before.get(name, '-'))[:200]}")
    if changed[TOLD:]:
        print(f"  and {len(changed) - TOLD} more")
    return bool(changed)


if __name__ == "__main__":
    sys.exit(main([a for a in sys.argv[1:] if a != "--check"], "--check" in sys.argv))
