"""Signs that a line went wrong, found without reading it.

A network that loses its place in the text leaves letters out or smears one over another, falls into
rows of dots, or wanders off its baseline. The window and the ink show it. The limits are set where few
recorded lines of validation 1 cross them (given with each), read with the network's own window.
"""

from __future__ import annotations

import numpy as np

from ..ink import Ink
from ..ink.cleaning import deskew

__all__ = ["false_start", "flaws", "lost_characters", "stray_dots", "wander"]

# Real lines: 5 % have a character with less than 0.47 of the attention at its best moment.
_LEAST_SHARE = 0.4
# Real lines: 12 % have more than one.
_STRAY_DOTS = 1
# In deviations of y. Real lines: 2 % wander by more, over stretches of more than so many recorded points.
_MOST_WANDER = 1.9
_STRETCH = 40

# Characters that are drawn with dots, or with something as small, and how many of them.
_DOTS = dict.fromkeys("ij.,!?'-", 1) | dict.fromkeys(':;"', 2)
_DOT = 0.3  # deviations of y
# Of real lines that begin with a letter 5 % begin with a dot, and 1 % with a stroke between that and this size.
_SHORT_START = 0.8


def flaws(text: str, ink: Ink, window: np.ndarray, every: int = 1) -> int:
    """How many signs there are that a line went wrong; 0 for a sound one.

    Args:
        text: U characters.
        ink: N points in all, as drawn.
        window: phi, (N, U + 1): the last column is the position past the text.
        every: which of the points that a pen records are there: all (1), every second (2) ...
    """
    return (
        lost_characters(text, window)
        + max(0, stray_dots(text, ink, window) - _STRAY_DOTS)
        + false_start(text, ink)
        + (wander(ink, every) > _MOST_WANDER)
    )


def lost_characters(text: str, window: np.ndarray) -> int:
    """How many characters the window passed over, smeared over others, or went back to."""
    place = window.argmax(axis=1)
    back = int(np.maximum(0, -np.diff(place) - 1).sum())
    share = (window / np.maximum(window.sum(axis=1, keepdims=True), 1e-9)).max(axis=0)
    return back + sum(1 for s, c in zip(share, text, strict=False) if c != " " and s < _LEAST_SHARE)


def stray_dots(text: str, ink: Ink, window: np.ndarray) -> int:
    """How many dots were drawn in words beyond those that the words have."""
    size, first = _DOT * _height(ink), 0
    due = {
        i: sum(_DOTS.get(c, 0) for c in text[i + 1 :].split(" ")[0])
        for i in range(-1, len(text))
        if i < 0 or text[i] == " "
    }  # of the word after each space
    for stroke in ink.strokes:
        if np.ptp(stroke, axis=0).max() < size:
            place = min(int(window[first].argmax()), len(text) - 1)
            begin = text.rfind(" ", 0, max(place, 1))
            if begin >= 0 and place - begin <= 2:  # a late dot of the word before, if that still lacks one
                before = text.rfind(" ", 0, begin)
                begin = before if due[before] > 0 else begin
            due[begin] -= 1
        first += len(stroke)
    return -sum(min(0, n) for n in due.values())


def false_start(text: str, ink: Ink) -> bool:
    """Whether a line whose first character is a letter or digit begins with a dot or a dash.

    Some recorded lines do, where a pen was tried; what follows is seldom a whole letter.
    """
    return text[0].isalnum() and float(np.ptp(ink.strokes[0], axis=0).max()) < _SHORT_START * _height(ink)


def wander(ink: Ink, every: int = 1) -> float:
    """How far the middle of the writing rises and falls along a line once it is level, in deviations of y.

    Stretches of few points (see `flaws` for `every`) have no middle worth the name.
    """
    points = deskew(ink).points.astype(np.float64)
    height = points[:, 1].std()
    if height == 0:
        return 0.0
    part = ((points[:, 0] - points[:, 0].min()) / (6 * height)).astype(int)
    middles = [
        np.median(points[part == i, 1]) for i in range(part.max() + 1) if (part == i).sum() > _STRETCH / every
    ]
    return float(np.ptp(middles) / height) if middles else 0.0


def _height(ink: Ink) -> float:
    return float(ink.points[:, 1].std())
