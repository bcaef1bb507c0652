"""Where a line of writing stands and which way it runs: small pure functions of ink."""

from __future__ import annotations

import numpy as np

from .ink import Ink

__all__ = ["baseline", "line_slope"]


def baseline(ink: Ink) -> float:
    """The y on which a level line of writing stands: the median of the lowest points of its strokes' turns.

    Most letters end there; descenders are few.
    """
    turns = [np.zeros(0)]
    for stroke in ink.strokes:
        y = stroke[:, 1].astype(np.float64)
        down = np.diff(y, prepend=-np.inf, append=-np.inf)
        turns.append(y[(down[:-1] > 0) & (down[1:] <= 0)])
    return float(np.median(np.concatenate(turns)))


def line_slope(ink: Ink) -> float:
    """The slope dy/dx of a line of writing, by a robust straight fit through its points (Huber).

    0 where the ink is too short for its height to tell a slope from the shapes of letters.
    """
    points = ink.points.astype(np.float64)
    if len(points) < 8:
        return 0.0
    x, y = (points - points.mean(axis=0)).T
    if np.ptp(x) < 6 * y.std() or x.std() == 0:
        return 0.0
    slope, weight = 0.0, np.ones(len(x))
    for _ in range(10):
        total = weight.sum()
        mx, my = weight @ x / total, weight @ y / total
        last, slope = slope, float(weight @ ((x - mx) * (y - my)) / (weight @ (x - mx) ** 2))
        error = np.abs(y - my - slope * (x - mx))
        knee = 1.345 * 1.4826 * float(np.median(error))
        if knee == 0 or abs(slope - last) < 1e-5:
            break
        weight = knee / np.maximum(error, knee)
    return slope
