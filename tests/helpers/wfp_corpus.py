"""The dumps of the Windows Filtering Platform that RINGFENCE_CORPUS has, known by what they hold, whatever they are called."""

import lzma
import os
from functools import cache
from pathlib import Path

from ringfence.model.wfp import WfpDump
from ringfence.windows.wfp_dump import is_wfp_dump, read_wfp_dump

FOLDER = Path(os.environ.get("RINGFENCE_CORPUS", "no-corpus")) / "wfp"


def content(path: Path) -> bytes:
    """The bytes of a file, unpacked where it is packed."""
    return lzma.decompress(path.read_bytes()) if path.suffix == ".xz" else path.read_bytes()


def _begins(path: Path) -> bytes:
    try:
        with lzma.open(path) if path.suffix == ".xz" else path.open("rb") as file:
            return bytes(file.read(4096))
    except lzma.LZMAError:
        return b""  # is no dump, whatever it is called


DUMPS = [p for p in sorted(FOLDER.rglob("*")) if p.is_file() and is_wfp_dump(_begins(p))]


@cache
def dump(path: Path) -> WfpDump:
    """A dump, read once."""
    return read_wfp_dump(content(path), path.name)
