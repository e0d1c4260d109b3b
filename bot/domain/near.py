"""The names nearest to what somebody typed, among ten thousand, in a moment."""

from collections.abc import Iterable
from difflib import get_close_matches
from functools import lru_cache
from heapq import nlargest

CUTOFF = 0.6
"""How alike two names must be, from 0 to 1, as difflib measures it."""
_LOOKED_AT = 40
"""Names that share most pairs of letters, and are compared letter by letter."""
_BITS = 256


def nearest(word: str, names: Iterable[str], most: int, *, cutoff: float = CUTOFF) -> list[str]:
    """Return at most so many names like a word, the most alike first; capital letters are no difference."""
    word = word.casefold()
    typed = _pairs(word)
    folded = {name.casefold(): name for name in names}
    likely = nlargest(_LOOKED_AT, folded, key=lambda name: _shared(typed, _pairs(name)))
    return [folded[name] for name in get_close_matches(word, likely, most, cutoff)]


def _shared(one: int, other: int) -> float:
    """How much two names have in common, by their pairs of letters."""
    return (one & other).bit_count() / max(one.bit_count(), other.bit_count(), 1)


@lru_cache(maxsize=65_536)
def _pairs(name: str) -> int:
    """The pairs of letters of a name, and its letters at both ends, as a set of bits; two pairs may share a bit."""
    found = 0
    framed = f"^{name}$"
    for index in range(len(framed) - 1):
        found |= 1 << ((ord(framed[index]) * 31 + ord(framed[index + 1]) * 7) % _BITS)
    return found
