"""Which views of a run there are, by the format that --output names. A new one is one more row."""

from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any, cast

from ringfence.formats.data import encode, host_text
from ringfence.formats.events import HostEncoder
from ringfence.report import HostResult
from ringfence.views import defaults_view, evaluated_view, examined_view, ledger_view, policy_view, status_view, text_view
from ringfence.views.json_view import JsonLinesView, JsonReport, JsonView, ValidatedJson
from ringfence.views.view import View, ViewOptions, ViewTable


def _views(text: Callable[[ViewOptions], View], encode_host: HostEncoder) -> ViewTable:
    return {"text": text, "json": partial(JsonView, encode_host), "jsonl": partial(JsonLinesView, encode_host)}


def _later(module: str, name: str) -> Callable[[ViewOptions], View]:
    """A view of a module that is imported where somebody wants it: for those of reports others have to be, too."""
    return lambda options: cast(View, getattr(import_module(f"ringfence.views.{module}"), name)(options))


def _plain(data: Callable[[HostResult], dict[str, Any]]) -> HostEncoder:
    return lambda result, definitions: encode(data(result))


VIEWS = _views(text_view.TextView, host_text)
DOCTOR_VIEWS = _views(examined_view.DoctorView, _plain(examined_view.examined_data))
PING_VIEWS = _views(examined_view.PingView, _plain(examined_view.examined_data))
STATUS_VIEWS = _views(status_view.StatusTextView, _plain(status_view.status_data))
DEFAULTS_VIEWS = _views(defaults_view.DefaultsTextView, defaults_view.defaults_text)
POLICY_VIEWS = _views(policy_view.PolicyTextView, _plain(policy_view.policy_data))
EVALUATED_VIEWS = _views(evaluated_view.EvaluatedTextView, _plain(evaluated_view.evaluated_data))
LEDGER_VIEWS = _views(ledger_view.LedgerTextView, _plain(ledger_view.ledger_data))
REPORTS: ViewTable = {
    "md": _later("markdown_report", "MarkdownReport"),
    "junit": _later("junit_report", "JunitReport"),
    "sarif": _later("sarif_report", "SarifReport"),
    "html": _later("html_report", "HtmlReport"),
    "json": partial(JsonReport, defaults_view.defaults_text),
}
VALIDATED_REPORTS: ViewTable = {**REPORTS, "json": ValidatedJson}
