"""`lookup(NAME, …)` and `query(NAME, …)`: env, file, vars and dict, evaluated on the controller as with Ansible."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jinja2 import pass_context
from jinja2.utils import missing

from ringfence.diagnostics import NOWHERE, Diagnostic, Problems, Where, allowed, describe, quoted
from ringfence.documents.vault import Vaulted, is_vault
from ringfence.documents.yaml import read_text
from ringfence.files import MAX_LOOKUP
from ringfence.templates.budget import LOOK, RenderError, UntrustedLookup, charge
from ringfence.templates.parts import held, seen
from ringfence.templates.sandbox import TemplateContext
from ringfence.templates.taint import has_unveiled
from ringfence.templates.values import FailedValue, materialise, text


def _env(scope: Any, name: Any, default: Any = "") -> Any:
    if scope.trust.untrusted:
        raise UntrustedLookup("the environment is not read for an untrusted project")
    found = os.environ.get(text(name))
    if found is None and isinstance(default, FailedValue):
        raise default.failure
    return default if found is None else found


def _file(scope: Any, name: Any, rstrip: bool = True, lstrip: bool = False) -> Any:
    """A file beside the playbook, in its folder `files` first. An encrypted one is a secret."""
    folder = Path(str(scope.magic.get("playbook_dir", ".")))
    path_asked_for = Path(os.path.expanduser(text(name)))
    candidates = [folder / "files" / path_asked_for, folder / path_asked_for]
    charge(LOOK * len(candidates))
    for candidate in candidates:
        if reason := scope.trust.unreadable(candidate):
            raise RenderError(reason)
    path = next((c for c in candidates if c.is_file()), None)
    if path is None:
        raise RenderError(f"there is no file {path_asked_for}", f"Looked for: {', '.join(map(str, dict.fromkeys(candidates)))}.")
    problems = Problems()
    found = read_text(path, problems, limit=MAX_LOOKUP)
    problems.check()
    assert found is not None
    charge(len(found))
    if is_vault(found):
        return scope.decrypt(Vaulted(found, Where(str(path))), f"the file {name}")
    found = found.rstrip() if rstrip else found
    return found.lstrip() if lstrip else found


def _vars(scope: Any, name: Any, default: Any = missing) -> Any:
    value = scope.resolve(text(name))
    if value is not missing:
        return value
    if default is not missing:
        return default
    raise FailedValue(name=text(name)).failure


def _dict(scope: Any, value: Any) -> Any:
    if not isinstance(value, dict):
        raise RenderError(f"lookup('dict', …) takes a mapping, not {describe(value)}")
    return [{"key": k, "value": v} for k, v in value.items()]


LOOKUPS: dict[str, Callable[..., Any]] = {"env": _env, "file": _file, "vars": _vars, "dict": _dict}


@pass_context
def query(context: TemplateContext, name: str, *terms: Any, **options: Any) -> list[Any]:
    """The results of a lookup, one a term."""
    name = str(name).removeprefix("ansible.builtin.")
    if name not in LOOKUPS:
        raise RenderError(f'there is no lookup "{name}"', allowed(name, LOOKUPS))
    errors = options.pop("errors", "strict")
    if errors not in ("strict", "warn", "ignore"):
        raise RenderError(f"errors of a lookup is strict, warn or ignore, not {quoted(errors)}")
    results: list[Any] = []
    for term in terms:
        if isinstance(term, FailedValue):
            raise term.failure
        try:
            found = seen(held(LOOKUPS[name](context.scope, materialise(term), **options)))
        except RenderError as error:
            if errors == "strict" or type(error) is not RenderError:  # what waits for the host, or has no budget left
                raise
            if errors == "warn":
                told = ("a lookup over a secret failed", "") if has_unveiled() else (error.summary, error.detail)
                context.scope.warnings.append(Diagnostic(NOWHERE, *told, "warning"))
            continue
        results += found if name == "dict" else [found]
    return results


@pass_context
def lookup(context: TemplateContext, name: str, *terms: Any, wantlist: bool = False, **options: Any) -> Any:
    """The result of a lookup; several texts are joined by commas."""
    results = query(context, name, *terms, **options)
    if wantlist or not all(isinstance(r, str) for r in results):
        return results[0] if len(results) == 1 and not wantlist else results
    return ",".join(results)


GLOBALS: dict[str, Any] = {"lookup": lookup, "query": query, "q": query}
