"""ipsec_phase1_auth_set: how computers prove who they are (New-, Set-, Remove-NetIPsecPhase1AuthSet)."""

from collections.abc import Iterable

from ringfence.diagnostics import Finding
from ringfence.model.authentication import AuthProposal, check_methods
from ringfence.model.proposals import IPSEC_SERVICES, PHASE1_AUTH, ProposalSet, proposals_of, set_name
from ringfence.model.resource import prop, resource
from ringfence.model.storage import SetKeys

FIRST_METHODS = ("Anonymous", "MachineKerb", "MachineNtlm", "MachineCert", "MachineSHKey")


@resource("ipsec_phase1_auth_set", noun="NetIPsecPhase1AuthSet", name_type=set_name(PHASE1_AUTH), write_order=3,
          services=IPSEC_SERVICES, storage=SetKeys(("Phase1AuthenticationSet", "Phase1AuthenticationSets"), PHASE1_AUTH,
                    "Version Name Description EmbeddedContext"))
class Phase1AuthSet(ProposalSet):
    """The first authentication, usually of the computer: the first proposal that both sides have is used.

    The set named `default` is the one that rules use which name none; Windows' own holds Kerberos of the computer.
    """

    proposal: tuple[AuthProposal, ...] = prop("What is offered, in order.", proposals_of(AuthProposal), default=(),
                                              required=True, proposal=AuthProposal,
                                              example=[{"machine": True, "kerberos": True}])

    def check(self) -> Iterable[Finding]:
        yield from check_methods(self.proposal)
        found = [p.method for p in self.proposal]
        for method in dict.fromkeys(m for m in found if m and m not in FIRST_METHODS):
            yield Finding("proposal", f"{method} is not a method of the first authentication [0x00101030]",
                   "put it into an ipsec_phase2_auth_set")
        if "MachineNtlm" in found and "MachineSHKey" in found:
            yield Finding("proposal", "ntlm and a pre-shared key do not go together [MS-FASP 2.2.65]", "leave one of them out")
