"""Pages: paper in millimetres with ink on it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..ink import Ink

__all__ = ["Page"]


@dataclass(frozen=True)
class Page:
    """A sheet of paper with ink on it.

    Args:
        width, height: of the paper, in millimetres.
        lines: ink in millimetres from the top left corner, y down, in writing order.
        text: what the ink says; exporters keep it as the description.
    """

    width: float
    height: float
    lines: tuple[Ink, ...] = ()
    text: str = ""

    @property
    def strokes(self) -> tuple[np.ndarray, ...]:
        """Every stroke on the page in writing order, each (n, 2) in millimetres."""
        return tuple(stroke for line in self.lines for stroke in line.strokes)
