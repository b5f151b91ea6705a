"""`ringfence doctor` through real WinRM and SSH: a host for each thing that can stand in the way, and what its page says."""

import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from asked_hosts import Direct
from batches import batch_of
from cli_lab import Cli
from core import cases
from documents import hosts_in
from host_script import PWSH, needs_pwsh
from lab_servers import AUDITOR, OPERATOR

from ringfence.doctor.checks import CHECKS
from ringfence.doctor.examination import Examination
from ringfence.lab import POLICY, Machine, NetworkAdapter, machine
from ringfence.lab.simulated_fleet import SimulatedFleet
from ringfence.lab.ssh.sshd import SshServerSettings
from ringfence.lab.winrm.winrm_settings import WinRMSettings
from ringfence.model.facts import parse_facts
from ringfence.model.host_expiry import HostExpiry
from ringfence.transports.way_in import WayIn
from ringfence.windows.expiry_calls import write_expiry

CASES = cases("doctor")
GUID = "{" + str(uuid.UUID(int=7)).upper() + "}"
NOT_CHECKED_ON_A_HOST = {"language_mode", "endpoint"}  # another language mode ends the batch; test_ping.py has endpoints


def host(name: str, given: Mapping[str, Any]) -> Machine:
    """A fresh server, but for what is given."""
    given = dict(given)
    domain = given.pop("domain", None)
    adapter = NetworkAdapter("Ethernet", GUID, addresses=("10.99.0.10/24",),
                             profile=given.pop("profile", "domain" if domain else "private"))
    on = machine(name, domain=domain, interfaces=(adapter,), accounts={f"{name}-admin": "Ringfence-lab-1"})
    on.system = replace(on.system, **{field: given.pop(field) for field in ("product", "powershell") if field in given})
    on.services.update(given.pop("services", {}))
    if profile := given.pop("disabled", ""):
        on.registry.set(POLICY + rf"\{profile.capitalize()}Profile", "DisabledInterfaces", GUID)
    for key, values in given.pop("registry", {}).items():
        for value, data in values.items():
            on.registry.set(key, value, data)
    on.surroundings.start_modes.update(given.pop("start_modes", {}))
    for part, values in given.pop("winrm", {}).items():
        held = on.surroundings.winrm[part]
        on.surroundings.winrm[part] = {**held, **values} if isinstance(values, dict) else values
    given.pop("not_elevated", None)
    on.clock.offset = given.pop("clock_offset", 0)
    for rule, at in given.pop("ends", {}).items():  # at "": by a task that somebody has switched off
        made = Direct(on).run(batch_of(write_expiry(HostExpiry(None, "NetFirewallRule", rule, at or "2099-01-01T00:00:00Z"))))
        if not at:
            on.tasks.enable("\\ringfence\\expires\\" + next(iter(made.answers.values())).value["task"], False)
    for field, value in given.items():
        assert hasattr(on.surroundings, field)
        setattr(on.surroundings, field, value)
    return on


@contextmanager
def up(cli: Cli, hosts: list[Machine], **how: Any) -> Iterator[None]:
    with SimulatedFleet(hosts, **how) as lab:
        cli.write({"hosts.yml": lab.inventory()})
        yield


def pages(cli: Cli, *arguments: str, code: int) -> dict[str, dict[str, Any]]:
    """{host: what the document says of it}; the document fits its schema."""
    said = cli("doctor", "-i", "hosts.yml", "--output", "json", *arguments)
    assert said.code == code, said.err
    return hosts_in(said.out, "examination")


