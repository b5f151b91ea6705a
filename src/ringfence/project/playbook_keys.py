"""The keys of plays, blocks, tasks and imports: those that are known, and those of Ansible that ringfence does not have."""

PLAY_KEYS = ("name", "hosts", "vars", "vars_files", "tasks", "tags", "gather_facts")
PLAY_KEYS_LATER = ("serial", "max_fail_percentage", "confirm", "unmanaged")
PLAY_KEYS_OF_ANSIBLE = ("any_errors_fatal", "become", "become_method", "become_user", "collections", "connection", "diff",
                 "environment", "force_handlers", "handlers", "ignore_errors", "ignore_unreachable", "module_defaults",
                 "no_log", "order", "port", "post_tasks", "pre_tasks", "remote_user", "roles", "run_once", "strategy",
                 "throttle", "timeout", "vars_prompt", "when")
PLAYBOOK_IMPORT_KEYS = ("import_playbook", "name", "vars", "tags", "when")
TREATMENT_KEYS = ("omitted", "adopt", "renamed_from")  # how ringfence treats what a task declares
TASK_KEYS = ("name", "when", "loop", "with_items", "loop_control", "tags", "vars", *TREATMENT_KEYS)
TASK_IMPORT_KEYS = ("import_tasks", "name", "when", "tags", "vars")
BLOCK_KEYS = ("block", "name", "when", "tags", "vars")
TASK_KEYS_OF_ANSIBLE = {
    "include_tasks": "Use import_tasks: which tasks there are is known before any host is touched.",
    "include_role": "Use import_tasks.", "import_role": "Use import_tasks.", "include_vars": "Use vars_files of the play.",
    "rescue": "Tasks declare a state and do not run one after another.",
    **dict.fromkeys(("register", "notify", "listen", "until", "retries", "delay", "async", "poll", "changed_when",
                     "failed_when", "ignore_errors", "ignore_unreachable", "run_once", "throttle", "delegate_to",
                     "delegate_facts", "local_action", "action", "args", "always"),
                    "Tasks declare a state and do not run one after another."),
    **dict.fromkeys(("become", "become_user", "become_method", "connection", "remote_user", "environment", "no_log",
                     "check_mode", "diff", "port", "timeout", "any_errors_fatal", "collections", "module_defaults"),
                    "Connection settings are variables of the inventory."),
}
LOOP_CONTROL_KEYS = ("loop_var", "index_var", "label")
