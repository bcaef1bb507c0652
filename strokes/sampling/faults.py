"""Signs that a word went wrong, found without reading it: stroke by stroke while a line is drawn, and at its end."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from ..ink.metrics import line_spread
from ..preprocessing import Preprocessing
from .quality import (
    STRAY_DOTS,
    best_shares,
    dot_size,
    drifts,
    false_start,
    is_marks,
    smeared_places,
    starts_short,
    stray_places,
)
from .sample import Sample
from .trace import Trace
from .words import Words

__all__ = ["LineFollower", "faulty_words"]

# A position is judged once the window has moved on by more than so many: its components do not move as one.
_LAG = 1
# Drift is looked for, and the spread measured, each time so many words more are there.
_DRIFT_WORDS = 2
# Points of a word and the space before it after which it has derailed: in a model's points a character, and on top.
_LONGEST, _MARGIN = 2.0, 40


class _Stroke(NamedTuple):
    """What is kept of a stroke, so that going back in a line is to drop the last of them."""

    last: int  # points of the line once it was drawn
    place: int  # of the window at its first point
    end_place: int  # and at its last
    extent: float  # the larger of width and height, ink units
    shares: np.ndarray  # best shares of attention of the line so far
    furthest: int  # place of the window so far
    drift_checked: int  # word up to which drift was looked for


class LineFollower:
    """Follows a line, stroke by stroke.

    Args:
        words: of its text.
        preprocessing: the model's.
        spread: of a usual line, in ink units.
    """

    def __init__(self, words: Words, preprocessing: Preprocessing, spread: float) -> None:
        self.words = words
        self._usual = self._spread = spread
        self._preprocessing = preprocessing
        self._marks = is_marks(words.text)
        self._strokes: list[_Stroke] = []

    def rewind(self, length: int) -> None:
        """Forget all but the first `length` points, which end with a stroke."""
        while self._strokes and self._strokes[-1].last > length:
            self._strokes.pop()

    def longest(self, word: int, upto: int) -> int:
        """Points that words from one to another may have."""
        characters = self.words.ends[upto] - self.words.starts[word] + 1
        return int(_LONGEST * self._preprocessing.points_per_character * characters) + _MARGIN

    @property
    def next_word(self) -> int | None:
        """The word that may begin now that a stroke has ended; None within a word."""
        return self.words.next_at(self._strokes[-1].end_place) if self._strokes else None

    def stroke_ended(
        self,
        trace: Trace,
        row: int,
        blames: Callable[[int], bool],
        doubts: Callable[[int], bool] = lambda word: False,
    ) -> int | None:
        """A stroke ended with the last point of a row.

        Args:
            trace: what is drawn.
            row: where this line is in it.
            blames: whether a word can still be blamed.
            doubts: whether it can be for what a sound line may have.

        Returns:
            the first word that went wrong; None if there is no sign of any.
        """
        text, length = self.words.text, trace.length(row)
        before = self._strokes[-1] if self._strokes else None
        first = before.last if before else 0
        window = trace.part(row, len(text), first, length)
        places = window.argmax(axis=1)
        # The first stroke begins at the starting point, which is not in the trace.
        moves = trace.points(row, first, length)[:, :2]
        statistics = self._preprocessing.statistics
        path = np.cumsum(moves * statistics.std + statistics.mean, axis=0)
        if not before:
            path = np.concatenate([np.zeros((1, 2)), path])
        size = float(np.ptp(path, axis=0).max())
        shares, furthest = best_shares(window), int(places.max())
        if before:
            shares, furthest = np.maximum(before.shares, shares), max(before.furthest, furthest)
        faults = [int(self.words.at[i]) for i in smeared_places(text, shares) if i < furthest - _LAG]
        came_from = before.end_place if before else places[0]
        if places[0] - came_from < -1 or (len(places) > 1 and (places[1:] - places[:-1]).min() < -1):
            back = np.diff(places, prepend=came_from) < -1
            faults += self.words.at[places[back]].tolist()
        checked = before.drift_checked if before else 0
        word = int(self.words.at[furthest])
        if word >= checked + _DRIFT_WORDS:
            checked = word
            faults += self._drift(trace, row)
        stroke = _Stroke(length, int(places[0]), int(places[-1]), size, shares, furthest, checked)
        self._strokes.append(stroke)
        faults += self._false_start(stroke)
        stray = self._stray_dots(stroke)
        if stray and (len(stray) > STRAY_DOTS or doubts(stray[-1])):
            faults.append(stray[-1])
        return min(filter(blames, faults), default=None) if faults else None

    def _false_start(self, stroke: _Stroke) -> list[int]:
        """The first word, if this is its first stroke and too short for a letter."""
        short = len(self._strokes) == 1 and starts_short(self.words.text, stroke.extent, self._spread)
        return [0] if short and not self._marks else []

    def _stray_dots(self, stroke: _Stroke) -> list[int]:
        """The words of dots too many; none if this stroke is no dot."""
        size = dot_size(self._spread)
        if self._marks or stroke.extent >= size:
            return []
        dots = [s.place for s in self._strokes if s.extent < size]
        stray = stray_places(self.words.text, dots)
        if not stray or len(stray) == len(stray_places(self.words.text, dots[:-1])):
            return []
        return [int(self.words.at[place]) for place in stray]

    def _drift(self, trace: Trace, row: int) -> list[int]:
        points = self._preprocessing.statistics.restore(trace.offsets(row))[:, :2].cumsum(axis=0)
        point, spread = drifts(points, self._preprocessing.points_per_character)
        self._spread = float(np.clip(spread, self._usual / 2, self._usual * 2))
        if point is None:
            return []
        window = trace.part(row, len(self.words.text), max(point - 1, 0), max(point, 1))
        return [int(self.words.at[window[0].argmax()])]


def faulty_words(sample: Sample, points_per_character: float) -> list[int]:
    """The words in which the quality checks found something, one for each thing that they found, in order.

    What cannot be put down to a word is put down to the first.
    """
    if sample.sound:
        return []
    words = Words(sample.text)
    place = sample.window.argmax(axis=1)
    faults = [int(words.at[i]) for i in smeared_places(sample.text, best_shares(sample.window))]
    faults += words.at[place[1:][np.diff(place) < -1]].tolist()
    spread = line_spread(sample.ink)
    if sample.quality.stray_dots and not is_marks(sample.text):
        size = dot_size(spread)
        firsts = np.cumsum([0, *map(len, sample.ink.strokes)])
        small = [np.ptp(s, axis=0).max() < size for s in sample.ink.strokes]
        stray = stray_places(sample.text, place[firsts[:-1][small]].tolist())
        faults += [int(words.at[i]) for i in stray[STRAY_DOTS:]]
    elif sample.quality.stray_dots or false_start(sample.text, sample.ink, spread):
        faults.append(0)
    point, _ = drifts(sample.ink.points, points_per_character)
    if point is not None:
        faults.append(int(words.at[place[point]]))
    if not sample.finished:
        faults.append(int(words.at[place[-1]]))
    return sorted(faults)
