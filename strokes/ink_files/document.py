"""What a file of ink holds, whatever its format."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..files import InputError
from ..ink import Ink, Line
from .lines import split_lines

__all__ = ["MOST_BYTES", "MOST_POINTS", "InkDocument", "checked_ink", "text_lines"]

#: Files and drawings beyond these are no handwriting.
MOST_BYTES = 64 * 2**20
MOST_POINTS = 2_000_000
_MOST_STROKES = 50_000
# float32 holds a thousandth of a unit up to here.
_LARGEST = 1e7


@dataclass(frozen=True)
class InkDocument:
    """Lines of writing read from a file.

    Attributes:
        lines: from top to bottom, each with its text, or "" where the file does not say it. x right, y down.
        unit_mm: millimetres of a unit of the ink; None if the file does not say it.
    """

    lines: tuple[Line, ...]
    unit_mm: float | None = None

    @property
    def text(self) -> str:
        """What the lines say, a line break between them."""
        return "\n".join(line.text for line in self.lines)


def checked_ink(strokes: Sequence[np.ndarray], where: str) -> Ink:
    """Strokes, each (n, 2), as ink.

    Raises:
        InputError: there are none, too many points, or a coordinate is not finite or huge.
    """
    if not strokes:
        raise InputError(f"{where}: holds no ink; give a file with strokes of a pen in it")
    if sum(map(len, strokes)) > MOST_POINTS or len(strokes) > _MOST_STROKES:
        most = f"{MOST_POINTS} points or {_MOST_STROKES} strokes"
        raise InputError(f"{where}: holds more than {most}; give fewer pages at a time")
    for stroke in strokes:
        # A NaN compares as false.
        if not (np.abs(stroke) <= _LARGEST).all():
            raise InputError(
                f"{where}: a coordinate is not a number from -1e7 to 1e7; mend or rescale the ink"
            )
    return Ink(tuple(strokes))


def text_lines(ink: Ink, text: str, name: str) -> tuple[Line, ...]:
    """Ink as the lines that it is written in, with their texts where the text has as many lines."""
    inks = split_lines(ink)
    texts = [" ".join(line.split()) for line in text.splitlines() if line.strip()]
    if len(inks) == 1:
        texts = [" ".join(texts)]
    if len(texts) != len(inks):
        texts = [""] * len(inks)
    return tuple(Line(part, said, name) for part, said in zip(inks, texts, strict=True))
