"""Labels as people type them and as the ink has them."""

from __future__ import annotations

import re

from data_prep.cleaning import clean_text

__all__ = ["joined", "printable"]

# `O N R` and `1 8 7 4`: three or more single capitals or digits in a row.
_SPELLED = re.compile(r"(?<!\S)(?:[A-Z] ){2,}[A-Z](?!\S)|(?<!\S)(?:\d ){1,}\d(?!\S)")
_QUOTED = re.compile(r"(?<!\S)(['\"]) (.+?) \1(?!\S)")
_CONTRACTED = re.compile(r"(?<=\w) ' (?=(?:s|d|m|t|ll|re|ve)\b)")
_AMOUNT = re.compile(r"(?<=\$) (?=\d)|(?<=\d) (?=%)")


def printable(text: str) -> bool:
    """Whether the text is printable ASCII only, with something to see."""
    return bool(text.strip()) and all(" " <= c <= "~" for c in text)


def joined(text: str) -> str:
    """A label of separate tokens as the ink has them: `wasn ' t`, `physics .`, `O N R`, `' a word '` without spaces."""
    text = " ".join(text.split())
    text = _SPELLED.sub(lambda m: m[0].replace(" ", ""), text)
    text = _CONTRACTED.sub("'", text)
    text = _QUOTED.sub(r"\1\2\1", text)
    return clean_text(_AMOUNT.sub("", text))
