"""Composed characters, drawn on a line that a model wrote: where its letters stand, in its slant and size."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..ink import Ink
from ..ink.curves import flatten
from .composer import Composed, Part
from .marks import ABOVE, BELOW, BESIDE, THROUGH, Shape
from .recipes import Change
from .symbols import SYMBOLS
from .tracing import Letter, Stroke, Tracing

__all__ = ["apply", "trace"]

# x-heights.
_GAP = 0.2  # between a letter and a mark above it
_CLEAR = 0.1  # between a mark or symbol and other ink
_SPACE = 0.5  # between words of which one is a symbol
_HIGHEST = -2.9  # no letter is taken to be higher
_CURVE = 0.004  # how near to its curve a stroke is
# How unlike themselves marks are from one to the next (standard deviations).
_TURN, _SIZE, _UNSTEADY = 0.06, 0.07, 0.018


def apply(composed: Composed, ink: Ink, window: np.ndarray, seed: Sequence[int] = (0,)) -> Ink:
    """Draw the composed characters of a line.

    Marks are drawn once their word is done, symbols in the place of the hyphen that stands for them; what follows moves
    along if they are wider or narrower.

    Args:
        composed: the line.
        ink: its `text` as a model drew it, N points, canonical.
        window: phi, (N, U + 1); U characters.
        seed: of the line; the same one gives the same marks. Each character has a generator of its own.

    Raises:
        ValueError: the window is not of this ink and text.
    """
    if not composed.parts or not ink.strokes:
        return ink
    return trace(composed, ink, window, seed).ink()


def trace(composed: Composed, ink: Ink, window: np.ndarray, seed: Sequence[int] = (0,)) -> Tracing:
    """As `apply`, with the character of `composed.text` that each point belongs to.

    Raises:
        ValueError: the window is not of this ink and text.
    """
    if window.shape != (ink.point_count, len(composed.text) + 1):
        raise ValueError(
            f"the window has shape {window.shape}; for this ink and text it is "
            f"({ink.point_count}, {len(composed.text) + 1})"
        )
    tracing = Tracing(composed.text, ink, window)
    for part in composed.parts:
        pen = _Pen(tracing.slant, np.random.default_rng((*seed, part.first)))
        _draw(tracing, part, pen)
    return tracing


class _Pen:
    """Draws shapes slanted, and a little differently each time."""

    def __init__(self, slant: float, rng: np.random.Generator) -> None:
        self.slant, self.rng = slant, rng

    def strokes(self, shape: Shape, owner: int, about: float = 0.0, size: float = 1.0) -> list[Stroke]:
        """A shape as strokes, sheared about the height `about`."""
        angle, scale = (
            self.rng.normal(0, _TURN),
            size * np.exp(self.rng.normal(0, _SIZE, 2).clip(-0.15, 0.15)),
        )
        c, s = np.cos(angle), np.sin(angle)
        every = np.concatenate([np.asarray(stroke, np.float64) for stroke in shape])
        middle = (every.min(axis=0) + every.max(axis=0)) / 2
        result = []
        for stroke in shape:
            points = (np.asarray(stroke, np.float64) - middle) @ np.array(
                [[c, -s], [s, c]]
            ).T * scale + middle
            points += self.rng.normal(0, _UNSTEADY, points.shape).clip(-0.05, 0.05)
            points[:, 0] -= self.slant * (points[:, 1] - about)
            result.append(_stroke(points, owner))
        return result

    def through(self, shape: Shape, owner: int) -> list[Stroke]:
        """A shape that is given where it is drawn: slanted already, only a little unsteady."""
        result = []
        for stroke in shape:
            points = np.asarray(stroke, np.float64)
            result.append(_stroke(points + self.rng.normal(0, 0.02, points.shape).clip(-0.05, 0.05), owner))
        return result


def _stroke(points: np.ndarray, owner: int) -> Stroke:
    curve = flatten(points, _CURVE)
    return Stroke(curve, np.full(len(curve), owner), added=True)


def _draw(tracing: Tracing, part: Part, pen: _Pen) -> None:
    recipe = part.recipe
    last = part.first + len(recipe.base) - 1
    for i, change in enumerate(recipe.changes):
        if change.symbol:
            _symbol(tracing, part.first + i, change.symbol, pen)
        if change != Change():
            _change(tracing, part.first + i, change)
    replaced = recipe.symbol or recipe.blank
    letter = _symbol(tracing, last, recipe.symbol, pen) if replaced else tracing.letter(last)
    dot = tracing.dot_of(last) if recipe.dotless else None
    if dot is not None:
        tracing.remove([dot])
    top = letter.top
    for name in recipe.marks:
        if name in THROUGH:
            strokes = pen.through(THROUGH[name](letter), last)
        elif name in BESIDE:
            strokes = _placed(pen.strokes(BESIDE[name], last), float(letter.at(0.9)[-1]), top)
        elif name in BELOW:
            strokes = _below(letter, name, pen, last)
        else:
            strokes = _above(tracing, letter, name, pen, last, top, dot)
            top = min(float(s.points[:, 1].min()) for s in strokes)
        tracing.add_after_word(last, strokes)


def _above(
    tracing: Tracing, letter: Letter, name: str, pen: _Pen, owner: int, top: float, dot: Stroke | None
) -> list[Stroke]:
    """A mark above a letter: where its dot was, or over its middle; aside or higher if ink is there."""
    top = max(top, _HIGHEST)
    strokes = pen.strokes(ABOVE[name], owner, size=_size(letter))
    if dot is not None:
        stem = float(np.median(letter.at(0.9))) - pen.slant * (dot.middle[1] - top)
        x = float(np.clip(dot.middle[0], stem - 0.3, stem + 0.3))
        height = max(float(np.ptp(s.points[:, 1])) for s in strokes)
        y = min(max(float(dot.middle[1]), top - 0.9) + height / 2, top - 0.15)
    else:
        y = top - _GAP
        middle = float(np.clip(_middle(letter), letter.left, letter.right))
        x = middle - pen.slant * (y - 0.15 - (letter.top + letter.bottom) / 2)
    others = np.concatenate([np.zeros((0, 2)), *[s.points for s in tracing.strokes]])
    places = sorted(
        ((dx, dy) for dx in (0.0, -0.1, 0.1, -0.2, 0.2) for dy in (0.0, -0.1, -0.2, -0.35, -0.5)),
        key=lambda d: abs(d[0]) + abs(d[1]),
    )
    points = np.concatenate([s.points for s in strokes])
    for dx, dy in places:
        if not _touches(points + np.array((x + dx, y + dy)), others):
            return _placed(strokes, x + dx, y + dy)
    return _placed(strokes, x, y)


def _below(letter: Letter, name: str, pen: _Pen, owner: int) -> list[Stroke]:
    if name == "ogonek":
        low = letter.points[letter.points[:, 1] > letter.bottom - 0.3]
        return _placed(pen.strokes(BELOW[name], owner), float(low[:, 0].max()) - 0.05, letter.bottom - 0.02)
    low = letter.points[letter.points[:, 1] > letter.bottom - 0.25, 0]
    x = float((low.min() + low.max()) / 2)
    return _placed(pen.strokes(BELOW[name], owner, size=_size(letter)), x, letter.bottom)


def _middle(letter: Letter) -> float:
    """The x of a letter's middle; the strokes that join it to others count little."""
    left, right = np.quantile(letter.points[:, 0], (0.05, 0.95))
    return float(left + right) / 2


