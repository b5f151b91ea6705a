"""What a host is like around its firewall: WinRM, JEA, what PowerShell records and forbids, tasks, restarts, its role."""

from collections.abc import Iterator

from ringfence.batch import jea
from ringfence.doctor.endpoint_checks import AS_ADMINISTRATOR
from ringfence.doctor.examination import NOT_TOLD, Check, Examination, Finding, NotKnownError, note, obstacle, ok
from ringfence.model.facts import unread
from ringfence.model.undo import kept_undo
from ringfence.plan.reasons import to_start
from ringfence.types.moments import in_short

_MEMORY = 512  # MB that reading a large policy may take
_EXPIRIES_TOLD = 5  # rules that end by themselves, that are named
_OF_5_1 = "PowerShell 7 has policies of its own (Policies\\Microsoft\\PowerShellCore), which are not read"
_POLICY = "Microsoft, about_Group_Policy_Settings"
_SIGN = "sign the module of a JEA endpoint (sign.ps1 of `ringfence jea export`) and allow its signer"


def _winrm(seen: Examination) -> Iterator[Finding]:
    service = _service(seen, "WinRM")
    if service["state"] != "running":
        yield note(f"WinRM is {service['state']} (start: {service['start']}): only SSH leads here",
                   "Enable-PSRemoting, where PSRP is wanted")
        return
    listeners = [f"{one['transport']} {one['port']}" for one in seen.known("listeners") if str(one["enabled"]).lower() == "true"]
    config = seen.known("winrm")
    where = ", ".join(listeners)
    yield ok(f"{where}; {config['max_envelope_kb']} kB a message, {config['shells_per_user']} shells a user") if listeners else (
        obstacle("WinRM runs, and no listener is enabled", "winrm quickconfig, or the Group Policy that allows the listener"))
    if str(config["allow_unencrypted"]).lower() == "true":
        yield note("WinRM takes clear text (AllowUnencrypted)", "winrm set winrm/config/service '@{AllowUnencrypted=\"false\"}'")
    kilobytes = int(config["max_envelope_kb"])
    if kilobytes * 1024 < seen.max_message:
        level = obstacle if seen.way_in.transport == "psrp" else note
        yield level(f"WinRM takes messages of {kilobytes} kB at most, which a large change exceeds",
                    f"raise MaxEnvelopeSizekb to {seen.max_message // 1024}, or set ansible_psrp_max_envelope_size to "
                    f"{kilobytes * 1024}")
    if 0 < int(config["memory_per_shell_mb"]) < _MEMORY:
        yield note(f"a shell may have {config['memory_per_shell_mb']} MB: a policy of thousands of rules may not fit",
                   f"raise MaxMemoryPerShellMB to {_MEMORY} or more")
    if str(config["remote_shells"]).lower() == "false":
        yield obstacle("WinRM refuses remote shells (AllowRemoteShellAccess)",
                       "winrm set winrm/config/winrs '@{AllowRemoteShellAccess=\"true\"}'")


def _service(seen: Examination, name: str) -> dict[str, str]:
    """State and start mode. Raises NotKnownError."""
    if not seen.surroundings:
        raise NotKnownError(NOT_TOLD)
    services = seen.known("services")
    if not isinstance(services.get(name), dict):
        raise NotKnownError(f"the host has no service {name}, or does not tell")
    return {part: str(services[name].get(part)) for part in ("state", "start")}


def _endpoints(seen: Examination) -> Iterator[Finding]:
    found = {str(one["name"]): one for one in seen.known("endpoints")}
    ours = [name for name in found if name in {endpoint.name for endpoint in jea.ENDPOINTS}]
    yield ok(f"{', '.join(ours) or 'none of ringfence'} registered, of {len(found)} endpoints")
    if seen.product == "domain_controller":
        for name, one in found.items():
            if str(one["virtual_account"]).lower() == "true" and not str(one["groups"]).strip():
                yield obstacle(f"{name} runs as a virtual account, which on a domain controller is a domain administrator",
                               "unregister it there, or name RunAsVirtualAccountGroups in its session configuration")


