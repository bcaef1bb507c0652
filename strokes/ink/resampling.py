"""Points of strokes chosen by shape, so that pens of any sampling rate give the same ink.

Where the pen runs straight few points say all; where it turns many are needed. `simplify` keeps what a
smooth curve (`strokes.curves.smooth`) needs to come back to the recorded line. All strokes of a line of writing
are worked on at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .curves import smooth

__all__ = ["deviation", "evened", "simplify"]

# Places at which a curve is compared with the line that it replaces, between two kept points.
_SAMPLES = 7
# Halvings of a step along which the curve strays.
_ROUNDS = 6


@dataclass(frozen=True)
class _Path:
    """Strokes as one line (N, 2): `at` (N,) is the distance along it, jumps between strokes included."""

    points: np.ndarray
    at: np.ndarray
    firsts: np.ndarray
    lasts: np.ndarray

    @classmethod
    def of(cls, strokes: Sequence[np.ndarray]) -> _Path:
        checked = []
        for i, stroke in enumerate(strokes):
            points = np.asarray(stroke, np.float64)
            if points.ndim != 2 or points.shape[1] != 2 or len(points) == 0:
                raise ValueError(f"stroke {i} has shape {points.shape}; it must be (n, 2) with n >= 1")
            checked.append(points)
        points = np.concatenate(checked)
        lasts = np.cumsum([len(s) for s in checked]) - 1
        firsts = np.concatenate([[0], lasts[:-1] + 1])
        # Repeated points go, within strokes only.
        keep = np.concatenate([[True], (np.diff(points, axis=0) != 0).any(axis=1)])
        keep[firsts] = True
        index = np.cumsum(keep) - 1
        lasts, firsts, points = index[lasts], index[firsts], points[keep]
        step = np.hypot(*np.diff(points, axis=0).T)
        # A jump counts as some length, so that the end of a stroke and the start of the next are two places.
        step[lasts[:-1]] = 1.0
        return cls(points, np.concatenate([[0.0], np.cumsum(step)]), firsts, lasts)

    def along(self, s: np.ndarray) -> np.ndarray:
        """Points at the distances s, (..., 2)."""
        x, y = self.points.T
        return np.stack([np.interp(s, self.at, x), np.interp(s, self.at, y)], axis=-1)


def simplify(
    strokes: Sequence[np.ndarray], tolerance: float, longest_step: float, bulge: float | None = None
) -> list[np.ndarray]:
    """Fewer points whose polyline and whose centripetal Catmull-Rom curve stay near the strokes.

    Ramer-Douglas-Peucker chooses recorded points; steps that are too long, or along which the curve strays,
    are divided by points in between on the recorded line. The ends of a stroke are kept exactly.

    Args:
        strokes: arrays (n, 2), n >= 1, any unit.
        tolerance: greatest distance of a recorded point from the new polyline.
        longest_step: greatest distance between two neighbours in a stroke.
        bulge: greatest distance of the curve from the recorded line, as far as halving brings it; default
            1.5 times `tolerance`.

    Returns:
        As many strokes, (m, 2) float64, no two neighbours equal; a stroke whose points are all one is one
        point, a dot.

    Raises:
        ValueError: a stroke is not (n, 2) with n >= 1, or a limit is not positive.
    """
    bulge = 1.5 * tolerance if bulge is None else bulge
    if not (tolerance > 0 and longest_step > 0 and bulge > 0):
        raise ValueError("tolerance, longest_step and bulge must be positive")
    if not strokes:
        return []
    path = _Path.of(strokes)
    kept = path.at[_peucker(path, tolerance)]
    ends = path.at[path.lasts]
    for _ in range(_ROUNDS):
        chosen = path.along(kept)
        inside = np.isin(kept, ends, invert=True)[:-1]  # the step from each place is within a stroke
        parts = np.ceil(np.hypot(*np.diff(chosen, axis=0).T) / longest_step * (1 - 1e-9)).astype(int)
        # Halving much below the tolerance would chase corners that no curve takes.
        strays = (_stray(path, kept, inside) > bulge) & (np.diff(kept) > 2 * tolerance)
        parts = np.where(inside, np.maximum(parts, np.where(strays, 2, 1)), 1)
        if (parts == 1).all():
            break
        kept = _split(kept, parts)
    points = path.along(kept)
    stops = np.flatnonzero(np.isin(kept, ends)) + 1
    out = [points[a:b] for a, b in zip([0, *stops[:-1]], stops, strict=True)]
    return [s[np.concatenate([[True], (np.diff(s, axis=0) != 0).any(axis=1)])] for s in out]


def evened(strokes: Sequence[np.ndarray], step: float, rounds: int) -> list[np.ndarray]:
    """Strokes with a point every `step` or a little less along them, smoothed; their ends stay where they are.

    Evenly spaced points no longer tell how fast the pen was. Each is then moved to a weighted mean (1, 2, 1) with
    its neighbours `rounds` times, which takes out the steps of a coarse tablet and the tremor of a slow pen: a
    Gaussian of standard deviation step * sqrt(rounds / 2).

    Raises:
        ValueError: a stroke is not (n, 2) with n >= 1, or step is not positive.
    """
    if not step > 0:
        raise ValueError(f"step is {step}; it must be positive")
    if not strokes:
        return []
    path = _Path.of(strokes)
    starts, lengths = path.at[path.firsts], path.at[path.lasts] - path.at[path.firsts]
    counts = np.ceil(lengths / step * (1 - 1e-9)).astype(int) + 1
    owner = np.repeat(np.arange(len(counts)), counts)
    index = np.arange(len(owner)) - (np.cumsum(counts) - counts)[owner]
    share = index / np.maximum(counts - 1, 1)[owner]
    points = path.along(starts[owner] + lengths[owner] * share)
    lasts = np.cumsum(counts) - 1
    points[lasts] = path.points[path.lasts]
    inner = np.ones(len(points), bool)
    inner[lasts] = inner[lasts - counts + 1] = False
    inner = np.flatnonzero(inner)
    for _ in range(rounds):
        points[inner] = 0.25 * points[inner - 1] + 0.5 * points[inner] + 0.25 * points[inner + 1]
    return np.split(points, lasts[:-1] + 1)


def deviation(recorded: np.ndarray, chosen: np.ndarray) -> float:
    """Greatest distance from the smooth curve through `chosen` (m, 2) to the polyline `recorded` (n, 2)."""
    line = np.asarray(recorded, np.float64)
    line = np.repeat(line, 2, axis=0) if len(line) == 1 else line
    points = np.asarray(chosen, np.float64)
    curve = np.concatenate([_on_curve(smooth(points)).reshape(-1, 2), points])
    return float(_distance(curve[:, None], line[None, :-1], line[None, 1:]).min(axis=1).max())


def _peucker(path: _Path, tolerance: float) -> np.ndarray:
    """Indices kept by Ramer-Douglas-Peucker (1972, 1973), all spans of a level at once."""
    line = path.points
    keep = np.zeros(len(line), bool)
    keep[path.firsts] = keep[path.lasts] = True
    starts, stops = path.firsts, path.lasts
    while True:
        wide = stops - starts > 1
        starts, stops = starts[wide], stops[wide]
        if len(starts) == 0:
            return np.flatnonzero(keep)
        sizes = stops - starts - 1
        owner = np.repeat(np.arange(len(starts)), sizes)
        first = np.cumsum(sizes) - sizes
        inner = np.arange(len(owner)) - first[owner] + starts[owner] + 1
        distance = _distance(line[inner], line[starts][owner], line[stops][owner])
        most = np.maximum.reduceat(distance, first)
        far = most > tolerance
        if not far.any():
            return np.flatnonzero(keep)
        # The first point of each span that is as far as any.
        hits = np.flatnonzero(distance == most[owner])
        where = np.flatnonzero(np.diff(owner[hits], prepend=-1))
        middle = inner[hits[where]][far]
        keep[middle] = True
        starts, stops = np.concatenate([starts[far], middle]), np.concatenate([middle, stops[far]])


def _distance(p: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Distances of points p from the straight pieces a to b, (..., 2) each, broadcast."""
    along_x, along_y = b[..., 0] - a[..., 0], b[..., 1] - a[..., 1]
    off_x, off_y = p[..., 0] - a[..., 0], p[..., 1] - a[..., 1]
    length = along_x * along_x + along_y * along_y
    u = np.clip((off_x * along_x + off_y * along_y) / np.where(length > 0, length, 1), 0, 1)
    out: np.ndarray = np.hypot(off_x - u * along_x, off_y - u * along_y)
    return out


