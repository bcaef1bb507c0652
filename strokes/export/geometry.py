"""Strokes as the formats of plotters take them: in order, thinned out, as curves or as polylines, dots long enough."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from ..ink.curves import flatten, smooth
from ..ink.resampling import simplify

__all__ = ["DOT_MM", "curves", "ordered", "polylines"]

#: Plotters skip marks that are shorter than a step of their motors; a dot is drawn as long as this.
DOT_MM = 0.1

_FLATNESS_MM = 0.01


def curves(strokes: Sequence[np.ndarray], tolerance: float = 0.0) -> list[np.ndarray]:
    """Strokes as cubic Bezier curves.

    Args:
        strokes: each (n, 2), n >= 1, in millimetres.
        tolerance: millimetres by which the curves may leave the strokes, with fewer segments; 0 passes through every
            point.

    Returns:
        As many arrays (m, 4, 2), m >= 1, of control points; each segment begins where the one before it ends. A stroke
        smaller than `DOT_MM` is a level segment of that length around its middle.
    """
    thin = simplify(strokes, tolerance, np.inf, tolerance) if tolerance else strokes
    return [_curve(stroke) for stroke in _seen(thin)]


def polylines(strokes: Sequence[np.ndarray], tolerance: float = 0.0) -> list[np.ndarray]:
    """Strokes as polylines along their curves.

    Args:
        strokes: each (n, 2), n >= 1, in millimetres.
        tolerance: millimetres by which the polylines may leave the curves, 0.01 at least.

    Returns:
        As many arrays (m, 2), m >= 2. A stroke smaller than `DOT_MM` is a level segment of that length.
    """
    fine = [flatten(stroke, _FLATNESS_MM) for stroke in strokes]
    return list(_seen(simplify(fine, max(tolerance, _FLATNESS_MM), np.inf)))


def ordered(strokes: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Strokes in an order with short ways between them, some turned round: from each to the nearest end of another.

    The first is the one nearest to the paper's corner.
    """
    if not strokes:
        return []
    # Both ends of each: a stroke that is begun at its second end is turned round.
    ends = np.array([(s[0], s[-1]) for s in strokes], np.float64)
    left = np.ones(len(strokes), bool)
    place, out = np.zeros(2), []
    for _ in strokes:
        way = np.where(left[:, None], np.hypot(*np.moveaxis(ends - place, 2, 0)), np.inf)
        n, end = divmod(int(way.argmin()), 2)
        left[n] = False
        out.append(strokes[n][::-1] if end else strokes[n])
        place = ends[n, 1 - end]
    return out


def _seen(strokes: Iterable[np.ndarray]) -> Iterable[np.ndarray]:
    """Strokes of two points or more, the smallest replaced by a segment that a plotter draws."""
    for stroke in strokes:
        low, high = stroke.min(axis=0), stroke.max(axis=0)
        if np.hypot(*(high - low)) < DOT_MM:
            half = np.array([DOT_MM / 2, 0.0])
            yield np.array([(low + high) / 2 - half, (low + high) / 2 + half])
        else:
            yield stroke


def _curve(stroke: np.ndarray) -> np.ndarray:
    segments = smooth(stroke)
    moves = (segments[:, 0] != segments[:, 3]).any(axis=1)  # a repeated point is no movement of the pen
    out: np.ndarray = segments[moves]
    return out