def _script_rules(seen: Examination) -> Iterator[Finding]:
    found = False
    if seen.known("app_control") == 2:
        found = True
        yield note("App Control is enforced: a module that its policy does not trust runs in ConstrainedLanguage", _SIGN)
    mode = seen.known("applocker_scripts")
    if mode == 1 or (mode is None and seen.known("applocker_script_rules")):  # "not configured" is enforced where rules are
        found = True
        yield note("AppLocker has script rules: they allow the folder Program Files by default, where endpoints' modules are",
                   f"keep modules there; else {_SIGN}")
    enabled, policy = seen.known("scripts_enabled"), seen.known("execution_policy")
    if enabled == 0:  # whatever the policy beside it
        found = True
        yield note("Group Policy turns script execution off (Restricted): no module of a JEA endpoint is loaded",
                   "have that policy allow signed scripts (AllSigned, RemoteSigned), or use no JEA endpoint there")
    elif enabled and policy == "AllSigned":
        found = True
        yield note(f"Group Policy sets the execution policy {policy}: a module that is not signed is not loaded", _SIGN)
    if not found:
        yield ok("neither App Control nor AppLocker nor an execution policy by Group Policy")


def _transcription(seen: Examination) -> Iterator[Finding]:
    if not seen.known("transcription"):
        yield ok("off")
    else:
        folder = seen.known("transcript_folder") or "the Documents folder of the account"
        yield note(f"on, into {folder}: the script's text, and every answer whole: the host's policy and facts; no batch, which "
                   "is piped in, and no key", "let nobody read that folder who may not know the host's firewall policy")


def _script_blocks(seen: Examination) -> Iterator[Finding]:
    off = "off; Windows records the script's text as a warning (event 4104) all the same, for words in it"
    on = "on: the script's text is recorded (event 4104), which is constant and holds no data"
    yield note(on if seen.known("script_block_logging") else off,
               "let the log's readers know the SHA-256 of the texts: `ringfence doc host-script`")


def _module_logging(seen: Examination) -> Iterator[Finding]:
    if seen.known("module_logging"):
        yield note("on: the parameters of NetSecurity's cmdlets are recorded (event 4103), a new pre-shared key among them",
                   "leave NetSecurity out of its module names, or keep readers out of that log, if pre-shared keys are declared")
    else:
        yield ok("off")


def _tasks(seen: Examination) -> Iterator[Finding]:
    service = _service(seen, "Schedule")
    if service["state"] != "running":
        yield obstacle(f"the service Schedule is {service['state']} (start: {service['start']}): no task runs",
                       to_start("Schedule"))
    elif seen.known("new_tasks_forbidden"):
        yield note("Group Policy prohibits new tasks (Task Scheduler5.0)", "take ringfence's hosts out of that policy")
    elif seen.facts.elevated is False and seen.is_jea:
        yield from _tasks_of_endpoint(seen)
    elif seen.facts.elevated is False:
        yield note("the scheduler runs; an account without administrator's rights registers no task of SYSTEM",
                   "log on as an administrator")
    else:
        yield ok(f"the scheduler runs (start: {service['start']}), and the account may register tasks of SYSTEM")


def _tasks_of_endpoint(seen: Examination) -> Iterator[Finding]:
    """Nobody can log on as somebody else there: its session configuration says as whom it runs."""
    if not seen.endpoint.writes:
        yield ok("the scheduler runs, and the endpoint only reads")
        return
    found = "the scheduler runs; the endpoint's account is no administrator, and registers no task of SYSTEM"
    if seen.wants_undo:
        yield obstacle(f"{found}: no run that writes can be undone by the host", f"{AS_ADMINISTRATOR}; or write without an undo: "
                       "`revert_after: never`")
    else:
        yield note(f"{found}: `expires_on_host` is refused", f"{AS_ADMINISTRATOR}, or leave `expires_on_host` out")


def _restart(seen: Examination) -> Iterator[Finding]:
    files = int(seen.known("restart_for_files") or 0)
    reasons = [*(["components"] if seen.known("restart_for_components") else []),
               *(["updates"] if seen.known("restart_for_updates") else []), *([f"{files} file names"] if files else [])]
    if reasons:
        yield note(f"a restart is pending, for {', '.join(reasons)}", "restart first: what is proven now is not proven after it")
    else:
        yield ok("none is pending")


def _role(seen: Examination) -> Iterator[Finding]:
    domain = seen.known("domain")
    if seen.product == "domain_controller":
        yield note(f"a domain controller of {domain}: no JEA endpoint with a full virtual account; after a restart its network "
                   "may count as public for a while", "have rules for the way in to it in every profile")
    elif not seen.product:
        raise NotKnownError("the product type was not told")
    else:
        yield ok(f"{seen.product}, " + (f"member of {domain}" if domain else "of no domain"))


