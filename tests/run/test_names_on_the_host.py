"""Names of objects that people take for one and the registry does not."""

import pytest
from core import at
from hosts import LabHost


@pytest.mark.parametrize(("one", "other"), [("Straße", "Strasse"), ("caf\u00e9", "cafe\u0301")])
def test_names_that_a_language_takes_for_one(one: str, other: str) -> None:
    """Windows' registry compares names character by character, each by its capital: these are two."""
    host = LabHost(dict.fromkeys((one, other), "v2.31|Action=Allow|Active=TRUE|Dir=In|Protocol=6|LPort=443|Name=x|"))
    result = host.apply(at(1, name=one, protocol="tcp", local_port=8443, remote_address="10.0.0.0/8"),
                        at(2, name=other, state="absent"))
    assert result.status == "changed"
    assert list(host.rules) == [one]
    assert "LPort=8443" in host.rules[one]
