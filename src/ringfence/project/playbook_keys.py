"""The keys of plays, blocks, tasks and imports: those that are known, and those of Ansible that ringfence does not have."""

from collections.abc import Mapping
from typing import Any

from ringfence.rollout.rollout_policy import ROLLOUT_KEYS

RUN_KEYS = ("prune", "revert_after", *ROLLOUT_KEYS, "window")
"""What a play may say of the run on its hosts, as rows of SETTINGS; plays that share a host have to agree."""
PLAY_KEYS = ("name", "hosts", "vars", "vars_files", "roles", "tasks", "tags", "gather_facts", *RUN_KEYS)
PLAY_KEYS_LATER = ("unmanaged",)
_NO_STEPS = "Tasks declare a state and do not run one after another."
_CONNECTION = "Connection settings are variables of the inventory"
PLAY_KEYS_OF_ANSIBLE = {
    **dict.fromkeys(("become", "become_method", "become_user", "become_flags", "become_exe"), "The account of the connection "
                    "writes, and it has to be an administrator or an operator of a JEA endpoint."),
    **dict.fromkeys(("connection", "port", "remote_user", "timeout"), f"{_CONNECTION} (`ansible_connection`, `ansible_port` …)."),
    **dict.fromkeys(("pre_tasks", "post_tasks"), f"Put them under `tasks`: {_NO_STEPS[0].lower()}{_NO_STEPS[1:]}"),
    **dict.fromkeys(("handlers", "force_handlers", "ignore_errors", "run_once", "strategy", "throttle"), _NO_STEPS),
    "vars_prompt": "Use `-e NAME=VALUE`, or a vaulted file.",
    "environment": "No process runs that could have one.", "collections": "Kinds are ringfence's own.",
    "module_defaults": "Use an anchor of YAML, or vars.", "gather_subset": "Facts are read where something needs them.",
    "gather_timeout": "Facts are read where something needs them.", "no_log": "Secrets are never shown.",
    "diff": "`ringfence plan` always shows the difference.", "check_mode": "Use `ringfence plan`.",
    "ignore_unreachable": "A host that is not reached is told.",
    "when": "Put it on the tasks, or on a block of them."}
HARMLESS: Mapping[str, tuple[Any, ...]] = {
    **dict.fromkeys(("become", "check_mode", "ignore_errors", "ignore_unreachable", "run_once",
                     "force_handlers"), (False,)),
    **dict.fromkeys(("collections", "handlers"), ([],)), **dict.fromkeys(("no_log", "diff"), (True, False)),
    "strategy": ("linear",), "environment": ({},)}
"""Keys of Ansible with values that change nothing here: {key: those values}."""
WITHOUT_MEANING = frozenset({"gather_subset", "gather_timeout", "strategy"})  # whatever they say
NOT_HEEDED: Mapping[str, str] = {  # what they ask for is so or is not, and no state depends on it
    "connection": f"{_CONNECTION}: ansible_connection.", "throttle": "`--forks` says how many hosts at once."}
_QUERY = "Use `loop: \"{{{{ query('{0}', …) }}}}\"`, or {1}."
LOOPS_OF_ANSIBLE: Mapping[str, str] = {  # what says the same
    "with_dict": 'Use `loop: "{{ x | dict2items }}"`.', "with_list": "Use `loop`, with the same list.",
    "with_indexed_items": "Use loop, with `loop_control: {index_var: i}`.", "with_flattened": 'Use `loop: "{{ x | flatten }}"`.',
    "with_nested": _QUERY.format("nested", "`a | product(b)`"), "with_cartesian": _QUERY.format("nested", "`a | product(b)`"),
    "with_together": _QUERY.format("together", "`a | zip(b)`"), "with_sequence": _QUERY.format("sequence", "`range(1, 9)`"),
    "with_subelements": _QUERY.format("subelements", "`x | subelements('key')`"),
    "with_random_choice": "A state has to come out the same each time.",
    "with_inventory_hostnames": "Use `loop: \"{{ groups['web'] }}\"`."}
PLAYBOOK_IMPORT_KEYS = ("import_playbook", "name", "vars", "tags", "when")
LIFE_KEYS = ("expires", "ticket", "expires_on_host")  # until when a task holds, and what it was asked for by
TREATMENT_KEYS = ("omitted", "adopt", "renamed_from", *LIFE_KEYS)  # how ringfence treats what a task declares
TASK_KEYS = ("name", "when", "loop", "with_items", "loop_control", "tags", "vars", *TREATMENT_KEYS)
TASK_IMPORT_KEYS = ("import_tasks", "name", "when", "tags", "vars")
BLOCK_KEYS = ("block", "name", "when", "tags", "vars")
ROLE_ENTRY_KEYS = ("role", "name", "when", "tags", "vars")
ROLE_IMPORT_KEYS = ("import_role", "name", "when", "tags", "vars")
VARS_KEYS = ("include_vars", "name", "when", "tags")
ASSERT_KEYS = ("assert", "name", "when", "loop", "with_items", "loop_control", "tags", "vars")
ASSERTION_KEYS = ("that", "fail_msg", "msg", "success_msg", "quiet")
TASK_KEYS_OF_ANSIBLE = {
    "include_tasks": "Use import_tasks: which tasks there are is known before any host is touched.",
    "include_role": "Use import_role: which tasks there are is known before any host is touched.",
    "rescue": _NO_STEPS,
    **dict.fromkeys(("register", "notify", "listen", "until", "retries", "delay", "async", "poll", "changed_when",
                     "failed_when", "ignore_errors", "ignore_unreachable", "run_once", "throttle", "delegate_to",
                     "delegate_facts", "local_action", "action", "args", "always"),
                    _NO_STEPS),
    **{key: PLAY_KEYS_OF_ANSIBLE[key] for key in (
        "become", "become_user", "become_method", "connection", "remote_user", "environment", "no_log", "check_mode", "diff",
        "port", "timeout", "collections", "module_defaults")},
    "any_errors_fatal": "It is of a play, or of ringfence.yml.",
}
LOOP_CONTROL_KEYS = ("loop_var", "index_var", "label", "extended", "extended_allitems")


def names_made_by(key: str, value: Any) -> set[Any]:
    """The variables that Ansible would make of a key that is refused: that they are not there is no other mistake."""
    if key.rpartition(".")[2] not in ("register", "vars_prompt", "set_fact"):
        return set()
    if isinstance(value, list):
        return {one.get("name") for one in value if isinstance(one, Mapping)}
    return {value} if isinstance(value, str) else set(value) if isinstance(value, Mapping) else set()
MISPLACED: Mapping[str, Mapping[str, str]] = {  # keys that belong elsewhere, by where they stand
    "a play": {}, "a task": dict.fromkeys(("hosts", "tasks"), "It is of a play: `import_playbook` takes files of those.")}
