"""A line as it was drawn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..ink import Ink
from .quality import QualityReport

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
    """

    text: str
    ink: Ink
    offsets: np.ndarray
    window: np.ndarray
    finished: bool
    quality: QualityReport

    @property
    def sound(self) -> bool:
        """True if the line finished and passed every quality check."""
        return self.finished and not self.quality.problems
