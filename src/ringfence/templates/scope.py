"""What one host sees at one point of a play: raw variables, each rendered when it is first used, and memoised."""

import functools
import itertools
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from jinja2.utils import missing

from ringfence.diagnostics import NOWHERE, Diagnostic, InputError, Where, describe, suggest
from ringfence.documents.trust import Trust
from ringfence.documents.vault import Vault, Vaulted
from ringfence.documents.yaml import Map, Seq
from ringfence.secret import Secret
from ringfence.templates.budget import (
    DECRYPTION,
    PART,
    OverBudget,
    RenderError,
    UndefinedFacts,
    UndefinedValue,
    UntrustedLookup,
    charge,
    reset_budget,
)
from ringfence.templates.compile import OPAQUE, Template, condition, conjuncts, names_in, template
from ringfence.templates.environment import environment
from ringfence.templates.host_facts import SETUP_NAMES
from ringfence.templates.lazy import FACTS, LazyMap, LazySeq, ScopeView
from ringfence.templates.parts import to_plain
from ringfence.templates.taint import unveil, watched
from ringfence.templates.template_reasons import ABSENT_VARIABLES, in_words
from ringfence.templates.values import OMIT, FailedValue

_NO_DEFAULTS = Map()


class Scope:
    """The variables that a host sees at one point of a play.

    `variables` are raw (templates and vaulted values as written), the merged result of all layers; `magic` are values
    that are never templates and win over variables; `facts` are the host's, or None where they are not known yet;
    `trust` says what lookups may read; `defaults` count where no variable says it. Files are looked for in `folders`, before
    that of the playbook. `environment`: what templates of this host read of the controller's, None for what is not there.
    """

    def __init__(self, variables: Map, magic: Mapping[str, Any], facts: Mapping[str, Any] | None, vault: Vault,
                 beneath: "Scope | None" = None, trust: Trust = Trust(), defaults: Map = _NO_DEFAULTS) -> None:
        self.variables, self.magic, self.facts, self.vault = variables, magic, facts, vault
        self.trust: Trust = beneath.trust if beneath else trust
        self.folders: tuple[Path, ...] = beneath.folders if beneath else ()
        self.warnings: list[Diagnostic] = beneath.warnings if beneath else []  # what templates told so far, without a place
        self.environment: dict[str, str | None] = beneath.environment if beneath else {}
        self._beneath, self._defaults = beneath, defaults
        self._own = frozenset(variables) if beneath else frozenset()
        self._memo: dict[str, Any] = {}
        self._visible: dict[frozenset[str], dict[str, Any] | None] = {}
        self._active: dict[Hashable, str] = beneath._active if beneath else {}

    def child(self, variables: Map, magic: Mapping[str, Any] | None = None, defaults: Map = _NO_DEFAULTS) -> "Scope":
        """This scope with more variables on top (of a task), values (of a loop) on top of those, and below everything the
        defaults of a role."""
        if magic or defaults:
            layer = Scope(Map(variables), {**self.magic, **(magic or {})}, self.facts, self.vault, self)
            layer._own, layer._defaults = frozenset(variables) | frozenset(magic or ()) | frozenset(defaults), defaults
            return layer
        return Scope(variables, self.magic, self.facts, self.vault, self) if variables else self

    def looking_in(self, folders: tuple[Path, ...]) -> "Scope":
        """This scope for templates that look for files in these folders."""
        layer = Scope(Map(), self.magic, self.facts, self.vault, self)
        layer.folders = folders
        return layer

    # -- raw

    def raw(self, name: str) -> Any:
        """A variable as written, or `missing`."""
        if name in self.magic:
            return self.magic[name]
        if name in FACTS:
            return self.facts if self.facts is not None else missing
        scope: Scope | None = self
        while scope is not None:
            if name in scope.variables:
                return scope.variables[name]
            scope = scope._beneath
        return next((layer[name] for layer in self._all_defaults() if name in layer), missing)

    def _all_defaults(self) -> Iterator[Map]:
        scope: Scope | None = self
        while scope is not None:
            if scope._defaults:
                yield scope._defaults
            scope = scope._beneath

    def where(self, name: str) -> Where:
        """The place where a variable was given its value."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.variables:
                return scope.variables.at(name)
            scope = scope._beneath
        return next((layer.at(name) for layer in self._all_defaults() if name in layer), NOWHERE)

    def known(self) -> Iterator[str]:
        """The names of all variables, some of them more than once."""
        scope: Scope | None = self
        while scope is not None:
            yield from map(str, itertools.chain(scope._own, scope.variables))
            if scope._beneath is None:
                yield from itertools.chain(scope.magic, FACTS)
            scope = scope._beneath

    def visible_from(self, names: frozenset[str]) -> dict[str, Any] | None:
        """Every name that templates with `names` can see, directly or through variables, with its raw value; None
        where they may see anything."""
        if names not in self._visible:
            self._visible[names] = self._seen_from(names)
        if (seen := self._visible[names]) is not None:
            charge(PART * len(seen))
        return seen

    def _seen_from(self, names: Iterable[str]) -> dict[str, Any] | None:
        seen: dict[str, Any] = {}
        todo = list(names)
        while todo:
            name = todo.pop()
            if name in seen:
                continue
            if name in OPAQUE:
                return None
            seen[name] = raw = self.raw(name)
            if name not in self.magic and (inner := names_in(raw)):
                todo += inner
        return seen

    # -- rendered

    def resolve(self, name: str) -> Any:
        """A variable as a template sees it: plain, lazy, a Marker where it failed, or `missing`."""
        if name in self._memo:
            return self._memo[name]
        if self._beneath and name not in self._own and not self._changed(name):
            return self._beneath.resolve(name)
        if name in FACTS and self.facts is None:
            value: Any = FailedValue.of(UndefinedFacts("the facts of the host are not known yet"))
        elif name in self.magic:
            value = self.magic[name]
        elif name == "vars":
            return ScopeView(self)
        elif (raw := self.raw(name)) is missing and self.vault.sealed and name not in environment().globals:
            value = FailedValue.of(UntrustedLookup("it may be in a file that stays encrypted"))
        elif raw is missing and name in ABSENT_VARIABLES:
            value = FailedValue.of(RenderError(f'"{name}" is a variable of Ansible that ringfence does not have',
                                               ABSENT_VARIABLES[name]))
        else:
            value = self.view(raw, ("variable", name), name, self.where(name))
            if isinstance(value, FailedValue):  # depends on what was being rendered when a cycle was met
                return value
        self._memo[name] = value
        return value

    def _changed(self, name: str) -> bool:
        """Whether a variable from beneath would be rendered differently here."""
        names = names_in(self.raw(name)) if name not in self.magic else None
        if not names:
            return False
        seen = self.visible_from(names)
        return seen is None or not self._own.isdisjoint(seen)

    def view(self, raw: Any, key: Hashable, label: str, where: Where) -> Any:
        """A raw value as templates see it. `key` and `label` identify it in a chain of variables."""
        if names_in(raw) is None:
            return raw
        secret = raw if type(raw) is Secret else None
        if secret and names_in(secret.reveal()) is None:
            return secret
        inner = secret.reveal() if secret else raw
        if type(inner) is Map:
            return LazyMap(self, inner, label, secret)
        if type(inner) is Seq:
            return LazySeq(self, inner, label, secret)
        return self._entered(lambda: self._one(raw, where, label), key, label, where)

    def _entered(self, run: Callable[[], Any], key: Hashable, label: str, where: Where) -> Any:
        """What `run` gives, as one more in a chain of variables."""
        if key in self._active:
            chain = [*self._active.values(), label]
            chain = chain[chain.index(label):]
            return FailedValue.of(RenderError("a variable refers to itself: " + " → ".join(chain), where=where))
        self._active[key] = label
        try:
            return run()
        except RenderError as error:
            return FailedValue.of(error)
        finally:
            del self._active[key]

    def _one(self, raw: Any, where: Where, label: str = "") -> Any:
        """A text or vaulted value, rendered. Raises RenderError with a place."""
        self._guarded(lambda: charge(PART), where)
        if type(raw) is Vaulted:
            return self._guarded(lambda: self.decrypt(raw, label), where)
        if type(raw) is Secret:  # of a vaulted file: what is written in it is a template
            return self._guarded(lambda: self._of_file(raw), where)
        found = self._guarded(lambda: template(raw), where)
        return self._filled(found, where) if found else raw

    def _filled(self, found: Template, where: Where) -> Any:
        """What a template comes to. Raises RenderError with a place."""
        return self._guarded(lambda: watched(lambda: to_plain(found.run(self)), found.names), where)

    def _of_file(self, secret: Secret) -> Secret:
        """A value of a vaulted file, rendered."""
        value = secret.reveal()
        if names_in(value) is None:
            return secret

        def run() -> Any:
            unveil(secret)
            found = template(value) if type(value) is str else None
            return to_plain(found.run(self) if found else self.render(value))
        rendered = watched(run)
        assert isinstance(rendered, Secret)
        return Secret(rendered.reveal(), "", rendered.sources)

    def rendered_text(self, text: str, where: Where, variables: Mapping[str, Any]) -> Any:
        """The text of a file, rendered with values on top of these. Raises RenderError."""
        here = self.child(Map(), dict(variables))
        found = here._guarded(lambda: template(text, of_file=True), where)
        if not found:
            return text
        return here._entered(lambda: here._filled(found, where), ("text", where), f"the file {where.file}", where)

    def decrypt(self, value: Vaulted, label: str = "") -> Secret:
        """The text of a vaulted value, paid for where it is not known yet; `label` names it. Raises InputError, OverBudget,
        UntrustedLookup."""
        if self.trust.untrusted and self.vault.locked:
            raise UntrustedLookup("a vaulted value, and nobody gave its password for an untrusted project")
        charge(PART if self.vault.knows(value) else DECRYPTION * self.vault.tries)
        secret = self.vault.decrypt(value)
        return Secret(secret.reveal(), secret.sealed, (f"{label or 'a vaulted value'} ({value.where})",))

    def _guarded(self, run: Callable[[], Any], where: Where) -> Any:
        """What `run` gives; whatever it raises becomes a RenderError with a place."""
        try:
            return run()
        except UndefinedValue as error:
            if error.name and not error.detail:
                setup = error.name.removeprefix("ansible_")
                fact = setup in SETUP_NAMES and setup != error.name
                error.detail = f"It is ansible_facts['{setup}'] here." if fact else suggest(error.name, self.known())
            error.where = where if error.where == NOWHERE else error.where
            raise
        except RenderError as error:
            error.where = where if error.where == NOWHERE else error.where
            raise
        except InputError as error:
            wrong = error.diagnostics[0]
            raise RenderError(wrong.summary, wrong.detail, wrong.where) from None
        except RecursionError:
            raise RenderError("the template never ends", where=where) from None
        except Exception as error:
            reason = in_words(" ".join(str(error).split())[:200]) or "for a reason that nobody told"
            raise RenderError(f"the template failed: {reason}", where=where) from None

    def render(self, value: Any, where: Where = NOWHERE) -> Any:
        """A raw value with everything in it rendered: plain str, int, float, bool, None, list, dict, and Secret. The
        same object where there is nothing to render. `OMIT` where the value is `omit`. Raises RenderError."""
        if not self._active:
            reset_budget()
        if names_in(value) is None:
            return value
        if type(value) is Map:
            pairs = ((k, self.render(v, value.at(k))) for k, v in value.items())
            return {k: v for k, v in pairs if v is not OMIT}
        if type(value) is Seq:
            items = (self.render(v, value.at(i)) for i, v in enumerate(value))
            return [v for v in items if v is not OMIT]
        return self._one(value, where)

    def is_surely_false(self, expression: str, where: Where) -> bool:
        """Whether a `when` expression is false although something in it is not known: one of what it joins by `and` is.
        Raises OverBudget."""
        for part in () if template(expression) else self._guarded(lambda: conjuncts(expression), where):
            try:
                if not self._guarded(functools.partial(_plainly, part, self), where):
                    return True
            except OverBudget:
                raise
            except RenderError:
                continue
        return False

    def test(self, expression: str, where: Where) -> bool:
        """The truth of a `when` expression. Raises RenderError, also where it is neither true nor false."""
        if not self._active:
            reset_budget()
        def run() -> Any:
            found = template(expression) or condition(expression)
            return watched(lambda: to_plain(found.run(self)), found.names)
        value = self._guarded(run, where)
        value = value.reveal() if isinstance(value, Secret) else value
        if isinstance(value, bool):
            return value
        raise RenderError(f"a condition has to be true or false, and this is {describe(value)}",
                          "Compare it, or use `| bool`, `is defined`, `| length > 0`.", where)


def _plainly(part: Template, scope: Scope) -> Any:
    value = watched(lambda: to_plain(part.run(scope)), part.names)
    return value.reveal() if isinstance(value, Secret) else value