def _curves(points: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """`smooth` of several strokes at once: (M - 1, 4, 2) control points of the steps, those between strokes unused.

    Args:
        points: (M, 2), no two neighbours of a stroke equal.
        inside: (M - 1,) bool, which steps are within a stroke.
    """
    chord = np.diff(points, axis=0)
    step = np.sqrt(np.where(inside, np.hypot(*chord.T), 1.0))[:, None]
    step = np.maximum(step, 1e-12)
    slope = chord / step
    velocity = np.zeros_like(points)
    velocity[1:-1] = slope[:-1] + slope[1:] - (points[2:] - points[:-2]) / (step[:-1] + step[1:])
    first = np.concatenate([[True], ~inside])  # of a stroke
    last = np.concatenate([~inside, [True]])
    # The first and last steps are parabolas; a stroke of one step is straight.
    starts, stops = np.flatnonzero(first & ~last), np.flatnonzero(last & ~first)
    alone = last[starts + 1]
    velocity[starts] = np.where(alone[:, None], slope[starts], 2 * slope[starts] - velocity[starts + 1])
    velocity[stops] = np.where(
        first[stops - 1][:, None], slope[stops - 1], 2 * slope[stops - 1] - velocity[stops - 1]
    )
    leaving = points[:-1] + velocity[:-1] * step / 3
    arriving = points[1:] - velocity[1:] * step / 3
    return np.stack([points[:-1], leaving, arriving, points[1:]], axis=1)


def _on_curve(beziers: np.ndarray) -> np.ndarray:
    """(m, samples, 2): points within each cubic (m, 4, 2)."""
    b = beziers[:, None]
    u = (np.arange(1, _SAMPLES + 1) / (_SAMPLES + 1))[:, None]
    v = 1 - u
    out: np.ndarray = (
        v**3 * b[:, :, 0] + 3 * v**2 * u * b[:, :, 1] + 3 * v * u**2 * b[:, :, 2] + u**3 * b[:, :, 3]
    )
    return out


def _stray(path: _Path, kept: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """(M - 1,): how far the curve strays from the path between each two kept places; 0 between strokes."""
    out = np.zeros(len(inside))
    if inside.any():
        curve = _on_curve(_curves(path.along(kept), inside)[inside])
        share = np.linspace(0, 1, _SAMPLES + 2)
        part = path.along(kept[:-1][inside][:, None] + np.diff(kept)[inside][:, None] * share)
        distance = _distance(curve[:, :, None], part[:, None, :-1], part[:, None, 1:])
        out[inside] = distance.min(axis=2).max(axis=1)
    return out


def _split(kept: np.ndarray, parts: np.ndarray) -> np.ndarray:
    """Each span of `kept` divided into so many equal parts."""
    owner = np.repeat(np.arange(len(parts)), parts)
    index = np.arange(len(owner)) - (np.cumsum(parts) - parts)[owner]
    inner = kept[:-1][owner] + np.diff(kept)[owner] * index / parts[owner]
    return np.append(inner, kept[-1])
