"""What is in force on a host: its security associations, next to the rules that asked for them, and what of its own policy is
not."""

from ringfence.batch import Call
from ringfence.plan.in_force import judge, judge_found
from ringfence.plan.reasons import TO_NEGOTIATE, PolicyOnHost, stopped
from ringfence.policy.blocks import BlocksInForce
from ringfence.policy.settings_in_force import SettingsInForce
from ringfence.report import HostResult, StatusResult
from ringfence.run.host import HostRun
from ringfence.run.host_job import HostJob, RunContext
from ringfence.run.questions import INTERFACES, Questions
from ringfence.windows.associations import associations
from ringfence.windows.stored_names import names_of


def status_of(job: HostJob, context: RunContext) -> HostResult:
    """The associations of one host, and what keeps its own policy out of force: a StatusResult, or what went wrong. Never raises
    for what the host does."""
    run = HostRun(job, context)

    def ask() -> HostResult:
        found, reply = run.read(Questions(frozenset({INTERFACES}), judged=True), {"associations": Call("SA.Read")})
        seen = associations(reply["associations"], found.state)
        host = PolicyOnHost(found, BlocksInForce(SettingsInForce(found.state, found.unread)))
        return StatusResult(job.host, associations=seen, stopped=stopped(found.facts, TO_NEGOTIATE),
                            names=run.names(names_of(title for one in seen for title in one.display_names)),
                            obstacles=judge(judge_found(found.state), host))

    return run.result(ask)
