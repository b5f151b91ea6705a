"""What the Windows Filtering Platform makes of a flow, worked out of the filters of a dump (Filter Arbitration, Microsoft).

In a sublayer the matching filter of the highest weight decides; all sublayers are asked, the highest first:

    PERMIT                           a sublayer below may block
    PERMIT with CLEAR_ACTION_RIGHT   no filter below can block; a callout still may
    BLOCK                            final, and nothing below permits it
    a callout of a driver            nobody here knows: permitted, unless that driver says no
    nothing matches                  the sublayer has no opinion; where none has one, it is permitted

There is no arbitration across layers: a packet must pass each that it meets. Boot-time filters count only before the Base
Filtering Engine runs. Of filters with one weight no document tells the order: one that blocks comes first here, as is right for
app containers on loopback, and the answer says that there was a tie. A callout is never taken to permit more than the table says.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import groupby
from typing import Literal

from ringfence.model.wfp import WfpCallout, WfpDump, WfpFilter
from ringfence.policy.wfp_conditions import WfpMatcher
from ringfence.policy.wfp_flow import Way, WfpFlow

WfpAction = Literal["permit", "block", "unless_vetoed", "unknown"]
_Effect = Literal["permit", "hard_permit", "block", "none"]

# the layers that a first packet meets; at the one that decides a host always has filters, so that a dump without any was taken
# with parameters that leave them out
ROUTES: Mapping[Way, tuple[tuple[str, ...], str]] = {
    "inbound": (("INBOUND_IPPACKET", "INBOUND_TRANSPORT", "ALE_AUTH_RECV_ACCEPT", "ALE_FLOW_ESTABLISHED"),
                "ALE_AUTH_RECV_ACCEPT"),
    "outbound": (("ALE_CONNECT_REDIRECT", "ALE_AUTH_CONNECT", "ALE_FLOW_ESTABLISHED", "OUTBOUND_TRANSPORT",
                  "OUTBOUND_IPPACKET"), "ALE_AUTH_CONNECT"),
    "forward": (("IPFORWARD",), "IPFORWARD"), "listen": (("ALE_AUTH_LISTEN",), "ALE_AUTH_LISTEN"),
    "bind": (("ALE_RESOURCE_ASSIGNMENT",), "ALE_RESOURCE_ASSIGNMENT"),
    "icmp_error_inbound": (("INBOUND_ICMP_ERROR",), "INBOUND_ICMP_ERROR"),
    "icmp_error_outbound": (("OUTBOUND_ICMP_ERROR",), "OUTBOUND_ICMP_ERROR")}
SUBLAYER_WEIGHTS: Mapping[str, int] = {
    "RPC_AUDIT": 49152, "IPSEC_TUNNEL": 40960, "IPSEC_FORWARD_OUTBOUND_TUNNEL": 36864, "IPSEC_DOSP": 34816, "UNIVERSAL": 32768,
    "LIPS": 32767, "SECURE_SOCKET": 16384, "IPSEC_SECURITY_REALM": 12288, "TCP_TEMPLATES": 8704, "TCP_CHIMNEY_OFFLOAD": 8192,
    "MPSSVC_APP_ISOLATION": 7, "MPSSVC_TENANT_RESTRICTIONS": 6, "MPSSVC_EDP": 5, "MPSSVC_QUARANTINE": 4, "MPSSVC_WSH": 3,
    "MPSSVC_WF": 2, "TEREDO": 1, "INSPECTION": 0}
"""Those of Windows' own sublayers, where a dump does not tell them: they were the same on five hosts of several builds."""
_ABOVE_ALL = 2**16  # those of others stand above the firewall wherever they were seen; where exactly, a dump of filters hides
_CONTINUING = (
    "{c3dbed20-0bb6-4bf3-828d-96732e1e",  # the firewall's: asks the user, looks into FTP, keeps the log
    "SET_OPTIONS_", "RESERVED_", "BUILT_IN_RESERVED_", "TCP_CHIMNEY_", "TCP_TEMPLATES_", "EDGE_TRAVERSAL_", "TEREDO_")
"""The callouts of Windows that let the search go on, by how their keys begin: so their descriptions say."""
_IPSEC, _SILENT = "IPSEC_", "_SILENT_DROP"
_TAKES_LESS = ("INSPECTION", "CONTINUE")


