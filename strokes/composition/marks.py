"""Marks of letters, as a pen draws them. Lengths are in x-heights, y runs down.

Strokes are given by a few points that a smooth curve goes through.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from .tracing import Letter

__all__ = ["ABOVE", "BELOW", "BESIDE", "MARKS", "THROUGH", "Shape"]

#: Strokes, each a list of (x, y).
Shape = Sequence[Sequence[tuple[float, float]]]


def _ring(x: float, y: float, radius: float) -> list[tuple[float, float]]:
    angles = np.linspace(-1.8, -1.8 - 2 * np.pi - 0.3, 10)
    return [(x + radius * float(np.cos(a)), y + radius * float(np.sin(a))) for a in angles]


_CIRCUMFLEX = ((-0.27, -0.02), (-0.12, -0.22), (0.0, -0.36), (0.1, -0.24), (0.27, -0.03))
_CARON = ((-0.27, -0.34), (-0.12, -0.14), (-0.01, -0.01), (0.11, -0.16), (0.28, -0.38))
_BREVE = ((-0.25, -0.3), (-0.17, -0.1), (0.0, -0.02), (0.17, -0.11), (0.26, -0.32))
_ACUTE = ((0.16, -0.4), (0.03, -0.22), (-0.12, 0.0))
_GRAVE = ((-0.18, -0.38), (-0.05, -0.22), (0.12, 0.0))
_COMMA = ((0.03, 0.0), (0.06, 0.1), (0.01, 0.24), (-0.09, 0.34))
_DOT = ((0.02, -0.06), (-0.01, 0.04))


def _at(shape: Sequence[tuple[float, float]], x: float, y: float = 0.0) -> list[tuple[float, float]]:
    return [(a + x, b + y) for a, b in shape]


#: Marks above a letter; their lower end is at y = 0, their middle at x = 0.
ABOVE: dict[str, Shape] = {
    "acute": (_ACUTE,),
    "grave": (_GRAVE,),
    "circumflex": (_CIRCUMFLEX,),
    "caron": (_CARON,),
    "breve": (_BREVE,),
    "inverted breve": ([(x, -0.32 - y) for x, y in _BREVE],),
    "tilde": (((-0.34, -0.04), (-0.22, -0.2), (-0.06, -0.17), (0.07, -0.06), (0.21, -0.03), (0.35, -0.2)),),
    "macron": (((-0.32, -0.1), (0.0, -0.13), (0.33, -0.12)),),
    "diaeresis": (_at(_DOT, -0.18, -0.1), _at(_DOT, 0.19, -0.12)),
    "dot above": (_at(_DOT, 0.0, -0.1),),
    "ring": (_ring(0.0, -0.17, 0.16),),
    "double acute": (_at(_ACUTE, -0.14), _at(_ACUTE, 0.16)),
    "double grave": (_at(_GRAVE, -0.14), _at(_GRAVE, 0.16)),
    "hook above": (((-0.12, -0.32), (0.02, -0.4), (0.14, -0.3), (0.05, -0.16), (0.0, -0.02)),),
    "comma above": (((0.08, -0.38), (-0.04, -0.26), (-0.05, -0.12), (0.02, 0.0)),),
}
#: Marks below a letter; they begin at y = 0.
BELOW: dict[str, Shape] = {
    "cedilla": (((0.02, -0.04), (-0.04, 0.12), (0.12, 0.17), (0.16, 0.3), (0.04, 0.41), (-0.15, 0.37)),),
    "ogonek": (((0.04, -0.04), (-0.1, 0.12), (-0.1, 0.28), (0.03, 0.36), (0.18, 0.28)),),
    "comma below": (_at(_COMMA, 0.0, 0.16),),
    "dot below": (_at(_DOT, 0.0, 0.24),),
    "diaeresis below": (_at(_DOT, -0.17, 0.24), _at(_DOT, 0.17, 0.24)),
    "macron below": (((-0.3, 0.24), (0.0, 0.22), (0.3, 0.23)),),
    "ring below": (_ring(0.0, 0.32, 0.15),),
}
#: Marks to the right of the top of a letter; y = 0 is the top.
BESIDE: dict[str, Shape] = {"apostrophe": (((0.16, -0.02), (0.18, 0.1), (0.14, 0.24), (0.05, 0.36)),)}


def _slash(letter: Letter) -> Shape:
    x, y = (letter.left + letter.right) / 2, (letter.top + letter.bottom) / 2
    half = max(0.3, (letter.right - letter.left) / 2), max(0.35, (letter.bottom - letter.top) / 2)
    dx, dy = 0.85 * half[0] + 0.08, half[1] + 0.16
    return (((x + dx, y - dy), (x + 0.1 * dx, y - 0.12 * dy), (x - dx, y + dy)),)


def _across(
    height: float, left: float, right: float, tilt: float, which: str = "left"
) -> Callable[[Letter], Shape]:
    """A bar through the stem at a share of the letter's height, from `left` to `right` of it."""

    def shape(letter: Letter) -> Shape:
        x = letter.at(height)
        y = letter.bottom + height * (letter.top - letter.bottom)
        if which == "span":
            first, last = float(x[0]) - left, float(x[-1]) + right
        else:
            stem = float(x[0] if which == "left" else x[-1] if which == "right" else np.median(x))
            first, last = stem - left, stem + right
        return (((first, y + tilt), ((first + last) / 2, y - 0.02), (last, y - tilt)),)

    return shape


