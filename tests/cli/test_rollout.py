"""apply in waves, over real sockets: a canary first, and nobody further where it goes wrong."""

import contextlib
import json
import os
import pty
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cli_lab import RULES, Cli, fleet, journals, on_terminal, start, written
from documents import document_in, hosts_in, validator
from process_tree import gone

from ringfence.lab import Machine
from ringfence.run.fleet import FleetRun

EVENTS = validator("events")
TASK = "  tasks:\n    - firewall_rule: {name: corp-web, protocol: tcp, local_port: 443, remote_address: 10.0.0.0/8}\n"


@pytest.fixture
def cli(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Cli:
    return Cli(tmp_path, capsys)


@pytest.fixture
def five(cli: Cli) -> Iterator[dict[str, Machine]]:
    with fleet(cli, 5) as hosts:
        declare(cli)
        yield hosts


def declare(cli: Cli, play: str = "", project: str = "") -> None:
    cli.write({"site.yml": f"- hosts: all\n{play}{TASK}"})
    if project:
        settings = (cli.folder / "ringfence.yml").read_text(encoding="utf-8")
        cli.write({"ringfence.yml": settings + project})


def done(hosts: dict[str, Machine]) -> list[str]:
    return [name for name, host in hosts.items() if host.registry.get(RULES, "corp-web")]


def wave_hosts(cli: Cli) -> list[list[str]]:
    """The waves of the last run, as its journal has them."""
    path = journals(cli)[-1]
    events = [json.loads(line) for line in path.read_text(encoding="ascii").splitlines()]
    for event in events:
        EVENTS.validate(event)
    return next((event["waves"] for event in reversed(events) if event["event"] == "rollout"), [])


def breaks(host: Machine) -> None:
    """Nothing can be written to it any more."""
    host.faults.read_only = True


def test_in_waves(cli: Cli, five: dict[str, Machine]) -> None:
    said = cli("apply", "--yes", "--serial", "1", "--serial", "50%")
    assert (said.code, done(five)) == (0, list(five)), said.err
    assert wave_hosts(cli) == [["web1"], ["pc2", "web3"], ["pc4", "web5"]]
    assert "wave 1 of 3: 1 host (web1)\n" in said.err
    assert "wave 2 of 3: 2 hosts (pc2 web3); about " in said.err
    assert "wave 3 of 3: 2 changed, " in said.err
    assert said.out.count("changed") >= 8  # a line for each host, one for each wave
    shown = cli("runs", "show", "last").out
    assert "wave 1  █   1 host: 1 changed\n" in shown
    assert "wave 3  ██  2 hosts: 2 changed\n" in shown


def test_as_data(cli: Cli, five: dict[str, Machine]) -> None:
    declare(cli, "  serial: [2]\n")
    document = document_in(cli("apply", "--yes", "--output", "json").out, "report")
    assert [(w["number"], w["hosts"], w["statuses"], w["verified"], w["stopped"], w["ended"])
            for w in document["result"]["waves"]] == [
        (1, ["web1", "pc2"], {"changed": 2}, None, None, True), (2, ["web3", "pc4"], {"changed": 2}, None, None, True),
        (3, ["web5"], {"changed": 1}, None, None, True)]
    told = document_in(cli("runs", "show", "last", "--output", "json").out)["result"]["waves"]
    assert [w["hosts"] for w in told] == wave_hosts(cli)
    assert "waves" not in document_in(cli("apply", "--yes", "--output", "json").out, "report")["result"]  # nothing is left


def test_as_events(cli: Cli, five: dict[str, Machine]) -> None:
    declare(cli, "  serial: [1, 4]\n")
    breaks(five["pc2"])
    lines = [json.loads(line) for line in cli("apply", "--yes", "--output", "jsonl").out.splitlines()]
    for event in lines:
        EVENTS.validate(event)
    told = [event["event"] for event in lines if event["event"] != "definitions"]
    assert told == ["run_begin", "wave_begin", "host_end", "wave_end", "wave_begin", *["host_end"] * 4, "wave_end", "run_end"]
    assert lines[-2]["wave"]["statuses"] == {"changed": 3, "failed": 1}


def test_a_report_says_why_the_run_ended(cli: Cli, five: dict[str, Machine]) -> None:
    breaks(five["web1"])
    names = [f"--report={name}=run.{name}" for name in ("md", "junit", "sarif", "html", "json")]
    assert cli("apply", "--yes", "--serial", "1", *names).code == 6
    for name in ("md", "junit", "sarif", "html", "json"):
        text = (cli.folder / f"run.{name}").read_text(encoding="utf-8")
        assert "no host of the wave came through" in text, name
    assert "nothing was done on `all 5 hosts but web1`" in (cli.folder / "run.md").read_text(encoding="utf-8")


def test_a_canary_that_fails_ends_the_run_and_one_goes_on_from_there(cli: Cli, five: dict[str, Machine]) -> None:
    breaks(five["web1"])
    said = cli("apply", "--yes", "--serial", "1", "--serial", "2")
    assert (said.code, done(five)) == (6, [])
    assert "the run ends here: no host of the wave came through; not begun: pc2 pc4 web3 web5" in said.err
    shown = cli("runs", "show", "last").out
    assert "wave 1  ×   1 host: 1 failed\n  the run ended here: no host of the wave came through\n" in shown
    assert "wave 2  ··  2 hosts: 2 not begun\n" in shown
    five["web1"].faults.read_only = False
    again = cli("apply", "--resume", "last", "--yes")
    assert (again.code, done(five)) == (0, list(five)), again.err
    assert wave_hosts(cli) == [["web1"], ["pc2", "web3"], ["pc4", "web5"]]  # as they were


def test_a_resumed_run_goes_as_it_was_told_to(cli: Cli, five: dict[str, Machine], listening: int) -> None:
    """What the command line said is recorded; what it says now goes before that."""
    cli.write({"group_vars/servers.yml": "rack: \"{{ inventory_hostname }}\"\n"})
    breaks(five["web1"])
    said = ["--serial", "1", "--serial", "2", "--pause", "5m", "--max-fail-percentage", "0", "--apart", "servers by rack",
            "--verify", f"connect=127.0.0.1:{listening}", "--window", "00:00-24:00"]
    assert cli("apply", "--yes", *said).code == 6
    five["web1"].faults.read_only = False
    before = five["web1"].clock.now()
    again = cli("apply", "--resume", "last", "--yes")
    assert (again.code, done(five)) == (0, list(five)), again.err
    assert "wave 1 of 3: 1 changed, verified" in again.err
    assert 600 <= five["web1"].clock.now() - before < 700
    five["pc2"].registry.unset(RULES, "corp-web")
    five["pc2"].faults.read_only = True
    assert cli("apply", "--yes", *said[:6]).code == 6
    five["pc2"].faults.read_only = False
    before = five["web1"].clock.now()
    assert cli("apply", "--resume", "last", "--yes", "--pause", "1m").code == 0
    assert five["web1"].clock.now() - before < 60  # one wave was left


def test_a_resumed_run_has_its_waves_without_those_that_are_done(cli: Cli, five: dict[str, Machine]) -> None:
    breaks(five["web3"])
    assert cli("apply", "--yes", "--serial", "2", "--any-errors-fatal").code == 6
    assert done(five) == ["web1", "pc2"] or done(five) == ["web1", "pc2", "pc4"]  # which of the two was faster
    before = wave_hosts(cli)
    five["web3"].faults.read_only = False
    assert cli("apply", "--resume", "last", "--yes").code == 0
    assert wave_hosts(cli) in ([["web3", "pc4"], ["web5"]], [["web3"], ["web5"]])
    assert before == [["web1", "pc2"], ["web3", "pc4"], ["web5"]]


@pytest.mark.parametrize(("percentage", "code", "left"), [("20", 6, 0), ("19", 6, 3)])
def test_how_many_may_fail(percentage: str, code: int, left: int, cli: Cli, five: dict[str, Machine]) -> None:
    """Of five one is twenty percent: over the whole run, not of a wave."""
    breaks(five["pc2"])
    said = cli("apply", "--yes", "--serial", "2", "--max-fail-percentage", percentage, "--output", "json")
    result = document_in(said.out, "report")["result"]
    assert (said.code, len(result["not_begun"])) == (code, left)
    assert result.get("stopped") == (None if not left else "1 of 5 hosts failed, and max_fail_percentage is 19")


def test_hosts_that_are_not_reached_count_before_the_first_wave(cli: Cli, five: dict[str, Machine]) -> None:
    inventory = (cli.folder / "hosts.yml").read_text(encoding="utf-8")
    cli.write({"more.yml": "all: {hosts: {gone: {ansible_host: 127.0.0.1, ansible_port: 1, ansible_connection: ssh, "
                           "ansible_user: x, ansible_password: x}}}\n", "hosts.yml": inventory})
    declare(cli, "  any_errors_fatal: true\n")
    said = cli("apply", "--yes", "-i", "hosts.yml", "-i", "more.yml")
    assert (said.code, done(five)) == (5, []), said.err
    assert "1 of 6 hosts failed, and none may (any_errors_fatal)" in said.err
    said = cli("apply", "--yes", "-i", "hosts.yml", "-i", "more.yml", "--unreachable", "warn")
    assert (said.code, done(five)) == (0, list(five))


def test_a_mistake_that_only_a_later_wave_shows_ends_the_run_there(cli: Cli, five: dict[str, Machine]) -> None:
    address = "\"{{ 'nonsense' if ansible_facts.computer == 'PC9' else '10.0.0.1' }}\""
    cli.write({"site.yml": f"- hosts: all\n  serial: 2\n{TASK}".replace("10.0.0.0/8", address)})
    written_first = threading.Event()
    finished = FleetRun.results

    def renamed(self: FleetRun) -> Iterator[Any]:
        """Once the first wave is over a host has another name."""
        yield from finished(self)
        if done(five):
            written_first.set()
            five["web3"].name = "PC9"

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(FleetRun, "results", renamed)
        said = cli("apply", "--yes", "--output", "json")
    assert (said.code, done(five)) == (1, ["web1", "pc2"])
    result = document_in(said.out, "report")["result"]
    statuses = {name: host["status"] for name, host in hosts_in(said.out).items()}
    assert statuses == {"web1": "changed", "pc2": "changed", "web3": "invalid"}
    assert sorted(result["not_begun"]) == ["pc4", "web5"]
    assert result["stopped"] == "what is declared is wrong on a host of the wave"


def test_a_pause_between_waves(cli: Cli, five: dict[str, Machine]) -> None:
    before = five["web1"].clock.now()
    assert cli("apply", "--yes", "--serial", "2", "--pause", "10m").code == 0
    assert 1200 <= five["web1"].clock.now() - before < 1300  # clocks of the lab are moved, nobody waits


def test_somebody_is_asked_between_waves(cli: Cli, five: dict[str, Machine]) -> None:
    said = cli("apply", "--yes", "--serial", "2", "--pause", "ask")
    assert (said.code, done(five)) == (1, [])
    assert "pause: ask asks between two waves, and there is nobody to ask" in said.err
    code, shown = on_terminal(cli, "n\n", "apply", "--yes", "--serial", "2", "--pause", "ask")
    assert (code, done(five)) == (1, ["web1", "pc2"]), shown
    assert "Go on with wave 2 of 3, 2 hosts?" in shown
    assert "somebody said not to go on" in shown
    code, shown = on_terminal(cli, "y\n", "apply", "--yes", "--serial", "2", "--pause", "ask")
    assert (code, done(five)) == (0, list(five)), shown


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_a_signal_ends_a_question_between_waves(name: str, cli: Cli, five: dict[str, Machine]) -> None:
    """Nobody has to answer it any more."""
    controller, terminal = pty.openpty()
    streams = dict.fromkeys(("stdin", "stdout", "stderr"), terminal)
    with start(cli, "apply", "--yes", "--serial", "2", "--pause", "ask", **streams) as process:
        os.close(terminal)
        shown = b""
        while b"[y/N]" not in shown:
            shown += os.read(controller, 65536)
        process.send_signal(getattr(signal, name))
        with contextlib.suppress(OSError):  # Linux says so when the other side is gone
            while more := os.read(controller, 65536):
                shown += more
        code = process.wait(5)
    os.close(controller)
    assert (code, done(five)) == (130 if name == "SIGINT" else 143, ["web1", "pc2"]), shown
    assert f"interrupted by {name}" in shown.decode()
    assert "  apply  interrupted\n" in cli("runs", "show", "last").out
    assert cli("apply", "--resume", "last", "--yes", "--pause", "1s").code == 0


@pytest.mark.parametrize(("play", "waves"), [
    ("  apart: [servers]\n", [["web1", "pc2", "pc4"], ["web3"], ["web5"]]),
    ("  apart: ['all by rack']\n  vars: {rack: \"{{ inventory_hostname[-1] | int % 2 }}\"}\n",
     [["web1", "pc2"], ["web3", "pc4"], ["web5"]]),
    ("  apart: ['servers by ansible_facts.domain', workstations]\n",  # they are in none
     [["web1", "pc2", "web3", "web5"], ["pc4"]]),
    ("  apart: ['all by ansible_facts.os.product']\n  order: reverse_inventory\n",
     [["web5", "pc4"], ["web3", "pc2"], ["web1"]]),
    ("  order: sorted\n  serial: 3\n", [["pc2", "pc4", "web1"], ["web3", "web5"]])])
def test_who_is_never_in_one_wave(play: str, waves: list[list[str]], cli: Cli, five: dict[str, Machine]) -> None:
    declare(cli, play)
    said = cli("apply", "--yes")
    assert said.code == 0, said.err
    assert wave_hosts(cli) == waves


def test_both_ends_of_a_tunnel_are_never_in_one_wave(cli: Cli, five: dict[str, Machine]) -> None:
    tunnel = ("    - ipsec_rule: {{name: site, mode: tunnel, local_tunnel_endpoint: {0}, remote_tunnel_endpoint: {1}, "
              "local_address: 10.1.0.0/16, remote_address: 10.2.0.0/16, inbound_security: require, "
              "outbound_security: require}}\n")
    ends = [("web1", tunnel.format("192.0.2.1", "192.0.2.2")), ("pc2", tunnel.format("192.0.2.2", "192.0.2.1"))]
    cli.write({"site.yml": "".join(f"- hosts: {host}\n  serial: 100%\n  tasks:\n{task}" for host, task in ends)})
    cli("apply", "--yes")
    assert wave_hosts(cli) == [["web1"], ["pc2"]]


def test_a_group_that_nobody_knows(cli: Cli, five: dict[str, Machine]) -> None:
    declare(cli, "  apart: [dcs]\n")
    for command in ("validate", "plan", "apply"):
        said = cli(command, *["--yes"] * (command == "apply"))
        assert (said.code, done(five)) == (1, []), command
        assert "apart: there is no group dcs" in said.out + said.err


def test_what_no_host_has_keeps_nothing_apart(cli: Cli, five: dict[str, Machine]) -> None:
    """A variable is known to be nowhere before a host is touched, also by `validate`; a fact before one is written."""
    for command in ("validate", "plan", "apply"):
        declare(cli, "  apart: [all by clustr]\n  vars: {cluster: a}\n")
        said = cli(command, *["--yes"] * (command == "apply"))
        assert (said.code, done(five)) == (1, []), command
        assert "apart: no host of all has the variable clustr" in said.out + said.err
    for fact in ("ansible_facts.nope.x", "ringfence_facts.os.edtion", "ansible_facts.computer.name"):
        said = cli("apply", "--yes", "--apart", f"all by {fact}")
        assert (said.code, done(five)) == (1, []), fact
        assert f"the run ends here: apart: no host has the fact {fact}; not begun: pc2 pc4 web1 web3 web5" in said.err
    assert "killed" not in cli("runs").out


def test_whoever_has_no_value_is_told_of(cli: Cli, five: dict[str, Machine]) -> None:
    """The others are kept apart from each other; an empty value is one that is meant."""
    cli.write({"host_vars/web1.yml": "cluster: a\n", "host_vars/web3.yml": "cluster: a\n", "host_vars/pc2.yml": "cluster: ''\n"})
    declare(cli, "  apart: [all by cluster]\n")
    said = cli("apply", "--yes", "-l", "pc4,web5")  # the group has such hosts
    assert "apart: all by cluster: pc4, web5 have no such variable, and are kept apart from nobody" in said.err
    assert (said.code, done(five)) == (0, ["pc4", "web5"])
    assert cli("apply", "--yes").code == 0
    assert wave_hosts(cli) == [["web1", "pc2"], ["web3"]]


def test_plays_that_share_a_host_have_to_agree(cli: Cli, five: dict[str, Machine]) -> None:
    cli.write({"site.yml": f"- hosts: all\n  serial: [1, 50%]\n{TASK}- hosts: servers\n  serial: 2\n  tasks: []\n"
                           "- hosts: workstations\n  window: ['2200']\n  pause: soon\n  tasks: []\n"})
    said = cli("validate")
    assert said.code == 1
    for text in ("site.yml:6: error: ", "serial is 2 here and 1, 50% at site.yml:2, in two plays for one host",
                 "site.yml:9: error: window: '2200' is no window", "pause: 'soon' is no number and unit"):
        assert text in said.err or text in said.out, said.err


def test_parts_of_a_run_with_waves_of_their_own(cli: Cli, five: dict[str, Machine]) -> None:
    cli.write({"site.yml": f"- hosts: servers\n  serial: 2\n{TASK}- hosts: workstations\n{TASK}"})
    assert cli("apply", "--yes").code == 0
    assert wave_hosts(cli) == [["web1", "web3"], ["web5"], ["pc2", "pc4"]]


def test_a_wave_of_hosts_that_are_not_reached_ends_the_run_whatever_else_is_said(cli: Cli, five: dict[str, Machine]) -> None:
    """They are no failure, and nobody came through."""
    with pytest.MonkeyPatch.context() as patch:
        results = FleetRun.results

        def down(self: FleetRun) -> Iterator[Any]:
            yield from results(self)
            if done(five):
                five["pc2"].faults.unplugged = True

        patch.setattr(FleetRun, "results", down)
        said = cli("apply", "--yes", "--serial", "1", "--unreachable", "warn")
    assert (said.code, done(five)) == (1, ["web1"]), said.err
    assert "the run ends here: no host of the wave came through; not begun: pc4 web3 web5" in said.err
    five["pc2"].faults.unplugged = False
    assert cli("apply", "--resume", "last", "--yes", "--unreachable", "warn").code == 0


# -- what is looked at in between

@pytest.fixture
def listening() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_what_has_to_hold_after_each_wave(cli: Cli, five: dict[str, Machine], listening: int) -> None:
    said = cli("apply", "--yes", "--serial", "2", "--verify", f"connect=127.0.0.1:{listening}",
               "--verify", f"connect={listening}", "--verify", "blocked=127.0.0.1:1")
    assert (said.code, done(five)) == (0, list(five)), said.err
    assert "wave 1 of 3: 2 changed, verified, " in said.err
    assert "2 hosts: 2 changed, verified\n" in cli("runs", "show", "last").out


def test_what_does_not_hold_ends_the_run(cli: Cli, five: dict[str, Machine], listening: int) -> None:
    declare(cli, f"  serial: 2\n  verify:\n    - {{blocked: '127.0.0.1:{listening}', within: 0}}\n")
    said = cli("apply", "--yes")
    assert (said.code, done(five)) == (6, ["web1", "pc2"])
    assert f"blocked 127.0.0.1:{listening}: 127.0.0.1: a connection came about; not begun: pc4 web3 web5" in said.err
    assert "not verified" in said.err
    assert "the run ended here" in cli("runs", "show", "last").out


def test_a_long_reason_is_shown_whole_where_somebody_wants_that(cli: Cli, five: dict[str, Machine]) -> None:
    page = f"http://127.0.0.1:1/{'x' * 200}/health"
    declare(cli, f"  serial: 4\n  verify: [{{http: '{page}', within: 0}}]\n")
    assert cli("apply", "--yes").code == 6
    short, whole = (cli("runs", "show", "last", *more).out for more in ([], ["--full"]))
    assert ("see --full" in short, "see --full" in whole) == (True, False)
    assert page in whole


def test_a_check_is_tried_until_it_holds(cli: Cli, five: dict[str, Machine]) -> None:
    """The time passes by the clocks of the lab."""
    before = five["web1"].clock.now()
    declare(cli, "  serial: 2\n  verify: [{connect: '127.0.0.1:1', within: 90}]\n")
    said = cli("apply", "--yes")
    assert (said.code, len(done(five))) == (6, 2)
    assert 90 <= five["web1"].clock.now() - before < 150


def test_a_command_of_the_user_and_one_of_the_project(cli: Cli, five: dict[str, Machine]) -> None:
    program = cli.folder / "smoke.py"
    program.write_text(f"#!{sys.executable}\nimport os, sys\nwave = os.environ['RINGFENCE_WAVE']\n"
                       "print(wave, os.environ['RINGFENCE_WAVE_HOSTS'])\nsys.exit(wave == '2')\n", encoding="utf-8")
    program.chmod(0o700)
    declare(cli, "  serial: 2\n  verify: [{command: ./smoke.py, within: 0}]\n")
    said = cli("apply", "--yes")
    assert (said.code, done(five)) == (1, [])
    assert "a project may not run programs here: verify has ./smoke.py" in said.err
    said = cli("apply", "--yes", "--allow-program", str(program))
    assert (said.code, len(done(five))) == (6, 4), said.err
    assert "command ./smoke.py: it ended with 1: 2 web3,pc4" in said.err
    declare(cli)
    five["web5"].faults.read_only = True
    assert cli("apply", "--yes", "--serial", "1", "--verify", "command=./smoke.py").code == 6  # one wave is left
    five["web5"].faults.read_only = False
    said = cli("apply", "--resume", "last", "--yes")
    assert (said.code, len(done(five))) == (1, 4)
    assert "had a command run after its waves, which a record alone may not" in said.err
    assert cli("apply", "--resume", "last", "--yes", "--verify", "command=./smoke.py").code == 0


def test_a_signal_ends_what_is_looked_at(cli: Cli, five: dict[str, Machine]) -> None:
    program = cli.folder / "slow.sh"
    program.write_text("#!/bin/sh\nsleep 60 &\necho $! > started.new\nmv started.new started\nwait\n", encoding="utf-8")
    program.chmod(0o700)
    declare(cli, "  serial: 2\n  verify: [{command: ./slow.sh, timeout: 50}]\n")
    with start(cli, "apply", "--yes", "--allow-program", str(program)) as process:
        until = time.monotonic() + 30
        while not (cli.folder / "started").exists() and time.monotonic() < until:
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=5)
    assert (process.returncode, done(five)) == (143, ["web1", "pc2"]), err
    assert "interrupted by SIGTERM: 2 hosts done; not begun: pc4 web3 web5" in err
    assert gone([int((cli.folder / "started").read_text())])


