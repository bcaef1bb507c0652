"""Baseline and x-height of labelled ink, measured from the turns of the pen: small pure functions.

Strokes are (n, 2) float64, x right, y down.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

__all__ = [
    "baseline",
    "cut_leaps",
    "gaps",
    "grid",
    "has_several_rows",
    "narrowed",
    "stands_apart",
    "tall_height",
    "turns",
    "without_repeats",
    "without_spikes",
    "without_strays",
    "x_height",
]

#: Letters whose top is the x-height and whose bottom is the baseline or below it.
SMALL = frozenset("acegmnopqrsuvwxyz")
#: Characters that reach well above the x-height.
TALL = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789bdfhklt!?/\\|()[]{}#$%&@'\"")
#: Characters that reach below the baseline.
DEEP = frozenset("gjpqyQ,;()[]{}|/\\$@_")


def turns(strokes: Sequence[np.ndarray], least: float) -> tuple[np.ndarray, np.ndarray]:
    """The heights at which the pen turns: tops (n,) and bottoms (m,), y down.

    A turn counts once the pen has moved `least` back from it; the ends of a stroke are turns as well.
    A stroke that moves less than that is none.
    """
    tops: list[float] = []
    bottoms: list[float] = []
    for stroke in strokes:
        y = stroke[:, 1]
        if np.ptp(y) < least:
            continue
        step = np.sign(np.diff(y))
        step = step[step != 0] if (step == 0).any() else step
        moving = np.concatenate([[True], np.diff(y) != 0])
        y = y[moving]
        turning = np.concatenate([[True], step[1:] != step[:-1], [True]])
        low = high = last = float(y[0])
        direction = 0
        for value in y[turning][1:].tolist():
            if direction >= 0:
                if value >= high:
                    high = value
                elif high - value >= least:
                    bottoms.append(high)
                    direction, low = -1, value
            if direction <= 0:
                if value <= low:
                    low = value
                elif value - low >= least:
                    tops.append(low)
                    direction, high = 1, value
            last = value
        if direction > 0:
            bottoms.append(max(high, last))
        elif direction < 0:
            tops.append(min(low, last))
    return np.array(tops), np.array(bottoms)


def baseline(bottoms: np.ndarray, text: str) -> float:
    """The y that the writing stands on: the median of the bottoms, those of descenders left out.

    Raises:
        ValueError: there are no bottoms.
    """
    if len(bottoms) == 0:
        raise ValueError("the pen never turns")
    visible = [c for c in text if not c.isspace()]
    deep = sum(c in DEEP for c in visible) / max(len(visible), 1)
    kept = np.sort(bottoms)[: max(int(np.ceil(len(bottoms) * (1 - 0.5 * deep))), 1)]
    return float(np.median(kept))


def x_height(tops: np.ndarray, base: float, text: str) -> float | None:
    """Height of the small letters above `base`: the median of the tops, the share of tall characters left out.

    None where the text has fewer than three small letters, or the tops tell nothing.
    """
    visible = [c for c in text if c.isalnum()]
    small = sum(c in SMALL for c in visible)
    if small < 3 or small < 0.3 * len(visible):
        return None
    tall = sum(c in TALL for c in visible) / len(visible)
    heights = np.sort(base - tops)
    heights = heights[heights > 0]
    if len(heights) == 0:
        return None
    kept = heights[: max(int(np.ceil(len(heights) * (1 - 0.8 * tall))), 1)]
    return float(np.median(kept))


def tall_height(tops: np.ndarray, base: float, text: str) -> float | None:
    """Height of capitals and digits above `base`; None where fewer than three of them make up most of the text."""
    visible = [c for c in text if c.isalnum()]
    tall = sum(c.isupper() or c.isdigit() for c in visible)
    if tall < 3 or tall < 0.7 * len(visible):
        return None
    heights = base - tops
    heights = heights[heights > 0]
    return float(np.quantile(heights, 0.75)) if len(heights) else None


def has_several_rows(strokes: Sequence[np.ndarray]) -> bool:
    """Whether the pen returns to the left and starts another row below what it has written.

    The strokes are cut in time wherever the pen comes back over most of the width of the row it is in. There are
    several rows where a part stands lower than the one before by more than both are high (10 % to 90 % of their
    points): dots and bars made late stand higher or within.
    """
    runs: list[list[np.ndarray]] = []
    left = right = 0.0
    for stroke in strokes:
        x = stroke[:, 0]
        if runs and x.min() > left + 0.4 * (right - left):
            runs[-1].append(stroke)
            right = max(right, float(x.max()))
        else:
            runs.append([stroke])
            left, right = float(x.min()), float(x.max())
    rows = [np.quantile(np.concatenate(run)[:, 1], (0.1, 0.5, 0.9)) for run in runs]
    widths = [float(np.ptp(np.concatenate(run)[:, 0])) for run in runs]
    high = max(float(r[2] - r[0]) for r in rows)
    for i in range(1, len(rows)):
        for j in range(i):
            apart = rows[i][1] - rows[j][1]
            own = 0.5 * (rows[i][2] - rows[i][0] + rows[j][2] - rows[j][0])
            if apart > max(1.3 * own, 0.7 * high) and min(widths[i], widths[j]) > 0.8 * high:
                return True
    return False


def without_repeats(stroke: np.ndarray) -> np.ndarray:
    """The stroke without points that repeat the one before them."""
    kept: np.ndarray = stroke[np.concatenate([[True], (np.diff(stroke, axis=0) != 0).any(axis=1)])]
    return kept


def without_spikes(stroke: np.ndarray, limit: float) -> np.ndarray:
    """The stroke without single points that leap over `limit` out of it and back: the tablet misread them."""
    if len(stroke) < 3:
        return stroke
    step = np.hypot(*np.diff(stroke, axis=0).T)
    around = np.hypot(*(stroke[2:] - stroke[:-2]).T)
    spikes = (step[:-1] > limit) & (step[1:] > limit) & (around < 0.5 * np.minimum(step[:-1], step[1:]))
    kept: np.ndarray = stroke[np.concatenate([[True], ~spikes, [True]])]
    return kept


def cut_leaps(stroke: np.ndarray, limit: float) -> list[np.ndarray]:
    """The stroke cut in two where it leaps by more than `limit` and by 12 times its own median step.

    The tablet missed that the pen was lifted. Pens that are read seldom make long steps throughout.
    """
    if len(stroke) < 3:
        return [stroke]
    step = np.hypot(*np.diff(stroke, axis=0).T)
    leaps = np.flatnonzero((step > limit) & (step > 12 * np.median(step))) + 1
    return np.split(stroke, leaps)


def grid(strokes: Sequence[np.ndarray]) -> float:
    """The step of the tablet's grid: the usual least distance between the columns, or rows, that points stand in."""
    steps = []
    for axis in (0, 1):
        levels = np.unique(np.concatenate([s[:, axis] for s in strokes]))
        if len(levels) > 8:
            steps.append(float(np.quantile(np.diff(levels), 0.2)))
    return min(steps, default=0.0)


