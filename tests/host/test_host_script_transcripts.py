"""What transcription by policy writes down, by the real engine: never the batch, its key, or a secret in it."""

import base64
import gzip
import json
import re
import time
from pathlib import Path
from typing import Any

import pytest
from batches import batch_of, open_transport
from host_script import PWSH, needs_pwsh, pwsh
from lab_servers import OPERATOR

from ringfence.batch import AsHmac, Batch, Call, cmdlet_call
from ringfence.lab import POLICY, machine
from ringfence.lab.simulated_fleet import SimulatedFleet
from ringfence.lab.winrm.winrm_settings import WinRMSettings
from ringfence.secret import Secret

SECRET = "correct horse battery staple"
pytestmark = needs_pwsh


@pytest.fixture
def transcripts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where every PowerShell that starts from here on has to write what it runs (about_Group_Policy_Settings)."""
    folder = tmp_path / "transcripts"
    policy = {"PowerShellPolicies": {"Transcription": {"EnableTranscripting": True, "OutputDirectory": str(folder)}}}
    (tmp_path / "powershell").mkdir()
    (tmp_path / "powershell" / "powershell.config.json").write_text(json.dumps(policy))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    return folder


def written(folder: Path) -> str:
    text = "".join(file.read_text("utf-8") for file in folder.rglob("*.txt"))
    assert "PowerShell transcript start" in text
    return text


STORED = "hunter2-of-the-host"


def keyed() -> Batch:
    """A batch with a new key, and with questions about one that the host has."""
    proposal = {"$call": {"cmdlet": "New-NetIPsecAuthProposal", "parameters": {"Machine": True, "PreSharedKey": Secret(SECRET)}}}
    questions = [{"store": "local", "kind": "NetIPsecPhase1AuthSet", "name": name, "hmac": AsHmac(Secret(key))}
                 for name, key in (("one", STORED), ("two", "a guess"))]
    return batch_of(Call("Facts.Read"), Call("Policy.Read", {"stores": ["local"]}), Call("Key.Compare", {"keys": questions}),
                    cmdlet_call("New-NetIPsecPhase1AuthSet", {"DisplayName": "keyed", "Proposal": [proposal]}))


def gives_away(text: str, batch: Batch) -> bool:
    """Whether a text holds the batch or a part of it (the first characters are those of every batch), its key, a secret of
    the batch or the host, or the HMAC of one."""
    line = batch.encode()
    key, *secrets = (base64.b64encode(one).decode()[:-4] for one in (batch.hmac_key, SECRET.encode(), STORED.encode()))
    sums = [Secret(one).fingerprint(batch.hmac_key) for one in (SECRET, STORED)]
    sums += [base64.b64encode(bytes.fromhex(one)).decode()[:-4] for one in sums]
    forms = (SECRET, STORED, *secrets, key, line[20:60], line[-40:], *sums)
    return any(form in text for form in forms)


# A command that comes from outside, as in a remote session, and takes the batch as a parameter.
PARAMETER = """
$shell = [powershell]::Create([initialsessionstate]::CreateDefault2())
$shell.AddScript('param($Batch) 1').AddParameter('Batch', $env:BATCH).Invoke()
"""


def test_a_parameter_would_be_written_down(tmp_path: Path, transcripts: Path) -> None:
    """Else the test below could not fail."""
    (tmp_path / "parameter.ps1").write_text(PARAMETER)
    batch = keyed()
    pwsh("-File", str(tmp_path / "parameter.ps1"), environment={"BATCH": batch.encode()})
    assert gives_away(written(transcripts), batch)


@pytest.mark.parametrize("way", ["psrp", "jea", "ssh", "local"])
def test_no_way_in_leaves_a_secret_in_a_transcript(transcripts: Path, way: str) -> None:
    on, batch = machine("a1"), keyed()
    for name in ("one", "two"):
        on.registry.set(rf"{POLICY}\Phase1AuthenticationSets\{name}\0000", "SHKey", STORED)
    transport: Any = "psrp" if way == "jea" else way
    winrm = WinRMSettings(endpoints={"ringfence": OPERATOR})
    with SimulatedFleet([on], transport, winrm=winrm, pwsh=PWSH) as lab:
        variables = dict(lab.running["a1"].variables)
        if way == "jea":
            variables["ringfence_endpoint"] = "ringfence"
        reply = open_transport("a1", variables).run(batch)
    assert [a.error for a in reply.answers.values()] == [None] * 4
    assert reply[2] == ["equal", "differs"]
    assert ["SHKey", "Secret", None] in dict(reply[1]["local"])[r"Phase1AuthenticationSets\one\0000"]
    assert not gives_away(str(reply.answers), batch)
    until, frame = time.monotonic() + 30, re.compile(r"<<ringfence:([A-Za-z0-9+/=\s]+)>>")
    ends_at_once = way == "local"  # that process is ended as soon as its answer is read, and may not come to write it down
    while not frame.search(text := written(transcripts)) and not ends_at_once:  # others may write it down a moment later
        assert time.monotonic() < until, text[-1500:]
        time.sleep(0.1)
    assert "TerminatingError" in text
    assert not gives_away(text, batch)
    told = list(map(answer_in, frame.findall(text)))
    assert not any(gives_away(json.dumps(one), batch) for one in told)
    if told or not ends_at_once:
        assert reply[1] in [answer["value"] for one in told for answer in one["replies"]]  # as SECURITY.md and doctor say


def answer_in(framed: str) -> Any:
    """What is in a reply: base64 of gzip of JSON, which a transcript may break into lines."""
    return json.loads(gzip.decompress(base64.b64decode("".join(framed.split()))))