def _bars(*bars: Callable[[Letter], Shape]) -> Callable[[Letter], Shape]:
    return lambda letter: [stroke for bar in bars for stroke in bar(letter)]


def _upright(letter: Letter) -> Shape:
    x = (letter.left + letter.right) / 2
    return (
        (
            (x + 0.08, letter.top - 0.22),
            (x, (letter.top + letter.bottom) / 2),
            (x - 0.06, letter.bottom + 0.22),
        ),
    )


def _eth(letter: Letter) -> Shape:
    x, top, right = (letter.left + letter.right) / 2, letter.top, letter.right
    curve = (
        (x - 0.3, top - 0.75),
        (x + 0.05, top - 0.55),
        (right - 0.02, top + 0.0),
        (right + 0.02, top + 0.5),
    )
    return (curve, ((x + 0.22, top - 0.68), (x - 0.12, top - 0.34)))


def _ascender(letter: Letter) -> Shape:
    x = float(letter.at(0.8)[0])
    return (((x + 0.2, -1.95), (x + 0.1, -1.4), (x, letter.top + 0.35)),)


def _tail(letter: Letter) -> Shape:
    x = letter.right
    return (((x - 0.02, -0.15), (x - 0.03, 0.2), (x - 0.16, 0.48), (x - 0.42, 0.42)),)


def _descender(letter: Letter) -> Shape:
    x = float(letter.at(0.5)[0])
    return (((x, -0.45), (x - 0.03, 0.1), (x - 0.12, 0.75)),)


def _underline(letter: Letter) -> Shape:
    x, y = float(np.median(letter.points[:, 0])), letter.bottom + 0.18
    half = min(0.4, (letter.right - letter.left) / 2)
    return (((x - half, y + 0.02), (x + half, y)),)


#: Strokes that go through a letter or go on from it: the letter, as it was drawn -> where they are.
THROUGH: dict[str, Callable[[Letter], Shape]] = {
    "slash": _slash,
    "stem slash": _across(0.48, 0.26, 0.32, 0.14),
    "ascender bar": _across(0.8, 0.3, 0.3, 0.02, "middle"),
    "stem bar": _across(0.52, 0.3, 0.36, 0.01),
    "wide bar": _across(0.76, 0.2, 0.2, 0.01, "span"),
    "bar": _across(0.42, 0.3, 0.3, 0.02, "middle"),
    "euro bars": _bars(_across(0.6, 0.25, 0.55, 0.02), _across(0.4, 0.28, 0.5, 0.02)),
    "yen bars": _bars(_across(0.36, 0.35, 0.4, 0.01, "middle"), _across(0.18, 0.35, 0.4, 0.01, "middle")),
    "upright": _upright,
    "eth": _eth,
    "ascender": _ascender,
    "tail": _tail,
    "descender": _descender,
    "underline": _underline,
}
#: The names of all marks.
MARKS = frozenset((*ABOVE, *BELOW, *BESIDE, *THROUGH))
