"""The one line that tells what an object does: which of its properties stand in it, whatever they are, and in which words.

Who agrees to a plan has to see what a rule lets in. What is left out of such a line because it is Windows' default is what opens
hosts: each property says by `phrase` whether it is always there.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Phrase:
    """How a property stands in the line.

    words: what stands for the value (`{}`), or a function of the object that gives that; an empty text leaves it out, and a comma
    at its beginning stands at the word before · always: the default too · place: the lower, the earlier; those of one place as
    the table has them.
    """

    words: str | Callable[[Any], str] = "{}"
    always: bool = True
    place: int = 0

    def words_for(self, resource: Any) -> str:
        """The words for one object, its value not in them yet."""
        return self.words if isinstance(self.words, str) else self.words(resource)
