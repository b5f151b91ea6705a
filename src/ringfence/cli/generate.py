"""`make generate`: the files that are made from tables and committed. A test keeps them current."""

import contextlib
import io
import sys
from pathlib import Path

import yaml

from ringfence import files, kinds
from ringfence.batch import scripts
from ringfence.cli import app, findings_page, host_script_page, limits_page, man_pages, settings_page, terminal_pictures
from ringfence.cli.command_tree import command_tree, completion_text
from ringfence.cli.commands import demo, schema
from ringfence.lab.machine import builtin_policy
from ringfence.lab.machine.machine import SYSTEMS
from ringfence.lab.netsecurity.open_behaviours import OPEN_BEHAVIOURS
from ringfence.lab.registry.stored_rule import StoredRule
from ringfence.views import reference
from ringfence.views.connection_docs import failures_page, variables_page
from ringfence.windows.calls import writing_cmdlets

LAB_PAGE = [
    "# What the lab decides by itself", "",
    "<!-- generated from src/ringfence/lab/netsecurity/open_behaviours.py: change it there -->", "",
    "The simulated hosts refuse, fill in and store what Microsoft's documents say; above each table and each refusal of",
    "`src/ringfence/lab/netsecurity` stands the document, and in each rule by which `src/ringfence/lab/enforcement` decides",
    "whether a flow passes; scheduled tasks (`machine`) and cmd.exe with its programs (`command_prompt`) name theirs too. Where",
    "none says it, or two disagree, the lab does what stands here. Do not take it for what Windows does: [the Windows",
    "job](guarantees.md) replays the lab's cases of cmdlets on Windows, and tells of most of these whether Windows does the",
    "same; which flows pass, and what tasks and command lines do, it does not ask.", "",
    "Looked through for these: the pages of the cmdlets (Windows Server 2025), [MS-FASP], [MS-GPFAS], Microsoft's pages of",
    "FW_RULE_STATUS and the WMI classes, the rules of public exports (Server 2008 to Windows 11) and of GPO backups, and error",
    "records that people published; for flows, public dumps of the state of the filtering platform (WFP) of eight hosts; for",
    "tasks and command lines [MS-TSCH], Microsoft's pages of the Task Scheduler and of Windows Commands, SS64, and the parser",
    "of ReactOS's cmd. What comes nearest stands in the last column.", "",
    "| id | what the lab does | what the documents say |", "|---|---|---|"]
WIDTH = 108  # of the help texts in the reference
DEMO = "docs/demo.txt"
CMDLETS = "src/ringfence/batch/host/cmdlets.ps1"
SHIPPED_RULES = "src/ringfence/windows/shipped_rules.txt"
COMPLETION = "src/ringfence/cli/completion.json"
HOST_SCRIPT_API = "tests/cases/host_script_api.yml"  # what the host script may use: its tests have it


def generated(root: Path) -> dict[str, str]:
    """{path: text} of schemas/, docs/reference/, man/ and the allow-list of the host script, from our own kinds and tables.

    root: the folder of the checkout.
    """
    known = kinds.load()
    made = {f"schemas/{name}": text for name, text in schema.files(known).items()}
    made |= {f"docs/reference/kinds/{name}.md": reference.page(kind) for name, kind in known.items()}
    made[CMDLETS] = scripts.cmdlets_part(writing_cmdlets(known.values()))
    made[SHIPPED_RULES] = shipped_rules()
    made[COMPLETION] = completion_text(command_tree())
    made |= {f"{man_pages.FOLDER}/{name}": text for name, text in man_pages.pages().items()}
    made |= {"docs/guide/doctor.md": reference.checks(), "docs/reference/lab.md": lab_page()}
    return made | {"docs/reference/kinds.md": reference.index(known), "docs/reference/commands.md": commands(),
                    "docs/reference/connection-variables.md": variables_page(), "docs/reference/failures.md": failures_page(),
                    "docs/reference/limits.md": limits_page.page(), "docs/reference/findings.md": findings_page.page(),
                    "docs/reference/settings.md": settings_page.page(),
                    "docs/reference/host-script-sums.md": sums_page(),
                    "docs/reference/host-script-api.md": api_page(root)}


