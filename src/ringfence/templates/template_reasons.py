"""What went wrong inside of a filter, a test or a lookup, in the words of people who write templates."""

import re
from collections.abc import Callable

_TYPES = {"NoneType": "nothing", "int": "a number", "float": "a number", "bool": "true or false", "str": "a text",
          "Unsafe": "a text", "Seq": "a list", "list": "a list", "tuple": "a list", "LazySeq": "a list", "Map": "a mapping",
          "dict": "a mapping", "LazyMap": "a mapping", "datetime": "a time", "timedelta": "a time",
          "method": "a function", "function": "a function"}
_NAME = r"(?:sync_|async_)?(?:do_)?_?([\w.<>]+)\(\)"


def type_name(name: str) -> str:
    """What a type of Python is called in YAML."""
    return _TYPES.get(name, "a value of another kind")


_RULES: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], str]], ...] = (
    (re.compile(_NAME + r" got an unexpected keyword argument '(\w+)'"), lambda m: f"{m[1]} takes no argument {m[2]}"),
    (re.compile(_NAME + r" got multiple values for argument '(\w+)'"), lambda m: f"{m[1]} is given {m[2]} twice"),
    (re.compile(_NAME + r" takes .*positional arguments? but .*"), lambda m: f"{m[1]} is given more arguments than it takes"),
    (re.compile(_NAME + r" missing \d+ required (?:positional|keyword-only) arguments?: (.*)"), lambda m: f"{m[1]} needs {m[2]}"),
    (re.compile(r"unsupported operand type\(s\) for (\S+?):? '(\w+)' and '(\w+)'"),
     lambda m: f"{m[1].rstrip(':')} does not go with {type_name(m[2])} and {type_name(m[3])}"),
    (re.compile(r"'(\S+)' not supported between instances of '(\w+)' and '(\w+)'"),
     lambda m: f"{m[1]} does not compare {type_name(m[2])} with {type_name(m[3])}"),
    (re.compile(r"can only concatenate (\w+) \(not \"(\w+)\"\) to \w+"),
     lambda m: f"+ does not go with {type_name(m[1])} and {type_name(m[2])}; `~` makes a text of both"),
    (re.compile(r"'(\w+)' object is not (\w+)"), lambda m: f"{type_name(m[1])} is not {m[2]}"),
    (re.compile(r"object of type '(\w+)' has no len\(\)"), lambda m: f"{type_name(m[1])} has no length"),
    (re.compile(r"'(\w+)' object cannot be interpreted as an integer"), lambda m: f"{type_name(m[1])} is no whole number"),
    (re.compile(r"bad operand type for (?:unary (\S+):|(\w+)\(\):) '(\w+)'"),
     lambda m: f"{m[1] or m[2]} does not go with {type_name(m[3])}"),
    (re.compile(r"(%\w) format: (.*), not (\w+)"), lambda m: f"{m[1]} does not go with {type_name(m[3])}"),
    (re.compile(r"not (?:enough|all) arguments .*format|tuple index out of range|Replacement index \d+ out of range"),
     lambda m: "the format has another number of places than values were given"),
    (re.compile(r"must be (?:str|real number|a string)[\w ]*, not (\w+)"), lambda m: f"{type_name(m[1])} does not go here"),
    (re.compile(r"Expecting (?:value|property name|',' delimiter|':' delimiter).*: line (\d+) column (\d+)"),
     lambda m: f"the text is not JSON, from line {m[1]}, column {m[2]} on"),
    (re.compile(r"No (filter|test) named '(.*)'"), lambda m: f'there is no {m[1]} "{m[2]}"'),
    (re.compile(r"invalid literal for (?:int|float)\(\) with base \d+: (.*)"), lambda m: f"{m[1]} is not a number"),
)


def in_words(message: str) -> str:
    """A message of Python without Python in it; any other as it is."""
    for pattern, said in _RULES:
        if match := pattern.search(message):
            return said(match)
    return message


