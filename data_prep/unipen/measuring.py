"""Where each segment's writing stands and how large its writer's letters are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from strokes.ink import Ink
from strokes.ink.metrics import line_slope, rotated

from . import geometry
from .characters import CAPITAL
from .segments import Item

__all__ = ["Measured", "measure", "writer_heights"]

# Shorter labels are too narrow for their height to tell a slope from the shapes of letters.
_SLOPED = 8
# A writer with fewer measured lines of small letters is measured by capitals as well.
_ENOUGH = 3


@dataclass(frozen=True)
class Measured:
    """A segment with its slope taken out, in tablet units.

    Attributes:
        item: the segment.
        text: its label as the ink has it.
        strokes: (n, 2) float64 each, y down.
        base: y of the baseline.
        height: x-height, or None where the text has too few small letters.
        capital: height of capitals and digits, or None where it is not made of them.
    """

    item: Item
    text: str
    strokes: tuple[np.ndarray, ...]
    base: float
    height: float | None
    capital: float | None


def measure(item: Item, text: str) -> Measured | None:
    """Measure a text or word; None where the pen never turns, so that nothing tells where it stands."""
    strokes: Sequence[np.ndarray] = item.strokes
    slope = line_slope(Ink(tuple(strokes))) if len(text) >= _SLOPED else 0.0
    if slope:
        strokes = [rotated(s, slope) for s in strokes]
    spread = float(np.concatenate(strokes)[:, 1].std())
    if spread == 0:
        return None
    tops, bottoms = geometry.turns(strokes, 0.4 * spread)
    if len(tops) == 0 or len(bottoms) == 0:
        return None
    base = geometry.baseline(bottoms, text)
    return Measured(
        item,
        text,
        tuple(strokes),
        base,
        geometry.x_height(tops, base, text),
        geometry.tall_height(tops, base, text),
    )


def writer_heights(items: Iterable[Measured], characters: Iterable[Item]) -> dict[str, float]:
    """Each writer's x-height in tablet units.

    The median over lines with small letters; a writer with fewer than three of them is measured by lines of
    capitals and digits as well, then by characters written one by one, then by the others of the same source.
    """
    small: dict[str, list[float]] = defaultdict(list)
    tall: dict[str, list[float]] = defaultdict(list)
    single: dict[str, list[float]] = defaultdict(list)
    writers: set[str] = set()
    for m in items:
        writers.add(m.item.writer)
        if m.height:
            small[m.item.writer].append(m.height)
        elif m.capital:
            tall[m.item.writer].append(m.capital / CAPITAL)
    for item in characters:
        writers.add(item.writer)
        rise = float(np.ptp(np.concatenate(item.strokes)[:, 1]))
        if rise > 0 and item.text != "Q" and (item.text.isupper() or item.text.isdigit()):
            single[item.writer].append(rise / CAPITAL)
        elif rise > 0 and item.text in "acemnorsuvwxz":
            single[item.writer].append(rise)
    out: dict[str, float] = {}
    for writer in writers:
        values = small[writer] if len(small[writer]) >= _ENOUGH else [*small[writer], *tall[writer]]
        if values or single[writer]:
            out[writer] = float(np.median(values or single[writer]))
    of_source: dict[str, list[float]] = defaultdict(list)
    for writer, height in out.items():
        of_source[writer.partition("/")[0]].append(height)
    for writer in writers - out.keys():
        if others := of_source[writer.partition("/")[0]]:
            out[writer] = float(np.median(others))
    return out
