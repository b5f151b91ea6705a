"""The case of letters in what hosts store: tokens and keywords are literals of a grammar, texts are not ([MS-GPFAS] 2.2.2)."""

import pickle
from collections.abc import Callable

import pytest
from core import KINDS, RULE

from ringfence.model.plain import digest_of

HEAD = "v2.33|Action=Allow|Active=TRUE|Dir=In|"
IGNORED = ("Protocol=17|TTK2_27=WFDKmDriver|", "Protocol=17|LPort2_20=DHCP|", "Protocol=17|LPort2_24=mDNS|LPort2_29=TcpCDPSvc|",
           "Protocol=17|RPort2_25=CortanaOut|", "PFN=Contoso.App_8wekyb3d8bbwe|", "PCross=TRUE|", "Security=Other|",
           "Edge=TRUE|Defer=X|", "RA4=LocalSubnet|RA42=IntrAnet|RA62=Mars|", "IFType=Lan|IFType=Sat|", "Profile=Cellar|",
           "App=C:\\A.exe|Svc=TermService|", "LUOwn=S-1-5-21-1-2-3-1001|", "Platform=3:6:2|", "Protocol=6|LPort=80|LPort=Other|")
COUNTS = ("Name=Web|", "Desc=Web|", "EmbedCtxt=Web|", "Future=Web|", "NNm=Web|", "Name=web|Name=Web|")


def spellings(pieces: str) -> list[str]:
    """The same pieces with tokens, or tokens and data, in other letters."""
    pairs = [p.partition("=")[::2] for p in pieces.rstrip("|").split("|")]
    ways: list[tuple[Callable[[str], str], Callable[[str], str]]] = [
        (str.lower, str), (str.upper, str), (str.lower, str.lower), (str.upper, str.upper), (str.swapcase, str.swapcase)]
    return ["".join(f"{token(t)}={data(d)}|" for t, d in pairs) for token, data in ways]


@pytest.mark.parametrize("pieces", IGNORED)
def test_it_means_nothing_in_tokens_and_keywords(pieces: str) -> None:
    found = RULE.read_string("r", HEAD + pieces)
    for other in spellings(pieces):
        read = RULE.read_string("r", HEAD + other)
        assert read == found, other
        assert digest_of(read) == digest_of(found)
        assert RULE.read_string("r", HEAD + other + pieces) == found
        assert RULE.write_string(read) == HEAD + other
        assert pickle.loads(pickle.dumps(read)) == found


@pytest.mark.parametrize("pieces", COUNTS)
def test_it_counts_in_texts_and_in_data_that_nobody_knows(pieces: str) -> None:
    found = RULE.read_string("r", HEAD + pieces)
    tokens, _, both, *_ = spellings(pieces)
    assert RULE.read_string("r", HEAD + tokens) == found
    assert RULE.read_string("r", HEAD + both) != found
    assert digest_of(RULE.read_string("r", HEAD + both)) != digest_of(found)


def test_other_kinds_are_no_other() -> None:
    kind = KINDS["ipsec_rule"]
    one, other, text = (kind.read_string("r", f"v2.31|Action=Secure|Active=TRUE|{p}|") for p in (
        "Future=1|Name=a", "FUTURE=1|NAME=a", "Future=1|Name=A"))
    assert one == other != text
