"""The cases of tests/cases/lab_*.yml: what is called on a host, and what has to come of it.

They say how the lab behaves; tests/windows_job/replay.py asks a real Windows the same. A case may have two keys more:
`only: REASON` where no other host can answer it, and `windows: {gives: …}` (or refused, suites, values) where Windows is known
to answer something else than the lab. `asks: ID` names what it asks of the lab's open behaviours (docs/reference/lab.md).
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import core

from ringfence.batch import Answer, Call, Failure, cmdlet_call
from ringfence.lab.host_script.allow_list import check_call
from ringfence.lab.netsecurity.cmdlet_errors import STATUS_TEXTS, CmdletError

FILES = ("lab_firewall_rules", "lab_ipsec_rules", "lab_ipsec_sets", "lab_settings")
READ = Call("Policy.Read", {"stores": ["local", "group_policy"]})
DEFAULT_SETS = "".join(
    f"{token}={{E5A5D32A-4BCE-4e4d-B07F-4AB1BA7E5FE{n}}}|" for token, n in (("Auth1Set", 3), ("Auth2Set", 4), ("Crypto2Set", 2))
)
SETS = {
    "P1": ("NetIPsecPhase1AuthSet", "Phase1AuthenticationSets", "New-NetIPsecAuthProposal"),
    "P2": ("NetIPsecPhase2AuthSet", "Phase2AuthenticationSets", "New-NetIPsecAuthProposal"),
    "MM": ("NetIPsecMainModeCryptoSet", "Phase1CryptoSet", "New-NetIPsecMainModeCryptoProposal"),
    "QM": ("NetIPsecQuickModeCryptoSet", "Phase2CryptoSets", "New-NetIPsecQuickModeCryptoProposal"),
}
RULES = {
    ("lab_firewall_rules", "new"): ("NetFirewallRule", "FirewallRules"),
    ("lab_ipsec_rules", "new"): ("NetIPsecRule", "ConSecRules"),
    ("lab_ipsec_rules", "main_mode"): ("NetIPsecMainModeRule", "MainModeRules"),
}
OUTCOMES = ("refused", "gives", "suites", "values")
ASKED_FOR = "MissingMandatoryParameter"  # PowerShell asks, and its host program says in its own words that nobody answers
EQUAL, WORDS, DIFFERS = "equal", "words", "differs"

Rows = Mapping[str, Mapping[str, tuple[str, Any]]]  # of one store: {path: {name: (type, data)}}


def may_be_called(call: Call) -> bool:
    """Whether the host script's allow-list has it."""
    try:
        check_call(call.args["cmdlet"], call.args["parameters"])
    except CmdletError:
        return False
    return True


def cases(name: str) -> list[dict[str, Any]]:
    """The cases of tests/cases/NAME.yml."""
    return list(core.cases(name))


