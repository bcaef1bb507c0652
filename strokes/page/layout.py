"""Where lines of ink go on paper."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ..files import InputError
from ..ink import Ink
from ..ink.curves import flatten
from ..ink.metrics import baseline
from .document import Page

__all__ = ["MM_PER_UNIT", "fit_page"]

#: The default size of handwriting: millimetres for one height of a line, which is the standard deviation of
#: its y. Small letters come out 2.5 to 3 mm high.
MM_PER_UNIT = 2.2

_LONGEST_M = 20.0


def fit_page(
    lines: Ink | Sequence[Ink | None],
    *,
    text: str = "",
    scale: float = MM_PER_UNIT,
    line_height: float = 10.0,
    margin: float = 5.0,
) -> Page:
    """A page just large enough for the ink and a margin around it.

    Lines stand one below another, flush left, on baselines `line_height` apart.

    Args:
        lines: one line or several, in units of the network; None leaves a line blank.
        text: what the ink says.
        scale: millimetres for one unit of ink.
        line_height: millimetres from baseline to baseline.
        margin: millimetres between the middle of the pen's outermost marks and the edge of the paper.

    Raises:
        InputError: there is no ink or it is longer than 20 m; scale or line_height is not positive, or
            margin is negative.
    """
    for name, value in (("scale", scale), ("line height", line_height)):
        if not (math.isfinite(value) and value > 0):
            raise InputError(f"the {name} is {value} mm; give a positive number of millimetres")
    if not (math.isfinite(margin) and margin >= 0):
        raise InputError(f"the margin is {margin} mm; give 0 or a positive number of millimetres")
    placed = []
    for row, ink in enumerate([lines] if isinstance(lines, Ink) else lines):
        if ink is not None and ink.strokes:
            shift = -ink.bounds[0] * scale, row * line_height - baseline(ink) * scale
            placed.append(ink.transformed(np.eye(2) * scale, shift))
    if not placed:
        raise InputError("there is no ink to fit a page to; give a text with something to write in it")
    boxes = np.array([ink.bounds for ink in placed])
    metres = float((boxes[:, 2:].max(axis=0) - boxes[:, :2].min(axis=0)).max()) / 1000
    if metres > _LONGEST_M:
        raise InputError(f"the ink would be {metres:.3g} m long; give a smaller scale or a shorter text")
    # The curve bulges a little beyond the points that it passes through.
    curve = np.concatenate([flatten(stroke, 0.01) for ink in placed for stroke in ink.strokes])
    low, high = curve.min(axis=0) - margin, curve.max(axis=0) + margin
    width, height = (math.ceil(size * 1000) / 1000 for size in high - low)
    return Page(width, height, tuple(ink.transformed(shift=-low) for ink in placed), text)
