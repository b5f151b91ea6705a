"""How the host script tells of a call that failed: without the pre-shared keys that the call carried."""

import json
import re
from collections.abc import Iterable

from ringfence.lab.netsecurity.cmdlet_errors import CmdletError

_LONG = 8  # characters from which on a key is struck out; a shorter one takes the whole text with it


def failure_text(error: CmdletError, keys: Iterable[str]) -> str:
    """The JSON of a failed call. What is thrown as a text has it for its id too."""
    texts = [error.id, error.message]
    for key in sorted(keys, key=len, reverse=True):  # one may be a part of another
        texts = [text.replace(key, "********") if len(key) >= _LONG else "withheld: a short key" for text in texts]
    told = {"category": error.category, "id": texts[0], "message": texts[1], "code": _native_code(error)}
    return json.dumps({"ok": False, "error": told})


def _native_code(error: CmdletError) -> int | None:
    """The code that the host script tells: that of the HRESULT in the id, else the one of the exception."""
    found = re.search("HRESULT 0x8007([0-9A-Fa-f]{4})", error.id)
    return int(found[1], 16) if found else error.code
