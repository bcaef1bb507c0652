"""What is read of a line, word by word of what it should say."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from strokes.ink import Ink
from strokes.sampling.reader import AlignedReader
from strokes.sampling.words import WordReading

INK = Ink((np.zeros((2, 2)),))


@dataclass
class Character:
    confidence: float


@dataclass
class Line:
    text: str

    @property
    def characters(self) -> list[Character]:
        """The n-th character from the end is read with confidence 0.9 - n / 100."""
        n = len(self.text)
        return [Character(0.9 - (n - i) / 100) for i in range(n)]


class Says:
    """A reader of lines that reads the same whatever it is shown."""

    def __init__(self, text: str) -> None:
        self.text = text

    def read(self, inks: list[Ink]) -> list[Line]:
        return [Line(self.text) for _ in inks]


def words_read(text: str, read: str) -> list[str]:
    return [w.read for w in AlignedReader(Says(read)).read_words([INK], [text])[0]]


@pytest.mark.parametrize(
    ("text", "read", "words"),
    [
        ("we met once", "we met once", ["we", "met", "once"]),
        ("we met once", "we mot once", ["we", "mot", "once"]),
        ("we met once", "wemet once", ["we", "met", "once"]),
        ("we met once", "we mete once", ["we", "mete", "once"]),
        ("we met once", "we m once", ["we", "m", "once"]),
        ("we met once", "we once", ["we", "", "once"]),
        ("we met once", "", ["", "", ""]),
        ("we met", "we met!", ["we", "met!"]),
        ("we met", "owe met", ["owe", "met"]),
    ],
)
def test_reading_is_aligned_with_the_words_of_the_text(text, read, words):
    assert words_read(text, read) == words


def test_confidence_in_a_word_is_that_in_its_least_certain_character():
    (words,) = AlignedReader(Says("ab cd")).read_words([INK], ["ab cd"])
    assert words == [WordReading("ab", 0.9 - 0.05), WordReading("cd", 0.9 - 0.02)]
    (words,) = AlignedReader(Says("ab")).read_words([INK], ["ab cd"])
    assert words[1] == WordReading("", 0.0)


def test_lines_are_read_one_by_one():
    """What is read of a line cannot depend on those beside it."""
    asked: list[int] = []

    class Counting(Says):
        def read(self, inks: list[Ink]) -> list[Line]:
            asked.append(len(inks))
            return super().read(inks)

    assert len(AlignedReader(Counting("a")).read_words([INK] * 3, ["a"] * 3)) == 3
    assert asked == [1, 1, 1]
