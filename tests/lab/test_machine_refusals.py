"""That every refusal is exercised: each code the lab can give, and each one that the sources list for the cmdlets."""

import re
from importlib import resources

from core import CASES
from lab_cases import FILES, cases

from ringfence.lab.netsecurity.cmdlet_errors import STATUS_TEXTS

# MS-FASP 2.2.37 with the FW_RULE_STATUS codes; no cmdlet can produce 0x001000B6 (the encryption flags are one
# parameter), 0x00107005 (no parameter for package family names).
FIREWALL = (
    0xA1, 0x22, 0x48, 0x4A, 0x4C, 0x44, 0x45, 0x46, 0xA2, 0xA3, 0xA4, 0xB4, 0xB8, 0xBE,
    0x83, 0x81, 0xC0, 0xC1, 0xC2, 0xC4, 0x200, 0x4B, 0xBB, 0xBC, 0xF3,
)
# MS-FASP 2.2.55, 2.2.65, 2.2.74; no cmdlet can produce 0x001000F0 (an endpoint is dynamic because it is Any) and
# 0x00101072 (the cmdlet writes the criteria in the version of the set).
IPSEC = (
    0x23, 0x4B, 0x4D, 0x4F, 0xF1, 0x82, 0x516, 0x517, 0x518, 0x1032, 0x1033, 0x1041, 0x1060, 0x1061,
    0x1062, 0x1070, 0x1073, 0x1080, 0x5002, 0x5003, 0x5004, 0x5005, 0x5006, 0x5024, 0x5025, 0x5040, 0x5041, 0x7000,
    0x7001, 0x7002, 0x7003,
)
RUN_TIME = {0x00200001, 0x00200002, 0x00200003, 0x00200004, 0x00200005, 0x00200008}


def test_every_code_of_the_sources_and_of_the_lab_has_a_case() -> None:
    exercised = {c["refused"] for name in FILES for c in cases(name) if isinstance(c.get("refused"), int)}
    source = "".join(f.read_text("utf-8") for f in resources.files("ringfence.lab.netsecurity").iterdir()
                     if f.name.endswith(".py"))
    given = {int(code, 16) for code in re.findall(r"\b0x00[0-9A-F]{6}\b", source)}
    listed = {0x00100000 + n for n in FIREWALL + IPSEC} | RUN_TIME
    assert {f"0x{c:08X}" for c in (given | listed) - exercised} == set()
    assert {f"0x{c:08X}" for c in exercised if c > 0xFFFF and c not in STATUS_TEXTS} == set()


def test_case_files_are_all_run() -> None:
    assert {p.stem for p in CASES.glob("lab_*.yml")} == {*FILES, "lab_admits", "lab_flows", "lab_cmd", "lab_tasks"}
