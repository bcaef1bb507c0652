"""Ink: pen strokes in a plane, and the offsets a network reads and writes.

Ink has x to the right and y down, and no unit of its own until a page gives it millimetres.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

__all__ = ["Ink", "Line"]


@dataclass(frozen=True, eq=False)
class Ink:
    """Pen-down strokes in the order in which they were drawn.

    Args:
        strokes: arrays of shape (n, 2), n >= 1, columns x and y (down). They are copied to
            read-only float32. A stroke of one point is a dot.

    Raises:
        ValueError: a stroke is empty, has another shape, or holds a number that is not finite.
    """

    strokes: tuple[np.ndarray, ...] = ()

    def __post_init__(self) -> None:
        frozen = []
        for i, stroke in enumerate(self.strokes):
            points = np.array(stroke, dtype=np.float32)
            if points.ndim != 2 or points.shape[1] != 2 or len(points) == 0:
                raise ValueError(f"stroke {i} has shape {points.shape}; it must be (n, 2) with n >= 1")
            if not np.isfinite(points).all():
                raise ValueError(f"stroke {i} holds a coordinate that is not a finite number")
            points.setflags(write=False)
            frozen.append(points)
        object.__setattr__(self, "strokes", tuple(frozen))

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Ink)
            and len(self.strokes) == len(other.strokes)
            and all(np.array_equal(a, b) for a, b in zip(self.strokes, other.strokes, strict=True))
        )

    __hash__ = None  # type: ignore[assignment]  # arrays have no hash

    def __len__(self) -> int:
        """The number of strokes."""
        return len(self.strokes)

    @property
    def point_count(self) -> int:
        return sum(map(len, self.strokes))

    @property
    def points(self) -> np.ndarray:
        """All points in writing order, (N, 2) float32."""
        return np.concatenate(self.strokes) if self.strokes else np.zeros((0, 2), np.float32)

    @property
    def ends(self) -> np.ndarray:
        """(N,) bool: which of `points` is the last of its stroke."""
        ends = np.zeros(self.point_count, bool)
        ends[np.cumsum([len(s) for s in self.strokes], dtype=np.int64) - 1] = True
        return ends

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """(x_min, y_min, x_max, y_max) of the points.

        Raises:
            ValueError: the ink is empty.
        """
        if not self.strokes:
            raise ValueError("empty ink has no bounds")
        points = self.points
        (x0, y0), (x1, y1) = points.min(axis=0), points.max(axis=0)
        return float(x0), float(y0), float(x1), float(y1)

    def transformed(self, matrix: np.ndarray | None = None, shift: Iterable[float] = (0.0, 0.0)) -> Ink:
        """The ink with every point p mapped to `matrix @ p + shift` (matrix (2, 2), default identity)."""
        a = np.eye(2) if matrix is None else np.asarray(matrix, np.float64)
        b = np.asarray(tuple(shift), np.float64)
        return Ink(tuple(s.astype(np.float64) @ a.T + b for s in self.strokes))

    def scaled(self, factor: float) -> Ink:
        return self.transformed(np.eye(2) * factor)

    def to_offsets(self) -> np.ndarray:
        """Offsets (T, 3) float64: dx, dy from the previous point and end_of_stroke (0 or 1).

        The first row is the first point itself (an offset from the origin), so nothing is lost.
        """
        if not self.strokes:
            return np.zeros((0, 3))
        points = self.points.astype(np.float64)
        offsets = np.zeros((len(points), 3))
        offsets[:, :2] = np.diff(points, axis=0, prepend=np.zeros((1, 2)))
        offsets[:, 2] = self.ends
        return offsets

    @classmethod
    def from_points(cls, points: np.ndarray, ends: np.ndarray) -> Ink:
        """Points (N, 2) split after each end, (N,) bool. A last stroke that was left open is closed."""
        return cls(tuple(s for s in np.split(points, np.flatnonzero(ends) + 1) if len(s)))

    @classmethod
    def from_offsets(cls, offsets: np.ndarray) -> Ink:
        """The inverse of `to_offsets`. A last stroke that was left open is closed.

        Raises:
            ValueError: the array is not (T, 3).
        """
        offsets = np.asarray(offsets, np.float64)
        if offsets.ndim != 2 or offsets.shape[1] != 3:
            raise ValueError(f"offsets have shape {offsets.shape}; they must be (T, 3)")
        return cls.from_points(np.cumsum(offsets[:, :2], axis=0), offsets[:, 2] > 0.5)


@dataclass(frozen=True)
class Line:
    """One line of ink, what it says and where it came from."""

    ink: Ink
    text: str
    name: str = ""
    writer: str = ""
    split: str = ""
