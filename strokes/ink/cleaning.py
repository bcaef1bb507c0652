"""Ink to ink, in small pure functions."""

from __future__ import annotations

import numpy as np

from .ink import Ink
from .metrics import line_slope, rotated

__all__ = ["deskew", "every_nth", "subsample"]


def deskew(ink: Ink) -> Ink:
    """Turned about the origin so that its `line_slope` is taken out; shapes stay as they are."""
    slope = line_slope(ink)
    return Ink(tuple(rotated(s, slope) for s in ink.strokes)) if slope else ink


def subsample(ink: Ink, every: int, phase: int = 0) -> Ink:
    """Every n-th point of each stroke, and its first and last: dots and ends stay. See `every_nth`."""
    if every == 1:
        return ink
    ends = ink.ends
    keep = every_nth(ends, every, phase)
    return Ink.from_points(ink.points[keep], ends[keep])


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
    keep: np.ndarray = (index % n == phase % n) | firsts | ends
    return keep
