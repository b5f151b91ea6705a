"""docs/reference/findings.md, from the table of sorts of findings."""

from ringfence.views.findings import SORTS

_HEAD = """\
# Findings in reports

<!-- generated from src/ringfence/views/findings.py: change it there -->

What [reports](../guide/reports.md) tell is of one of these sorts, in the order in which they matter. The name is the rule of a
SARIF result and the type of a JUnit failure or error; it never gets another meaning ([what stays as it is](../compatibility.md)).
The level is that of SARIF. Of those that do not fail, a JUnit case tells in its output, and is passed.

| name | level | fails | what it is | what to do |
|---|---|---|---|---|
"""


def page() -> str:
    """docs/reference/findings.md"""
    rows = (f"| `{name}` | {sort.level} | {'yes' if sort.fails else 'no'} | {sort.title} | {sort.help} |\n"
            for name, sort in SORTS.items())
    return _HEAD + "".join(rows)
