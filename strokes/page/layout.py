"""Where lines of ink go on paper."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from msgspec import Meta

from ..documents import check_fields
from ..files import InputError
from ..ink import Ink
from ..ink.curves import flatten
from .document import Layer, Page

__all__ = ["INK", "PageOptions", "fit_page"]

#: The name of the layer that text is written on.
INK = "ink"

# An x-height is this share of the distance between lines.
_X_HEIGHT = 0.306
_LONGEST_M = 20.0


@dataclass(frozen=True)
class PageOptions:
    """How lines are set on paper.

    Args:
        line_height: millimetres from one baseline to the next; the writing keeps its share of it.
        margin: millimetres between the middle of the pen's outermost marks and the edge of the paper.

    Raises:
        ValueError: a number is out of range.
    """

    line_height: Annotated[float, Meta(ge=1, le=1000)] = 10.0
    margin: Annotated[float, Meta(ge=0, le=1000)] = 5.0

    def __post_init__(self) -> None:
        check_fields(self)

    @property
    def x_height(self) -> float:
        """Millimetres for one x-height, the unit of canonical ink."""
        return _X_HEIGHT * self.line_height


def fit_page(
    lines: Ink | Sequence[Ink | None], options: PageOptions | None = None, *, text: str = ""
) -> Page:
    """A page just large enough for the ink and a margin around it.

    Lines stand one below another, flush left, all to one scale.

    Args:
        lines: one line or several, canonical ink (baseline at y = 0, x-height 1); None leaves a line blank.
        options: line height and margin.
        text: what the ink says.

    Raises:
        InputError: there is no ink, or it would be longer than 20 m.
    """
    options = options or PageOptions()
    placed = []
    for row, ink in enumerate([lines] if isinstance(lines, Ink) else lines):
        if ink is not None and ink.strokes:
            shift = -ink.bounds[0] * options.x_height, row * options.line_height
            placed.append(ink.transformed(np.eye(2) * options.x_height, shift))
    if not placed:
        raise InputError("there is no ink to fit a page to; give a text with something to write in it")
    boxes = np.array([ink.bounds for ink in placed])
    metres = float((boxes[:, 2:].max(axis=0) - boxes[:, :2].min(axis=0)).max()) / 1000
    if metres > _LONGEST_M:
        raise InputError(
            f"the ink would be {metres:.3g} m long; give a smaller line height or a shorter text"
        )
    # The curve bulges a little beyond the points that it passes through.
    curve = np.concatenate([flatten(stroke, 0.01) for ink in placed for stroke in ink.strokes])
    low, high = curve.min(axis=0) - options.margin, curve.max(axis=0) + options.margin
    width, height = (math.ceil(size * 1000) / 1000 for size in (high - low).tolist())
    strokes = tuple(stroke for ink in placed for stroke in ink.transformed(shift=-low).strokes)
    return Page(width, height, (Layer(INK, strokes),), text)