# -- when

def test_outside_of_its_window_a_host_is_left_alone(cli: Cli, five: dict[str, Machine]) -> None:
    zone = {"web1": "+00:00", "pc2": "+05:30", "web3": "-08:00", "pc4": "+14:00", "web5": "+00:00"}
    for name, offset in zone.items():
        five[name].surroundings.utc_offset = offset
    wall = five["web1"].clock.wall()
    for host in five.values():  # noon in UTC
        host.clock.offset += (12 - wall.hour) * 3600 - wall.minute * 60
    declare(cli, "  window: '17:00-18:00'\n  max_fail_percentage: 0\n")
    plan = cli("plan")
    assert "it may be changed at 17:00-18:00, and there it is " in plan.out + plan.err
    before = written({name: five[name] for name in ("web1", "web3", "pc4", "web5")})
    assert cli("apply", "--check").code == 0  # what would be made, be it at another time
    said = cli("apply", "--yes", "--output", "json")
    assert {n: h["status"] for n, h in hosts_in(said.out).items()} == {
        "web1": "refused", "pc2": "changed", "web3": "refused", "pc4": "refused", "web5": "refused"}
    assert (said.code, done(five)) == (4, ["pc2"])  # that its time has not come is no failure of a host
    assert written({name: five[name] for name in ("web1", "web3", "pc4", "web5")}) == before
    assert cli("apply", "--yes", "--window", "04:00-05:00", "-l", "web3").code == 0
    assert cli("apply", "--yes", "--force", "window").code == 0
    assert done(five) == list(five)


