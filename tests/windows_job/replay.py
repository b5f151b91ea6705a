"""Every case of the lab against another host: the same calls, the same strings, trees, values and refusals?

A case is equal, or differs, or is refused in other words, or no other host can answer it. The step fails for what differs and
is not marked in the case (`windows: {…}`) as known of Windows. Rules are made disabled, and settings put back at once: the host
keeps its network.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from lab_cases import DIFFERS, EQUAL, READ, WORDS, LabCase, Verdict, lab_cases, prerequisites

from ringfence.batch import Call, cmdlet_call

from .guarantees import guarantees
from .job import Job, Way, summarise, told

ONLY = "only"
AT_ONCE = 40  # cases in a batch
ALIAS, GUID, PATTERN = "Ethernet", "{11111111-2222-3333-4444-555555555555}", "Eth*"  # of the lab's host in the cases
# What a case says of these is put back at once: they decide whether the host keeps its network.
USUAL = {
    "Enabled": "True",
    "DefaultInboundAction": "Block",
    "DefaultOutboundAction": "Allow",
    "AllowInboundRules": "True",
    "DisabledInterfaceAliases": "NotConfigured",
}


@dataclass(frozen=True)
class Played:
    """A case and what came of it. `result`: equal, words, differs, or only."""

    case: LabCase
    verdict: Verdict

    @property
    def guarantees(self) -> Iterator[tuple[str, bool]]:
        """(id, whether it holds) of the guarantees that the case is an instance of."""
        case, result = self.case, self.verdict.result
        if "refused" in case.said:
            yield "refusals", result != DIFFERS
            if result != DIFFERS:
                yield "refusal-words", result == EQUAL
        elif "set" in case.said and case.file != "lab_ipsec_sets":
            yield "set-keeps-the-rest", result == EQUAL
        else:
            yield (
                {
                    "lab_firewall_rules": "stored-firewall-rules",
                    "lab_ipsec_rules": "stored-ipsec-rules",
                    "lab_ipsec_sets": "stored-sets",
                    "lab_settings": "stored-settings",
                }[case.file],
                result == EQUAL,
            )


def of_host(cases: Sequence[LabCase], alias: str, guid: str) -> list[LabCase]:
    """The cases with an interface of the host in the place of the lab's."""
    names = {f'"{ALIAS}"': json.dumps(alias), f'"{PATTERN}"': json.dumps(f"{alias[:-1]}[{alias[-1]}]"), GUID: guid}
    return [replace(case, said=_renamed(case.said, names)) for case in cases]