_SYNTAX = (("unexpected '='", "`==` compares."), ("char '&'", "Write `and`."), ("char '!'", "Write `not`, or `!=`."),
           ("char '?'", "Write `a if condition else b`."), ("got '|'", "Write `or`."),
           ("char '$'", "Names of variables have no $."), ("expected 'end of print statement'", "It ends with }}."))


def syntax_advice(message: str) -> str:
    """What to write for an operator of another language; nothing where nobody knows."""
    return next((advice for sign, advice in _SYNTAX if sign in message), "")


_THE_SAME = "A state has to come out the same each time."
NOT_NOW = f"{_THE_SAME} Give the time as a variable: -e today=2026-01-31."
_MACHINE = "A state does not depend on the machine that ringfence runs on. Say it as a variable, or by lookup('env', NAME)."
_A_FILE = "`lookup('first_found', files, skip=true)` tells whether there is a file."
_BY_SHAPE = "Use dict2items, map, extract."
_ADVICE = {  # by the names for which it is, in a text
    "random shuffle password_hash random_mac": _THE_SAME, "expanduser expandvars realpath resolvable": _MACHINE,
    "fileglob": "Use lookup('fileglob', pattern).", "pprint": "Use to_nice_json or to_nice_yaml.",
    "vault unvault": "A template knows no password of a vault; what is encrypted is decrypted as it is used.",
    "vault_encrypted": "What is encrypted is decrypted before a template sees it.", "urlize xmlattr": "Nothing here is HTML.",
    "directory is_dir exists file is_file link is_link link_exists mount is_mount same_file is_same_file vaulted_file": _A_FILE,
    "change changed failed failure succeeded success successful skip skipped started finished timedout reachable unreachable":
        "Tasks have no results here: they declare a state.",
    "to_paths get_path index_of replace_keys fact_diff consolidate": _BY_SHAPE,
    "from_xml to_xml validate param_list_compare": "Prepare it outside: -e @FILE."}
_LOOKUP_ADVICE = {
    "pipe lines": "No program runs for a template. Let one write a file of variables: -e @FILE.",
    "url": f"{_THE_SAME} Fetch it into a file first: lookup('file', …).",
    "password random_choice random_string random_pet": f"{_THE_SAME} `ringfence vault` keeps a secret that was made once.",
    "config": "ansible.cfg is not heeded here.",
    "inventory_hostnames": "Use groups['web'], with union, intersect and difference.",
    "hashi_vault aws_secret aws_ssm azure_keyvault_secret passwordstore onepassword keyring":
        "Let a program ask there (--vault-password-file), or use lookup('env', NAME)."}
_VARIABLE_ADVICE = {
    "ansible_config_file": "ansible.cfg is not heeded here.",
    "ansible_playbook_python ansible_search_path ansible_async_path": _MACHINE,
    "ansible_module_compression ansible_pipelining ansible_shell_executable environment": "No module or shell runs for a task.",
    "ansible_current_hosts ansible_failed_hosts": "A state does not depend on what became of other hosts: ansible_play_hosts.",
    "ansible_collection_name": "Roles are of no collection here.", "role_uuid": _THE_SAME}
ABSENT_STATEMENTS = dict.fromkeys(
    ("include", "import", "from", "extends"),
    "Use lookup('template', 'u.j2') for the text of another template, and write a macro where it is used.")
"""Statements of Jinja2 that are left out."""
NO_STATEMENT = "{{% {} %}} in line {} of the template: a template reads no other one"
NO_HEADER = "a template has no header #jinja2: here"
WITHOUT_HEADER = "Write {%- and -%} where white space has to go. A text that merely begins so has a space before it."
ABSENT = {name: advice for names, advice in _ADVICE.items() for name in names.split()}
"""Filters and tests of Ansible that are left out, and what to do instead."""
ABSENT_LOOKUPS = {name: advice for names, advice in _LOOKUP_ADVICE.items() for name in names.split()}
"""The same of lookups."""
ABSENT_VARIABLES = {name: advice for names, advice in _VARIABLE_ADVICE.items() for name in names.split()}
"""The same of variables that Ansible makes itself; those that inventories may set count where they do."""
