"""What plans open, as the lab judges it: hosts before and after, flow by flow."""

from collections import Counter
from dataclasses import dataclass, field, replace
from itertools import count
from random import Random

from core import RULE
from flows import Flow, flows, meets, passes
from found_rules import OURS, FoundRule, found_rule, real_rules, with_texts
from hosts import FORCED, PROJECT, LabHost

from ringfence.errors import GuardRefused
from ringfence.lab import POLICY
from ringfence.lab.enforcement.inbound_connection import admits
from ringfence.lab.registry.hive import SYSTEM_DEFAULTS
from ringfence.lab.registry.stored_rule import StoredRule
from ringfence.model.kept import kept_pieces
from ringfence.model.ledger import ProjectIdentity, Prune
from ringfence.model.state import Id
from ringfence.plan.run_policy import RunPolicy
from ringfence.run.host import apply_host

OTHER = ProjectIdentity("other-firewall", "00000000000000000000000000000b0b")
IN_LEDGERS = ("mentioned", *OURS, "foreign")
FLOWS = 32  # of each rule
IPSEC = "v2.31|Action={}|Name=x|Active=TRUE|EP2_4=10.{}.0.0/255.255.0.0|"


@dataclass
class Judgement:
    """counted: how many rules there were, by origin or way, by word, and by what came of it · flows: how many were looked at ·
    opened: how often one passes only since · wrong: what opened though nothing said so."""

    counted: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    flows: int = 0
    opened: int = 0
    wrong: list[str] = field(default_factory=list)


def judge_ownership(rng: Random, number: int) -> Judgement:
    """As many flows at least, on hosts with hundreds of rules each and tasks for them; planned and applied. Each third host comes
    to a project without a name, which owns nothing."""
    judgement = Judgement()
    for n in count():
        if judgement.flows >= number:
            break
        project = None if n % 3 == 2 else PROJECT
        bases = rng.sample(real_rules(), min(400, len(real_rules())))
        cases = [c for line, base in enumerate(bases, 1) if (c := found_rule(f"r{line}", line, base, rng))]
        cases = [c for c in cases if project or c.origin not in IN_LEDGERS]
        _judge(_host(cases, project), cases, judgement, rng)
    return judgement


def _host(cases: list[FoundRule], project: ProjectIdentity | None) -> LabHost:
    host = LabHost({c.name: c.text for c in cases}, owns=False, project=project)
    for c in cases:
        if c.shipped:
            host.machine.registry.set(SYSTEM_DEFAULTS + r"\FirewallRules", c.name, c.shipped)
        if c.origin in ("mentioned", *OURS):
            host.take_over([_id(c.name)], c.origin)
        if c.origin == "foreign":
            host.take_over([_id(c.name)], project=OTHER)
    return host


def _id(name: str) -> Id:
    return Id("local", "firewall_rule", name)


def _judge(host: LabHost, cases: list[FoundRule], judgement: Judgement, rng: Random) -> None:
    before, left = host.rules, cases
    while stopped := _stopped(host, left):
        judgement.counted.update((c.origin, str(c.word), stopped[c.line]) for c in left if c.line in stopped)
        left = [c for c in left if c.line not in stopped]
    assert host.rules == before
    result = host.apply(*(c.asked for c in left))
    assert result.error is None, str(result.error)
    judgement.counted.update((c.origin, str(c.word), "done") for c in left)
    for case in cases:
        after = host.rules[case.name]
        if case not in left:
            assert after == case.text  # a plan that is refused does nothing
        for flow in flows(host.machine, (case.text, after), FLOWS, rng) if after != case.text else ():
            judgement.flows += 1
            if why := _wrong(host, case, after, flow, judgement):
                judgement.wrong.append(f"{case.origin} {case.word}: {why}\n  task   {case.asked.properties}\n"
                                       f"  before {case.text}\n  after  {after}\n  meant  {case.intended}\n  {flow}")


def _stopped(host: LabHost, cases: list[FoundRule]) -> dict[int, str]:
    """The lines of the tasks that the plan refuses, or finds wrong."""
    planned = host.plan(*(c.asked for c in cases))
    stopped = {d.where.line: "invalid" for d in planned.diagnostics if d.severity == "error"}
    if planned.error is not None:
        assert isinstance(planned.error, GuardRefused), planned.error
        stopped |= {int(line.split(":")[1]): "refused" for line in str(planned.error).splitlines()}
    return stopped


