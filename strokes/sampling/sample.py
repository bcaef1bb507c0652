"""A line as it was drawn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..ink import Ink
from .quality import QualityReport
from .words import Word

__all__ = ["Sample"]


@dataclass(frozen=True, eq=False)
class Sample:
    """A line as it was drawn.

    Attributes:
        text: what it says.
        ink: canonical: deskewed, baseline at y = 0, one x-height = 1.
        offsets: as the network drew them, (T, 3) float32, normalised; the first row is the starting point.
        window: phi, (T, U + 1) float32: the row that was active while each point was drawn; the last column is the
            position past the end.
        finished: whether the stopping rule ended it.
        quality: what the quality checks found.
        words: its words, where they are, and what is doubtful about them.
        points_drawn: points that were drawn for it, those that were taken back included.
    """

    text: str
    ink: Ink
    offsets: np.ndarray
    window: np.ndarray
    finished: bool
    quality: QualityReport
    words: tuple[Word, ...] = ()
    points_drawn: int = 0

    @property
    def sound(self) -> bool:
        """True if the line finished and passed every quality check."""
        return self.finished and not self.quality.problems

    @property
    def clean(self) -> bool:
        """True if it is sound, and reads as it should where it was read."""
        return self.sound and not any(word.misread for word in self.words)

    @property
    def read(self) -> str | None:
        """What a reader reads; None if nothing read it."""
        readings = [word.reading for word in self.words if word.reading]
        return " ".join(reading.read for reading in readings) if readings else None

    @property
    def confidence(self) -> float | None:
        """How sure the reader is of the word that it is least sure of; None if nothing read it."""
        return min((word.reading.confidence for word in self.words if word.reading), default=None)

    @property
    def doubtful(self) -> tuple[Word, ...]:
        """Words to look at: those that read as something else, or in which a quality check found something."""
        return tuple(word for word in self.words if word.doubtful)
