"""`python -m tests.oracle.language PYTHON`: ask the Ansible of an environment what the plays and templates of
tests/helpers/language_cases.py come to, and keep it in tests/cases/ansible/2.19. It has to be ansible-core 2.19; expressions of
ansible.utils and community.general are asked where ANSIBLE_COLLECTIONS_PATH leads to them."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "helpers"))

from language_cases import ANSWERS, COLLECTIONS, KINDS, LanguagePlay, plays, templates  # noqa: E402

AT_ONCE = 2
SECONDS = 120


def ask_templates(python: str) -> dict[str, Any]:
    """{template: its answer}."""
    asked = templates()
    with tempfile.TemporaryDirectory() as name:
        LanguagePlay("", asked["files"]).write(Path(name))
        done = subprocess.run([python, HERE / "ask_templates.py"], input=json.dumps({**asked, "folder": name}), text=True,
                              stdout=subprocess.PIPE, check=True)
    return dict(zip(asked["templates"], json.loads(done.stdout[done.stdout.index("["):]), strict=True))


def ask_names(python: str) -> dict[str, Any]:
    """{filters, tests, lookups: their names}."""
    found: dict[str, Any] = json.loads(subprocess.run([python, HERE / "ask_names.py"], text=True, stdout=subprocess.PIPE,
                                                      check=True).stdout)
    return found


def ask_play(python: str, play: LanguagePlay) -> dict[str, Any]:
    """{tasks: what those of the host `one` say}, or {error: true}."""
    with tempfile.TemporaryDirectory() as name:
        folder, record = Path(name) / "project", Path(name) / "record"
        play.write(folder)
        record.touch()
        command = [python, "-m", "ansible", "playbook", "-i", "hosts.yml", "-c", "local", "site.yml"]
        for flag, values in (("-e", play.extra), ("-t", play.only), ("--skip-tags", play.skip)):
            command += [word for value in values for word in (flag, value)]
        actions = Path(name) / "actions"
        actions.mkdir()
        for kind in KINDS:
            shutil.copy(HERE / "recording_action.py", actions / f"{kind}.py")
        settings = {"ANSIBLE_ACTION_PLUGINS": str(actions), "RINGFENCE_ORACLE": str(record), "ANSIBLE_GATHERING": "explicit",
                    "ANSIBLE_LOCAL_TEMP": name, "ANSIBLE_HOME": name, "ANSIBLE_LOCALHOST_WARNING": "0"}
        done = subprocess.run(command, cwd=folder, env={**os.environ, **settings}, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL, timeout=SECONDS, check=False)
        lines = [json.loads(line) for line in record.read_text(encoding="utf-8").splitlines()]
    return {"error": True} if done.returncode else {"tasks": [said for host, said in lines if host == "one"]}


def keep(name: str, answers: Mapping[str, Any]) -> None:
    """Write answers, one a line."""
    ANSWERS.mkdir(parents=True, exist_ok=True)
    lines = (f"{json.dumps(key)}: {json.dumps(value, sort_keys=True)}" for key, value in answers.items())
    (ANSWERS / name).write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="ascii")


def main(arguments: Sequence[str]) -> None:
    (python,) = arguments
    keep("names.json", ask_names(python))
    found = ask_templates(python)
    of_collections = {text: one for text, one in found.items() if any(name in text for name in COLLECTIONS)}
    keep("templates.json", {text: one for text, one in found.items() if text not in of_collections})
    if any("value" in one for one in of_collections.values()):
        keep("collections.json", of_collections)
    asked = plays()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        keep("plays.json", dict(zip((play.name for play in asked), pool.map(lambda play: ask_play(python, play), asked),
                                    strict=True)))


if __name__ == "__main__":
    main(sys.argv[1:])