@dataclass(frozen=True)
class SublayerDecision:
    """What one sublayer of a layer says.

    effects: all that it may say: permit, hard_permit, block, none · filter: the one that decides, where that is certain · tied:
    others of its weight that say something else · drivers: what is called that nobody here knows · doubts: what would have to
    be known, each with the filter that it is about.
    """

    layer: str
    sublayer: str
    effects: frozenset[str]
    filter: WfpFilter | None = None
    tied: tuple[WfpFilter, ...] = ()
    drivers: tuple[str, ...] = ()
    doubts: tuple[tuple[WfpFilter, str], ...] = ()


@dataclass(frozen=True)
class Arbitration:
    """What becomes of a flow.

    action: unless_vetoed: permitted, unless one of the drivers says no; unknown: why is in the doubts · decisions: what each
    sublayer with an opinion says, in the order in which they are asked · unseen: layers that the dump does not tell of.
    """

    action: WfpAction
    decisions: tuple[SublayerDecision, ...] = ()
    drivers: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()
    unseen: tuple[str, ...] = ()

    def of(self, sublayer: str) -> SublayerDecision | None:
        """What the sublayer of a name says at the layer that decides; None where it has no opinion."""
        return next((d for d in self.decisions if d.sublayer == sublayer and "_AUTH_" in d.layer), None)


