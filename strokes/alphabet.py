"""Characters and their ids, what can be written, and what the rest becomes."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from anyascii import anyascii

__all__ = ["Alphabet", "Transliteration"]

# What a pen does for an ASCII character that the training text (nearly) never shows it.
_STAND_INS = {
    "&": "and",
    "@": "(at)",
    "%": "pct",
    "_": "-",
    "=": "-",
    "~": "-",
    "^": "'",
    "`": "'",
    "|": "/",
    "\\": "/",
    "<": "(",
    ">": ")",
    "{": "(",
    "}": ")",
    "[": "(",
    "]": ")",
    "$": "USD ",
    "#": "No. ",
    "*": "+",
    "+": "and",
    "/": "-",
    ";": ",",
    ":": ".",
    "!": ".",
    "?": ".",
    '"': "'",
    "'": "",
}
# anyascii spells these in ways nobody writes by hand.
_BY_HAND = {
    "€": "EUR",
    "£": "GBP",
    "…": "...",
    "–": "-",
    "—": "-",
    "°": "deg",
    "×": "x",
    "•": "-",
    "½": "1/2",
}


@dataclass(frozen=True)
class Transliteration:
    """Text made of writable characters only, and what was changed to get there."""

    text: str
    replaced: tuple[tuple[str, str], ...]

    def __str__(self) -> str:
        shown = [f"{a!r} as {b!r}" if b else f"{a!r} left out" for a, b in self.replaced[:12]]
        more = len(self.replaced) - len(shown)
        return ", ".join(shown) + (f" and {more} more" if more else "")


@dataclass(frozen=True)
class Alphabet:
    """An ordered set of characters. Id 0 is every other character; `characters[i]` has id i + 1."""

    characters: str
    _ids: dict[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if len(set(self.characters)) != len(self.characters):
            raise ValueError("an alphabet's characters must differ")
        object.__setattr__(self, "_ids", {c: i + 1 for i, c in enumerate(self.characters)})

    @classmethod
    def of(cls, texts: Iterable[str], min_count: int = 1) -> Alphabet:
        """The characters that occur at least `min_count` times, in code point order."""
        counts: Counter[str] = Counter()
        for text in texts:
            counts.update(text)
        return cls("".join(sorted(c for c, n in counts.items() if n >= min_count)))

    def __len__(self) -> int:
        """The number of ids, that of "every other character" included."""
        return len(self.characters) + 1

    def __contains__(self, character: str) -> bool:
        return character in self._ids

    def encode(self, text: str) -> np.ndarray:
        """Ids (U,) int64, 0 where a character is not in the alphabet."""
        return np.array([self._ids.get(c, 0) for c in text], dtype=np.int64)

    def transliterate(self, text: str) -> Transliteration:
        """The nearest text that can be written: accents dropped, dashes and quotes plain, € as EUR.

        White space of any kind becomes one space. A character with no stand-in is left out.
        """
        out: list[str] = []
        replaced: dict[str, str] = {}
        for c in unicodedata.normalize("NFC", text):
            if c.isspace():
                out.append(" ")
            elif c in self:
                out.append(c)
            else:
                spelled = _BY_HAND.get(c) or anyascii(c)
                # Emoji are spelled :grinning: and the like, which nobody means.
                named = len(spelled) > 2 and spelled[0] == spelled[-1] == ":"
                stand_in = "" if named else self._stand_in(spelled)
                replaced[c] = stand_in
                out.append(stand_in)
        return Transliteration("".join(out), tuple(replaced.items()))

    def _stand_in(self, text: str, depth: int = 3) -> str:
        out = []
        for c in text:
            if c in self:
                out.append(c)
            elif c.swapcase() in self:
                out.append(c.swapcase())
            elif depth and c in _STAND_INS:
                out.append(self._stand_in(_STAND_INS[c], depth - 1))
        return "".join(out)
