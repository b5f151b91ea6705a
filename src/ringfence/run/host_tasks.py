"""The tasks by which a host ends rules by itself, as one run writes them, and takes them back where it is undone."""

from collections.abc import Hashable

from ringfence.batch import Call, Reply
from ringfence.errors import HostError
from ringfence.plan.expiries import expiry_update
from ringfence.plan.plan import Plan
from ringfence.windows.expiry_calls import remove_expiry, remove_expiry_of, write_expiry


class HostTasks:
    """What becomes of the tasks of one host with a plan."""

    def __init__(self, plan: Plan) -> None:
        self._update = expiry_update(plan)
        self._before = {one.id: one for one in plan.found.expiries or ()}
        self._sent, self._not_made = False, set[Hashable]()  # labels of calls that the host says it has not carried out

    def __len__(self) -> int:
        return len(self._update.written) + len(self._update.removed)

    def calls(self) -> dict[Hashable, Call]:
        """Those that go, and those that come."""
        self._sent = bool(self._update)
        gone: dict[Hashable, Call] = {("task gone", one.task): remove_expiry(one.task) for one in self._update.removed}
        return gone | {("task", one.id): write_expiry(one) for one in self._update.written}

    def answered(self, reply: Reply) -> HostError | None:
        """What the host made of the calls is known now; why one of them was not carried out."""
        failed: HostError | None = None
        for label, call in self.calls().items():
            answer = reply.answers.get(label)
            if answer is None or answer.error:
                self._not_made.add(label)
            if answer and answer.error and failed is None:
                reason = f"what is to end {call.args.get('name') or call.args['task']}: {answer.error.message}"
                failed = HostError("endpoint" if answer.error.is_lack else "change_rejected", reason)
        return failed

    def back(self) -> dict[Hashable, Call]:
        """The calls that bring back the tasks that there were before, where others may have been made of them."""
        calls: dict[Hashable, Call] = {}
        for one in self._update.written if self._sent else ():
            if ("task", one.id) not in self._not_made:
                before = self._before.get(one.id)
                calls["task back", one.id] = write_expiry(before) if before and before.fits else remove_expiry_of(one)
        for one in self._update.removed if self._sent else ():
            if ("task gone", one.task) not in self._not_made and one.fits and one.id:
                calls["task back", one.task] = write_expiry(one)
        return calls
