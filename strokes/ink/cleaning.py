"""Ink to ink, in small pure functions."""

from __future__ import annotations

import numpy as np

from .ink import Ink
from .metrics import line_slope

__all__ = ["deskew", "every_nth"]


def deskew(ink: Ink) -> Ink:
    """Turned about the origin so that `line_slope` is taken out; shapes stay as they are."""
    angle = np.arctan(line_slope(ink))
    if angle == 0:
        return ink
    c, s = np.cos(angle), np.sin(angle)
    return ink.transformed(np.array([[c, s], [-s, c]]))


def every_nth(ends: np.ndarray, n: int, phase: int = 0) -> np.ndarray:
    """Which points are left if every n-th of each stroke is kept, (N,) bool; first and last always: dots and ends stay.

    Args:
        ends: (N,) bool, the last point of each stroke.
        n: 1 keeps all.
        phase: 0 keeps points 0, n, 2n, ... of a stroke; phase p keeps 0, p, p + n, ...
    """
    firsts = np.r_[True, ends[:-1]][: len(ends)]
    index = np.arange(len(ends))
    index -= np.maximum.accumulate(np.where(firsts, index, 0))  # of each point within its stroke
    return (index % n == phase % n) | firsts | ends
