"""What can go wrong, as exceptions, and the exit code of each.

    RingfenceError                     exit 1   anything a user may see; `str(error)` is the whole message
    ├── InputError                     exit 1   the input is wrong; carries every Diagnostic at once (diagnostics.py)
    ├── StalePlan                      exit 3   the plan file would now do something else
    ├── GuardRefused                   exit 4   a guard forbids the change
    │   └── OutsideWindow              exit 4   the host may be changed at another time
    ├── Interrupted                    exit 130 the run was interrupted before anything was written to a host
    └── HostError                      exit 6   one host could not be read or changed; has a `kind` of FAILURES
        ├── Unreachable                exit 5   the connection never came to a working session
        ├── Restored                   exit 6   it was changed, and has the policy again that it had before
        ├── Lost                       exit 6   it was changed, and then not reached over a new connection
        └── OutcomeUnknown             exit 6   nobody knows whether it carried out what was sent to be written
"""

from collections.abc import Iterable
from enum import IntEnum


class ExitCode(IntEnum):
    """How a command ended. Of several the one that stands first in PRECEDENCE counts."""

    IN_SYNC = 0
    ERROR = 1
    DIFFERENCES = 2
    STALE = 3
    REFUSED = 4
    UNREACHABLE = 5
    HOST_FAILED = 6
    TEST_FAILED = 7
    INTERRUPTED = 130
    TERMINATED = 143

    @property
    def meaning(self) -> str:
        """What the code says, for --help and the reference."""
        return _MEANINGS[self]


MAX_DETAIL = 2000  # characters of what a host says of a failure that are kept

_MEANINGS = {
    ExitCode.IN_SYNC: "in sync, or done",
    ExitCode.ERROR: "error, wrong usage included",
    ExitCode.DIFFERENCES: "differences (drift, plan --detailed-exitcode); what is declared is there and not in force",
    ExitCode.STALE: "stale plan",
    ExitCode.REFUSED: "refused by a guard",
    ExitCode.UNREACHABLE: "some hosts unreachable",
    ExitCode.HOST_FAILED: "some hosts failed, were restored or lost, or it is not known what became of them",
    ExitCode.TEST_FAILED: "a test of the policy, or lint, failed",
    ExitCode.INTERRUPTED: "ended by SIGINT (Ctrl-C); hosts that were begun are told",
    ExitCode.TERMINATED: "ended by SIGTERM, or by a terminal that closed (SIGHUP); hosts that were begun are told",
}
PRECEDENCE = (ExitCode.INTERRUPTED, ExitCode.TERMINATED, ExitCode.HOST_FAILED, ExitCode.REFUSED, ExitCode.UNREACHABLE,
              ExitCode.STALE, ExitCode.ERROR, ExitCode.TEST_FAILED, ExitCode.DIFFERENCES, ExitCode.IN_SYNC)


def combined_exit_code(codes: Iterable[ExitCode]) -> ExitCode:
    """The exit code of a run whose parts ended with `codes`."""
    return min(codes, key=PRECEDENCE.index, default=ExitCode.IN_SYNC)


class RingfenceError(Exception):
    """The root of the tree; never raised itself."""

    exit_code: ExitCode = ExitCode.ERROR


class StalePlan(RingfenceError):
    """A plan file does not fit the hosts or the project any more."""

    exit_code = ExitCode.STALE


class GuardRefused(RingfenceError):
    """A guard forbids the change: what would be lost, and the way out, are in the text."""

    exit_code = ExitCode.REFUSED


class OutsideWindow(GuardRefused):
    """A host may be changed at another time."""


class Interrupted(RingfenceError):
    """The run was interrupted before anything was written to the host."""

    exit_code = ExitCode.INTERRUPTED


class HostError(RingfenceError):
    """One host failed. `kind` names a row of FAILURES; `detail` is what the other side said, in one line."""

    exit_code = ExitCode.HOST_FAILED

    def __init__(self, kind: str, detail: str = "") -> None:
        # what a host says reaches terminals and logs: without line ends and control characters, and not at any length
        line = " ".join("".join(c if c.isprintable() else " " for c in detail[:MAX_DETAIL]).split())
        self.kind, self.detail = kind, line.rstrip(".") + ("…" if len(detail) > MAX_DETAIL else "")
        self.summary, self.advice = FAILURES[kind]
        super().__init__(f"{self.reason}. {self.advice}")

    @property
    def reason(self) -> str:
        """What happened, without the way out."""
        return self.summary + (f": {self.detail}" if self.detail else "")

    def __reduce__(self) -> tuple[type["HostError"], tuple[str, str]]:
        return type(self), (self.kind, self.detail)


class Unreachable(HostError):
    """The connection to a host never came to a working session."""

    exit_code = ExitCode.UNREACHABLE


class Lost(HostError):
    """What was written was answered, and then the host was not reached over a new connection."""

    def __init__(self, kind: str = "lost", detail: str = "") -> None:
        super().__init__(kind, detail)


class OutcomeUnknown(HostError):
    """Changes were sent, and no answer came."""


class Restored(HostError):
    """What was written was undone: the host has the policy again that it had before the run. `detail` says why."""

    def __init__(self, kind: str = "restored", detail: str = "") -> None:
        super().__init__(kind, detail)


