"""Which values of a host were not understood: they are shown as such, and never as Windows' default or as none."""

from typing import Any

from ringfence.model.resource import Property

NOT_UNDERSTOOD = "(not understood)"


def is_understood(p: Property, value: Any) -> bool:
    """Whether a value is one of its property. A codec gives None where it understands none of its pieces, which are among the
    unknown tokens then; of some properties None is a value: of a text that is not there, of the sets of an exemption."""
    return value is not None or (p.default is None and not p.required) or bool(p.references)
