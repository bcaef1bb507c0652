"""Preprocessing: how a network's offsets come from recorded ink, and how ink comes back from them.

Saved with every corpus and every model. Geometry is decided by it alone.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Annotated, Literal

import numpy as np
from msgspec import Meta

from .documents import check_fields
from .ink import Ink
from .ink.cleaning import deskew, subsample
from .ink.metrics import LineMetrics, rotated
from .ink.resampling import simplify

__all__ = ["Preprocessing", "Statistics"]

# How far the smooth curve through the points may stray from the pen's line, in tolerances.
_BULGE = 4 / 3
# Ink units are those of a digitiser (some 100 an x-height) or x-heights.
_Mean = Annotated[float, Meta(ge=-1e6, le=1e6)]
_Std = Annotated[float, Meta(ge=1e-6, le=1e6)]


@dataclass(frozen=True)
class Statistics:
    """Mean and standard deviation of the offsets, (x, y), in ink units.

    Raises:
        ValueError: a number is out of range.
    """

    mean: tuple[_Mean, _Mean] = (0.0, 0.0)
    std: tuple[_Std, _Std] = (1.0, 1.0)

    def __post_init__(self) -> None:
        check_fields(self)

    def normalise(self, offsets: np.ndarray) -> np.ndarray:
        """(T, 3) offsets in ink units -> (T, 3) float32, each axis with mean 0 and standard deviation 1.

        The first row is the pen at its starting point, which is not an offset: it becomes zeros
        (its end_of_stroke stays).
        """
        out = np.array(offsets, np.float64)
        out[:, :2] = (out[:, :2] - self.mean) / self.std
        out[:1, :2] = 0.0
        return out.astype(np.float32)

    def restore(self, offsets: np.ndarray) -> np.ndarray:
        """The inverse of `normalise`, with the pen starting at the origin; (T, 3) float64."""
        out = np.array(offsets, np.float64)
        out[:, :2] = out[:, :2] * self.std + self.mean
        out[:1, :2] = 0.0
        return out


@dataclass(frozen=True)
class Preprocessing:
    """What is done to clean ink before a network sees it, in this order: deskew, scale, subsample in time and by shape,
    standardise.

    Args:
        statistics: of the offsets over the training lines.
        deskew: whether each line's slope is taken out.
        scale: what becomes 1 ink unit: "none" leaves the unit of the recording, "spread" divides each line by the
            standard deviation of its y, "x_height" divides by the writer's x-height.
        every: temporal subsampling: every n-th point of a stroke is kept, and its two ends.
        tolerance: curvature subsampling: points are left out where the curve stays this near, in x-heights; 0 for
            none.
        longest_step: no step within a stroke is left longer than this by curvature subsampling, in x-heights.
        x_height: of a usual training line, in ink units.
        points_per_character: of a usual training line.

    Raises:
        ValueError: a number is out of range.
    """

    statistics: Statistics = field(default_factory=Statistics)
    deskew: bool = True
    scale: Literal["none", "spread", "x_height"] = "none"
    every: Annotated[int, Meta(ge=1, le=100)] = 1
    tolerance: Annotated[float, Meta(ge=0, le=1)] = 0.0
    longest_step: Annotated[float, Meta(ge=0, le=100)] = 0.0
    x_height: Annotated[float, Meta(ge=1e-5, le=1e6)] = 1.0
    points_per_character: Annotated[float, Meta(ge=1, le=1000)] = 21.4

    def __post_init__(self) -> None:
        check_fields(self)

    @property
    def geometry(self) -> tuple[object, ...]:
        """What must agree for one's offsets to mean the same as another's, up to their statistics."""
        return self.deskew, self.scale, self.every, self.tolerance, self.longest_step

    def to_offsets(self, ink: Ink) -> np.ndarray:
        """Ink in ink units as the network reads it, (T, 3) float32."""
        return self.statistics.normalise(ink.to_offsets())

    def to_ink(self, offsets: np.ndarray) -> Ink:
        """Offsets (T, 3) as drawn by a network, as ink in ink units that starts at the origin."""
        return Ink.from_offsets(self.statistics.restore(offsets))

    def canonical(self, ink: Ink, text: str) -> Ink:
        """One line in ink units as pages take it: deskewed, its baseline at y = 0, one x-height = 1.

        Raises:
            ValueError: the ink is empty.
        """
        metrics = LineMetrics.of(ink, text)
        x_height = metrics.x_height_of(text, self.x_height)
        shift = np.array([0.0, metrics.baseline])
        return Ink(tuple((rotated(s, metrics.slope) - shift) / x_height for s in ink.strokes))

    def apply(self, ink: Ink, phase: int = 0, x_height: float | None = None) -> Ink:
        """Clean recorded ink as ink in ink units: deskewed, scaled and subsampled.

        Args:
            ink: one line, in the units of its recording.
            phase: which of the points temporal subsampling keeps.
            x_height: the writer's, in the units of the recording; that of this line if None.

        Raises:
            ValueError: all its points are at one height, so that it cannot be scaled.
        """
        if self.deskew:
            ink = deskew(ink)
        if self.scale != "none":
            unit = self._unit(ink, x_height)
            if not unit > 0:
                raise ValueError("all its points are at one height")
            ink = Ink(tuple(s.astype(np.float64) / unit for s in ink.strokes))
        ink = subsample(ink, self.every, phase)
        return self._simplified(ink) if self.tolerance and ink.strokes else ink

    def _simplified(self, ink: Ink) -> Ink:
        """Deskewed and scaled ink with the points that its shape needs."""
        x_height = 1.0 if self.scale == "x_height" else LineMetrics.of(ink).x_height
        if not x_height > 0:
            raise ValueError("all its points are at one height")
        tolerance, longest = self.tolerance * x_height, self.longest_step * x_height
        return Ink(tuple(simplify(ink.strokes, tolerance, longest or math.inf, _BULGE * tolerance)))

    def _unit(self, ink: Ink, x_height: float | None) -> float:
        """The length of one ink unit, in units of the recording; 0 where the ink does not tell."""
        if not ink.strokes:
            return 0.0
        if self.scale == "spread":
            return float(ink.points[:, 1].astype(np.float64).std())
        return LineMetrics.of(ink).x_height if x_height is None else x_height
