"""ipsec_phase1_auth_set: how computers prove who they are (New-, Set-, Remove-NetIPsecPhase1AuthSet)."""

from collections.abc import Iterable

from ringfence.conditions import DISPLAY_NAME, TEXT
from ringfence.ipsec import PHASE1_AUTH, AuthProposal, check_methods, set_name
from ringfence.resource import Finding, Resource, Sets, ordered, prop, resource

METHODS = ("Anonymous", "MachineKerb", "MachineNtlm", "MachineCert", "MachineSHKey")


@resource("ipsec_phase1_auth_set", noun="NetIPsecPhase1AuthSet", key_word=set_name(PHASE1_AUTH), rank=3,
          home=Sets(("Phase1AuthenticationSet", "Phase1AuthenticationSets"), PHASE1_AUTH,
                    "Version Name Description EmbeddedContext"))
class Phase1AuthSet(Resource):
    """The first authentication, usually of the computer: the first proposal that both sides have is used.

    The set named `default` is the one that rules use which name none; Windows' own holds Kerberos of the computer.
    """

    display_name: str | None = prop("The name that people see; the same as `name` where omitted.", DISPLAY_NAME, "Name",
                                    set_parameter="NewDisplayName", example="Kerberos, else certificate")
    description: str | None = prop("What the set is for.", TEXT, "Description")
    group: str | None = prop("The group that the set is shown in.", TEXT, "EmbeddedContext")
    proposal: tuple[AuthProposal, ...] = prop("What is offered, in order.", ordered(AuthProposal), default=(),
                                              required=True, part=AuthProposal,
                                              example=[{"machine": True, "kerberos": True}])

    def settle(self, values: dict[str, object]) -> None:
        if values["display_name"] is None:
            values["display_name"] = values["name"]

    def check(self) -> Iterable[Finding]:
        yield from check_methods(self.proposal)
        found = [p.method for p in self.proposal]
        for method in sorted(set(found) - set(METHODS) - {""}):
            yield ("proposal", f"{method} is not a method of the first authentication [0x00101030]",
                   "put it into an ipsec_phase2_auth_set")
        if "MachineNtlm" in found and "MachineSHKey" in found:
            yield "proposal", "ntlm and a pre-shared key do not go together [MS-FASP 2.2.65]", "leave one of them out"
