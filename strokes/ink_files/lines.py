"""Strokes of a page grouped into lines of writing."""

from __future__ import annotations

import numpy as np

from ..ink import Ink

__all__ = ["split_lines"]

# A stroke lower than this share of the tall ones is no letter; the height of a usual stroke is measured without them.
_FLAT = 0.3
# A stroke lower than this share of a usual one is taken for a dot, a bar or a comma, which belongs to letters nearby.
_SMALL = 0.75
# Smoothing of the profile, in heights of a usual stroke; where it falls to this share of the peaks beside, a line ends.
_SMOOTHING, _VALLEY = 0.3, 0.35
# What a mark pays to leave the line that is being written, in heights of a usual stroke.
_LEAVING = 0.8
_BINS_PER_HEIGHT = 20
_MOST_BINS = 20_000
# Slopes tried, and how much sharper the profile must be than that of level lines.
_SLOPES = tuple(float(np.tan(np.radians(degrees))) for degrees in np.arange(-6, 6.01, 0.25))
_SHARPER = 1.05
_BINS_PER_LETTER = 6
_POINTS = 12  # of a stroke, to measure distances by


def split_lines(ink: Ink) -> list[Ink]:
    """The lines of writing of a page, from top to bottom; strokes of a line stay in the order they were written in.

    Lines are parallel and slope by 6 degrees at most: peaks of how often the pen crosses each height, once the slope at
    which they stand out most is taken out. Dots, bars and commas go with the nearest letters,
    and rather with those written just before and after them.

    Args:
        ink: a page, y down, any unit.

    Returns:
        At least one line for ink that has a stroke; every stroke is in one of them.
    """
    if len(ink) < 2:
        return [ink] if len(ink) else []
    drawn, ink = ink, _levelled(ink)
    heights = np.array([float(np.ptp(s[:, 1])) for s in ink.strokes])
    tall = float(np.quantile(heights, 0.9))
    if tall <= 0:
        return [drawn]
    usual = float(np.median(heights[heights >= _FLAT * tall]))
    body = heights >= _SMALL * usual
    centres = _line_centres(ink, usual)
    if len(centres) < 2:
        return [drawn]
    owner = np.full(len(ink), -1)
    for i in np.flatnonzero(body):
        owner[i] = np.abs(centres - _middle(ink.strokes[i])).argmin()
    _place_marks(ink, owner, len(centres), usual)
    groups = [Ink(tuple(drawn.strokes[i] for i in np.flatnonzero(owner == n))) for n in range(len(centres))]
    return [group for group in groups if len(group)]


def _levelled(ink: Ink) -> Ink:
    """The ink sheared so that its lines are level: the slope at which the profile of the page is sharpest.

    The profile of the pen's path, squared and summed, as for skew in scanned pages (Postl 1986, US patent 4,723,297).
    """
    mids = np.concatenate([(s[1:] + s[:-1]) / 2 for s in ink.strokes if len(s) > 1] or [ink.points])
    rises = np.concatenate([np.abs(np.diff(s[:, 1])) for s in ink.strokes if len(s) > 1] or [np.zeros(0)])
    if not rises.sum() > 0:
        return ink
    x, y = mids.astype(np.float64).T
    heights = np.array([float(np.ptp(s[:, 1])) for s in ink.strokes])
    # The steepest slope tried spreads the page furthest.
    tallest = float(np.ptp(y)) + max(_SLOPES) * float(np.ptp(x))
    width = max(float(np.quantile(heights, 0.9)) / _BINS_PER_LETTER, tallest / _MOST_BINS, 1e-9)

    def sharpness(slope: float) -> float:
        level = (y - slope * x) / width
        counts = np.bincount((level - level.min()).astype(int), rises)
        return float((counts**2).sum())

    level = sharpness(0.0)
    best = max(_SLOPES, key=sharpness)
    if sharpness(best) < _SHARPER * level:
        return ink
    shear = np.array([[1.0, 0.0], [-best, 1.0]])
    return ink.transformed(shear)


def _middle(stroke: np.ndarray) -> float:
    """The mean y along a stroke, by how far the pen moves up and down there."""
    y = stroke[:, 1].astype(np.float64)
    steps = np.abs(np.diff(y))
    return float((steps * (y[1:] + y[:-1]) / 2).sum() / steps.sum())


def _line_centres(ink: Ink, usual: float) -> np.ndarray:
    """The y of each line, ascending: peaks of the smoothed profile with a valley between each two."""
    top, bottom = ink.bounds[1], ink.bounds[3]
    bins = int(min(max((bottom - top) / usual * _BINS_PER_HEIGHT, 1), _MOST_BINS)) + 1
    width = (bottom - top) / bins
    # How often the pen crosses each level: +1 where a step enters, -1 where it leaves.
    edges = np.zeros(bins + 2)
    for stroke in ink.strokes:
        index = np.clip(((stroke[:, 1] - top) / width).astype(int), 0, bins - 1)
        low, high = np.minimum(index[1:], index[:-1]), np.maximum(index[1:], index[:-1])
        np.add.at(edges, low, 1)
        np.add.at(edges, high, -1)
    sigma = max(_SMOOTHING * usual / width, 0.5)
    reach = np.arange(-int(4 * sigma) - 1, int(4 * sigma) + 2)
    kernel = np.exp(-0.5 * (reach / sigma) ** 2)
    profile = np.convolve(np.cumsum(edges), kernel / kernel.sum())[len(reach) // 2 :][: bins + 1]
    peaks: list[int] = []
    for maximum in _maxima(profile):
        place = maximum
        while peaks:
            last = peaks[-1]
            valley = profile[last : place + 1].min()
            if valley <= _VALLEY * min(profile[last], profile[place]):
                break
            if profile[last] >= profile[place]:
                place = last
            peaks.pop()
        peaks.append(place)
    found = np.array([p for p in peaks if profile[p] >= 0.05 * profile.max()])
    return top + (found + 0.5) * width


def _maxima(profile: np.ndarray) -> list[int]:
    padded = np.concatenate([[-1.0], profile, [-1.0]])
    up, down = padded[1:-1] > padded[:-2], padded[1:-1] >= padded[2:]
    return [int(i) for i in np.flatnonzero(up & down)]


def _place_marks(ink: Ink, owner: np.ndarray, count: int, usual: float) -> None:
    """Give each stroke without an owner, -1, that of the line whose letters are nearest to it."""
    from scipy.spatial import cKDTree

    bodies = np.flatnonzero(owner >= 0)
    points = [s[np.linspace(0, len(s) - 1, min(len(s), _POINTS)).astype(int)] for s in ink.strokes]
    clouds = [[points[i] for i in bodies if owner[i] == n] for n in range(count)]
    trees = {n: cKDTree(np.concatenate(cloud)) for n, cloud in enumerate(clouds) if cloud}
    everything = cKDTree(np.concatenate([points[i] for i in bodies]))
    line_of = np.repeat(owner[bodies], [len(points[i]) for i in bodies])
    for i in np.flatnonzero(owner < 0):
        distances, nearest = map(np.asarray, everything.query(points[i]))
        costs = {int(line_of[nearest[distances.argmin()]]): float(distances.min()) + _LEAVING * usual}
        after = int(np.searchsorted(bodies, i))
        for n in {int(owner[bodies[k]]) for k in (after - 1, after) if 0 <= k < len(bodies)}:
            costs[n] = float(np.min(trees[n].query(points[i])[0]))
        owner[i] = min(costs, key=lambda n: costs[n])