def without_strays(strokes: Sequence[np.ndarray], above: float, below: float) -> list[np.ndarray]:
    """The strokes, but for those that stand wholly over `above` above y = 0 or `below` under it: no part of a line."""
    return [s for s in strokes if s[:, 1].max() >= -above and s[:, 1].min() <= below]


def gaps(strokes: Sequence[np.ndarray], least: float) -> list[tuple[float, float]]:
    """The columns (left, right) over `least` wide, in order, that no stroke passes through or stands in."""
    spans = np.array(sorted((float(s[:, 0].min()), float(s[:, 0].max())) for s in strokes))
    reach = np.maximum.accumulate(spans[:, 1])[:-1]
    wide = np.flatnonzero(spans[1:, 0] - reach > least)
    return [(float(reach[i]), float(spans[i + 1, 0])) for i in wide]


def stands_apart(strokes: Sequence[np.ndarray], spaces: int) -> bool:
    """Whether most of the `spaces` between single letters are gaps of over half the height of the ink."""
    points = np.concatenate(strokes)
    return len(gaps(strokes, 0.6 * float(np.ptp(points[:, 1])))) >= 0.7 * spaces


def narrowed(
    strokes: Sequence[np.ndarray], spaces: int, word_gap: float, letter_gap: float
) -> list[np.ndarray]:
    """Gaps in the line no wider than `word_gap`, for the `spaces` widest, or `letter_gap`, for the others.

    Forms with a box for each letter or word, and words that were added later, leave gaps that nobody writes. 0
    leaves gaps as they are.
    """
    found = gaps(strokes, 0.0)
    if not found:
        return list(strokes)
    order = sorted(range(len(found)), key=lambda i: found[i][0] - found[i][1])
    limit = {i: (word_gap if rank < spaces else letter_gap) or np.inf for rank, i in enumerate(order)}
    starts = np.array([right for _, right in found])
    excess = np.array([max(right - left - limit[i], 0.0) for i, (left, right) in enumerate(found)])
    total = np.concatenate([[0.0], np.cumsum(excess)])
    return [s - np.array([total[np.searchsorted(starts, s[:, 0].min(), side="right")], 0.0]) for s in strokes]
