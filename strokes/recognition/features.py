"""What the recogniser sees of ink: the pen's path in equal steps, free of size, slope and sampling rate."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..ink import Ink
from ..ink.metrics import X_HEIGHT_PER_SPREAD, LineMetrics, rotated

__all__ = ["FEATURES", "STEP", "Features", "line_frame", "path_features"]

#: Columns of a row: dx, dy, y, pen up, first of its stroke, jump x, jump y, distance behind the rightmost point.
FEATURES = 8
#: Distance between two rows of a stroke, in x-heights.
STEP = 0.2
# Rows of a jump between strokes and of a dot: enough for CTC to put a blank between two dots.
_JUMP_ROWS = 2
_DOT_ROWS = 2
# In x-heights; wider jumps and later strokes look alike.
_WIDEST = 6.0
# Ink flatter than this share of its width, whose path is hardly longer than that, is dashes or dots, not letters.
_FLAT, _STRAIGHT = 0.2, 1.2
_DASH = 0.8


@dataclass(frozen=True)
class Features:
    """Rows of a line.

    Attributes:
        rows: (T, FEATURES) float32.
        points: (T,) int64, for each row the nearest earlier index into `Ink.points`.
    """

    rows: np.ndarray
    points: np.ndarray


def line_frame(ink: Ink) -> np.ndarray:
    """The affine map (2, 3) that deskews a line, puts its baseline at y = 0 and makes one x-height 1.

    Raises:
        ValueError: the ink is empty.
    """
    metrics = LineMetrics.of(ink)
    # Tops of letters and spread, each wrong in its own way, in equal parts.
    height = float(np.sqrt(max(metrics.x_height, 0) * max(X_HEIGHT_PER_SPREAD * metrics.spread, 0)))
    width, tall = np.ptp(ink.points.astype(np.float64), axis=0)
    path = sum(float(np.hypot(*np.diff(s.astype(np.float64), axis=0).T).sum()) for s in ink.strokes)
    if tall < _FLAT * width and path < _STRAIGHT * width:
        height = width / (_DASH * len(ink))
    height = height if height > 0 else 1.0
    turn = rotated(np.eye(2), metrics.slope).T / height
    return np.column_stack([turn, [0.0, -metrics.baseline / height]])


def path_features(ink: Ink, frame: np.ndarray, step: float = STEP) -> Features:
    """The pen's path in equal steps.

    Args:
        ink: one line.
        frame: (2, 3), maps its points to x-heights above or below the baseline, y down.
        step: distance between two rows of a stroke, in x-heights.

    Raises:
        ValueError: the ink is empty.
    """
    if not ink.strokes:
        raise ValueError("empty ink cannot be read")
    points = ink.points.astype(np.float64) @ frame[:, :2].T + frame[:, 2]
    lasts = np.flatnonzero(ink.ends)
    firsts = np.concatenate([[0], lasts[:-1] + 1])
    lengths = np.hypot(*np.diff(points, axis=0).T)
    lengths[lasts[:-1]] = 0.0
    along = np.concatenate([[0.0], np.cumsum(lengths)])
    counts = np.maximum(np.ceil((along[lasts] - along[firsts]) / step).astype(int) + 1, _DOT_ROWS)
    # Each stroke's rows, with the rows of the jump that leads to it before them.
    jumps = np.where(np.arange(len(counts)) > 0, _JUMP_ROWS, 0)
    sizes = counts + jumps
    stroke = np.repeat(np.arange(len(counts)), sizes)
    place = np.arange(len(stroke)) - np.repeat(np.cumsum(sizes) - sizes, sizes) - jumps[stroke]
    share = np.clip(place / np.maximum(counts - 1, 1)[stroke], 0, 1)
    at = along[firsts][stroke] + (along[lasts] - along[firsts])[stroke] * share
    index = _place_in(along, at, firsts[stroke], lasts[stroke])
    gap = np.maximum(along[np.minimum(index + 1, len(along) - 1)] - along[index], 1e-12)
    part = np.where(index < lasts[stroke], np.clip((at - along[index]) / gap, 0, 1), 0.0)[:, None]
    where = points[index] * (1 - part) + points[np.minimum(index + 1, len(points) - 1)] * part
    return Features(_rows(where, place, step), index)


def _place_in(along: np.ndarray, at: np.ndarray, first: np.ndarray, last: np.ndarray) -> np.ndarray:
    """The last point at or before each distance, within its stroke."""
    found = np.searchsorted(along, at, side="right") - 1
    place: np.ndarray = np.clip(found, first, last)
    return place


def _rows(where: np.ndarray, place: np.ndarray, step: float) -> np.ndarray:
    """Rows of features; `place` counts the rows of a stroke from 0, its jump is before."""
    up = place < 0
    moves = np.diff(where, axis=0, prepend=where[:1])
    jump = np.zeros_like(moves)
    begins = np.flatnonzero(place == -_JUMP_ROWS)
    for k in range(_JUMP_ROWS):
        jump[begins + k] = moves[begins]
    moves[up | (place == 0)] = 0.0
    behind = where[:, 0] - np.maximum.accumulate(where[:, 0])
    rows = np.empty((len(where), FEATURES), np.float32)
    rows[:, :2] = moves / step
    rows[:, 2] = np.clip(where[:, 1], -_WIDEST, _WIDEST)
    rows[:, 3] = up
    rows[:, 4] = place == 0
    rows[:, 5:7] = np.clip(jump, -_WIDEST, _WIDEST)
    rows[:, 7] = np.clip(behind, -_WIDEST, 0)
    return rows
