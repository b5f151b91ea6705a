"""Packages: the SID that a family's name gives."""

import pytest

from ringfence.types.packages import PACKAGE_FAMILY, package_sid


def test_the_sid_of_a_real_app() -> None:
    """Mail and Calendar: its rules name this SID on every Windows 8.1 to 11 that has the app."""
    sid = "S-1-15-2-2551677095-2355568638-4209445997-2436930744-3692183382-387691378-1866284433"
    assert package_sid("microsoft.windowscommunicationsapps_8wekyb3d8bbwe") == sid
    assert package_sid("Microsoft.WindowsCommunicationsApps_8wekyb3d8bbwe") == sid


def test_a_family_is_a_name_and_any_is_none() -> None:
    assert [PACKAGE_FAMILY.parse(word) for word in ("any", "Any", "ANY")] == [None] * 3
    assert PACKAGE_FAMILY.parse("Contoso.App_8wekyb3d8bbwe") == "contoso.app_8wekyb3d8bbwe"
    with pytest.raises(ValueError, match="is not the name of a package family"):
        PACKAGE_FAMILY.parse("Contoso.App")