def _undo(seen: Examination) -> Iterator[Finding]:
    if (told := unread(seen.ledger)) or not seen.ledger:
        raise NotKnownError("; ".join(why for _, why in told) or NOT_TOLD)
    undo = kept_undo(seen.ledger)
    if undo.waits:
        yield obstacle(f"run {undo.run} armed its undo at {undo.armed or 'some time'} and never came back: others are refused "
                       "until the host has undone it", "`ringfence confirm` keeps what it made, `ringfence rollback` does not")
    elif undo.state == "restored":
        yield note(f"the host has undone run {undo.run} by itself", "look what cut it off: `ringfence runs show`")
    else:
        yield ok("none waits")


def _expiries(seen: Examination) -> Iterator[Finding]:
    if seen.expiries is None:
        raise NotKnownError(seen.expiries_unread)
    for one in seen.expiries:
        what = f"the task \\ringfence\\expires\\{one.task}"
        if one.id is None or not one.fits:
            yield note(f"{what} is not as ringfence registers one", "the next `ringfence apply` of its rule mends it")
        elif one.id not in seen.state:
            yield note(f"{what} is to remove {one.id}, which is not there", "the next `ringfence apply` takes it away")
    right = [f"{one.id} at {in_short(one.at)}" for one in seen.expiries if one.fits and one.id in seen.state]
    if len(right) == len(seen.expiries):
        more = [f"{len(right) - _EXPIRIES_TOLD} more"] if len(right) > _EXPIRIES_TOLD else []
        yield ok(", ".join([*right[:_EXPIRIES_TOLD], *more]) or "none")


HOST_CHECKS = (
    Check("winrm", "WinRM", "winrm/config, winrm/config/listener (Get-WSManInstance); Win32_Service",
          "Microsoft, “Installation and configuration for Windows Remote Management”", _winrm),
    Check("endpoints", "Registered endpoints", "Get-PSSessionConfiguration",
          "Microsoft, “JEA Session Configurations”, “JEA Security Considerations”", _endpoints),
    Check("script_rules", "What may run", "Win32_DeviceGuard in root/Microsoft/Windows/DeviceGuard; the registry: "
          "Policies\\Microsoft\\Windows\\SrpV2\\Script, Policies\\Microsoft\\Windows\\PowerShell!EnableScripts, !ExecutionPolicy",
          "Microsoft, “Win32_DeviceGuard”, “Understand AppLocker default rules”, “Understand AppLocker enforcement settings”, "
          "about_Execution_Policies; PowerShell's source, SecuritySupport.GetGroupPolicyValue", _script_rules,
          open="other products that forbid scripts or netsh.exe are seen when something runs, not before"),
    Check("transcription", "Transcripts", "Policies\\Microsoft\\Windows\\PowerShell\\Transcription", _POLICY, _transcription,
          open=f"an endpoint's own TranscriptDirectory is not read; {_OF_5_1}"),
    Check("script_block_logging", "Script block logging", "Policies\\Microsoft\\Windows\\PowerShell\\ScriptBlockLogging",
          "Microsoft, about_Logging_Windows; PowerShell's source, ScriptBlock.CheckSuspiciousContent", _script_blocks,
          open=_OF_5_1),
    Check("module_logging", "Module logging", "Policies\\Microsoft\\Windows\\PowerShell\\ModuleLogging", _POLICY,
          _module_logging, open=_OF_5_1),
    Check("tasks", "Task scheduler", "Win32_Service; Policies\\Microsoft\\Windows\\Task Scheduler5.0!Task Creation",
          "[MS-TSCH] 3.2.5.4.2: who may register a task for SYSTEM; TaskScheduler.admx", _tasks,
          open="whether a task may start cmd.exe and netsh.exe shows when one does; whether “Task Creation” holds for tasks that "
               "PowerShell registers"),
    Check("undo", "Undo of a run", "HKLM\\SOFTWARE\\ringfence\\undo", "docs/guide/undo.md", _undo),
    Check("expiries", "Expiring rules", "tasks below \\ringfence\\expires (Get-ScheduledTask)",
          "docs/guide/break-glass.md", _expiries, open="whether a task may start powershell.exe shows when one does"),
    Check("restart", "Restart", "the registry: RebootPending, RebootRequired, PendingFileRenameOperations",
          "Microsoft's DSC module ComputerManagementDsc (PendingReboot); MoveFileEx for file names", _restart,
          open="the first two keys are in no reference of Windows"),
    Check("role", "Role", "Win32_OperatingSystem.ProductType, Win32_ComputerSystem.Domain",
          "Microsoft, “Win32_OperatingSystem”; “JEA Security Considerations” on domain controllers", _role),
)