def _wrong(host: LabHost, case: FoundRule, after: str, flow: Flow, judgement: Judgement) -> str:
    """What is wrong with a flow that passes now and did not before."""
    machine = host.machine
    for default in (False, True):
        if passes(machine, flow, after, default) and not passes(machine, flow, case.text, default):
            judgement.opened += 1
            if case.may == "nothing":
                return "nothing may open"
            if not passes(machine, flow, case.intended, default):
                return f"more opens than the task says ({case.may})"
            mentioned = StoredRule("FirewallRules", [piece for pieces in case.meant.values() for piece in pieces])
            if not default and not meets(machine, flow, mentioned):
                return "it does not meet every condition that is mentioned"
    return ""


def judge_pruning(rng: Random, word: Prune, size: int = 120) -> Judgement:
    """A host with rules of a project that declares none of them any more, after a full run with a word of `prune`.

    What was mentioned was narrowed to one subnet: what `restore` puts back may pass what passed before that, and nothing else.
    """
    judgement = Judgement()
    bases = rng.sample([text for text in real_rules() if not kept_pieces(RULE.read_string("x", text))], size)
    found = {f"r{n}": with_texts(base, "Other", rng) for n, base in enumerate(bases)}
    ways = {name: rng.choice(("created", "adopted", "mentioned")) for name in found}
    host = LabHost({n: _narrowed(text) if ways[n] == "mentioned" else text for n, text in found.items()}, owns=False)
    for name, way in ways.items():
        host.take_over([_id(name)], way, first={"remote_address": _addresses(found[name])} if way == "mentioned" else {})
    before = host.rules
    _prune(host, word)
    left = host.rules.values()
    blocking = [text for text in left if "Action=Block" in text]  # what goes may be within one that stays
    for name, text in before.items():
        after = host.rules.get(name)
        judgement.counted[ways[name], word, "gone" if after is None else "as it was" if after == text else "changed"] += 1
        allowed = (text, found[name]) if word == "restore" and ways[name] == "mentioned" else (text,)
        for flow in flows(host.machine, (text, after), FLOWS, rng):
            judgement.flows += 1
            # else a block had no say: Windows' own default is to block what comes in
            lets_in = flow.direction.lower() == "out" or any(passes(host.machine, flow, t, False) for t in left)
            for default in (False, True) if lets_in else (False,):
                if passes(host.machine, flow, after, default) and not any(
                        passes(host.machine, flow, t, default) for t in allowed) and all(
                        passes(host.machine, flow, t, True) for t in blocking):
                    judgement.wrong.append(f"{ways[name]} {word}\n  before {text}\n  after  {after}\n  {flow}")
    return judgement


def clear_text_after_pruning(word: Prune) -> list[str]:
    """Connections in clear that come in only since a project has lost its connection security rules."""
    host = LabHost({"open": "v2.31|Action=Allow|Active=TRUE|Dir=In|Name=open|"}, owns=False)
    for n in range(12):
        action = ("SecureServer", "Secure", "DoNotSecure")[n % 3]
        host.machine.registry.set(POLICY + r"\ConSecRules", f"s{n}", IPSEC.format(action, n % 6))
        host.take_over([Id("local", "ipsec_rule", f"s{n}")], ("created", "adopted")[n % 2])
    peers = [f"10.{n}.0.7" for n in range(7)]
    before = {peer for peer in peers if admits(host.machine, 22, peer)}
    assert "10.6.0.7" in before
    _prune(host, word)
    return [peer for peer in peers if admits(host.machine, 22, peer) and peer not in before]


def _prune(host: LabHost, word: Prune) -> None:
    """A full run in which nothing is declared."""
    policy = RunPolicy(PROJECT, run_id="20261126T115712Z-3f9a1c", prune=word, forced=FORCED | {"percent"})
    context = replace(host.context(), policy=policy, possible=lambda name, facts: frozenset[Id]())
    result = apply_host(host.job({}), context)
    assert result.error is None, str(result.error)


def _narrowed(text: str) -> str:
    rule = StoredRule.parse("FirewallRules", text)
    rule.replace("RA4 RA6 RA42 RA62", ("RA4", "10.1.4.0/255.255.255.240"))
    return rule.text("2.31")


def _addresses(text: str) -> list[str]:
    """The addresses of a rule as a ledger has them."""
    return list(RULE.read_string("x", text).values()["remote_address"])