def _renamed(said: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    text = json.dumps(said)
    for old, new in names.items():
        text = text.replace(old, new)
    renamed: dict[str, Any] = json.loads(text)
    return renamed


def interface(way: Way) -> tuple[str, str]:
    """Alias and GUID of an interface that is up."""
    [network] = way.ask(Call("Interfaces.Read"))
    return next((i["alias"], i["guid"]) for i in network["interfaces"] if i["status"] == "up" and i["addresses"])


def play(way: Way, cases: Sequence[LabCase]) -> Iterator[Played]:
    """The cases that a host can answer, some in each batch, and what remains of them removed again."""
    made = [(noun, name, call) for noun, name, call in prerequisites()]
    way.ask(*(call for _, _, call in made))
    try:
        settings = [case for case in cases if case.file == "lab_settings"]
        objects = [case for case in cases if case.file != "lab_settings"]
        for start in range(0, len(objects), AT_ONCE):
            yield from _play_objects(way, objects[start : start + AT_ONCE])
        for start in range(0, len(settings), AT_ONCE // 4):
            yield from _play_settings(way, settings[start : start + AT_ONCE // 4])
    finally:
        way.send(*(cmdlet_call(f"Remove-{noun}", {"Name": name}) for noun, name, _ in made))


def _play_objects(way: Way, cases: Sequence[LabCase]) -> list[Played]:
    """One read after all the calls, then what was made is removed."""
    calls = [(case, call) for case in cases for call in case.calls(_name(case))]
    _, answers = way.send(*(call for _, call in calls), READ)
    answered: dict[int, list[Any]] = {}
    for (case, _), answer in zip(calls, answers, strict=False):
        answered.setdefault(id(case), []).append(answer)
    removals = [call for case in cases if answered[id(case)][0].error is None for call in case.removals(_name(case))]
    policy = answers[-1].value
    try:
        return [Played(case, case.judge(_name(case), answered[id(case)], policy, windows=not way.lab)) for case in cases]
    finally:
        way.send(*removals)


def _play_settings(way: Way, cases: Sequence[LabCase]) -> Iterator[Played]:
    """A read after each, and the host put back before the next."""
    steps = [(case, [*case.calls(""), READ, *case.removals(""), *_usual(case)]) for case in cases]
    _, answers = way.send(*(call for _, calls in steps for call in calls))
    rest = list(answers)
    for case, calls in steps:
        mine, rest, said = rest[: len(calls)], rest[len(calls) :], len(case.calls(""))
        yield Played(case, case.judge("", mine[:said], mine[said].value, windows=not way.lab))


def _usual(case: LabCase) -> Iterator[Call]:
    """The calls that give the profiles of a case their usual values."""
    for call in case.calls(""):
        said = call.args["parameters"]
        if call.args["cmdlet"] == "Set-NetFirewallProfile" and (back := {p: USUAL[p] for p in USUAL if p in said}):
            yield cmdlet_call("Set-NetFirewallProfile", back | {n: v for n, v in said.items() if n == "Name"})


def _name(case: LabCase) -> str:
    return f"ringfence-{case.file}-{case.number}"


def run(job: Job, way: Way, first: int | None = None) -> int:
    """The step: 0 where all that could be asked is equal or known. `first`: so many cases of each file only."""
    everything = [case for case in lab_cases(disabled=True) if first is None or case.number < first]
    played, ended = list[Played](), ""
    try:
        for one in play(way, of_host([case for case in everything if not case.only], *interface(way))):
            played.append(one)
    except Exception as error:
        ended = f"the replay ended after {len(played)} cases: {told(error)}"
        print(ended)
    _keep(job, way, played, [case for case in everything if case.only])
    _note(job, way, played, ended)
    return 1 if ended or any(one.verdict.result != EQUAL for one in played) else 0


def _note(job: Job, way: Way, played: Sequence[Played], ended: str) -> None:
    """What was seen of each guarantee. What holds in some of the cases alone proves nothing."""
    for id in (one.id for one in guarantees().values() if one.by == "replay"):
        mine = [(one, holds) for one in played for of, holds in one.guarantees if of == id]
        wrong = [f"{one.case.title}: expected {one.verdict.expected}; {one.verdict.got}" for one, holds in mine if not holds]
        if mine and (wrong or not ended):
            job.saw(id, way.name, wrong, f"{len(mine)} cases")
        else:
            job.not_reached(id, way.name, ended or "none of the cases is of it")


def _keep(job: Job, way: Way, played: Sequence[Played], only: Sequence[LabCase]) -> None:
    """A line for each case in a file, those that are not equal in another, and the counts for all to see."""
    lines = [
        {
            "result": one.verdict.result,
            "asks": one.case.asks,
            "case": f"{one.case.file}[{one.case.number}]",
            "said": dict(one.case.said),
            "expected": one.verdict.expected,
            "got": one.verdict.got,
        }
        for one in played
    ]
    lines += [{"result": ONLY, "case": f"{case.file}[{case.number}]", "said": dict(case.said), "why": case.only} for case in only]
    job.write(f"replay-{way.name}.jsonl", "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines))
    unequal = [line for line in lines if line["result"] in (WORDS, DIFFERS)]
    job.write(f"differences-{way.name}.jsonl", "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in unequal))
    for line in unequal:
        print(f"{line['result']:<8} {line['case']}: expected {line['expected']}\n{'':9}{line['got']}")
    for why, number in Counter(case.only for case in only).items():
        print(f"{ONLY:<8} {number} {'case' if number == 1 else 'cases'}: {why}")
    for id in dict.fromkeys(id for one in played for id in one.case.asks):
        answers = Counter(one.verdict.result for one in played if id in one.case.asks)
        print(f"open     {id}: {'as the lab does' if set(answers) == {EQUAL} else dict(answers)}")
    counts = Counter(str(line["result"]) for line in lines)
    summarise(f"Replay over {way.name}: {', '.join(f'{counts[r]} {r}' for r in (EQUAL, WORDS, DIFFERS, ONLY))}")