def _size(letter: Letter) -> float:
    """Wide letters have wider marks."""
    return float(np.clip(0.75 + 0.25 * (letter.right - letter.left), 0.85, 1.15))


def _touches(points: np.ndarray, others: np.ndarray) -> bool:
    low, high = points.min(axis=0) - _CLEAR, points.max(axis=0) + _CLEAR
    near = others[((others > low) & (others < high)).all(axis=1)]
    if not len(near):
        return False
    return bool(np.hypot(*(points[:, None] - near[None]).transpose(2, 0, 1)).min() < _CLEAR)


def _placed(strokes: list[Stroke], x: float, y: float) -> list[Stroke]:
    for stroke in strokes:
        stroke.points = stroke.points + np.array((x, y))
    return strokes


def _symbol(tracing: Tracing, k: int, name: str, pen: _Pen) -> Letter:
    """Draw a symbol in the place of character k; the line after it moves along."""
    own = tracing.own(k)
    stand_in = tracing.letter(k)
    left, right = stand_in.left, max(stand_in.right, stand_in.left + 0.1)
    right = min(right, left + 1.5)
    index = next((i for i, s in enumerate(tracing.strokes) if any(s is o for o in own)), None)
    tracing.remove(own)
    if not name:
        top, x = -1.1, (left + right) / 2
        return Letter(np.array([[x - 0.25, top], [x + 0.25, 0.0]]), x - 0.25, x + 0.25, top, 0.0)
    strokes = pen.strokes(SYMBOLS[name], k, about=-0.5)
    every = np.concatenate([s.points for s in strokes])
    strokes = _placed(strokes, left - float(every[:, 0].min()), 0.0)
    every = np.concatenate([s.points for s in strokes])
    tracing.shift_from((left + right) / 2, float(every[:, 0].max()) - right)
    if index is None:
        tracing.add_after_word(k, strokes)
    else:
        tracing.strokes[index:index] = strokes
    _clear(tracing, strokes)
    every = np.concatenate([s.points for s in strokes])
    (x0, y0), (x1, y1) = every.min(axis=0), every.max(axis=0)
    return Letter(every, float(x0), float(x1), float(y0), float(y1))


