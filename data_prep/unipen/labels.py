"""Labels as people type them and as the ink has them."""

from __future__ import annotations

import re

from data_prep.cleaning import clean_text

__all__ = ["ambiguous", "joined", "printable", "spelled"]

# `O N R` and `1 8 7 4`: single capitals or digits in a row.
_SPELLED = re.compile(r"(?<!\S)(?:[A-Z] ){2,}[A-Z](?!\S)|(?<!\S)(?:\d )+\d(?!\S)")
_QUOTED = re.compile(r"(?<!\S)(['\"]) (.+?) \1(?!\S)")
_CONTRACTED = re.compile(r"(?<=\w) ' (?=(?:s|d|m|t|ll|re|ve)\b)")
# `23 / 3 / 92`, `12 : 05`, `345 - 6789`, `$ 5`, `7 %`, `24 th`.
_FIGURES = re.compile(
    r"(?<=\d) (?=[/:.\-] \d)|(?<=\d [/:.\-]) (?=\d)|(?<=\$) (?=\d)|(?<=\d) (?=%|(?:st|nd|rd|th)\b)"
)
# `2 : 0 0 2 3`: where one number ends and the next begins is not to be known.
_AMBIGUOUS = re.compile(r"[:/] (?:\d ){3,}\d")


def printable(text: str) -> bool:
    """Whether the text is printable ASCII only, with something to see."""
    return bool(text.strip()) and all(" " <= c <= "~" for c in text)


def spelled(text: str) -> bool:
    """Whether the text is single letters and digits only, three or more: `A B C D`."""
    tokens = text.split()
    return len(tokens) >= 3 and all(len(t) == 1 and t.isalnum() for t in tokens)


def ambiguous(text: str) -> bool:
    """Whether digits are set apart so that nobody can tell which of them make one number."""
    return _AMBIGUOUS.search(text) is not None


def joined(text: str) -> str:
    """A label of separate tokens as the ink has them.

    `wasn ' t`, `physics .`, `' a word '`, `O N R`, `1 2 / 0 5 / 8 7` become wasn't, physics., 'a word', ONR, 12/05/87.
    """
    text = " ".join(text.split())
    text = _SPELLED.sub(lambda m: m[0].replace(" ", ""), text)
    text = _CONTRACTED.sub("'", text)
    text = _QUOTED.sub(r"\1\2\1", text)
    return clean_text(_FIGURES.sub("", text))
