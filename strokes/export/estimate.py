"""How far the pen goes, and how long a plotter needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated

import numpy as np
from msgspec import Meta

from ..documents import check_fields
from ..ink.curves import flatten
from ..page import Page
from .geometry import DOT_MM, ordered

__all__ = ["Estimate", "Speeds", "estimate"]


@dataclass(frozen=True)
class Speeds:
    """How fast a plotter is.

    Args:
        draw_speed: of the lowered pen, in millimetres a second.
        travel_speed: of the lifted pen, in millimetres a second.
        lift_time: seconds to lift the pen and lower it again.

    Raises:
        ValueError: a value is out of its range.
    """

    draw_speed: Annotated[float, Meta(ge=0.1, le=10_000)] = 50.0
    travel_speed: Annotated[float, Meta(ge=0.1, le=10_000)] = 150.0
    lift_time: Annotated[float, Meta(ge=0, le=60)] = 0.3

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True)
class Estimate:
    """What plotting pages takes, without acceleration.

    Args:
        pen_down_mm: length of the ink.
        pen_up_mm: length of the ways from each stroke to the next on its page.
        lifts: how often the pen is lifted: once after each stroke.
        pens: how many pens draw.
        seconds: at the speeds given, without changes of pens and paper.
    """

    pen_down_mm: float
    pen_up_mm: float
    lifts: int
    pens: int
    seconds: float

    def __str__(self) -> str:
        minutes, seconds = divmod(round(self.seconds), 60)
        hours, minutes = divmod(minutes, 60)
        time = f"{hours} h {minutes:02} min" if hours else f"{minutes} min {seconds:02} s"
        pens = f", {self.pens} pens" if self.pens > 1 else ""
        return (
            f"pen down {self.pen_down_mm / 1000:.2f} m, pen up {self.pen_up_mm / 1000:.2f} m,"
            f" {self.lifts} lifts{pens}: about {time}"
        )


def estimate(pages: Page | Sequence[Page], speeds: Speeds | None = None, *, sort: bool = False) -> Estimate:
    """What plotting pages takes, along the curves that are plotted.

    The ways of the pen from its rest to the first stroke of a page and back are not counted.

    Args:
        pages: one or several.
        speeds: of the plotter.
        sort: in the order of the option `sort` of the formats of plotters, not in that of writing.
    """
    speeds = speeds or Speeds()
    down = up = 0.0
    lifts = 0
    pens: set[int] = set()
    for page in [pages] if isinstance(pages, Page) else pages:
        layers = [layer.strokes for layer in page.layers if layer.plotted]
        strokes = [stroke for layer in layers for stroke in (ordered(layer) if sort else layer)]
        down += sum(max(_length(flatten(stroke, 0.001)), DOT_MM) for stroke in strokes)
        up += sum(float(np.hypot(*(b[0] - a[-1]))) for a, b in pairwise(strokes))
        lifts += len(strokes)
        pens |= {n for n, layer in enumerate(layers) if layer}
    seconds = down / speeds.draw_speed + up / speeds.travel_speed + lifts * speeds.lift_time
    return Estimate(down, up, lifts, len(pens), seconds)


def _length(points: np.ndarray) -> float:
    """Of a polyline (n, 2)."""
    return float(np.hypot(*np.diff(points, axis=0).T).sum())
