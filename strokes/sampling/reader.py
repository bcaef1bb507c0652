"""Reading back what was drawn: what self-correction asks of a recogniser."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from ..ink import Ink
from .words import WordReading, Words

__all__ = ["AlignedReader", "LineReader", "Reader"]


class Reader(Protocol):
    """Says of each word of a line what it reads there.

    What it says of a line must not depend on the lines beside it, and it is called from several threads at once.
    """

    def read_words(self, inks: Sequence[Ink], texts: Sequence[str]) -> Sequence[Sequence[WordReading]]:
        """Read lines.

        Args:
            inks: canonical.
            texts: what each should say; words are what stands between spaces.

        Returns:
            for each line, a reading of each of its words.
        """


class _Character(Protocol):
    @property
    def confidence(self) -> float: ...


class _Reading(Protocol):
    @property
    def text(self) -> str: ...

    @property
    def characters(self) -> Sequence[_Character]: ...


class LineReader(Protocol):
    """Reads whole lines, as `strokes.recognition.Recognizer` does."""

    def read(self, ink: Sequence[Ink], /) -> Sequence[_Reading]:
        """The text of each line, and its characters with their confidence."""


class AlignedReader:
    """A `Reader` of whole lines: what it reads is aligned with what should be there.

    Args:
        reader: reads lines.
    """

    def __init__(self, reader: LineReader) -> None:
        self._reader = reader

    def read_words(self, inks: Sequence[Ink], texts: Sequence[str]) -> Sequence[Sequence[WordReading]]:
        """See `Reader`. The confidence in a word is that in its least certain character."""
        # One by one: padding to the longest of several could change the last bits of the others.
        readings = [self._reader.read([ink])[0] for ink in inks]
        return [_split(r, text) for r, text in zip(readings, texts, strict=True)]


def _split(reading: _Reading, text: str) -> list[WordReading]:
    """What of a line's reading stands where each word of the text should.

    Characters read beyond those of the text belong to the word that they touch.
    """
    from rapidfuzz.distance import Levenshtein

    words = Words(text)
    parts: list[list[int]] = [[] for _ in range(len(words))]  # numbers of characters read
    for code in Levenshtein.opcodes(text, reading.text):
        a, b, c = code.src_start, code.src_end, code.dest_start
        for i in range(c, code.dest_end):
            if code.tag == "insert":
                touches_next = a < len(text) and text[a] != " " and (a == 0 or text[a - 1] == " ")
                word = int(words.at[a] if touches_next else words.at[max(a - 1, 0)])
            else:
                place = min(a + (i - c), b - 1)
                if text[place] == " " and reading.text[i] == " ":
                    continue
                word = int(words.at[place])
            parts[word].append(i)
    sure = [c.confidence for c in reading.characters]
    return [
        WordReading("".join(reading.text[i] for i in part).strip(), min((sure[i] for i in part), default=0.0))
        for part in parts
    ]