def proposals(cmdlet: str, given: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Parameter values that are calls of a proposal cmdlet."""
    return [{"$call": {"cmdlet": cmdlet, "parameters": dict(p)}} for p in given]


def rows(store: Sequence[Any]) -> Rows:
    """One store of a Policy.Read."""
    return {path: {name: (kind, data) for name, kind, data in values} for path, values in store}


@dataclass(frozen=True)
class Verdict:
    """How a host answered: `equal`, `words` (refused as expected, with another id or code) or `differs`, and what it said."""

    result: str
    expected: str = ""
    got: str = ""


@dataclass(frozen=True)
class LabCase:
    """One case. `disabled`: its rules are made disabled, so that a host in use keeps its network."""

    file: str
    number: int
    said: Mapping[str, Any]
    disabled: bool = False

    @property
    def title(self) -> str:
        """For people."""
        return " ".join(f"{key}={value}" for key, value in self.said.items())[:150]

    @property
    def only(self) -> str:
        """Why no host but the lab's can answer; "" where another can."""
        if "schema" in self.said:
            return f"a host of schema version {self.said['schema']}"
        if self.said.get("store") == "group_policy":
            return "Windows keeps the local group policy in registry.pol, and has it in the registry after a refresh only"
        refused = str(self.said.get("refused", "")).startswith("ringfence.")
        if not refused and not all(may_be_called(call) for call in self.calls("x")):
            return "ringfence does not call it so: the host script refuses it"
        return str(self.said.get("only", ""))

    @property
    def asks(self) -> tuple[str, ...]:
        """The open behaviours of the lab that it is an instance of."""
        asks = self.said.get("asks", ())
        return (asks,) if isinstance(asks, str) else tuple(asks)

    def calls(self, name: str) -> list[Call]:
        """What is called, on an object of this name."""
        if self.file == "lab_settings":
            said = self.said["call"] if isinstance(self.said["call"], list) else [self.said["call"]]
            return [cmdlet_call(cmdlet, parameters) for call in said for cmdlet, parameters in call.items()]
        if self.file == "lab_ipsec_sets":
            return self._set_calls(name)
        noun, _, given = self._rule
        switch = {"Enabled": "False"} if self.disabled and not any(key.lower() == "enabled" for key in given) else {}
        calls = [cmdlet_call(f"New-{noun}", {"Name": name, "DisplayName": "X", **switch, **given})]
        return [*calls, cmdlet_call(f"Set-{noun}", {"Name": name.upper(), **self.said["set"]})] if "set" in self.said else calls

    def removals(self, name: str) -> list[Call]:
        """What puts the host back."""
        if self.file == "lab_settings":
            made = [call for call in self.calls(name) if call.args["cmdlet"] == "New-NetIPsecDospSetting"]
            return [cmdlet_call("Remove-NetIPsecDospSetting", {"Name": call.args["parameters"]["Name"]}) for call in made]
        noun = SETS[self.said["set"]][0] if self.file == "lab_ipsec_sets" else self._rule[0]
        return [cmdlet_call(f"Remove-{noun}", {"Name": self.calls(name)[0].args["parameters"]["Name"]})]

    def judge(
        self, name: str, answers: Sequence[Answer], policy: Mapping[str, Sequence[Any]], *, windows: bool = False
    ) -> Verdict:
        """What came of the calls: their answers, and the Policy.Read after them."""
        outcome = dict(self.said)
        if windows and "windows" in outcome:
            outcome = {k: v for k, v in outcome.items() if k not in OUTCOMES} | outcome["windows"]
        failed = next((a.error for a in answers if a.error), None)
        if "refused" in outcome:
            return _judge_refusal(outcome["refused"], answers[-1].error, failed)
        if failed:
            return Verdict(DIFFERS, "is accepted", _told(failed))
        store = rows(policy[outcome.get("store", "local")])
        if self.file == "lab_settings":
            return _judge_values(outcome["values"], store)
        if self.file == "lab_ipsec_sets":
            return _judge_set(outcome, SETS[self.said["set"]][1], name, store)
        return self._judge_rule(outcome["gives"], name, store)

    @property
    def _rule(self) -> tuple[str, str, Mapping[str, Any]]:
        """Noun, key and parameters of a case that makes a rule."""
        return next((*place, self.said[key]) for (file, key), place in RULES.items() if file == self.file and key in self.said)

    def _set_calls(self, name: str) -> list[Call]:
        noun, _, cmdlet = SETS[self.said["set"]]
        calls = [
            cmdlet_call(
                f"New-{noun}",
                {
                    "Name": name,
                    "DisplayName": "X",
                    "Proposal": proposals(cmdlet, self.said["with"]),
                    **self.said.get("options", {}),
                },
            )
        ]
        if "then" in self.said:
            then = {k: proposals(cmdlet, v) if k == "Proposal" else v for k, v in self.said["then"].items()}
            calls.append(cmdlet_call(f"Set-{noun}", {"Name": name, **then}))
        return calls

    def _judge_rule(self, gives: str, name: str, store: Rows) -> Verdict:
        expected = gives.replace("|S", "|" + DEFAULT_SETS) if self.file == "lab_ipsec_rules" else gives
        if self.disabled:
            expected = expected.replace("|Active=TRUE|", "|Active=FALSE|", 1)
        _, key, given = self._rule
        held = str(store.get(key, {}).get(given.get("Name", name), ("", ""))[1])
        version, _, got = held.partition("|")
        return Verdict(EQUAL if re.fullmatch(r"v\d+\.\d+", version) and got == expected else DIFFERS, expected, held)


def _judge_refusal(expected: int | str, last: Failure | None, failed: Failure | None) -> Verdict:
    """An expected number is a native code, or a FW_RULE_STATUS, whose text the message has; a text begins the error's id."""
    said = f"0x{expected:08X}" if isinstance(expected, int) else expected
    if last is None or failed is not last:  # what came before it has to succeed
        return Verdict(DIFFERS, f"refused {said}", _told(failed) if failed else "was accepted")
    if expected == ASKED_FOR:
        return Verdict(EQUAL, f"refused {said}", _told(last))
    same = says(expected, last) if isinstance(expected, int) else last.id.startswith(expected)
    return Verdict(EQUAL if same else WORDS, f"refused {said}", _told(last))


def says(expected: int, error: Failure) -> bool:
    """Whether a refusal is that of a native code, or has the text of a FW_RULE_STATUS."""
    if expected < 0x10000:
        return error.code == expected
    return " ".join(STATUS_TEXTS[expected].split()) in " ".join(error.message.split())


def _judge_values(values: Mapping[str, Any], store: Rows) -> Verdict:
    held = {}
    for place in values:
        path, _, name = place.rpartition("\\")
        held[place] = store.get(path, {}).get(name, ("", None))[1]
    return Verdict(EQUAL if held == values else DIFFERS, json.dumps(values), json.dumps(held))


def _judge_set(outcome: Mapping[str, Any], key: str, name: str, store: Rows) -> Verdict:
    """[MS-GPFAS] writes Phase1CryptoSet in its text and no example: on a host either number is taken."""
    root = next((path for path in (f"{key}\\{name}", f"{key}s\\{name}") if path in store), None)
    if root is None:
        return Verdict(DIFFERS, f"{key}\\{name}", "no such key")
    tree = {path: values for path, values in store.items() if path == root or path.startswith(root + "\\")}
    held = {path.removeprefix(root).strip("\\"): {n: data for n, (_, data) in values.items()} for path, values in tree.items()}
    version = str(held[""].pop("Version", ""))
    expected = {"": {"Name": "X"} | outcome.get("head", {})}
    expected |= {f"{n:04}": _withheld(suite) for n, suite in enumerate(outcome["suites"])}
    texts = all(kind in ("String", "Secret") for values in tree.values() for kind, _ in values.values())
    same = held == expected and texts and re.fullmatch(r"\d+\.\d+", version)
    return Verdict(EQUAL if same else DIFFERS, json.dumps(expected), json.dumps(held))


def _withheld(suite: Mapping[str, str]) -> dict[str, str | None]:
    """A stored proposal as it is read: of a pre-shared key only that there is one."""
    return {n: None if n == "SHKey" else data for n, data in suite.items()}


def _told(error: Failure) -> str:
    return f"refused {error.category}, {error.id}, code {error.code}: {error.message}"


def lab_cases(*, disabled: bool = False) -> Iterator[LabCase]:
    """Every case."""
    for file in FILES:
        yield from (LabCase(file, number, said, disabled) for number, said in enumerate(cases(file)))


KEY = "Gehëim-7421"


def prerequisites() -> Iterator[tuple[str, str, Call]]:
    """(noun, name, call) of each set that the cases of IPsec rules name."""
    esp = {"Encapsulation": "ESP", "ESPHash": "SHA1"}
    for kind, name, given in (
        ("P1", "kerb", [{"Machine": True, "Kerberos": True}]),
        ("P1", "psk", [{"Machine": True, "PreSharedKey": KEY}]),
        ("P1", "cert", [{"Machine": True, "Cert": True, "Authority": "CN=Root"}]),
        ("P2", "user", [{"User": True, "Kerberos": True}]),
        ("QM", "esp", [esp]),
        ("QM", "clear", [esp, {"Encapsulation": "None"}]),
        ("MM", "mm", [{"KeyExchange": "DH14"}]),
    ):
        noun, _, cmdlet = SETS[kind]
        yield noun, name, cmdlet_call(f"New-{noun}", {"Name": name, "DisplayName": name, "Proposal": proposals(cmdlet, given)})