def sums_page() -> str:
    """docs/reference/host-script-sums.md"""
    rows = [f"| {name} | {len(scripts.script_named(name).encode()):,} | `{digest}` |"
            for name, digest in scripts.digests().items()]
    return "\n".join([
        "# SHA-256 of the host scripts", "", "<!-- generated from src/ringfence/batch/host: change it there -->", "",
        "Of the texts of this release, in UTF-8 with LF ([what they are](host-script.md)). `ringfence doc host-script` prints",
        "the same sums.", "", "| text | bytes | SHA-256 |", "|---|---|---|", *rows, "",
        "[What a read costs on the wire](host-script.md#what-a-read-costs-on-the-wire).", ""])


def api_page(root: Path) -> str:
    """docs/reference/host-script-api.md"""
    table = files.read_bytes(root / HOST_SCRIPT_API, files.MAX_DOCUMENT)
    return host_script_page.page(yaml.safe_load(table))


def shipped_rules() -> str:
    """The table of what Windows ships, for what has no host to ask."""
    named: dict[str, str] = {}
    for system in SYSTEMS.values():
        rules, texts = builtin_policy.image("client" if system.product == "workstation" else "server", system.schema)
        for name, text in rules:
            title = StoredRule.parse("FirewallRules", text).first("Name")
            if title.startswith("@") and not title.startswith("@{"):  # as all that ship are; packages are no part of Windows
                named[name] = texts[title.lower()]
    return _SHIPPED_HEAD + "".join(f"{name}\t{named[name]}\n" for name in sorted(named, key=str.casefold))


_SHIPPED_HEAD = """\
# Rules of Windows by name, with their display names in English. Made by `make generate` from the images of the simulated hosts
# (src/ringfence/lab/machine/builtin_rules.txt), which this project wrote itself for its lab; under the licence of the project.
# Names only: what a rule says differs between builds, and no document lists it. Incomplete: roles and features bring more,
# releases differ. Of the rules with texts of Windows in nine public exports (Server 2008 to Windows 11), 68 to 83 % are here.
"""


def commands() -> str:
    """docs/reference/commands.md"""
    helps = {"ringfence": _printed("--help")} | {f"ringfence {name}": _printed(*name.split(), "--help") for name in app.CALLS}
    return reference.commands(helps)


def lab_page() -> str:
    """docs/reference/lab.md"""
    rows = [f'| <a id="{id}"></a>`{id}` | {row.does} | {row.documents} |'
            for id, row in OPEN_BEHAVIOURS.items()]
    return "\n".join(LAB_PAGE + rows) + "\n"


def _printed(*arguments: str) -> str:
    """What the program prints."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        app.build(terminal_width=WIDTH)(list(arguments), prog_name="ringfence", standalone_mode=False)
    return out.getvalue()


def transcript() -> str:
    """docs/demo.txt: what `ringfence demo` prints, times set to 0. Raises RuntimeError where the demo fails."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        return _demo(out, "--no-color")


def pictures() -> dict[str, str]:
    """{path: SVG} of what the demo shows in a terminal, times set to 0. Raises RuntimeError where the demo fails."""
    with terminal_pictures.terminal() as out:
        shown = _demo(out)
    return {f"docs/images/{name}.svg": svg for name, svg in terminal_pictures.pictures(shown).items()}


def _demo(out: io.StringIO, *arguments: str) -> str:
    if code := app.run(["demo", *arguments]):
        raise RuntimeError(f"the demo ended with {code}:\n{out.getvalue()}")
    return demo.normalised(out.getvalue())


def main(root: Path) -> None:
    """Write everything below `root`: first the part of the host script that is made, for its sum stands on a page."""
    (root / CMDLETS).write_text(generated(root)[CMDLETS], encoding="utf-8")
    scripts.script_named.cache_clear()
    scripts.digests.cache_clear()
    for name, text in {**generated(root), DEMO: transcript(), **pictures()}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
