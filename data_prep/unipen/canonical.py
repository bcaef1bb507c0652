"""From tablet units to ink of a corpus: deskewed, baseline at y = 0, one x-height = 1, points by shape."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from strokes.ink.resampling import evened, simplify

from . import geometry
from .characters import placed
from .measuring import Measured
from .options import UnipenOptions
from .segments import Item

__all__ = ["canonical", "canonical_character", "word_height"]

# No letter of a line stands wholly as far above or below its baseline, in x-heights.
_ABOVE, _BELOW = 5.0, 4.0
# No single character is wider.
_WIDEST = 5.0
# However coarse a tablet is, letters keep their corners.
_MOST_ROUNDS = 24
# Gaps in a line that can be between words.
_SPACE = 0.3


def canonical(
    m: Measured, height: float, options: UnipenOptions
) -> tuple[tuple[np.ndarray, ...], list[float]]:
    """The strokes of a text or word, and the widths of the spaces in it, before they are narrowed.

    Args:
        m: measured ink.
        height: the x-height that becomes 1, in tablet units.
        options: which outliers go, how far gaps are narrowed, how points are chosen.
    """
    strokes = [(s - np.array([0.0, m.base])) / height for s in m.strokes]
    if options.leap:
        strokes = [
            part
            for s in strokes
            for part in geometry.cut_leaps(geometry.without_spikes(s, options.leap), options.leap)
        ]
    strokes = geometry.without_strays(strokes, _ABOVE, _BELOW) or strokes
    blanks = m.text.count(" ")
    widths = sorted(right - left for left, right in geometry.gaps(strokes, _SPACE))
    strokes = geometry.narrowed(strokes, blanks, options.word_gap, options.letter_gap)
    return _resampled(strokes, m.item, height, options), widths[-blanks:] if blanks else []


def canonical_character(item: Item, height: float, options: UnipenOptions) -> tuple[np.ndarray, ...] | None:
    """The strokes of one character, placed by what it is; None where it is no character beside its writer's letters.

    ibm stretches a part of its characters to a box of their own.
    """
    strokes = placed(item.text, item.strokes, height)
    points = np.concatenate(strokes)
    (left, top), (right, bottom) = points.min(axis=0), points.max(axis=0)
    if right - left > _WIDEST or top < -_ABOVE or bottom > _BELOW:
        return None
    return _resampled(strokes, item, height, options)


def word_height(m: Measured, height: float, limit: float) -> float:
    """The x-height that a word is scaled by: its writer's, unless its own is over `limit` times larger or smaller.

    Words that were written apart vary in size more than the words of a line.
    """
    if not (limit and m.height):
        return height
    return float(np.clip(height, m.height / limit, m.height * limit))


def _resampled(
    strokes: Sequence[np.ndarray], item: Item, height: float, options: UnipenOptions
) -> tuple[np.ndarray, ...]:
    """Strokes in x-heights, of `height` tablet units each, with only the points that their shape needs."""
    rounds = options.smoothing * (3 if item.source in options.jagged else 1)
    # evened() smooths by a Gaussian of standard deviation step * sqrt(rounds / 2).
    wanted = options.grid * geometry.grid(item.strokes) / height
    by_grid = min(int(np.ceil(2 * (wanted / options.step) ** 2)), _MOST_ROUNDS)
    even = evened(strokes, options.step, max(rounds, by_grid))
    return tuple(simplify(even, options.tolerance, options.longest_step, 4 / 3 * options.tolerance))