def _clear(tracing: Tracing, strokes: list[Stroke]) -> None:
    """Move a symbol off the ink before it, and the ink after it off the symbol."""
    k = int(strokes[0].owners[0])
    middle = float(np.mean([s.middle[0] for s in strokes]))
    every = np.concatenate([s.points for s in strokes])
    before = [s.points for s in tracing.strokes if s.owners.max() < k]
    after = [s.points for s in tracing.strokes if s.owners.min() > k]
    if before and (overlap := _overlap(np.concatenate(before), every, _gap(tracing, k - 1))) > 0:
        tracing.shift_from(middle, overlap, besides=strokes)
        _placed(strokes, overlap, 0.0)
        every = every + np.array((overlap, 0.0))
    if after and (overlap := _overlap(every, np.concatenate(after), _gap(tracing, k + 1))) > 0:
        tracing.shift_from(middle, overlap, besides=strokes)


def _gap(tracing: Tracing, neighbour: int) -> float:
    """What has to be free between a symbol and what is beside it."""
    return _SPACE if 0 <= neighbour < len(tracing.text) and tracing.text[neighbour] == " " else 1.5 * _CLEAR


def _overlap(left: np.ndarray, right: np.ndarray, gap: float) -> float:
    """By how much ink on the right has to move so that this gap is left of it, at the same heights."""
    most = 0.0
    for y in np.arange(-2.5, 1.0, 0.25):
        a = left[np.abs(left[:, 1] - y) < 0.3, 0]
        b = right[np.abs(right[:, 1] - y) < 0.3, 0]
        if len(a) and len(b):
            most = max(most, float(a.max() - b.min()) + gap)
    return min(most, 1.5)


def _change(tracing: Tracing, k: int, change: Change) -> None:
    """Turn, scale, raise or tighten the ink of character k."""
    own = tracing.own(k) or [s for s in tracing.strokes if s.added and s.owners[0] == k]
    if not own:
        return
    every = np.concatenate([s.points for s in own])
    low, high = every.min(axis=0), every.max(axis=0)
    middle, factors = (low + high) / 2, np.array(change.scale)
    flat = change.scale[1] == 1.0
    origin = np.array([low[0], 0.0 if not flat else middle[1]])
    for stroke in own:
        points = 2 * middle - stroke.points if change.turned else stroke.points
        points = (points - origin) * factors + origin - (0.0, change.rise)
        stroke.points = points[::-1] if change.turned else points
    saved = (high[0] - low[0]) * (1 - factors[0])
    if saved:
        tracing.shift_from(float(middle[0]), -float(saved), besides=own)
    if change.scale[0] > 1:
        _clear(tracing, own)
    if change.tighten is not None:
        before = [s.points for s in tracing.strokes if (s.owners == k - 1).any()]
        every = np.concatenate([s.points for s in own])
        if before:
            gap = float(every[:, 0].min() - np.concatenate(before)[:, 0].max())
            by = float(np.clip(change.tighten - gap, -1.0, 0.4))
            for stroke in own:
                stroke.points = stroke.points + np.array((by, 0.0))
            tracing.shift_from(float(every[:, 0].mean()), by, besides=own)
