"""Ansible's filters that write and read values as JSON, YAML, base64 and digests."""

import base64
import hashlib
import json
import re
from typing import Any

import yaml as pyyaml

from ringfence.diagnostics import Problems
from ringfence.documents import yaml
from ringfence.templates.budget import RenderError, charge, charge_whole, limit_indent
from ringfence.templates.values import Lazy, text

_YAML_WORK = 15  # what a character or value of YAML costs, against that of other texts


def to_json(value: Any, **options: Any) -> str:
    allowed = {k: v for k, v in options.items() if k in ("indent", "sort_keys", "separators", "ensure_ascii")}
    limit_indent(allowed.get("indent"))
    return json.dumps(value, default=_no_json, **allowed)


def to_nice_json(value: Any, indent: int = 4, sort_keys: bool = True, **options: Any) -> str:
    return to_json(value, indent=indent, sort_keys=sort_keys, separators=(",", ": "), **options)


def _no_json(value: Any) -> Any:
    if isinstance(value, Lazy):
        charge_whole(plain := value.materialise())
        return plain
    raise RenderError(f"{type(value).__name__} cannot be written as JSON")


def to_yaml(value: Any, **options: Any) -> str:
    limit_indent(options.get("indent"))
    plain = json.loads(to_json(value))
    charge(_YAML_WORK * charge_whole(plain))
    return str(pyyaml.safe_dump(plain, allow_unicode=True, default_flow_style=options.get("default_flow_style"),
                                width=1000, indent=options.get("indent")))


def to_nice_yaml(value: Any, indent: int = 4, **options: Any) -> str:
    return to_yaml(value, **{"default_flow_style": False, "indent": indent, **options})


def from_yaml(value: Any) -> Any:
    problems = Problems()
    charge(_YAML_WORK * len(text(value)))
    found = yaml.parse(text(value), "from_yaml", problems)
    if problems.failed:
        raise RenderError("from_yaml: the text is not YAML")
    return found


def from_yaml_all(value: Any) -> list[Any]:
    """The documents of a YAML text."""
    parts = re.split(r"^---(?:[ \t].*)?$", text(value), flags=re.MULTILINE)
    return [from_yaml(part) for part in parts if part.strip() or len(parts) == 1]


def b64encode(value: Any, encoding: str = "utf-8", urlsafe: bool = False) -> str:
    return (base64.urlsafe_b64encode if urlsafe else base64.b64encode)(text(value).encode(encoding)).decode()


def b64decode(value: Any, encoding: str = "utf-8", urlsafe: bool = False) -> str:
    return (base64.urlsafe_b64decode if urlsafe else base64.b64decode)(text(value)).decode(encoding)


def digest(value: Any, kind: str = "sha1") -> str:
    if kind not in ("md5", "sha1", "sha224", "sha256", "sha384", "sha512"):
        raise RenderError(f'unknown hash "{kind}"', "Allowed: md5, sha1, sha224, sha256, sha384, sha512.")
    return hashlib.new(kind, text(value).encode(), usedforsecurity=False).hexdigest()
