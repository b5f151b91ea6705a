"""What a way in refuses: another certificate, other commands than an endpoint's, writing for auditors, restricted languages."""

import hashlib
import ssl
from collections.abc import Callable, Iterator
from functools import partial

from lab_cases import READ
from pypsrp.complex_objects import PSInvocationState
from pypsrp.powershell import PowerShell, RunspacePool
from pypsrp.wsman import WSMan

from ringfence.batch import UNKNOWN_VERB, Batch, Call
from ringfence.batch.jea import FUNCTION
from ringfence.errors import HostError, Unreachable

from .job import Job, Way, problems_of
from .probes import NAME, compare, new, remove, strings

OTHERS = ("Get-Process", "New-NetFirewallRule", "Invoke-Expression", "powershell.exe")


def pin(job: Job, way: Way) -> int:
    """The certificate's own fingerprint is taken, another one is refused before anything is sent."""
    return _told(job, "https-is-pinned", way, _pin(way))


def _pin(way: Way) -> Iterator[str]:
    place = str(way.variables["ansible_host"]), int(way.variables["ansible_port"])
    certificate = ssl.PEM_cert_to_DER_cert(ssl.get_server_certificate(place))
    own = hashlib.sha256(certificate).hexdigest()
    way.with_variables(ringfence_cert_fingerprint=own).ask(READ)
    other = own[:-1] + ("0" if own[-1] != "0" else "1")
    try:
        way.with_variables(ringfence_cert_fingerprint=other).ask(READ)
        yield f"{other} is taken for {own}"
    except Unreachable as error:
        if error.kind != "tls":
            yield f"another certificate is told as {error}"
    except HostError as error:
        yield f"the batch was sent: {error}"


def audit(job: Job, way: Way) -> int:
    """Everything is read, and a rule cannot be made."""
    return _told(job, "jea-audits", way, _audit(way))


def _audit(way: Way) -> Iterator[str]:
    before, events = way.ask(READ, Call("Events.Read"))
    if not strings(before):
        yield "no rule is read"
    if events["unread"]:
        yield f"not every event log is read: {events['unread']}"
    _, answers = way.send(new(NAME), compare("a guess"), READ)
    for what, answer in zip(("a rule could be made", "a key could be guessed"), answers[:2], strict=True):
        if answer.error is None or answer.error.id != UNKNOWN_VERB:
            yield f"{what}, or was refused in another way: {answer}"
    if (read := answers[2]).error:
        yield f"whether a rule was made could not be read: {read.error.message}"
    elif NAME in strings(read.value):
        yield "a rule was made"


def nothing_else(job: Job, way: Way) -> int:
    """Commands and scripts that are not the endpoint's function."""
    return _told(job, "jea-nothing-else", way, _nothing_else(way))


def _nothing_else(way: Way) -> Iterator[str]:
    said = way.variables
    wsman = WSMan(said["ansible_host"], port=int(said["ansible_port"]), username=said["ansible_user"],
                  password=said["ansible_password"], ssl=False, auth="ntlm", no_proxy=True)  # fmt: skip
    with wsman, RunspacePool(wsman, configuration_name=str(said["ringfence_endpoint"])) as pool:
        for command in OTHERS:
            if _ran(pool, partial(PowerShell.add_cmdlet, cmdlet=command)):
                yield f"{command} runs"
        if _ran(pool, lambda shell: shell.add_script("1 + 1")):
            yield "a script runs"
        if not _ran(pool, lambda shell: shell.add_cmdlet(FUNCTION), Batch({}).encode()):
            yield f"{FUNCTION} does not run, which proves nothing of the others"


def _ran(pool: RunspacePool, command: Callable[[PowerShell], object], batch: str = "") -> bool:
    """Whether a pipeline ends without an error of its own."""
    shell = PowerShell(pool)
    command(shell)
    try:
        shell.invoke(line for line in [batch])  # nothing but a generator is input to pypsrp
    except Exception:
        return False
    return bool(shell.state == PSInvocationState.COMPLETED and not shell.had_errors)


def language(job: Job, way: Way) -> int:
    """A host in a constrained language mode says so."""
    return _told(job, "language-mode-is-told", way, _language(way))


def _language(way: Way) -> Iterator[str]:
    try:
        way.ask(new(NAME), *remove(NAME))
        yield "the script runs"
    except HostError as error:
        if error.kind != "language_mode":
            yield f"it is told as {error}"


def _told(job: Job, id: str, way: Way, problems: Iterator[str]) -> int:
    found = problems_of(lambda: problems)
    holds = job.saw(id, way.name, found)
    print(f"{id}: {'holds' if holds else 'REFUTED'}", *found, sep="\n  ")
    return 0 if holds else 1
