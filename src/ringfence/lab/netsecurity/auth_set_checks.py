"""What Windows refuses of the proposals of one authentication set taken together (MS-FASP 2.2.65)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from ringfence.lab.netsecurity.cmdlet_errors import Check, refuse_first

# [MS-FASP] 2.2.60, 2.2.65
METHODS = {1: {"Anonymous", "MachineKerb", "MachineNtlm", "MachineCert", "MachineSHKey"},
           2: {"Anonymous", "UserKerb", "UserNtlm", "UserCert", "MachineCert"}}
# New-NetIPsecAuthProposal, -SubjectName, -SubjectNameType, -ExtendedKeyUsage, -Thumbprint, -FollowRenewal, -SelectionCriteria,
# -ValidationCriteria
CRITERIA = ("SubjectName", "SubjectNameType", "ExtendedKeyUsage", "Thumbprint", "FollowRenewal", "SelectionCriteria",
            "ValidationCriteria")


@dataclass(frozen=True, slots=True)
class AuthSet:
    """The set for the first or the second authentication (`phase`), with the properties of its proposals."""

    phase: int
    proposals: Sequence[Mapping[str, Any]]

    @property
    def methods(self) -> list[str]:
        """The methods in their order."""
        return [p["Method"] for p in self.proposals]

    @property
    def foreign_method(self) -> str:
        """The first method that this phase does not know, or ""."""
        return next((m for m in self.methods if m not in METHODS[self.phase]), "")

    @property
    def repeats_a_method(self) -> bool:
        """Certificates may come several times, with different authorities; everything else once."""
        once = [m for m in self.methods if not m.endswith("Cert")]
        return len(set(once)) < len(once)

    @property
    def health(self) -> list[bool]:
        """Of each certificate of the machine, whether it has to be a health certificate."""
        return [bool(p.get("Health")) for p in self.proposals if p["Method"] == "MachineCert"]

    @property
    def splits_a_signing(self) -> bool:
        """Whether certificates of one signing algorithm do not stand side by side."""
        signings = [p.get("Signing", "RSA") if p["Method"].endswith("Cert") else "" for p in self.proposals]
        blocks = [signing for signing, _ in groupby(signings) if signing]
        return len(set(blocks)) < len(blocks)

    @property
    def criteria_are_one_sided(self) -> bool:
        """Criteria to select certificates need criteria to validate them, and the other way round."""
        types = {criteria_type(p) for p in self.proposals if p["Method"].endswith("Cert") and any(c in p for c in CRITERIA)}
        return bool(types) and not (types & {"Both", "Select"} and types & {"Both", "Validate"})


# [MS-FASP] 2.2.56. open: criteria-purpose
def criteria_type(proposal: Mapping[str, Any]) -> str:
    """What the criteria of a certificate proposal are for: Select, Validate, or Both where neither or each is named."""
    select, validate = proposal.get("SelectionCriteria", False), proposal.get("ValidationCriteria", False)
    if select == validate:
        return "Both"
    return "Select" if select else "Validate"


# [MS-FASP] 2.2.65, FW_RULE_STATUS. Roots and intermediate authorities may be mixed: of 0x101063 it says that it is not used,
# and netsh's `consec add rule` has a type for each authority of its list. open: anonymous-alone
_CHECKS: tuple[Check[AuthSet], ...] = (
    (0x00101030, "Method {0.foreign_method}.", lambda s: s.phase == 1 and s.foreign_method != ""),
    (0x00101031, "Method {0.foreign_method}.", lambda s: s.phase == 2 and s.foreign_method != ""),
    (0x00101033, "", lambda s: s.repeats_a_method),
    (0x00101030, "NTLM and a pre-shared key exclude each other.", lambda s: {"MachineNtlm", "MachineSHKey"} <= set(s.methods)),
    (0x00101032, "", lambda s: set(s.methods) == {"Anonymous"}),
    (0x00101041, "", lambda s: s.phase == 2 and not all(s.health)),
    (0x00101070, "", lambda s: s.phase == 2 and bool(s.health) and any(m.startswith("User") for m in s.methods)),
    (0x00101061, "", lambda s: len(set(s.health)) > 1),
    (0x00101040, "ExcludeCAName is for the first authentication.",
     lambda s: s.phase == 2 and any(p.get("ExcludeCAName") for p in s.proposals)),
    (0x00101062, "", lambda s: s.splits_a_signing),
    (0x00101079, "", lambda s: s.criteria_are_one_sided),
)


# [MS-FASP] 2.2.65
def check_auth_set(auth_set: AuthSet) -> None:
    """Raises CmdletError for the first thing that is wrong with the set."""
    refuse_first(_CHECKS, auth_set)
