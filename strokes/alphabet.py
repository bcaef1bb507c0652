"""Characters and their ids, which of them a model can write, and what replaces the others."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
from anyascii import anyascii

__all__ = ["Alphabet", "Transliteration", "clusters"]

# Replacements of ASCII characters that training texts hardly ever have.
_ASCII_REPLACEMENTS = {
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
# Replacements that read better in handwriting than those of anyascii.
_REPLACEMENTS = {
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
    """A text made of characters that can be written or composed, NFC.

    Attributes:
        text: the text.
        replaced: each character that was replaced, with its replacement ("" if it was left out), once, in order of
            first occurrence.
    """

    text: str
    replaced: tuple[tuple[str, str], ...]

    def __str__(self) -> str:
        """The replacements as a list for people: `'é' as 'e'`."""
        shown = [f"{a!r} as {b!r}" if b else f"{a!r} left out" for a, b in self.replaced[:12]]
        more = len(self.replaced) - len(shown)
        return ", ".join(shown) + (f" and {more} more" if more else "")


@dataclass(frozen=True)
class Alphabet:
    """An ordered set of characters. Id 0 stands for every other character; `characters[i]` has id i + 1.

    Args:
        characters: each once.

    Raises:
        ValueError: a character occurs twice.
    """

    characters: str
    _ids: dict[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if len(set(self.characters)) != len(self.characters):
            raise ValueError("an alphabet's characters must differ")
        object.__setattr__(self, "_ids", {c: i + 1 for i, c in enumerate(self.characters)})

    @classmethod
    def of(cls, texts: Iterable[str], min_count: int = 1) -> Alphabet:
        """The alphabet of the characters that occur at least `min_count` times, in code point order."""
        counts: Counter[str] = Counter()
        for text in texts:
            counts.update(text)
        return cls("".join(sorted(c for c, n in counts.items() if n >= min_count)))

    def __len__(self) -> int:
        """The number of ids, including id 0."""
        return len(self.characters) + 1

    def __contains__(self, character: str) -> bool:
        return character in self._ids

    def encode(self, text: str) -> np.ndarray:
        """Ids (U,) int64, 0 where a character is not in the alphabet."""
        return np.array([self._ids.get(c, 0) for c in text], dtype=np.int64)

    def transliterate(
        self, text: str, composed: Callable[[str], bool] = lambda character: False
    ) -> Transliteration:
        """Replace what is not in the alphabet: letters lose their accents, dashes and quotes become plain, € EUR.

        Each white space character becomes a space. A character without a replacement is left out.

        Args:
            text: any.
            composed: whether a character, with the combining ones that follow it, can be composed of others; it is
                kept.
        """
        out: list[str] = []
        replaced: dict[str, str] = {}
        for cluster in clusters(text):
            if cluster in self or composed(cluster):
                out.append(cluster)
                continue
            for c in cluster:
                if c.isspace():
                    out.append(" ")
                elif c in self or composed(c):
                    out.append(c)
                else:
                    spelled = _REPLACEMENTS.get(c) or anyascii(c)
                    # anyascii spells emoji as :grinning: and the like; they are left out.
                    named = len(spelled) > 2 and spelled[0] == spelled[-1] == ":"
                    replacement = "" if named else self._ascii_replacement(spelled, composed)
                    replaced[c] = replacement
                    out.append(replacement)
        return Transliteration("".join(out), tuple(replaced.items()))

    def _ascii_replacement(self, text: str, composed: Callable[[str], bool], depth: int = 3) -> str:
        out = []
        for c in text:
            if c in self or composed(c):
                out.append(c)
            elif c.swapcase() in self:
                out.append(c.swapcase())
            elif depth and c in _ASCII_REPLACEMENTS:
                out.append(self._ascii_replacement(_ASCII_REPLACEMENTS[c], composed, depth - 1))
        return "".join(out)


def clusters(text: str) -> Iterator[str]:
    """The characters of a text, NFC, each with the combining ones that follow it."""
    text = unicodedata.normalize("NFC", text)
    first = 0
    for i in range(1, len(text) + 1):
        if i == len(text) or not unicodedata.combining(text[i]):
            if first < i:
                yield text[first:i]
            first = i
