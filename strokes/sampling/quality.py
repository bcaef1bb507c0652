"""Quality checks: signs that a line went wrong, found without reading it.

A network that loses its place in the text leaves letters out or smears one over another, falls into rows of dots, or
wanders off its baseline. The window and the ink show it. The limits are set where few recorded lines of validation 1
cross them (given with each), read with the network's own window.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..ink import Ink
from ..ink.metrics import line_spread, rotated, slope_of

__all__ = [
    "STRAY_DOTS",
    "QualityReport",
    "baseline_drift",
    "best_shares",
    "check_quality",
    "dot_size",
    "drifts",
    "false_start",
    "is_marks",
    "lost_characters",
    "smeared_places",
    "starts_short",
    "stray_dots",
    "stray_places",
]

# Recorded lines: 5 % have a character with less than 0.47 of the attention at its best moment.
_LEAST_SHARE = 0.4
#: Of a line, that are no fault. Recorded lines: 12 % have more.
STRAY_DOTS = 1
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
    spread = line_spread(ink)
    if is_marks(text):
        stray = len(ink.strokes) - sum(_STROKES[c] for c in text)
    else:
        stray = stray_dots(text, ink, window, spread) - STRAY_DOTS
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
    return back + len(smeared_places(text, best_shares(window)))


def best_shares(window: np.ndarray) -> np.ndarray:
    """The attention that each position had at its best moment, (U + 1,) in 0..1; window (N, U + 1), N >= 1."""
    best: np.ndarray = (window / np.maximum(window.sum(axis=1, keepdims=True), 1e-9)).max(axis=0)
    return best


def smeared_places(text: str, shares: np.ndarray) -> list[int]:
    """Characters that never had enough of the attention, by place."""
    return [i for i in np.flatnonzero(shares[: len(text)] < _LEAST_SHARE).tolist() if text[i] != " "]


def stray_dots(text: str, ink: Ink, window: np.ndarray, spread: float | None = None) -> int:
    """How many dots were drawn in words beyond those that the words have.

    Args:
        text: U characters.
        ink: N points.
        window: phi, (N, U + 1).
        spread: of the line, measured if None.
    """
    size = dot_size(line_spread(ink) if spread is None else spread)
    firsts = np.cumsum([0, *map(len, ink.strokes)])
    dots = [
        int(first) for first, s in zip(firsts, ink.strokes, strict=False) if np.ptp(s, axis=0).max() < size
    ]
    return len(stray_places(text, window[dots].argmax(axis=1).tolist()))


def dot_size(spread: float) -> float:
    """What is smaller in every direction is a dot, in a line of this spread."""
    return _DOT * spread


def stray_places(text: str, dots: Sequence[int]) -> list[int]:
    """Of dots, given by the place of the window when each was begun, those beyond the dots that their words have."""
    # Dots due in the word after each space; -1 stands before the first word.
    due = {
        i: sum(_DOTS.get(c, 0) for c in text[i + 1 :].split(" ")[0])
        for i in range(-1, len(text))
        if i < 0 or text[i] == " "
    }
    stray = []
    for at in dots:
        place = min(at, len(text) - 1)
        begin = text.rfind(" ", 0, max(place, 1))
        if begin >= 0 and place - begin <= 2:  # a late dot of the word before, if that still lacks one
            before = text.rfind(" ", 0, begin)
            begin = before if due[before] > 0 else begin
        due[begin] -= 1
        if due[begin] < 0:
            stray.append(place)
    return stray


def false_start(text: str, ink: Ink, spread: float | None = None) -> bool:
    """Whether a line whose first character is a letter or digit begins with a dot or a dash.

    Some recorded lines do, where a pen was tried; what follows is seldom a whole letter.
    """
    spread = line_spread(ink) if spread is None else spread
    return starts_short(text, float(np.ptp(ink.strokes[0], axis=0).max()), spread)


def starts_short(text: str, extent: float, spread: float) -> bool:
    """`false_start`, where the larger of the first stroke's width and height is known."""
    return text[0].isalnum() and extent < _SHORT_START * spread


def is_marks(text: str) -> bool:
    """Whether a text is of marks alone: it has no letters that a stroke too many could be part of."""
    return set(text) <= _STROKES.keys()


def baseline_drift(ink: Ink, points_per_character: float = 21.4) -> float:
    """Baseline drift: range of segment medians of y once the line is deskewed, in spreads.

    Segments are six spreads wide; those of few points have no median worth the name.
    """
    medians = _segments(ink.points, points_per_character)[1]
    return float(np.ptp(list(medians.values()))) if medians else 0.0


def drifts(points: np.ndarray, points_per_character: float = 21.4) -> tuple[int | None, float]:
    """Where the baseline drifts too far, if it does, and the spread of the line.

    It does at the later one of the two segments that are furthest apart.

    Args:
        points: (N, 2), one line.
        points_per_character: of a usual line.

    Returns:
        the number of that segment's first point or None; the standard deviation of y.
    """
    segment, medians, spread = _segments(points, points_per_character)
    if not medians or max(medians.values()) - min(medians.values()) <= _MOST_DRIFT:
        return None, spread
    later = max(max(medians, key=medians.__getitem__), min(medians, key=medians.__getitem__))
    return int((segment == later).argmax()), spread


def _segments(points: np.ndarray, points_per_character: float) -> tuple[np.ndarray, dict[int, float], float]:
    """The segment of each point, the median of y in those that have points enough, in spreads, and the spread."""
    points = rotated(points, slope_of(points)).astype(np.float32).astype(np.float64)
    spread = float(points[:, 1].std())
    if spread == 0:
        return np.zeros(len(points), np.int64), {}, spread
    segment = (points[:, 0] - points[:, 0].min()) / (6 * spread)
    if segment.max() > len(points):  # ink that is all but flat: no segment has points enough
        return np.zeros(len(points), np.int64), {}, spread
    segment = segment.astype(np.int64)
    counts = np.bincount(segment)
    enough = np.flatnonzero(counts > _SEGMENT * points_per_character).tolist()
    return segment, {i: float(np.median(points[segment == i, 1]) / spread) for i in enough}, spread