@dataclass(frozen=True)
class Arbiter:
    """The filters of a dump, to be asked about flows. before_engine: as they are before the Base Filtering Engine runs."""

    dump: WfpDump
    before_engine: bool = False

    @cached_property
    def _layers(self) -> dict[str, tuple[tuple[str, tuple[WfpMatcher, ...]], ...]]:
        return {}

    @cached_property
    def _epochs(self) -> Mapping[tuple[int, int], int]:
        """{(family, LUID): the quarantine epoch}: a new one has no filter until the firewall has looked at the interface."""
        found: dict[tuple[int, int], int] = {}
        for family in (4, 6):
            for one in self.dump.by_layer.get(f"ALE_AUTH_RECV_ACCEPT_V{family}", ()):
                values = {c.field: c.value for c in one.conditions}
                luid, epoch = values.get("IP_ARRIVAL_INTERFACE"), values.get("INTERFACE_QUARANTINE_EPOCH")
                if one.sublayer == "MPSSVC_QUARANTINE" and isinstance(luid, int) and isinstance(epoch, int):
                    found[family, luid] = max(epoch, found.get((family, luid), epoch))
        return found

    def arbitrate(self, flow: WfpFlow) -> Arbitration:
        """What becomes of a flow. Of an interface whose quarantine epoch is not told, that of its filter is taken; where it has
        none, its epoch is one that no filter names."""
        if flow.epoch is None and flow.interface is not None:
            flow = replace(flow, epoch=self._epochs.get((flow.family, flow.interface), -1))
        families, decisive = ROUTES[flow.way]
        version = f"_V{flow.family}"
        if not self.dump.tells(decisive + version):
            return Arbitration("unknown", doubts=(f"the dump tells nothing of the layer {decisive}{version}",),
                               unseen=(decisive + version,))
        layers = [family + version for family in families]
        decisions = [d for layer in layers for d in self._decisions(layer, flow)]
        by_layer = [self._combined(list(those)) for _, those in groupby(decisions, lambda d: d.layer)]
        drivers = tuple(dict.fromkeys(d for one in decisions for d in one.drivers))
        unseen = tuple(layer for layer in layers if not self.dump.tells(layer))
        if {"block"} in by_layer:
            return Arbitration("block", tuple(decisions), drivers, unseen=unseen)
        if all(actions == {"permit"} for actions in by_layer):
            return Arbitration("unless_vetoed" if drivers else "permit", tuple(decisions), drivers, unseen=unseen)
        doubts = [f"{f.name or f.key}: {doubt}" for one in decisions for f, doubt in one.doubts]
        doubts += [f"what the driver behind {d} says" for d in drivers]
        doubts = doubts or ["which of the sublayers of others comes first"]
        return Arbitration("unknown", tuple(decisions), drivers, tuple(dict.fromkeys(doubts)), unseen)

    def _decisions(self, layer: str, flow: WfpFlow) -> Iterable[SublayerDecision]:
        for sublayer, matchers in self._sublayers(layer):
            decision = self._decision(layer, sublayer, matchers, flow)
            if decision.effects != {"none"}:
                yield decision

    def _sublayers(self, layer: str) -> tuple[tuple[str, tuple[WfpMatcher, ...]], ...]:
        """The sublayers of a layer, the highest first, each with its filters, the heaviest first."""
        if layer not in self._layers:
            found: dict[str, list[WfpFilter]] = {}
            for one in self.dump.by_layer.get(layer, ()):
                if ("BOOTTIME" in one.flags) <= self.before_engine:
                    found.setdefault(one.sublayer, []).append(one)
            self._layers[layer] = tuple(
                (key, tuple(WfpMatcher(f) for f in sorted(found[key], key=lambda f: -f.weight)))
                for key in sorted(found, key=lambda key: -self._place(key)))
        return self._layers[layer]

    def _place(self, sublayer: str) -> int:
        known = self.dump.sublayers.get(sublayer)
        if known is not None and known.weight is not None:
            return known.weight
        return SUBLAYER_WEIGHTS.get(sublayer, _ABOVE_ALL)

    def _decision(self, layer: str, sublayer: str, matchers: Iterable[WfpMatcher], flow: WfpFlow) -> SublayerDecision:
        effects = set[_Effect]()
        drivers: list[str] = []
        doubts: list[tuple[WfpFilter, str]] = []
        for _, alike in groupby(matchers, lambda m: m.filter.weight):
            certain: list[tuple[_Effect, WfpFilter]] = []
            for matcher in alike:
                outcome = matcher.match(flow)
                if outcome is False:
                    continue
                effect, driver, doubt = self._effect(matcher.filter, layer)
                drivers += [driver] if driver else []
                doubt = doubt if outcome is True else outcome
                if doubt:
                    doubts.append((matcher.filter, doubt))
                if doubt or effect == "none" or (driver and matcher.filter.action != "CALLOUT_TERMINATING"):
                    effects |= {effect} - {"none"}
                else:
                    certain.append((effect, matcher.filter))
            if certain:
                effect, decides = min(certain, key=lambda pair: pair[0] != "block")
                tied = tuple(f for other, f in certain if other != effect)
                return SublayerDecision(layer, sublayer, frozenset({*effects, effect}), None if effects - {effect} else decides,
                                        tied, tuple(dict.fromkeys(drivers)), tuple(doubts))
        return SublayerDecision(layer, sublayer, frozenset({*effects, "none"}), None, (), tuple(dict.fromkeys(drivers)),
                                tuple(doubts))

    def _combined(self, decisions: list[SublayerDecision]) -> set[str]:
        """What a layer may say: permit, block or both."""
        unplaced = [d.effects for d in decisions if self._place(d.sublayer) == _ABOVE_ALL]
        if len(unplaced) > 1 and {"hard_permit", "block"} <= frozenset().union(*unplaced):
            return {"permit", "block"}
        states = {("permit", False)}  # what holds so far, and whether it is final
        for decision in decisions:
            states = {after for state in states for after in (
                [state] if state[1] else [_after(state, effect) for effect in decision.effects])}
        return {action for action, _ in states}

    def _effect(self, filter: WfpFilter, layer: str) -> tuple[_Effect, str, str]:
        """What a filter that matches does: its effect, the driver that is asked, and what is not known of it otherwise."""
        action = filter.action
        if action in ("PERMIT", "BLOCK"):
            return ("block" if action == "BLOCK" else "hard_permit" if filter.hard else "permit"), "", ""
        if action.removeprefix("CALLOUT_") in _TAKES_LESS or filter.callout.startswith(_CONTINUING):
            return "none", "", ""
        if not action.startswith("CALLOUT_"):
            return "block", "", f"what {action or 'no action'} does"
        callout = self.dump.callouts.get((layer, filter.callout))
        if callout is not None and not callout.registered:
            if "PERMIT_IF_CALLOUT_UNREGISTERED" in filter.flags:
                return "permit", "", ""
            return "block", "", "" if action == "CALLOUT_TERMINATING" else "whether it blocks without the driver that it calls"
        if filter.callout.startswith(_IPSEC):
            return "block", "", "whether IPsec secures it as it is asked to"
        if filter.callout.endswith(_SILENT):
            return "block", "", ""
        return "permit", _driver(filter, callout), ""


def _driver(filter: WfpFilter, callout: WfpCallout | None) -> str:
    """What a callout is called by, for people."""
    return (callout.name if callout else "") or filter.name or filter.callout


def _after(state: tuple[str, bool], effect: str) -> tuple[str, bool]:
    return {"block": ("block", True), "hard_permit": ("permit", True), "permit": ("permit", False)}.get(effect, state)
