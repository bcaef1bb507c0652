"""A made-up hand whose measures are known: every letter stands on y = 0 and small ones are one x-height high."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from strokes.ink import Ink

ASCENDER, DESCENDER, ADVANCE = 2.0, 0.8, 1.3


def write(
    text: str, x_height: float = 1.0, slope: float = 0.0, origin: tuple[float, float] = (0.0, 0.0)
) -> Ink:
    """`text` as ink of some 20 points a letter; then turned so that the line falls by `slope`, and moved."""
    strokes = []
    for place, character in enumerate(text):
        if character != " ":
            strokes += [s + np.array([place * ADVANCE, 0.0]) for s in letter(character)]
    angle = np.arctan(slope)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return Ink(tuple(strokes)).transformed(turn * x_height, origin)


def letter(character: str) -> list[np.ndarray]:
    """Strokes of one character, each (n, 2), y down."""
    if character in ".,":
        return [np.array([[0.1, 0.0], [0.15, -0.05]])]
    if character == "-":
        return [_pen([0.1, 0.7], [0.5, 0.52])]
    if character in "bdhk":
        return [_pen([0.2, 0.2, 0.6, 0.9], [ASCENDER, 0.0, 1.0, 0.0])]
    if character in "flt":
        return [_pen([0.4, 0.4], [ASCENDER, 0.0])]
    if character in "gjpqy":
        return [_pen([0.1, 0.3, 0.8, 0.8], [1.0, 0.0, 1.0, -DESCENDER])]
    if character.isupper() or character.isdigit():
        return [_pen([0.1, 0.3, 0.7, 1.0], [0.0, ASCENDER, ASCENDER - 0.1, 0.0])]
    body = [_pen([0.1, 0.3, 0.6, 0.9], [1.0, 0.0, 1.0, 0.0])]
    return [*body, np.array([[0.5, -1.6]])] if character == "i" else body


def _pen(x: list[float], heights: list[float]) -> np.ndarray:
    """Points through corners, slow at each as a pen is; heights are above the baseline."""
    corners = np.stack([x, -np.array(heights)], axis=1)
    share = (1 - np.cos(np.linspace(0, np.pi, 9)[1:, None])) / 2
    parts = [a + (b - a) * share for a, b in pairwise(corners)]
    return np.concatenate([corners[:1], *parts])
