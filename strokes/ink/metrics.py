"""What can be measured on a line of writing. The one place where a line is measured."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from .ink import Ink

__all__ = ["X_HEIGHT_PER_SPREAD", "LineMetrics", "line_slope", "line_spread", "rotated", "slope_of"]

# Huber's constant: 95 % efficiency where errors are normal (Huber 1981).
_HUBER = 1.345
# Standard deviation of a normal distribution over its median absolute deviation.
_MAD = 1.4826
# In spreads: the pen turns where it moves back by this much. Tops of letters are this much above the baseline.
_LEAST_TURN, _LEAST_TOP = 0.3, 0.4
# Share of tall characters in a usual line, and of turns at the top of one for each of them.
_USUALLY_TALL, _TALL_TOPS = 0.29, 0.6
#: Median over 640 lines of IAM-OnDB.
X_HEIGHT_PER_SPREAD = 1.40
# What tall characters add to the logarithm of a line's spread, times their share; weight of the tops of letters in its
# scale, times the share of small ones.
_TALL, _TOPS = 0.6, 0.7
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
        """The x-height of a line whose text is known, in ink units: the scale of the line.

        A geometric mean of what the tops of its small letters say and what its spread says, less what tall characters
        add to that: lines of one form of IAM-OnDB then differ by 12.8 %, by either measure alone by 13.8 % and 15.2 %.
        The shorter the text, the more the usual x-height counts.

        Args:
            text: what the line says.
            usual: x-height of a usual line of the same source, in ink units.
        """
        tall = _tall_share(text)
        by_spread = X_HEIGHT_PER_SPREAD * self.spread * math.exp(-_TALL * (tall - _USUALLY_TALL))
        if not by_spread > 0 or not self.x_height > 0:
            return usual
        weight = _TOPS * (1 - tall)
        ratio = min(max(self.x_height**weight * by_spread ** (1 - weight) / usual, 0.4), 2.5)
        visible = sum(not c.isspace() for c in text)
        return float(usual * ratio ** (visible / (visible + _DOUBT)))

    @classmethod
    def of(cls, ink: Ink, text: str | None = None) -> LineMetrics:
        """Measure ink; nothing about it is assumed but that it is one line, read from left to right.

        The baseline is the median of the places where the pen turns upwards: most letters stand there, descenders are
        few. The x-height is the middle one of the turns of small letters above it: the lowest ones, by the share of
        tall characters in the text. Ink without such turns (a dash, dots) stands on the lowest point of its middle
        stroke, and has the x-height that a usual line of its spread has.

        Args:
            ink: one line.
            text: what it says; one with a usual share of tall characters if None.

        Raises:
            ValueError: the ink is empty.
        """
        if not ink.strokes:
            raise ValueError("empty ink cannot be measured")
        slope = line_slope(ink)
        strokes = np.split(rotated(ink.points, slope)[:, 1], np.flatnonzero(ink.ends)[:-1] + 1)
        spread = float(np.concatenate(strokes).std())
        turns = [_turns(y, _LEAST_TURN * spread) for y in strokes]
        tops, bottoms = (np.concatenate(part) for part in zip(*turns, strict=True))
        baseline = float(np.median(bottoms if len(bottoms) else [y.max() for y in strokes]))
        heights = baseline - tops
        heights = heights[heights > _LEAST_TOP * spread]
        small = 1 - _TALL_TOPS * (_USUALLY_TALL if text is None else _tall_share(text))
        x_height = float(np.quantile(heights, small / 2)) if len(heights) else X_HEIGHT_PER_SPREAD * spread
        return cls(slope, baseline, x_height, spread)


def _tall_share(text: str) -> float:
    """The share of tall characters in what is visible of a text."""
    visible = [c for c in text if not c.isspace()]
    return sum(c.isupper() or c.isdigit() or c in "bdfhklt" for c in visible) / max(1, len(visible))


def _turns(y: np.ndarray, least: float) -> tuple[np.ndarray, np.ndarray]:
    """The y at which a stroke turns, tops and bottoms, y down; its ends are turns, too.

    A turn counts once the pen has moved `least` back from it: joins between letters and tremor do not.
    """
    tops: list[float] = []
    bottoms: list[float] = []
    if not np.ptp(y) >= least > 0:
        return np.array(tops), np.array(bottoms)
    down: bool | None = None  # where the pen is going
    low = high = float(y[0])
    for value in y.tolist():
        low, high = min(low, value), max(high, value)
        if down is not False and high - value >= least:
            bottoms.append(high)
            down, low = False, value
        elif down is not True and value - low >= least:
            tops.append(low)
            down, high = True, value
    (bottoms if down else tops).append(high if down else low)
    return np.array(tops), np.array(bottoms)


def line_slope(ink: Ink) -> float:
    """The slope dy/dx of a line of writing, by a robust straight fit through its points (Huber's M-estimator).

    0 where the ink is too short for its height to tell a slope from the shapes of letters.
    """
    return slope_of(ink.points)


def slope_of(points: np.ndarray) -> float:
    """`line_slope` of ink whose points, (N, 2), are known."""
    points = points.astype(np.float64)
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


def line_spread(ink: Ink | np.ndarray) -> float:
    """The standard deviation of y of a line once it is deskewed; `LineMetrics` without the rest.

    Args:
        ink: one line, or its points, (N, 2).
    """
    points = ink.points if isinstance(ink, Ink) else ink
    return float(rotated(points, slope_of(points))[:, 1].std())


def rotated(points: np.ndarray, slope: float) -> np.ndarray:
    """Points (N, 2) turned about the origin so that a line of this slope becomes horizontal, (N, 2) float64."""
    angle = np.arctan(slope)
    c, s = np.cos(angle), np.sin(angle)
    turned: np.ndarray = np.asarray(points, np.float64) @ np.array([[c, s], [-s, c]]).T
    return turned
