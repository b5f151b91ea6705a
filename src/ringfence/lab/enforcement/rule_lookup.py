"""Rules by what tells most of them apart, so that a flow is compared with few: port, program, whether it is of a package."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import chain

from ringfence.lab.enforcement.rule_conditions import ANY_PROTOCOL, RuleConditions
from ringfence.lab.machine.machine import Machine


class RuleLookup:
    """The rules of one direction that a protocol may meet. Ports are the local ones inbound, else the remote ones."""

    def __init__(self, machine: Machine, rules: Iterable[RuleConditions], direction: str, protocol: int) -> None:
        self._by_port: dict[int, list[RuleConditions]] = defaultdict(list)
        self._by_program: dict[str, list[RuleConditions]] = defaultdict(list)
        self._of_packages: list[RuleConditions] = []
        self._others: list[RuleConditions] = []
        for rule in rules:
            if rule.direction != direction or rule.protocol not in (protocol, ANY_PROTOCOL, None):
                continue
            ports = (rule.local_ports if direction == "in" else rule.remote_ports).few()
            program = machine.expanded(rule.program).lower()
            if rule.protocol == protocol and ports:
                for port in ports:
                    self._by_port[port].append(rule)
            elif program and "%" not in program:
                self._by_program[program].append(rule)
            elif rule.rule.has("AppPkgId", "PFN"):
                self._of_packages.append(rule)
            else:
                self._others.append(rule)

    def candidates(self, port: int | None, program: str | None, package: str | None) -> Iterator[RuleConditions]:
        """All rules that can match, and some that cannot. What is not known may be anything; a package "" is none."""
        if port is None:
            yield from chain.from_iterable(self._by_port.values())
        else:
            yield from self._by_port.get(port, ())
        if program is None:
            yield from chain.from_iterable(self._by_program.values())
        else:
            yield from self._by_program.get(program, ())
        if package != "":
            yield from self._of_packages
        yield from self._others
