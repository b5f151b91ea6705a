"""Which views of a run there are, by the format that --output names. A new one is one more row."""

from collections.abc import Callable
from functools import partial

from ringfence.formats.data import host_data
from ringfence.views import defaults_view, examined_view, ledger_view, policy_view, status_view, text_view
from ringfence.views.json_view import HostEncoder, JsonLinesView, JsonView
from ringfence.views.view import View, ViewOptions, ViewTable


def _views(text: Callable[[ViewOptions], View], data: HostEncoder) -> ViewTable:
    return {"text": text, "json": partial(JsonView, data), "jsonl": partial(JsonLinesView, data)}


VIEWS = _views(text_view.TextView, host_data)
DOCTOR_VIEWS = _views(examined_view.DoctorView, examined_view.examined_data)
PING_VIEWS = _views(examined_view.PingView, examined_view.examined_data)
STATUS_VIEWS = _views(status_view.StatusTextView, status_view.status_data)
DEFAULTS_VIEWS = _views(defaults_view.DefaultsTextView, defaults_view.defaults_data)
POLICY_VIEWS = _views(policy_view.PolicyTextView, policy_view.policy_data)
LEDGER_VIEWS = _views(ledger_view.LedgerTextView, ledger_view.ledger_data)