def test_a_group_has_its_window_from_a_play_of_its_own(cli: Cli, five: dict[str, Machine]) -> None:
    """Other plays need not know of it."""
    later = (five["pc2"].clock.wall().hour + 12) % 24
    cli.write({"site.yml": f"- hosts: workstations\n  window: '{later:02}:00-{later:02}:30'\n- hosts: all\n{TASK}"})
    said = cli("apply", "--yes", "--output", "json")
    by = {n: h["status"] for n, h in hosts_in(said.out).items()}
    assert (said.code, by) == (4, {n: "refused" if n.startswith("pc") else "changed" for n in five})


def test_a_canary_outside_of_its_window_is_none(cli: Cli, five: dict[str, Machine]) -> None:
    """It takes no place in a wave: another host is the first one."""
    later = (five["web1"].clock.wall().hour + 12) % 24
    cli.write({"site.yml": f"- hosts: web1\n  window: '{later:02}:00-{later:02}:30'\n"
                           f"- hosts: all\n  serial: [1, 100%]\n  max_fail_percentage: 0\n{TASK}"})
    breaks(five["pc2"])
    said = cli("apply", "--yes")
    assert (said.code, done(five)) == (6, []), said.err
    assert wave_hosts(cli) == [["pc2"], ["web3", "pc4", "web5"]]
    five["pc2"].faults.read_only = False
    code, shown = on_terminal(cli, "y\n", "apply")  # the wave that is the plan's has nobody who may be changed now
    assert (code, done(five)) == (4, ["pc2", "web3", "pc4", "web5"]), shown
    assert wave_hosts(cli) == [["web1"], ["pc2"], ["web3", "pc4", "web5"]]
    assert ": 1 refused, " in shown
    assert "Make 4 changes (4 to create) on 4 hosts: pc2, web3, pc4, web5?" in shown  # of the other nobody is asked
    code, shown = on_terminal(cli, "", "apply", "--output", "text")
    assert (code, "Make " in shown, "1 failed" in shown) == (4, False, False), shown
    assert "5 hosts: 4 in sync, 1 refused" in shown
    again = cli("apply", "--resume", "last", "--yes", "--force", "window")  # it is left
    assert (again.code, done(five)) == (0, list(five)), again.err


def test_a_plan_file_goes_in_the_same_waves(cli: Cli, five: dict[str, Machine]) -> None:
    declare(cli, "  serial: [1, 2]\n")
    assert cli("plan", "-o", "site.plan.json").code == 0
    breaks(five["web1"])
    assert cli("apply", "site.plan.json", "--yes").code == 6
    five["web1"].faults.read_only = False
    assert (done(five), wave_hosts(cli)) == ([], [["web1"], ["pc2", "web3"], ["pc4", "web5"]])
    assert cli("apply", "site.plan.json", "--yes").code == 0
    assert done(five) == list(five)


def test_the_project_says_it_for_all(cli: Cli, five: dict[str, Machine]) -> None:
    declare(cli, project="serial: [1, 100%]\norder: reverse_sorted\npause: 30s\nwindow: 00:00-24:00\n")
    assert cli("apply", "--yes").code == 0
    assert wave_hosts(cli) == [["web5"], ["web3", "web1", "pc4", "pc2"]]
