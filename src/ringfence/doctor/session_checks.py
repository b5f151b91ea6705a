"""What a session on a host is like: who, with what rights, in which PowerShell, at which time. `ping` looks at these too."""

import datetime
from collections.abc import Iterator

from ringfence.doctor.endpoint_checks import judge_account, judge_endpoint
from ringfence.doctor.examination import Check, Examination, Finding, NotKnownError, note, obstacle, ok
from ringfence.errors import FAILURES
from ringfence.plan.reasons import SERVICE_TITLES, TO_NEGOTIATE, TO_WRITE, stopped, to_start

MAX_SKEW = 300  # seconds: Windows' default for "Maximum tolerance for computer clock synchronization"
_OLDEST = (5, 1)


def _elevation(seen: Examination) -> Iterator[Finding]:
    elevated, account = seen.known("elevated"), seen.session.get("account") or "the account"
    if elevated is None:
        raise NotKnownError("whether the session is elevated was not told")
    if elevated:
        yield ok(f"{account} works with an administrator's full token")
    elif seen.is_jea:
        yield from judge_account(seen)
    else:
        yield obstacle(f"{account} has no administrator's full token", FAILURES["elevation"][1], "elevation")


def _powershell(seen: Examination) -> Iterator[Finding]:
    version = str(seen.known("powershell") or "")
    numbers = tuple(int(part) for part in version.split(".")[:2] if part.isdecimal())
    if numbers and numbers < _OLDEST:
        yield obstacle(f"PowerShell {version} is older than 5.1", "install Windows Management Framework 5.1")
    else:
        yield ok(f"PowerShell {version}")


def _bits(seen: Examination) -> Iterator[Finding]:
    bits, of_windows = seen.known("bits"), seen.known("os_bits")
    if bits == of_windows:
        yield ok(f"{bits}-bit PowerShell on {of_windows}-bit Windows")
    else:
        only_reads = seen.is_jea and not seen.endpoint.writes
        yield obstacle(f"{bits}-bit PowerShell on {of_windows}-bit Windows: parts of the registry are others there, and nothing "
                       "is written from it", FAILURES["bits"][1], "" if only_reads else "bits")


def _language(seen: Examination) -> Iterator[Finding]:
    mode = seen.known("language_mode")
    yield ok(f"{mode}") if mode == "FullLanguage" else obstacle(f"{mode}", FAILURES["language_mode"][1], "language_mode")


def _services(seen: Examination) -> Iterator[Finding]:
    off, start = stopped(seen.facts, SERVICE_TITLES), _start_modes(seen)
    for name in off:
        found = f"{name} ({SERVICE_TITLES[name]}) is {seen.facts.services[name]}{start.get(name, '')}"
        advice = to_start(name)
        if name in TO_WRITE:
            yield obstacle(found, advice, "service")
        else:
            yield note(f"{found}: nothing is negotiated", f"{advice}, where connection security rules are declared")
    for name in TO_WRITE:
        if name not in off and "disabled" in start.get(name, ""):
            yield obstacle(f"{name} runs, and is disabled: after a restart it does not",
                           to_start(name))
    if missing := [name for name in SERVICE_TITLES if name not in seen.facts.services]:
        why = dict(seen.facts.unread)
        yield "unknown", "; ".join(f"{name}: {why.get(name) or 'not told by the host'}" for name in missing), "", ""
    if not off and not missing:
        yield ok(", ".join(f"{name}{start.get(name, '')}" for name in (*TO_WRITE, *TO_NEGOTIATE[1:])) + ": running")


def _start_modes(seen: Examination) -> dict[str, str]:
    services = seen.surroundings.get("services")  # of what only doctor asks
    return {name: f" (start: {str(one.get('start')).lower()})" for name, one in services.items() if isinstance(one, dict)
            } if isinstance(services, dict) else {}


def _clock(seen: Examination) -> Iterator[Finding]:
    told = seen.known("time")
    there = datetime.datetime.fromisoformat(str(told)).timestamp()
    # it was read at some moment between, and is cut to a second
    skew = min(0.0, there + 1 - seen.asked_at) + max(0.0, there - seen.answered_at)
    found = "the clock agrees with the one here" if not skew else (
        f"the clock is {abs(skew):.0f} s {'fast' if skew > 0 else 'slow'} against the one here")
    if abs(skew) > MAX_SKEW:
        yield obstacle(f"{found}: Kerberos takes {MAX_SKEW} s", "set the clock, or let w32time do it (w32tm /resync)")
    elif abs(skew) > MAX_SKEW / 2:
        yield note(found, f"Kerberos takes {MAX_SKEW} s: let w32time keep it (w32tm /query /status)")
    else:
        yield ok(found)


SESSION_CHECKS = (
    Check("elevation", "Administrator", "WindowsPrincipal.IsInRole(Administrator) in the session",
          "Microsoft, “User Account Control and remote restrictions” (LocalAccountTokenFilterPolicy); “netsh advfirewall” on "
          "Administrators and Network Configuration Operators", _elevation, ping=True),
    Check("powershell", "PowerShell", "$PSVersionTable.PSVersion", "Microsoft, “Windows PowerShell System Requirements”",
          _powershell, ping=True),
    Check("bits", "32 or 64 bits", "Environment.Is64BitProcess, Is64BitOperatingSystem",
          "Microsoft, “Registry Keys Affected by WOW64”: HKLM\\SOFTWARE is redirected, Policies below it is shared", _bits,
          ping=True),
    Check("language_mode", "Language mode", "$ExecutionContext.SessionState.LanguageMode", "Microsoft, about_Language_Modes",
          _language, ping=True),
    Check("services", "Services of the firewall", "Get-Service; Win32_Service.StartMode",
          "Microsoft, “Windows Filtering Platform”: BFE, IKEEXT; [MS-FASP]: mpssvc; PolicyAgent is the IPsec Policy Agent",
          _services, ping=True),
    Check("endpoint", "JEA endpoint", "the module of the function that answers, what it can be asked, the SHA-256 of its script",
          "Microsoft, “JEA Role Capabilities”", judge_endpoint, ping=True),
    Check("clock", "Clock", "Get-Date on the host, between asking and the answer here",
          "Microsoft, “Maximum tolerance for computer clock synchronization”: 5 minutes", _clock, ping=True),
)
