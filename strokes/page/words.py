"""Words of ink, and rows of them; lengths are in x-heights, y down, baseline at 0."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from ..ink.curves import flatten

__all__ = ["Request", "Row", "Word"]

_TOLERANCE = 0.02
# A row of fewer letters is not levelled, and none by more, in x-heights.
_FEWEST_BOTTOMS, _MOST_LEVEL = 4, 0.4


@dataclass(frozen=True)
class Request:
    """A line that is to be drawn.

    Args:
        text: words with one space between two.
        pens: of each character of it.
        key: seeds the line, together with the document's seed.
    """

    text: str
    pens: tuple[str | None, ...]
    key: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Word:
    """A word as it was drawn, or a few that the pen joined.

    Args:
        text: what it says.
        strokes: each (n, 2); the left end of the ink is at x = 0.
        pens: of each stroke, a colour or None for the first pen.
        order: of each stroke, its number in the line that it was drawn in.
        gap: free space up to the word that was drawn after it; None at the end of a line.
        tab: whether it begins at a tab stop.
        breaks: whether a row ends with it: it is the first part of a hyphenated word.
        width: of its ink.
        outline: points along the curves of its strokes, (m, 2).
        bottoms: y of the lowest points of its letters without descenders.
    """

    text: str
    strokes: tuple[np.ndarray, ...]
    pens: tuple[str | None, ...]
    order: tuple[int, ...]
    gap: float | None = None
    tab: bool = False
    breaks: bool = False
    width: float = 0.0
    outline: np.ndarray = field(default_factory=lambda: np.zeros((0, 2)))
    bottoms: tuple[float, ...] = ()

    @classmethod
    def of(
        cls,
        text: str,
        strokes: list[np.ndarray],
        pens: list[str | None],
        order: list[int] | None = None,
    ) -> tuple[Word, float]:
        """A word from strokes that stand anywhere, and where its left end was."""
        if not strokes:
            return cls(text, (), (), ()), 0.0
        outline = np.concatenate([flatten(stroke, _TOLERANCE) for stroke in strokes])
        left, right = float(outline[:, 0].min()), float(outline[:, 0].max())
        moved = tuple(np.asarray(stroke, np.float64) - (left, 0.0) for stroke in strokes)
        numbers = tuple(range(len(strokes)) if order is None else order)
        word = cls(text, moved, tuple(pens), numbers, width=right - left, outline=outline - (left, 0.0))
        return word, left


@dataclass(frozen=True, eq=False)
class Row:
    """A line of a page.

    Args:
        words: each with the x of its left end, from the left margin.
        ends: whether it is the last row of its paragraph.
        tabs: whether a word of it stands at a tab stop.
        edge: how far its left end may stray to the right.
        level: y that stands on the ruling.
    """

    words: tuple[tuple[Word, float], ...] = ()
    ends: bool = True
    tabs: bool = False
    edge: float = 0.0
    level: float = 0.0

    @property
    def text(self) -> str:
        """What it says."""
        return " ".join(word.text for word, _ in self.words)

    @property
    def right(self) -> float:
        """The x of its right end; 0 for a blank row."""
        return max((x + word.width for word, x in self.words), default=0.0)

    def shifted(self, shift: float, stretch: float = 0.0) -> Row:
        """The row moved to the right, and its word spaces made wider."""
        words = tuple((word, x + shift + i * stretch) for i, (word, x) in enumerate(self.words))
        return replace(self, words=words)

    def levelled(self) -> Row:
        """The row set on the ruling by its letters without descenders: a part of a line may stand off its baseline."""
        bottoms = [y for word, _ in self.words for y in word.bottoms]
        if len(bottoms) < _FEWEST_BOTTOMS:
            return self
        return replace(self, level=float(np.clip(np.median(bottoms), -_MOST_LEVEL, _MOST_LEVEL)))

    def outline(self) -> np.ndarray:
        """Points along the curves of its strokes, (m, 2)."""
        parts = [np.add(word.outline, (x, -self.level)) for word, x in self.words]
        return np.concatenate(parts) if parts else np.zeros((0, 2))

    def strokes(self) -> list[tuple[str | None, np.ndarray]]:
        """Its strokes with their pens, in writing order."""
        found: list[tuple[tuple[int, int], str | None, np.ndarray]] = []
        drawn = 0
        for word, x in self.words:
            found += [
                ((drawn, n), pen, np.add(stroke, (x, -self.level)))
                for stroke, pen, n in zip(word.strokes, word.pens, word.order, strict=True)
            ]
            if word.gap is None:  # what follows is of another line that was drawn
                drawn += 1
        found.sort(key=lambda item: item[0])
        return [(pen, stroke) for _, pen, stroke in found]