@pytest.fixture
def cli(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Cli:
    return Cli(tmp_path, capsys)


@pytest.mark.parametrize("transport", ["psrp", "ssh"])
def test_each_thing_that_stands_in_the_way(cli: Cli, transport: str) -> None:
    """One run over a host for each case: each says what its case tells, in the order of the table."""
    hosts = [host(f"h{n}", case["host"]) for n, case in enumerate(CASES)]
    limited = frozenset(f"h{n}-admin" for n, case in enumerate(CASES) if case["host"].get("not_elevated"))
    with up(cli, hosts, transport=transport, winrm=WinRMSettings(not_elevated=limited),
            ssh=SshServerSettings(not_elevated=limited)):
        found = pages(cli, "all", code=6)
    for number, case in enumerate(CASES):
        seen = found[f"h{number}"]["checks"]
        assert list(dict.fromkeys(one["check"] for one in seen)) == [check.name for check in CHECKS]
        of_check = [(one["level"], one["found"]) for one in seen if one["check"] == case["check"]]
        wanted = case.get("over_ssh", case["level"]) if transport == "ssh" else case["level"]
        assert [True for level, text in of_check if level == wanted and case["found"] in text] == [True], (case, of_check)


def test_every_check_finds_something_in_some_case() -> None:
    found = {case["check"] for case in CASES if case["level"] in ("note", "obstacle")}
    assert found == {check.name for check in CHECKS} - NOT_CHECKED_ON_A_HOST


def test_a_fresh_host(cli: Cli) -> None:
    with up(cli, [host("fresh", {})]):
        said = cli("doctor", "-i", "hosts.yml", "fresh")
        [page] = pages(cli, "fresh", code=0).values()
    assert said.code == 0
    first, *lines, last, empty = said.out.splitlines()
    assert first.startswith("fresh  Windows Server 2022 Standard 20348  psrp 127.0.0.1:")
    assert (last, empty) == ("  0 obstacles, 1 note, 0 not known", "")
    assert "  ok        Other firewall            none is registered" in lines
    levels = {one["check"]: one["level"] for one in page["checks"]}
    assert {name for name, level in levels.items() if level != "ok"} == {"script_block_logging"}


def test_what_fails_every_apply_is_the_exit_code(cli: Cli) -> None:
    with up(cli, [host("off", {"services": {"mpssvc": "stopped"}}), host("fine", {})]):
        assert pages(cli, "fine", code=0)
        page = pages(cli, "off", code=6)["off"]
        assert page["error"]["kind"] == "service"
        assert pages(cli, "fine", "-e", "ansible_password=wrong", code=5)["fine"]["checks"] == []


def test_nothing_is_written_and_one_connection_is_enough(cli: Cli) -> None:
    on = host("one", {})
    before = on.registry.generation
    with up(cli, [on]):
        assert pages(cli, "one", code=0)["one"]["connections"] == 1
    assert (on.registry.generation, on.counters.batches) == (before, 1)


@pytest.mark.parametrize("endpoint", ["ringfence", "ringfence-audit"])
def test_through_an_endpoint_of_least_privilege(cli: Cli, endpoint: str) -> None:
    both = {"ringfence": OPERATOR, "ringfence-audit": AUDITOR}
    winrm = WinRMSettings(endpoints=both, not_administrators=frozenset({"jea-admin"}))
    with up(cli, [host("jea", {"app_control": 2})], winrm=winrm):
        page = pages(cli, "jea", "-e", f"ringfence_endpoint={endpoint}", code=0)["jea"]
        assert page["surroundings"]["app_control"] == 2


def test_an_older_endpoint_says_what_it_does_not_know(cli: Cli) -> None:
    old = replace(OPERATOR, without=frozenset({"Session.Read", "Surroundings.Read"}))
    with up(cli, [host("old", {})], winrm=WinRMSettings(endpoints={"ringfence": old})):
        page = pages(cli, "old", "-e", "ringfence_endpoint=ringfence", code=0)["old"]
        found = {one["check"]: (one["level"], one["found"]) for one in page["checks"]}
        assert found["winrm"] == ("unknown", "the script there does not tell it")
        assert found["endpoint"][0] == "note"
        assert found["shields"] == ("ok", "down")


@needs_pwsh
@pytest.mark.parametrize("how", [
    {"transport": "ssh"}, {"transport": "psrp"}, {"transport": "psrp", "endpoint": "ringfence-audit"}],
    ids=lambda how: "-".join(how.values()))
def test_a_real_powershell_reads_the_same(cli: Cli, how: dict[str, str]) -> None:
    """The script itself, in a real engine, against objects as Windows shows them; in Python the lab says the same."""
    given: dict[str, Any] = {"registry": {}, "taken_over": {"Other": (1, 2)}, "app_control": 1,
                             "services": {"Schedule": "stopped"}, "powershell": "7.6.0",
                             "endpoints": {"a": (True, "Group"), "b": (False, "")}}
    for case in CASES:
        given["registry"].update(case["host"].get("registry", {}))
    where = {} if "endpoint" not in how else {"winrm": WinRMSettings(endpoints={"ringfence-audit": AUDITOR})}
    arguments = ["-e", f"ringfence_endpoint={how['endpoint']}"] if "endpoint" in how else []
    found = []
    for pwsh in (None, PWSH):
        with up(cli, [host("both", given)], transport=how["transport"], pwsh=pwsh, **where):
            found.append(pages(cli, "both", *arguments, code=0)["both"])
    assert found[1]["surroundings"] == found[0]["surroundings"]
    assert found[1]["conditions"] == found[0]["conditions"]
    assert found[0]["conditions"]["products"] == [{"name": "Other", "categories": [1, 2]}]
    assert [one["check"] for one in found[1]["checks"]] == [one["check"] for one in found[0]["checks"]]


@pytest.mark.parametrize("value", [None, 7, "x", [], {}, [{"name": 1}], [None], {"WinRM": 3}], ids=repr)
def test_no_answer_of_a_host_is_an_exception(value: Any) -> None:
    """Whatever a host says in place of what is asked: every check comes to something."""
    names = ["interfaces", "services", "os", "domain", "elevated", "powershell", "time", "legacy_ipsec_policy", "language_mode"]
    around = ["services", "winrm", "listeners", "endpoints", "app_control", "restart_for_files",
              "transcription"]
    seen = Examination(WayIn("psrp", endpoint="x"), parse_facts(dict.fromkeys(names, value)), {"module": value, "bits": value},
                       dict.fromkeys(around, value), conditions={"products": value})
    assert all(check.verdicts(seen) for check in CHECKS)


def test_policy_that_was_not_read_is_not_called_fine() -> None:
    hole = {("local", "firewall_profile"): "Access is denied."}
    seen = Examination(WayIn("psrp"), parse_facts({}), {}, {"mdm_wins": None}, policy_unread=hole)
    found = {check.name: check.verdicts(seen) for check in CHECKS}
    for name in ("profiles", "merge", "shields", "mdm", "interfaces"):
        assert [(v.level, v.found) for v in found[name]] == [("unknown", "policy of the host: Access is denied.")]
