"""Whose each declared object is, and how it is therefore managed: the whole of it, or what is mentioned of it; or not at all.

Ours (by the ledger) is entirely as declared; so is what does not exist yet. Of Windows' objects and vendors' what is mentioned
is managed, and they are never made. Any other object is adopted where it is equal, or where all that differs is mentioned and
lets nothing more pass; else the plan is refused, with the ways out.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from ringfence.diagnostics import Diagnostic
from ringfence.model.declaration import NO_TREATMENT, Absent, AsShipped, Declaration, Declarations, Omitted, Present, state_after
from ringfence.model.kept import as_writable
from ringfence.model.ledger import Entry
from ringfence.model.plain import digest_of
from ringfence.model.resource import Resource
from ringfence.model.state import Change, Id, diff, id_for, title
from ringfence.plan.obstacles import Affected, Obstacle, Reason
from ringfence.plan.plan import Claim, Plan
from ringfence.plan.wider import differing, widened
from ringfence.windows.origin import ORIGINS, TEXT_PROPERTIES, Origin, origin_of
from ringfence.windows.shipped_rules import is_shipped, shipped_names

_BY_MENTION = ("windows", "windows_changed", "windows_feature", "package", "vendor")
OWNERSHIP_GUIDE = "docs/guide/what-ringfence-removes.md"


def own(plan: Plan) -> Plan:
    """The plan with each declaration as it is due to the object that it meets, and what the host will have by that."""
    if plan.invalid:
        return replace(plan, base=plan.found.state, after=state_after(plan.declarations, plan.found.state))
    owner, entries, foreign = _Owner(plan), plan.found.ledger.entries, plan.found.ledger.foreign
    kept, notes = owner.declarations, owner.diagnostics
    for id, declared in plan.declarations.items():
        if (entry := entries.get(id)) is not None and entry.is_whole and not foreign and (
                isinstance(declared, Present) and declared.treatment in (NO_TREATMENT,)):
            kept[id] = declared  # ours already: the most frequent case, and the cheapest
            if declared.if_whole:
                notes += declared.if_whole
        else:
            owner.decide(declared)
    found = plan.found.state.updated(owner.moved) if owner.moved else plan.found.state
    plan = replace(plan, declarations=owner.declarations, claims=owner.claims, renames=owner.renames,
                   unmet=tuple(owner.unmet), base=found, after=state_after(owner.declarations, found))
    return plan.with_diagnostics(*owner.diagnostics).refused(*owner.refusals)


def difference(plan: Plan) -> Plan:
    """The changes that are needed, in no order yet, each with the place that asks for it. None where there is a mistake."""
    if plan.invalid:
        return plan
    changes = [_claimed(change, plan) for change in diff(plan.base, plan.after, plan.declarations)]
    return replace(plan, changes=(*changes, *_own_changes(plan)))


def _claimed(change: Change, plan: Plan) -> Change:
    claim, declared = plan.claims.get(change.id), plan.declarations[change.id]
    adopts = claim is not None and claim.how == "adopted" and change.before is not None
    expired = f"expired {declared.label.expiry}" if isinstance(declared, Absent) and declared.label.expires else ""
    return replace(change, where=declared.where, as_action="adopt" if adopts else None, why=claim.why if claim else expired,
                   label=declared.label)


def _own_changes(plan: Plan) -> tuple[Change, ...]:
    """The changes that come from whose an object is: renames, and adoptions of what is as it should be."""
    renames = [Change(old, plan.found.state[old], plan.base[new], plan.declarations[new].where, "rename",
                      label=plan.declarations[new].label)
               for new, old in plan.renames.items()]
    adoptions = [Change(id, resource, resource, plan.declarations[id].where, "adopt", claim.why,
                        label=plan.declarations[id].label)
                 for id, claim in plan.claims.items() if claim.how == "adopted" and (resource := plan.base.get(id)) is not None
                 and resource == plan.after.get(id)]
    return (*renames, *adoptions)


def tell_owners(plan: Plan) -> Plan:
    """The plan, whose changes say whose the objects are that they meet, and what the ledger says of them."""
    if not plan.changes:  # what ships is read where somebody looks at it
        return plan
    shipped, ledger = plan.found.defaults.state, plan.found.ledger

    def told(change: Change) -> Change:
        found = change.before
        if found is None:
            return change
        known_as = plan.renames.get(change.id, change.id)
        entry = ledger.owned(known_as, plan.found.state.get(known_as))
        said = None if ledger.unread else entry.remembered if entry else ""
        return replace(change, owner=origin_of(change.id, found, shipped, ledger).name, ledger=said)

    return replace(plan, changes=tuple(map(told, plan.changes)))


@dataclass
class _Owner:
    """One pass over what is declared for a host."""

    plan: Plan
    declarations: Declarations = field(default_factory=dict)
    claims: dict[Id, Claim] = field(default_factory=dict)
    renames: dict[Id, Id] = field(default_factory=dict)  # new -> old
    moved: dict[Id, Resource | None] = field(default_factory=dict)  # by renames: gone from one name, there under another
    diagnostics: list[Diagnostic] = field(default_factory=list)
    refusals: list[Diagnostic] = field(default_factory=list)
    unmet: list[Obstacle] = field(default_factory=list)

    @property
    def unknown(self) -> bool:
        """Whether nobody knows what the project owns there, so that nothing can be said not to be its own."""
        return bool(self.plan.found.ledger.unread and self.plan.policy.project)

    @cached_property
    def titles(self) -> Mapping[tuple[str, str, str], list[str]]:
        """The names of the host's objects by store, kind and display name."""
        found: dict[tuple[str, str, str], list[str]] = {}
        for id, resource in self.plan.found.state.items():
            if shown := getattr(resource, "display_name", None):
                found.setdefault((id.store, id.kind, str(shown).casefold()), []).append(resource.name)
        return found

    def decide(self, declared: Declaration) -> None:
        """Decide how one declaration is managed."""
        id, ledger = declared.id, self.plan.found.ledger
        if other := ledger.foreign.get(id):
            self._foreign(declared, str(declared), other)
        if isinstance(declared, AsShipped):
            self._as_shipped(declared)
        elif isinstance(declared, Present):
            self._present(declared)
        else:
            found = self.plan.found.state.get(id)
            if found is None:
                self._other_names(declared)
            if found is None or not self._was_never_ours(declared, found):
                self.declarations[id] = declared

    def _was_never_ours(self, declared: Absent, found: Resource) -> bool:
        """Whether a task that has expired finds what is managed by mention alone: that was not asked for until then."""
        origin, entry = self._origin(declared.id, found), self.plan.found.ledger.owned(declared.id, found)
        if not declared.label.expires or origin.name not in _BY_MENTION or (entry and entry.how != "mentioned"):
            return False
        whose = f"{declared} has expired, and what has its name here is of {origin.of or ORIGINS[origin.name]}: it stays"
        self.diagnostics.append(Diagnostic(declared.where, whose, "Say `state: absent` if that is meant to go", "warning"))
        return True

    def _foreign(self, declared: Declaration, name: str, project: str) -> None:
        mine = f"and not to {self.plan.policy.project}" if self.plan.policy.project else "and this project has no name"
        self.refusals.append(Diagnostic(declared.where, f"{name} belongs to the project {project}, {mine}", "Declare it there "
                                        "and not here, or take it over: `ringfence ledger move HOST --from PROJECT`"))

    def _present(self, declared: Present) -> None:
        id, kind = declared.id, declared.resource.kind
        found = self._found(declared)
        if not kind.storage.removable or not kind.whole:
            self.declarations[id] = declared
            if self.plan.found.ledger.owned(id, found) is None:
                self.claims[id] = Claim("created" if found is None and kind.storage.removable else "mentioned", "")
        elif found is None:
            self._missing(declared)
        else:
            self._there(declared, found)

    def _found(self, declared: Present) -> Resource | None:
        """What the host has of it, under its new name where it has yet to get that."""
        state, id = self.plan.found.state, declared.id
        old = Id(id.store, id.kind, declared.treatment.renamed_from.lower())
        there: Resource | None = state.get(id)
        former: Resource | None = state.get(old) if old.name and old not in self.plan.declarations else None
        if there is not None or former is None:
            return there
        if other := self.plan.found.ledger.foreign.get(old):
            self._foreign(declared, title(old, former), other)
            return None
        entry, origin = self.plan.found.ledger.owned(old, former), self._origin(old, former)
        if (entry is None or entry.how == "mentioned") and origin.name in _BY_MENTION and not self.unknown:
            whose = f"{title(old, former)} is not the project's to rename: it is of {origin.of or ORIGINS[origin.name]}"
            self.refusals.append(Diagnostic(declared.where, whose, "Declare it by its name"))
            return None
        renamed: Resource = former.kind.create(declared.resource.name, former.values(), former.unknown_tokens, former.source)
        self.renames[id] = old
        self.moved.update({old: None, id: renamed})
        return renamed

    def _there(self, declared: Present, found: Resource) -> None:
        """A declaration that meets an object."""
        if self.plan.policy.project is None and found == declared.resource:  # whosever it is: nothing changes, or is recorded
            self.declarations[declared.id] = declared
            return
        ledger, treatment = self.plan.found.ledger, declared.treatment
        known_as = self.renames.get(declared.id, declared.id)
        entry = ledger.owned(known_as, found) or self._renamed_back(declared.id, found)
        if entry is not None and entry.how != "mentioned":
            self._manage(declared, treatment.omitted or "default", None)
            if treatment.omitted == "keep":
                self._check_whole(declared, found)
            return
        origin = self._origin(known_as, found)
        by_mention = origin.name in _BY_MENTION
        if self.unknown and not by_mention and treatment.omitted != "keep":
            self._manage(declared, "default", None)  # as if it were ours: most is, and nothing is written here, nor taken over
            return
        other = ledger.foreign.get(known_as)  # which is refused already
        whose = f"of the project {other}" if other else f"of {origin.of}" if origin.of else ORIGINS[origin.name]
        if by_mention and declared.label.expires and not treatment.adopt and not self.unknown:
            told = f"{declared} expires, which removes the whole object, and this one is not the project's ({whose})"
            self.refusals.append(Diagnostic(declared.where, told, "Declare one of your own that expires, under another name"))
        if treatment.omitted == "keep" or (by_mention and not treatment.omitted and not treatment.adopt):
            self._manage(declared, "keep", Claim("mentioned", f"{whose}: only what is mentioned is managed"))
            self._check_whole(declared, found)
            self.diagnostics += _fixed_texts(declared, found)
        elif treatment.adopt or not (reason := self._loses(declared, found)):
            self._manage(declared, "default", Claim("adopted", f"{whose}: from now on the project's"))
        else:
            refused = Diagnostic(declared.where, f"{declared} is not the project's ({whose}), and {reason}",
                                 f"{self._nobodys}Mention what it should keep; or manage what is mentioned alone: "
                                 "`omitted: keep`; or take it over as it is declared: `adopt: true`")
            self.refusals += [] if other else [refused]
            self._manage(declared, "keep", None)

    def _renamed_back(self, id: Id, found: Resource) -> Entry | None:
        """What the ledger says of an object that somebody else renamed, and that gets its name back."""
        entry = self.plan.found.ledger.entries.get(id) if id in self.renames else None
        return entry if entry and entry.hash == digest_of(found) else None

    def _check_whole(self, declared: Present, found: Resource) -> None:
        """What is mentioned, with the rest of the object as it was found, may be more than Windows takes."""
        wanted = found.replace(**declared.values)
        before = {f.reason for f in found.check()}
        for finding in wanted.check() if wanted != found else ():
            if finding.reason not in before:
                summary = f"{declared}, as it is on the host and with what is mentioned: {finding.reason}"
                where = declared.location(finding.property)
                self.diagnostics.append(Diagnostic(where, summary, finding.advice, finding.severity))

    @property
    def _nobodys(self) -> str:
        return "" if self.plan.policy.project else "ringfence.yml has no `project`, so nothing is the project's own. "

    def _loses(self, declared: Present, found: Resource) -> str:
        """What would be lost or opened if an object that is not ours became as declared; nothing where it may."""
        wanted = declared.applied_to(found)
        assert wanted is not None
        if wanted == found:
            return ""
        cleared = [name for name in differing(found, wanted) if name not in declared.values]
        if cleared:
            return f"silence would clear {', '.join(cleared)}"
        if wider := widened(found, wanted):
            return f"it would let more pass than it does: {', '.join(wider)}"
        return ""

    def _missing(self, declared: Present) -> None:
        """A declaration that meets nothing: objects of Windows are not made, all others are."""
        id, treatment = declared.id, declared.treatment
        windows = id in self.plan.found.defaults.state or is_shipped(id)
        if treatment.omitted == "default" or not (windows or treatment.omitted):
            self._other_names(declared)
            self._manage(declared, "default", Claim("created", ""))
            return
        if getattr(declared.resource, "enabled", True):
            what = "of Windows, and this host does not have it" if windows else "only to be kept, and this host does not have it"
            way = ("put it back with `state: default`" if id in self.plan.found.defaults.state else
                   "declare it for hosts that have it (`when`), or as an object of your own: `omitted: default`")
            self._unmet(declared, Reason("not_there", f"it is {what}: it is not made", way))

    def _unmet(self, declared: Declaration, reason: Reason) -> None:
        name = declared.resource.name if isinstance(declared, Present) else declared.name or declared.id.name
        self.unmet.append(Obstacle("not_in_force", reason, (), (Affected(declared.id, name, declared.where),)))

    def _other_names(self, declared: Declaration) -> None:
        """Other objects that people know by this name: one more of that name, or none, may not be what is meant."""
        known = "no object has this name on this host, but it is the display name of "
        way = "an object is known by its name: write that one if it is meant"
        id = declared.id
        others = self._titled(id)
        if isinstance(declared, Absent):
            if others:
                self._unmet(declared, Reason("other_name", known + ", ".join(others[:5]), way))
            return
        shown = declared.values.get("display_name") if isinstance(declared, Present) else None
        if not others and shown:
            named = self._titled(id._replace(name=shown))
            others = [name for name in named if id._replace(name=name.lower()) not in self.plan.declarations]
            known = "it is made beside others of its display name: "
        if others:
            ids = [id_for(id.store, id.kind, name) for name in others]
            if not any(self._origin(other, self.plan.found.state[other]).name in _BY_MENTION for other in ids):
                way += ", or give it this name with `renamed_from`"
            self.diagnostics.append(Diagnostic(declared.where, f"{declared}: {known}{', '.join(others[:5])}", way, "warning"))

    def _titled(self, id: Id) -> list[str]:
        """The names of other objects that people know by the name of this one: in the host's words, or in English."""
        named = self.titles.get((id.store, id.kind, id.name.casefold()), [])
        shipped = (Id(id.store, id.kind, name.lower()) for name in shipped_names(id.name)) if id.kind == "firewall_rule" else ()
        return [*named, *(self.plan.found.state[other].name for other in shipped if other in self.plan.found.state)]

    def _as_shipped(self, declared: AsShipped) -> None:
        defaults, id = self.plan.found.defaults, declared.id
        found = self.plan.found.state.get(id)
        shipped = as_writable(defaults.state.get(id), found)
        if shipped is None:
            why = "; ".join(why for _, why in defaults.unread) or "its table of what Windows ships has none of that name"
            unknown = f"{declared}: what ships with Windows is not known on this host"
            self.diagnostics.append(Diagnostic(declared.where, unknown, why))
            return
        same = found is not None and found.in_effect() == shipped.in_effect()
        wanted = found if same and found is not None else shipped
        self.declarations[id] = Present(id, wanted, wanted.values(), declared.where, declared.locations,
                                        label=declared.label)
        self.claims[id] = Claim(None, "back to what Windows ships")

    def _manage(self, declared: Present, omitted: Omitted, claim: Claim | None) -> None:
        if omitted == "default":
            self.diagnostics += declared.if_whole
        if omitted != declared.treatment.omitted:
            declared = replace(declared, treatment=replace(declared.treatment, omitted=omitted))
        self.declarations[declared.id] = declared
        if claim is not None and (claim.how != "adopted" or self.plan.policy.project):
            self.claims[declared.id] = claim

    def _origin(self, id: Id, found: Resource) -> Origin:
        return origin_of(id, found, self.plan.found.defaults.state)


def _fixed_texts(declared: Present, found: Resource) -> Iterator[Diagnostic]:
    """A warning for each text of a file, in the language of whoever looks, that a fixed one would take the place of."""
    for name in TEXT_PROPERTIES:
        text, wanted = getattr(found, name, None), declared.values.get(name)
        if text and wanted and text.startswith("@") and not wanted.startswith("@"):
            yield Diagnostic(declared.location(name), f"{declared}: {name} is {text} on the host, a text of a file in each "
                             "language, and would be a fixed one", "Leave it out, or say it as it is stored: by such texts "
                             "people, groups of rules and upgrades of Windows find the rule", "warning")
