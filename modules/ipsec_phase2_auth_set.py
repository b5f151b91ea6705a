"""ipsec_phase2_auth_set: how users prove who they are (New-, Set-, Remove-NetIPsecPhase2AuthSet)."""

from collections.abc import Iterable

from ringfence.diagnostics import Finding
from ringfence.model.authentication import AuthProposal, check_methods
from ringfence.model.proposals import IPSEC_SERVICES, PHASE2_AUTH, ProposalSet, proposals_of, set_name
from ringfence.model.resource import prop, resource
from ringfence.model.storage import SetKeys

SECOND_METHODS = ("Anonymous", "UserKerb", "UserNtlm", "UserCert", "MachineCert")


@resource("ipsec_phase2_auth_set", noun="NetIPsecPhase2AuthSet", name_type=set_name(PHASE2_AUTH), write_order=3,
          services=IPSEC_SERVICES, storage=SetKeys(("Phase2AuthenticationSet", "Phase2AuthenticationSets"), PHASE2_AUTH,
                    "Version Name Description EmbeddedContext"))
class Phase2AuthSet(ProposalSet):
    """The second authentication, usually of the user; it needs AuthIP. Windows' own `default` set asks for none."""

    proposal: tuple[AuthProposal, ...] = prop("What is offered, in order.", proposals_of(AuthProposal), default=(),
                                              required=True, proposal=AuthProposal,
                                              example=[{"user": True, "kerberos": True}])

    def check(self) -> Iterable[Finding]:
        yield from check_methods(self.proposal)
        found = [p.method for p in self.proposal]
        for method in dict.fromkeys(m for m in found if m and m not in SECOND_METHODS):
            yield Finding("proposal", f"{method} is not a method of the second authentication [0x00101031]",
                   "put it into an ipsec_phase1_auth_set")
        machines = [p for p in self.proposal if p.method == "MachineCert"]
        if any(not p.health for p in machines):
            yield Finding("proposal", "a machine certificate of the second authentication is a health certificate [0x00101041]",
                   "set health to true")
        if machines and any(m.startswith("User") for m in found):
            yield Finding("proposal", "machine certificates do not mix with methods of users [0x00101070]",
                   "keep one sort, or put the machine certificate into the first authentication")
        if any(p.exclude_ca_name for p in self.proposal):
            yield Finding("proposal", "exclude_ca_name is for the first authentication [0x00101040]", "leave it out")
