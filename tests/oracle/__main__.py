"""`python -m tests.oracle PYTHON …`: ask the ansible-core of other environments what the inventories of
tests/helpers/inventories.py mean, and write what it says into tests/cases/ansible/VERSION. The newest one is written whole, of
the others what they answer otherwise.

`--check` writes nothing, and ends with 1 where something is kept otherwise.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

HELPERS = Path(__file__).parents[1] / "helpers"
sys.path.insert(0, str(HELPERS))

from inventories import ORACLE, SEED, WITH_PATTERNS, digest, inventories, patterns_by_chance, sources, write  # noqa: E402

Answers = Mapping[str, Any]
SEEDS_OF_HASHES = ("0", "1", "2", "3")


def version_of(python: str) -> str:
    """The ansible-core of an environment: 2.19."""
    code = "import ansible.release as r; print('.'.join(r.__version__.split('.')[:2]))"
    return subprocess.run([python, "-c", code], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def questions(folder: Path, cases: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The name of each answer, and what to ask for it."""
    for number, case in enumerate(cases):
        place = folder / str(number)
        place.mkdir()
        write(place, case)
        named = [word for source in sources(case) for word in ("-i", source)]
        more = ["--playbook-dir", case["beside"]] if "beside" in case else []
        more += ["-l", case["limit"]] if "limit" in case else []
        more += ["--vault-password-file", ".vault"] if "vault" in case else []
        yield case["name"], {"folder": str(place), "arguments": ["--list", *named, *more]}
        if case.get("plugin"):
            yield f"{case['name']}, exported", {"folder": str(place), "arguments": ["--list", "--export", *named]}
    for number, case in enumerate([c for c in cases if c["name"].startswith("by chance")][:WITH_PATTERNS]):
        place = folder / f"patterns{number}"
        place.mkdir()
        write(place, case)
        yield f"patterns {number}", {"folder": str(place), "sources": list(sources(case)), "patterns": patterns_by_chance(number)}


def asked(python: str, cases: Sequence[Mapping[str, Any]]) -> Answers:
    """What one version says. Orders of hosts that depend on the seed of hashes are none of it: such answers are sorted, behind
    null."""
    first, *others = [_asked(python, cases, seed) for seed in SEEDS_OF_HASHES]
    return {name: _settled([answer, *(run[name] for run in others)]) if isinstance(answer, list) else answer
            for name, answer in first.items()}


def _asked(python: str, cases: Sequence[Mapping[str, Any]], seed: str) -> Answers:
    with tempfile.TemporaryDirectory() as folder:
        asking = {name: question for name, question in questions(Path(folder).resolve(), cases)
                  if "patterns" in question or seed == SEEDS_OF_HASHES[0]}
        environment = {k: v for k, v in os.environ.items() if not k.startswith("ANSIBLE_")}
        text = "".join(json.dumps(question) + "\n" for question in asking.values())
        script = str(Path(__file__).with_name("ask_ansible.py"))
        done = subprocess.run([python, script], input=text, stdout=subprocess.PIPE, text=True, check=True,
                              env={**environment, "PYTHONHASHSEED": seed, "PATH": _path(python)})
        said = [json.loads(line) for line in done.stdout.splitlines()]
        assert len(said) == len(asking)
        for one in said:
            if isinstance(one, dict):
                one.get("_meta", {}).pop("profile", None)
        return dict(zip(asking, said, strict=True))


def _path(python: str) -> str:
    return os.pathsep.join([str(Path(python).parent), os.environ["PATH"]])


def _settled(said: Sequence[Any]) -> Any:
    return [one[0] if all(o == one[0] for o in one) else [None, *sorted(one[0])] for one in zip(*said, strict=True)]


def text(answers: Answers, of: str) -> str:
    """As it is kept: an answer a line."""
    rows = {"asked": of, **answers}
    lines = (f"{json.dumps(name)}: {json.dumps(said, sort_keys=True, separators=(',', ':'))}" for name, said in rows.items())
    return "{\n" + ",\n".join(lines) + "\n}\n"


def main(pythons: Sequence[str], check: bool) -> int:
    cases = inventories()
    print(f"{len(cases)} inventories, seed {SEED}")
    by_version = {version_of(python): python for python in pythons}
    newest, *others = sorted(by_version, key=lambda v: [int(n) for n in v.split(".")], reverse=True)
    whole = asked(by_version[newest], cases)
    found = {newest: whole}
    for version in others:
        answers = asked(by_version[version], cases)
        found[version] = {"base": newest, **{name: said for name, said in answers.items() if said != whole[name]}}
    stale = False
    for version, answers in found.items():
        path = ORACLE / version / "answers.json"
        made = text(answers, digest(cases))
        same = path.exists() and path.read_text(encoding="utf-8") == made
        stale |= not same
        print(f"{path.relative_to(ORACLE.parents[2])}: {len(answers)} answers, {len(made):,} bytes{'' if same else ', changed'}")
        if not check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(made, encoding="utf-8")
    return int(check and stale)


if __name__ == "__main__":
    sys.exit(main([a for a in sys.argv[1:] if a != "--check"], "--check" in sys.argv))
