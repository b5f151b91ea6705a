"""Which views of a run there are, by the format that --output names. A new one is one more row."""

from ringfence.views import defaults_view, examined_view, json_view, ledger_view, policy_view, status_view, text_view
from ringfence.views.view import ViewTable

VIEWS: ViewTable = {"text": text_view.TextView, "json": json_view.JsonView}
DOCTOR_VIEWS: ViewTable = {"text": examined_view.DoctorView, "json": examined_view.ExaminedJsonView}
PING_VIEWS: ViewTable = {"text": examined_view.PingView, "json": examined_view.ExaminedJsonView}
STATUS_VIEWS: ViewTable = {"text": status_view.StatusTextView, "json": status_view.StatusJsonView}
DEFAULTS_VIEWS: ViewTable = {"text": defaults_view.DefaultsTextView, "json": defaults_view.DefaultsJsonView}
POLICY_VIEWS: ViewTable = {"text": policy_view.PolicyTextView, "json": policy_view.PolicyJsonView}
LEDGER_VIEWS: ViewTable = {"text": ledger_view.LedgerTextView, "json": ledger_view.LedgerJsonView}
