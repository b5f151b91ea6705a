"""Whether a rule has a say: whether, beside a policy, any flow may come to another end by it.

Shown of the rules and settings of that policy, not tried with flows: what is said to decide nothing decides about no flow, and
what is not certain counts as deciding.
"""

from ringfence.model.filter import Filter
from ringfence.model.state import CONFIGURED, Id
from ringfence.policy.evaluate import Policy
from ringfence.policy.meeting import are_apart, is_within
from ringfence.policy.place import ALL_PROFILES


def may_decide(policy: Policy, id: Id, filter: Filter) -> bool:
    """Whether any flow may come to another end once a rule is added to a policy that does not have it."""
    profiles = filter.profile or ALL_PROFILES
    return filter.enabled and any(_is_heeded(policy, p, id, filter) and has_say(policy, p, filter) for p in profiles)


def _is_heeded(policy: Policy, profile: str, id: Id, filter: Filter) -> bool:
    """Whether the settings of a profile may have such a rule count at all."""
    if policy.is_merged(id, filter, profile) is False or _is_certainly(policy, profile, "enabled", False):
        return False
    return not (filter.inbound and _is_certainly(policy, profile, "allow_inbound_rules", False))


def has_say(policy: Policy, profile: str, filter: Filter) -> bool:
    """The same in one profile, were it heeded there: whether other rules and the default action leave anything to it. IPsec's
    always count."""
    if not filter.direction or policy.doubts:  # IPsec's have none
        return True
    beside = [r for r in policy.rules if r.filter.enabled and r.id.store in CONFIGURED
              and r.filter.direction in ("", filter.direction) and profile in (r.filter.profile or ALL_PROFILES)]
    certain = (r.filter for r in beside if not r.doubt and policy.is_merged(r.id, r.filter, profile) is True)
    if any(_leaves_nothing(over, filter) and is_within(filter, over) for over in certain):
        return False
    action = "default_inbound_action" if filter.inbound else "default_outbound_action"
    if filter.effect == "block":
        return not _is_certainly(policy, profile, action, "block") or any(
            r.filter.effect == "allow" and not are_apart(r.filter, filter) for r in beside)
    through_edges = filter.edge_traversal_policy != "block"  # by default nothing comes in through those
    return filter.override_block_rules or through_edges or not _is_certainly(policy, profile, action, "allow")


def _is_certainly(policy: Policy, profile: str, name: str, value: object) -> bool:
    setting = policy.settings.profile(profile, name)
    return not setting.doubt and setting.value == value


def _leaves_nothing(over: Filter, filter: Filter) -> bool:
    """Whether of all that two rules match nothing is left to decide for one: the other stands above it, or does the same."""
    if over.effect == "allow":
        return (filter.effect == "allow" and over.override_block_rules >= filter.override_block_rules
                and filter.edge_traversal_policy in ("block", over.edge_traversal_policy))
    return over.effect == "block" and not filter.override_block_rules
