"""The words of a line, and which of its points belong to each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["Word", "WordReading", "Words", "words_of"]


@dataclass(frozen=True)
class WordReading:
    """What a reader makes of a word.

    Attributes:
        read: what it reads there.
        confidence: how sure it is, 0 to 1.
    """

    read: str
    confidence: float


@dataclass(frozen=True)
class Word:
    """A word of a line as it was drawn.

    Attributes:
        text: what it says.
        first: number of its first point in `Sample.ink.points`; -1 if it has none.
        last: number of its last point.
        tries: how often it was begun.
        reading: what a reader makes of it; None if nothing read it.
        faults: signs that were found, without reading, that it went wrong.
    """

    text: str
    first: int = -1
    last: int = -1
    tries: int = 1
    reading: WordReading | None = None
    faults: int = 0

    @property
    def misread(self) -> bool:
        """Whether a reader reads something else."""
        return self.reading is not None and self.reading.read != self.text

    @property
    def doubtful(self) -> bool:
        """Whether it is one to look at."""
        return self.misread or self.faults > 0


class Words:
    """Where the words of a text are.

    Args:
        text: U characters, not white space alone.
    """

    def __init__(self, text: str) -> None:
        starts = [i for i, c in enumerate(text) if c != " " and (i == 0 or text[i - 1] == " ")]
        self.text = text
        #: Of each word, its first character and the one after its last.
        self.starts = tuple(starts)
        self.ends = tuple(i if (i := text.find(" ", start)) >= 0 else len(text) for start in starts)
        # A space, and what is past the text, belong to the word before them.
        word = np.searchsorted(self.starts, np.arange(len(text) + 1), side="right") - 1
        #: (U + 1,) int64: the word of each position.
        self.at = np.maximum(word, 0)
        self._is_gap = np.array([*(c == " " for c in text), True])

    def __len__(self) -> int:
        return len(self.starts)

    def __getitem__(self, word: int) -> str:
        return self.text[self.starts[word] : self.ends[word]]

    def next_at(self, place: int) -> int | None:
        """The word that is next where the pen is lifted with the window at a place; None within a word.

        The last character of a word counts as its end: the window often stays there until the next word begins.
        """
        word = int(self.at[place])
        following = word + 1
        return following if place >= self.ends[word] - 1 and following < len(self) else None

    def of_points(self, window: np.ndarray, ends: np.ndarray) -> np.ndarray:
        """The word of each point, (N,) int64.

        A stroke that begins while the window is still on the space before a word belongs to that word.

        Args:
            window: phi, (N, U + 1).
            ends: (N,) bool, the last points of strokes.
        """
        place = window.argmax(axis=1)
        word: np.ndarray = self.at[place]  # a copy
        in_gap = self._is_gap[place]
        begin = 0
        for end in [*(np.flatnonzero(ends) + 1).tolist(), len(place)]:
            gap = in_gap[begin:end]
            if gap.any() and not gap.all():
                lead = int(gap.argmin())
                word[begin : begin + lead] = word[begin + lead]
            begin = end
        return word


def words_of(text: str, window: np.ndarray, ends: np.ndarray) -> tuple[Word, ...]:
    """The words of a line, and which points each has.

    Args:
        text: U characters.
        window: phi, (N, U + 1).
        ends: (N,) bool, the last points of strokes.
    """
    words = Words(text)
    of_points = words.of_points(window, ends)
    found = []
    for i in range(len(words)):
        points = np.flatnonzero(of_points == i)
        first, last = (int(points[0]), int(points[-1])) if len(points) else (-1, -1)
        found.append(Word(words[i], first, last))
    return tuple(found)
