"""Where words may be broken, by the dictionaries of pyphen."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable

from ..files import InputError

__all__ = ["hyphenator"]

_LETTERS = re.compile(r"[^\W\d_]{4,}")


@functools.cache
def hyphenator(language: str) -> Callable[[str], list[int]]:
    """The positions at which a word of a language may be broken.

    Args:
        language: as "en_GB" or "de".

    Raises:
        InputError: there are no rules for it.
    """
    import pyphen

    known = pyphen.language_fallback(language.replace("-", "_")) if language else None
    if known is None:
        names = ", ".join(sorted({name.partition("_")[0] for name in pyphen.LANGUAGES}))
        raise InputError(f"there are no rules to break words of {language[:20]!a}; there are {names}")
    dictionary = pyphen.Pyphen(lang=known)

    def positions(word: str) -> list[int]:
        found = _LETTERS.search(word)
        if not found:
            return []
        return [found.start() + int(at) for at in dictionary.positions(found[0].lower())]

    return positions
