"""Smooth curves through the points of a stroke.

Points are half a millimetre to a whole one apart at usual sizes, so the polyline through them looks angular.
A centripetal Catmull-Rom spline passes through every point and, of that family, is the one without loops or cusps
between points (Yuksel et al. 2011), so that sharp corners of the pen stay sharp.
"""

from __future__ import annotations

import numpy as np

__all__ = ["flatten", "smooth"]


def smooth(points: np.ndarray) -> np.ndarray:
    """The curve through the points of one stroke, as cubic Bezier segments.

    Args:
        points: (n, 2), n >= 1, any unit.

    Returns:
        (n - 1, 4, 2) float64 control points; segment i runs from point i to point i + 1. Neighbours
        share a tangent. A repeated point gives a segment of no length, a dot gives no segment.

    Raises:
        ValueError: points is not (n, 2) with n >= 1.
    """
    p = _checked(points)
    segments = np.repeat(p[:-1, None], 4, axis=1)
    moved = (np.diff(p, axis=0) != 0).any(axis=1)
    if moved.any():
        segments[moved] = _through_distinct(p[np.concatenate([[True], moved])])
    return segments


def flatten(points: np.ndarray, tolerance: float = 0.01) -> np.ndarray:
    """A polyline along the curve of `smooth`, nowhere further from it than tolerance.

    Args:
        points: (n, 2), n >= 1, any unit.
        tolerance: greatest distance between curve and polyline, in the unit of the points.

    Returns:
        (m, 2) float64, m >= n unless points repeat; holds the given points. A dot stays one point.

    Raises:
        ValueError: points is not (n, 2) with n >= 1, or tolerance is not positive.
    """
    if not tolerance > 0:
        raise ValueError(f"tolerance is {tolerance}; it must be positive")
    p = _checked(points)
    b = smooth(p)
    b = b[(b[:, 0] != b[:, 3]).any(axis=1)]
    # A chord over a parameter step h strays at most h^2/8 max|B''|, and B'' is 6 times a second difference.
    bend = np.linalg.norm(np.diff(b, n=2, axis=1), axis=2).max(axis=1, initial=0.0)
    steps = np.maximum(np.ceil(np.sqrt(0.75 * bend / tolerance)), 1).astype(int)
    owner = np.repeat(np.arange(len(b)), steps)
    first = np.cumsum(steps) - steps
    u = ((np.arange(len(owner)) - first[owner] + 1) / steps[owner])[:, None]
    c = b[owner]
    v = 1 - u
    curve = v**3 * c[:, 0] + 3 * v**2 * u * c[:, 1] + 3 * v * u**2 * c[:, 2] + u**3 * c[:, 3]
    return np.concatenate([p[:1], curve])


def _checked(points: np.ndarray) -> np.ndarray:
    p = np.asarray(points, np.float64)
    if p.ndim != 2 or p.shape[1] != 2 or len(p) == 0:
        raise ValueError(f"points have shape {p.shape}; they must be (n, 2) with n >= 1")
    return p


def _through_distinct(p: np.ndarray) -> np.ndarray:
    """(k - 1, 4, 2) control points through p (k, 2), k >= 2, no two neighbours equal."""
    chord = np.diff(p, axis=0)
    step = np.sqrt(np.hypot(chord[:, 0], chord[:, 1]))[:, None]  # the centripetal knot intervals
    slope = chord / step
    velocity = np.empty_like(p)
    velocity[1:-1] = slope[:-1] + slope[1:] - (p[2:] - p[:-2]) / (step[:-1] + step[1:])
    if len(p) == 2:
        velocity[:] = slope
    else:  # the first and last segments are parabolas
        velocity[0] = 2 * slope[0] - velocity[1]
        velocity[-1] = 2 * slope[-1] - velocity[-2]
    leaving = p[:-1] + velocity[:-1] * step / 3
    arriving = p[1:] - velocity[1:] * step / 3
    return np.stack([p[:-1], leaving, arriving, p[1:]], axis=1)
