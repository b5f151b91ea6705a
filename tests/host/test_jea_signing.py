"""The script that signs exported endpoints: what it signs, in which order, and that it says so where a signature is not valid."""

from dataclasses import replace
from pathlib import Path

import pytest
from host_script import needs_pwsh, pwsh

from ringfence.batch import jea

# Stand-ins for cmdlets that sign: each says what it was told, and where it would stand.
SIGNING = r"""
function Get-Item {
    param($Path)
    if ($Path -notlike 'Cert:*\AB12') { throw $Path }
    [pscustomobject]@{ HasPrivateKey = $env:KEY -eq '1' }
}
function Set-AuthenticodeSignature {
    param($FilePath, $Certificate, $HashAlgorithm, $TimestampServer)
    "signed $(Split-Path -Leaf $FilePath) $HashAlgorithm $TimestampServer" | Out-Host
    [pscustomobject]@{ Status = $env:STATUS; StatusMessage = 'the chain is not trusted' }
}
function New-FileCatalog {
    param($Path, $CatalogFilePath, $CatalogVersion)
    "catalog $(Split-Path -Leaf $CatalogFilePath) of $(Split-Path -Leaf $Path) version $CatalogVersion" | Out-Host
}
try { & $env:SIGN -Thumbprint AB12 -TimestampServer http://stamp.example } catch { "failed: $($_.Exception.Message)" }
"""


def signed(folder: Path, status: str = "Valid", key: str = "1") -> list[str]:
    """What the script did in a folder with an export."""
    for name, text in jea.files().items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    (folder / "run.ps1").write_text(SIGNING)
    ran = pwsh("-File", str(folder / "run.ps1"), environment={"SIGN": str(folder / "sign.ps1"), "STATUS": status, "KEY": key})
    return ran.stdout.decode().splitlines()


@needs_pwsh
def test_every_file_of_both_modules_is_signed_and_then_listed(tmp_path: Path) -> None:
    said = signed(tmp_path)
    assert said == [line for module in ("RingfenceHost", "RingfenceAudit") for line in (
        f"signed {module}.psd1 SHA256 http://stamp.example", f"signed {module}.psm1 SHA256 http://stamp.example",
        f"catalog {module}.cat of {module} version 2", f"signed {module}.cat SHA256 http://stamp.example")]
    files = {name for name in jea.files() if name.endswith((".psd1", ".psm1"))}
    assert {Path(name).name for name in files} == {line.split()[1] for line in said if line.startswith("signed")} - {
        "RingfenceHost.cat", "RingfenceAudit.cat"}


@needs_pwsh
@pytest.mark.parametrize(("how", "why"), [
    ({"status": "UnknownError"}, "RingfenceHost.psd1 is not signed: the chain is not trusted"),
    ({"key": "0"}, "the key of the certificate AB12")])
def test_what_cannot_be_signed_ends_it(tmp_path: Path, how: dict[str, str], why: str) -> None:
    said = signed(tmp_path, **how)
    assert why in said[-1]
    assert said[-1].startswith("failed: ")
    assert len(said) <= 2


@needs_pwsh
def test_windows_powershell_5_1_understands_it(tmp_path: Path) -> None:
    (tmp_path / "sign.ps1").write_text(jea.files()["sign.ps1"])
    (tmp_path / "new.ps1").write_text("$x = $a ?? 1\n")
    if b"??" not in pwsh("-Check51", str(tmp_path / "new.ps1")).stdout:
        pytest.skip("this pwsh has no -Check51")
    assert pwsh("-Check51", str(tmp_path / "sign.ps1")).stdout == b""


def test_who_only_reads_tries_no_keys_unless_somebody_wants_it() -> None:
    """Whoever may ask whether a key is the one that he has may guess it."""
    assert "Key.Compare" not in jea.AUDITOR.module_text()
    assert "Key.Compare" in replace(jea.AUDITOR, compares_keys=True).module_text()
    assert "Key.Compare" in jea.OPERATOR.module_text()
