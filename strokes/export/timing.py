"""When the pen is where: the time that writing takes, for animations."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ..ink.curves import flatten
from ..page import Page

__all__ = ["Drawn", "drawn"]

#: Of one stroke, points a second: recorded pens have about so many, and a network draws like them.
_POINTS_PER_SECOND = 60.0
_TRAVEL_MM_PER_SECOND = 150.0
_SHORTEST = 0.03


@dataclass(frozen=True, eq=False)
class Drawn:
    """A stroke with its times.

    Args:
        layer: the place of its layer among those that are plotted.
        curve: (m, 2) points along it, in millimetres.
        times: (m,) seconds since the beginning at which the pen is there.
    """

    layer: int
    curve: np.ndarray
    times: np.ndarray

    def between(self, begin: float, end: float) -> np.ndarray:
        """The part of the curve, (k, 2) points, that the pen goes along from one moment to another."""
        begin, end = (float(np.clip(t, self.times[0], self.times[-1])) for t in (begin, end))
        inside = (self.times > begin) & (self.times < end)
        first, last = (
            np.array([[np.interp(t, self.times, axis) for axis in self.curve.T]]) for t in (begin, end)
        )
        return np.concatenate([first, self.curve[inside], last])


def drawn(page: Page, speed: float | None = None) -> Iterator[Drawn]:
    """Every stroke that is plotted, in writing order, with its times.

    Args:
        page: of ink.
        speed: of the pen in millimetres a second, lowered and lifted; the hand's own if None: the points that a stroke
            was drawn with follow each other at an even pace.
    """
    now, place = 0.0, None
    for number, layer in enumerate(layer for layer in page.layers if layer.plotted):
        for stroke in layer.strokes:
            way = 0.0 if place is None else float(np.hypot(*(stroke[0] - place)))
            now += way / (speed or _TRAVEL_MM_PER_SECOND)
            curve = flatten(stroke)
            along = np.r_[0.0, np.hypot(*np.diff(curve, axis=0).T).cumsum()]
            length = float(along[-1])
            seconds = max(length / speed if speed else len(stroke) / _POINTS_PER_SECOND, _SHORTEST)
            yield Drawn(number, curve, now + along * (seconds / length if length else 0.0))
            now += seconds
            place = stroke[-1]
