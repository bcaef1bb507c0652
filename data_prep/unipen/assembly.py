"""Words of one writer set side by side into lines, as that writer would have written them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

__all__ = ["Piece", "compose", "word_space"]

# The part of a word that its neighbours keep away from, in x-heights, y down: tails and loops may reach under.
_BAND = (-1.4, 0.35)


@dataclass(frozen=True)
class Piece:
    """Ink with its baseline at y = 0 and one x-height = 1, and what it says."""

    name: str
    text: str
    strokes: tuple[np.ndarray, ...]


def _edges(strokes: Sequence[np.ndarray]) -> tuple[float, float]:
    """Left and right end of the ink near the baseline, or of all of it."""
    points = np.concatenate(strokes)
    near = points[(points[:, 1] > _BAND[0]) & (points[:, 1] < _BAND[1]), 0]
    x = near if len(near) else points[:, 0]
    return float(x.min()), float(x.max())


def word_space(words: Sequence[float], letters: Sequence[float]) -> float:
    """The space between a writer's words, in x-heights.

    The median of those measured, but no less than stands out among the gaps between the writer's letters (of 29
    writers of texts the median is 2.0 beside 0.5).

    Args:
        words: widths of gaps between words; fewer than five tell nothing.
        letters: widths of gaps between letters.
    """
    between = float(np.median(letters)) if letters else 0.25
    least = 0.6 + 1.6 * between
    natural = float(np.median(words)) if len(words) >= 5 else 0.6 + 2.5 * between
    return float(np.clip(max(natural, least), 0.9, 2.2))


def compose(
    pieces: Sequence[Piece], space: float, shortest: int, longest: int, rng: np.random.Generator
) -> Iterator[tuple[str, str, list[np.ndarray]]]:
    """Lines (name, text, strokes) of `shortest` to `longest` characters or more, each piece used once.

    Args:
        pieces: of one writer, in the order they are to be used in.
        space: between two words, in x-heights; varied by up to a quarter.
        shortest, longest: bounds of the length that a line aims at, drawn anew for each.
        rng: draws lengths and spaces.
    """
    line: list[Piece] = []
    aim = int(rng.integers(shortest, longest + 1))
    for piece in pieces:
        line.append(piece)
        if sum(len(p.text) + 1 for p in line) - 1 >= aim:
            yield _set(line, space, rng)
            line, aim = [], int(rng.integers(shortest, longest + 1))
    if line:
        yield _set(line, space, rng)


def _set(line: Sequence[Piece], space: float, rng: np.random.Generator) -> tuple[str, str, list[np.ndarray]]:
    strokes: list[np.ndarray] = []
    at, reach = 0.0, -np.inf
    for piece in line:
        left, right = _edges(piece.strokes)
        x = np.concatenate(piece.strokes)[:, 0]
        # Nothing of a word reaches over more than a part of the space, whatever its height.
        shift = max(at - left, reach + 0.35 * space - float(x.min()))
        strokes += [s + np.array([shift, 0.0]) for s in piece.strokes]
        at = right + shift + space * float(rng.uniform(0.75, 1.25))
        reach = float(x.max()) + shift
    name = line[0].name if len(line) == 1 else f"{line[0].name}+{len(line) - 1}"
    return name, " ".join(p.text for p in line), strokes