FAILURES: dict[str, tuple[str, str]] = {
    # kind: (what happened, what to do). docs/reference/failures.md is generated from this table.
    "connection_refused": ("connection refused", "Check ansible_port and that the WinRM or SSH service listens on the host"),
    "timeout": ("connection timed out", "Check routing and firewalls on the way, or raise ansible_timeout"),
    "dns": ("host name does not resolve", "Set ansible_host to an address or correct the name"),
    "network": ("network failure", "Check that the host is up and the network between is stable"),
    "connection_lost": ("the connection broke while the batch ran", "The host may have carried it out: run `ringfence plan` to "
             "see what it has now"),
    "no_answer": ("the host did not answer in time", "It may still be at work: run `ringfence plan` later to see what "
                "it has, or raise ringfence_batch_timeout"),
    "lost": ("the changes were written, and then the host was not reached over a new connection", "They may have locked this "
             "controller out: at the host's console, undo what was written last"),
    "restored": ("the change was undone", "The host has the policy that it had before: mend what is named, and apply again"),
    "domain": ("the host does not reach its domain controllers any more", "`ringfence evaluate HOST --direction outbound "
               "--protocol tcp --remote-port 389 --remote-address CONTROLLER` says what stops it"),
    "interrupted": ("the run was interrupted while the host was being changed", "What was sent may be there or not: run "
                    "`ringfence plan` to see what it has now"),
    "worker": ("the process that worked on the host has ended", "Run `ringfence plan` to see what the host has now. Where memory "
               "ran out, fewer --processes or --forks take less"),
    "wrong_service": ("another service answers on the port", "Check ansible_port, ansible_connection, ansible_psrp_path and "
             "whether the listener is http or https (ansible_psrp_protocol)"),
    "tls": ("TLS failed", "Trust the host's certificate with ansible_psrp_ca_cert, or correct the name it is for"),
    "authentication": ("authentication failed", "Check ansible_user, ansible_password and the authentication method; over SSH an "
                       "administrator's keys are read from C:\\ProgramData\\ssh\\administrators_authorized_keys alone, to which "
                       "none but Administrators and SYSTEM may have access"),
    "authorization": ("access denied", "The account needs to be a member of Administrators or of Remote Management "
                      "Users with access to the endpoint"),
    "host_key": ("SSH host key not accepted", "Compare the fingerprint with the host's, then add it to known_hosts"),
    "endpoint": ("the PowerShell endpoint is not there, or cannot do what is asked", "Register the endpoint that "
                 "ringfence_endpoint names, or export the endpoint anew (`ringfence jea export`) and install it"),
    "powershell": ("PowerShell not found on the host", "Set ringfence_powershell to its path"),
    "language_mode": ("PowerShell is in a restricted language mode", "Use a JEA endpoint (`ringfence jea export`): under "
                      "AppLocker as exported, under App Control with its module signed and the signer allowed (sign.ps1)"),
    "reads_only": ("the endpoint only reads", "Use the operator's endpoint to change the host (ringfence_endpoint): an auditor's "
                   "has no command that writes"),
    "execution_policy": ("the execution policy forbids the script", "Set it for the machine or sign the module"),
    "elevation": ("the session is not elevated", "Log on with an administrator's full token "
                  "(a domain account, or LocalAccountTokenFilterPolicy=1 for local ones)"),
    "bits": ("the session is a 32-bit PowerShell on a 64-bit Windows", "Use the 64-bit one: no endpoint microsoft.powershell32, "
             "no 32-bit sshd, and powershell.exe of System32 (ringfence_powershell)"),
    "service": ("a Windows service that is needed is stopped", "Start the services mpssvc (Windows Defender "
                "Firewall) and BFE on the host"),
    "quota": ("a WinRM limit was reached", "Raise the limit named in the message (MaxEnvelopeSizekb, "
              "MaxConcurrentCommandsPerShell, MaxShellsPerUser) or use fewer --forks"),
    "protocol": ("the answer is not ringfence's", "Check that nothing on the host writes into the session, and that "
                 "both sides have the same version of ringfence"),
    "too_large": ("the answer is larger than allowed", "Raise ringfence_max_reply, unless the host is damaged"),
    "version": ("both sides speak different versions", "Export the endpoint anew (`ringfence jea export`) and install it, or use "
                "the ringfence that it was exported by"),
    "script": ("the host script failed", "Run again with -vv for the host's own message"),
    "change_rejected": ("the host refused a change", "The message is Windows' own; nothing after this change was written"),
    "changed_meanwhile": ("somebody else changed the host while it was being changed", "Nothing after this change was written: "
                          "run `ringfence plan` to see what the host has now"),
    "ledger": ("the project's ledger on the host could not be written", "What was changed is changed; whose it is, is not "
               "recorded: run `ringfence plan` to see what the project owns there"),
    "unlike_plan": ("what was written is not in force, and the plan did not say so", "Windows says why: mend that, or write it "
                    "without an undo (`revert_after: never`), which leaves it as it is and tells of it"),
    "not_undone": ("not everything could be taken back", "Undo the rest by hand: `ringfence runs show RUN` tells what it was"),
    "no_defaults": ("the host keeps no table of what Windows ships", "Somebody deleted the registry key SharedAccess\\Defaults. "
                    "Repair Windows (DISM /RestoreHealth), or compare with another host: `ringfence show`"),
    "not_converged": ("the host differs after the change", "Something on the host (Group Policy, an agent) rewrites the "
                "policy, or a value has a form ringfence does not know; see the difference"),
    "internal": ("ringfence itself failed", "This is a defect of ringfence: please report it with the message"),
}
