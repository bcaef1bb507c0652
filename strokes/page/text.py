r"""A text as people type it: paragraphs, lists, tabs, and marks that change the pen.

`[[red]]two words[[/]]` writes two words in red; a name or code of a CSS colour changes the pen until `[[/]]`, which
takes up the first pen again. `\[[` is written as `[[`. Pens last over line breaks.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from ..files import InputError

__all__ = ["Paragraph", "Token", "parse_text"]

_MARK = re.compile(r"\\\[\[|\[\[([^\[\]\n]{0,40})\]\]")
_MARKER = re.compile(r"(?:[-*+•–]|\d{1,3}[.)]|[a-zA-Z]\))\s+(?=\S)")
_LONGEST_NAME = 24
_TAB = 8


@dataclass(frozen=True)
class Token:
    """A word of a paragraph.

    Args:
        text: what it says.
        pens: of each of its characters, a colour or None for the first pen.
        tab: whether a tab stands before it: it begins at a tab stop.
    """

    text: str
    pens: tuple[str | None, ...]
    tab: bool = False


@dataclass(frozen=True)
class Paragraph:
    """What stands between two line breaks; no tokens for a blank line.

    Args:
        tokens: its words.
        columns: characters by which it is indented.
        hanging: how many of its first words are the marker of a list, under which the other lines do not go.
    """

    tokens: tuple[Token, ...] = ()
    columns: int = 0
    hanging: int = 0

    @property
    def text(self) -> str:
        """Its words with a space between two."""
        return " ".join(token.text for token in self.tokens)


def parse_text(
    text: str, transliterate: Callable[[str], str], check_pen: Callable[[str], object]
) -> list[Paragraph]:
    """Paragraphs of a text; blank ones at its ends are left out.

    Args:
        text: any text.
        transliterate: a piece of it, without line breaks, as it is written.
        check_pen: raises InputError for a colour that is none.

    Raises:
        InputError: a mark names no colour.
    """
    pen: str | None = None
    paragraphs: list[Paragraph] = []
    for line in text.splitlines():
        runs, pen = _runs(line, pen, check_pen)
        paragraphs.append(_paragraph(runs, transliterate))
    while paragraphs and not paragraphs[0].tokens:
        paragraphs.pop(0)
    while paragraphs and not paragraphs[-1].tokens:
        paragraphs.pop()
    return paragraphs


def _runs(
    line: str, pen: str | None, check_pen: Callable[[str], object]
) -> tuple[list[tuple[str, str | None]], str | None]:
    """Pieces of a line with their pens, and the pen at its end."""
    runs, start = [], 0
    for mark in _MARK.finditer(line):
        runs.append((line[start : mark.start()], pen))
        start = mark.end()
        if mark[1] is None:
            runs.append(("[[", pen))
        elif mark[1].strip() in ("/", ""):
            pen = None
        else:
            pen = mark[1].strip().lower()
            if len(pen) > _LONGEST_NAME:
                raise InputError(f"[[{pen[:_LONGEST_NAME]}...]] names no colour; write \\[[ for two brackets")
            try:
                check_pen(pen)
            except InputError:
                raise InputError(
                    f"[[{pen}]] names no colour; give one such as [[red]] or [[#1a2b6d]], or write \\[[ for brackets"
                ) from None
    runs.append((line[start:], pen))
    return runs, pen


def _paragraph(runs: list[tuple[str, str | None]], transliterate: Callable[[str], str]) -> Paragraph:
    characters: list[tuple[str, str | None]] = []
    for piece, pen in runs:
        for i, part in enumerate(piece.split("\t")):
            if i:
                characters.append(("\t", pen))
            characters += [(c, pen) for c in transliterate(part)]
    columns, lead = 0, 0
    for c, _ in characters:
        if not c.isspace():
            break
        columns = (columns // _TAB + 1) * _TAB if c == "\t" else columns + 1
        lead += 1
    tokens: list[Token] = []
    word: list[tuple[str, str | None]] = []
    tab = False

    def end() -> None:
        nonlocal tab
        if word:
            tokens.append(Token("".join(c for c, _ in word), tuple(p for _, p in word), tab))
            word.clear()
            tab = False

    for c, pen in characters[lead:]:
        if c.isspace():
            end()
            tab = tab or c == "\t"
        else:
            word.append((c, pen))
    end()
    rest = " ".join(token.text for token in tokens)
    hanging = 1 if len(tokens) > 1 and _MARKER.match(rest) else 0
    return Paragraph(tuple(tokens), min(columns, 40) if tokens else 0, hanging)
