"""Quality checks: signs that a line went wrong, found without reading it.

A network that loses its place in the text leaves letters out or smears one over another, falls into rows of dots, or
wanders off its baseline. The window and the ink show it. The limits are set where few recorded lines of validation 1
cross them (given with each), read with the network's own window.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..ink import Ink
from ..ink.cleaning import deskew
from ..ink.metrics import LineMetrics

__all__ = [
    "QualityReport",
    "baseline_drift",
    "check_quality",
    "false_start",
    "lost_characters",
    "stray_dots",
]

# Recorded lines: 5 % have a character with less than 0.47 of the attention at its best moment.
_LEAST_SHARE = 0.4
# Recorded lines: 12 % have more than one.
_STRAY_DOTS = 1
# In spreads (standard deviations of y). Recorded lines: 2 % drift by more, over segments of more points than this
# many characters have.
_MOST_DRIFT = 1.9
_SEGMENT = 1.87

# Characters that are drawn with dots, or with something as small, and how many of them.
_DOTS = dict.fromkeys("ij.,!?'-", 1) | dict.fromkeys(':;"', 2)
_DOT = 0.3  # spreads
# Strokes of marks that have no letter's shape.
_STROKES = {" ": 0} | dict.fromkeys(".,'-", 1) | dict.fromkeys('!?:;"', 2)
# Of recorded lines that begin with a letter 5 % begin with a dot, and 1 % with a stroke between that and this size.
_SHORT_START = 0.8


@dataclass(frozen=True)
class QualityReport:
    """What the checks found; all zero for a sound line.

    Attributes:
        lost_characters: characters that the window passed over, smeared over others, or went back to.
        stray_dots: dots beyond those that the words have, less the one that recorded lines have, too; strokes beyond
            those of the marks in a text of marks alone.
        false_start: whether a line that begins with a letter or digit begins with a dot or a dash.
        drift: whether the writing rises or falls along the line.
    """

    lost_characters: int = 0
    stray_dots: int = 0
    false_start: bool = False
    drift: bool = False

    @property
    def problems(self) -> int:
        """How many signs there are that the line went wrong."""
        return self.lost_characters + self.stray_dots + self.false_start + self.drift


def check_quality(
    text: str, ink: Ink, window: np.ndarray, points_per_character: float = 21.4
) -> QualityReport:
    """Run every check on one line.

    Args:
        text: U characters.
        ink: N points in all, as drawn; its unit does not matter.
        window: phi, (N, U + 1): the last column is the position past the text.
        points_per_character: of a usual line.
    """
    spread = LineMetrics.of(ink).spread
    if (
        set(text) <= _STROKES.keys()
    ):  # marks alone: there are no letters that a stroke too many could be part of
        stray = len(ink.strokes) - sum(_STROKES[c] for c in text)
    else:
        stray = stray_dots(text, ink, window, spread) - _STRAY_DOTS
    return QualityReport(
        lost_characters(text, window),
        max(0, stray),
        false_start(text, ink, spread),
        baseline_drift(ink, points_per_character) > _MOST_DRIFT,
    )


def lost_characters(text: str, window: np.ndarray) -> int:
    """How many characters the window passed over, smeared over others, or went back to."""
    place = window.argmax(axis=1)
    back = int(np.maximum(0, -np.diff(place) - 1).sum())
    share = (window / np.maximum(window.sum(axis=1, keepdims=True), 1e-9)).max(axis=0)
    return back + sum(1 for s, c in zip(share, text, strict=False) if c != " " and s < _LEAST_SHARE)


def stray_dots(text: str, ink: Ink, window: np.ndarray, spread: float | None = None) -> int:
    """How many dots were drawn in words beyond those that the words have.

    Args:
        text: U characters.
        ink: N points.
        window: phi, (N, U + 1).
        spread: of the line, measured if None.
    """
    size, first = _DOT * (LineMetrics.of(ink).spread if spread is None else spread), 0
    # Dots due in the word after each space; -1 stands before the first word.
    due = {
        i: sum(_DOTS.get(c, 0) for c in text[i + 1 :].split(" ")[0])
        for i in range(-1, len(text))
        if i < 0 or text[i] == " "
    }
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


def false_start(text: str, ink: Ink, spread: float | None = None) -> bool:
    """Whether a line whose first character is a letter or digit begins with a dot or a dash.

    Some recorded lines do, where a pen was tried; what follows is seldom a whole letter.
    """
    spread = LineMetrics.of(ink).spread if spread is None else spread
    return text[0].isalnum() and float(np.ptp(ink.strokes[0], axis=0).max()) < _SHORT_START * spread


def baseline_drift(ink: Ink, points_per_character: float = 21.4) -> float:
    """Baseline drift: range of segment medians of y once the line is deskewed, in spreads.

    Segments are six spreads wide; those of few points have no median worth the name.
    """
    points = deskew(ink).points.astype(np.float64)
    spread = points[:, 1].std()
    if spread == 0:
        return 0.0
    segment = (points[:, 0] - points[:, 0].min()) / (6 * spread)
    if segment.max() > len(points):  # ink that is all but flat: no segment has points enough
        return 0.0
    segment = segment.astype(np.int64)
    least = _SEGMENT * points_per_character
    medians = [
        np.median(points[segment == i, 1]) for i in range(segment.max() + 1) if (segment == i).sum() > least
    ]
    return float(np.ptp(medians) / spread) if medians else 0.0
