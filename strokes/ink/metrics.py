"""What can be measured on a line of writing. The one place where a line is measured."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from .ink import Ink

__all__ = ["LineMetrics", "line_slope", "line_spread", "rotated"]

# Huber's constant: 95 % efficiency where errors are normal (Huber 1981).
_HUBER = 1.345
# Standard deviation of a normal distribution over its median absolute deviation.
_MAD = 1.4826
# Tops of letters are looked for above the baseline by this many standard deviations of y.
_LEAST_TOP = 0.4
# Median over 600 lines of IAM-OnDB; 5 and 95 %: 0.74, 1.60.
_X_HEIGHT_PER_SPREAD = 1.105
# How the x-height of a line of known text is weighed together, by 366 lines of 60 forms of IAM-OnDB: lines of one form
# then differ by 13 %, against 18 % by the tops of letters alone; 1 - 0.2 is the weight of the spread.
_TOPS = 0.2
# Share of tall characters in a usual line, and what they add to the logarithm of its spread.
_USUALLY_TALL, _TALL = 0.29, 0.55
# So many characters, and the measure counts half.
_DOUBT = 3


@dataclass(frozen=True)
class LineMetrics:
    """A line of writing, measured; lengths are in ink units, y runs down.

    Attributes:
        slope: dy/dx of the line, positive where it falls to the right.
        baseline: y on which the deskewed line stands.
        x_height: height of its small letters above the baseline; 0 where the ink is flat.
        spread: standard deviation of y of the deskewed line.
    """

    slope: float
    baseline: float
    x_height: float
    spread: float

    def x_height_of(self, text: str, usual: float) -> float:
        """The x-height of a line whose text is known, in ink units.

        Tall characters widen a line's spread, and their tops are taken for those of small letters now and then; the
        text says how many there are. The shorter it is, the more the usual x-height counts.

        Args:
            text: what the line says.
            usual: x-height of a usual line of the same source, in ink units.
        """
        written = [c for c in text if not c.isspace()]
        tall = sum(c.isupper() or c.isdigit() or c in "bdfhklt" for c in written) / max(1, len(written))
        spread = _X_HEIGHT_PER_SPREAD * self.spread * math.exp(-_TALL * (tall - _USUALLY_TALL))
        if not spread > 0 or not self.x_height > 0:
            return usual
        measured = spread ** (1 - _TOPS) * self.x_height**_TOPS
        ratio = min(max(measured / usual, 0.4), 2.5)
        return float(usual * ratio ** (len(written) / (len(written) + _DOUBT)))

    @classmethod
    def of(cls, ink: Ink) -> LineMetrics:
        """Measure ink; nothing about it is assumed but that it is one line, read from left to right.

        The baseline is the median of the lowest points of the strokes' turns: most letters end there, descenders are
        few. The x-height is the 40th percentile of the heights of the turns above it: small letters have most of
        them, ascenders and capitals fewer. Ink with no turn above its baseline (a dash, dots) has the x-height that a
        usual line of its spread has.

        Raises:
            ValueError: the ink is empty.
        """
        if not ink.strokes:
            raise ValueError("empty ink cannot be measured")
        slope = line_slope(ink)
        y = rotated(ink.points, slope)[:, 1]
        last = ink.ends
        first = np.append(True, last[:-1])
        move = np.diff(y)
        bottom = (first | np.append(True, move > 0)) & (last | np.append(move <= 0, True))
        top = (first | np.append(True, move < 0)) & (last | np.append(move >= 0, True))
        spread, baseline = float(y.std()), float(np.median(y[bottom]))
        heights = baseline - y[top]
        heights = heights[heights > _LEAST_TOP * spread]
        x_height = float(np.percentile(heights, 40)) if len(heights) else _X_HEIGHT_PER_SPREAD * spread
        return cls(slope, baseline, x_height, spread)


def line_slope(ink: Ink) -> float:
    """The slope dy/dx of a line of writing, by a robust straight fit through its points (Huber's M-estimator).

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
        knee = _HUBER * _MAD * float(np.median(error))
        if knee == 0 or abs(slope - last) < 1e-5:
            break
        weight = knee / np.maximum(error, knee)
    return slope


def line_spread(ink: Ink) -> float:
    """The standard deviation of y of a line once it is deskewed; `LineMetrics` without the rest."""
    return float(rotated(ink.points, line_slope(ink))[:, 1].std())


def rotated(points: np.ndarray, slope: float) -> np.ndarray:
    """Points (N, 2) turned about the origin so that a line of this slope becomes horizontal, (N, 2) float64."""
    angle = np.arctan(slope)
    c, s = np.cos(angle), np.sin(angle)
    turned: np.ndarray = np.asarray(points, np.float64) @ np.array([[c, s], [-s, c]]).T
    return turned
