"""What a host wrote down: batches with a key over every way in, then a search for them."""

import base64
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from lab_cases import proposals

from ringfence.batch import Batch, cmdlet_call

from .job import Job, Way, told
from .probes import FACTS, NAME

SECRET = "Transcript-Schlüssel-7421"  # of this step alone: what steps print of cases is transcribed too
ENCODINGS = ("utf-8", "utf-16-le")
LOGGED = "function Get-NameTable"  # of the host script: an event has it wherever script blocks are logged
BEGINS = "PowerShell transcript start"  # what Windows PowerShell writes, and PowerShell 7 without the first word
FOLDER, EVENTS = "transcripts", "events-4104.txt"  # of the job: setup/transcription.ps1 and setup/events.ps1 fill them


def run(job: Job, ways: Sequence[Way]) -> int:
    """The step: 1 where anything of a batch is written down."""
    sent, unsent = dict[str, Batch](), dict[str, str]()
    for way in ways:
        try:
            sent[way.name] = send_key(way)
        except Exception as error:
            unsent[way.name] = told(error)
    time.sleep(0 if all(way.lab for way in ways) else 5)
    files = sorted((job.folder / FOLDER).rglob("*.txt")) + [f for f in [job.folder / EVENTS] if f.exists()]
    problems = list(given_away(files, sent.values()))
    if not any(BEGINS.removeprefix("PowerShell ") in text for file in files for text in texts(file)):
        problems.append(f"no transcript was written below {job.folder / FOLDER}, which proves nothing")
    print(f"{len(files)} files, batches over {', '.join(sent)}", *(problems or ["nothing of them is written down"]), sep="\n  ")
    lacking = [*(f"over {name} no batch came there: {why}" for name, why in unsent.items()), *_not_logged(job.folder / EVENTS)]
    if problems or not lacking:
        return 0 if job.saw("transcripts-hold-no-key", ", ".join(sent), problems, f"{len(files)} files") else 1
    print(*lacking, sep="\n")
    job.not_reached("transcripts-hold-no-key", ", ".join(way.name for way in ways), "; ".join(lacking))
    return 0 if all(way.lab for way in ways) and not unsent else 1  # no lab has such a log


def _not_logged(events: Path) -> Iterator[str]:
    """Why the events prove nothing of what they do not hold: they have not the host script itself, which is text of a block."""
    if not events.exists() or not any(LOGGED in text for text in texts(events)):
        yield f"no event of script blocks has the host script ({events.name}): what they do not hold proves nothing"


def send_key(way: Way) -> Batch:
    """A batch that makes a set with a pre-shared key and removes it."""
    proposal = proposals("New-NetIPsecAuthProposal", [{"Machine": True, "PreSharedKey": SECRET}])
    made = cmdlet_call("New-NetIPsecPhase1AuthSet", {"Name": NAME, "DisplayName": NAME, "Proposal": proposal})
    batch, answers = way.send(*FACTS, made, cmdlet_call("Remove-NetIPsecPhase1AuthSet", {"Name": NAME}))
    if refused := [a.error.message for a in answers if a.error]:
        raise AssertionError(f"over {way.name}: {refused}")
    return batch


def given_away(files: Iterable[Path], batches: Iterable[Batch]) -> Iterator[str]:
    """A line for each file that holds a batch or a part of it, its key, or the secret, in one of their forms."""
    forms = {form for batch in batches for form in _forms(batch)}
    for file in files:
        for form in sorted(forms):
            if any(form in text for text in texts(file)):
                yield f"{file.name} holds {form[:6]}…"


def _forms(batch: Batch) -> Iterator[str]:
    """The first characters are those of every batch; the last of base64 depend on what follows."""
    line = batch.encode()
    yield from (SECRET, base64.b64encode(SECRET.encode()).decode()[:-4], base64.b64encode(batch.hmac_key).decode()[:-4])
    yield from (line[20:60], line[-40:])


def texts(file: Path) -> Iterator[str]:
    """A file in each encoding that a PowerShell may have written it in."""
    data = file.read_bytes()
    yield from (data.decode(encoding, "replace") for encoding in ENCODINGS)
