"""Which stroke belongs to which character: a line of ink that can be taken apart and added to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from ..ink import Ink
from .recipes import STAND_IN

__all__ = ["Letter", "Stroke", "Tracing"]

# The window turns to a character while the end of the one before is still being drawn: by this share of a character.
_LEAD = 0.3
# x-heights. Dots of i and j are at most this large, and this far from the place above their stem.
_DOT, _DOT_AWAY = 0.6, 1.0
# Of a stroke that is drawn after a word: how far right of that it may begin.
_LATE = 0.15
_SLANTS = -0.35, 0.9
_TALL = "bdfhklt"


@dataclass(eq=False)
class Stroke:
    """A pen-down stroke.

    Attributes:
        points: (n, 2) float64.
        owners: (n,) index of the character that each point belongs to.
        added: whether it is a mark or symbol that the model did not draw.
    """

    points: np.ndarray
    owners: np.ndarray
    added: bool = False

    @property
    def middle(self) -> np.ndarray:
        """Middle of its bounding box, (2,)."""
        middle: np.ndarray = (self.points.min(axis=0) + self.points.max(axis=0)) / 2
        return middle

    @property
    def size(self) -> float:
        """The longer side of its bounding box."""
        return float(np.ptp(self.points, axis=0).max())


@dataclass(frozen=True, eq=False)
class Letter:
    """Where a character was drawn. y runs down; the baseline is at 0.

    Attributes:
        points: of its body, (n, 2); dots of i and j are not part of it.
        left, right, top, bottom: its box.
    """

    points: np.ndarray
    left: float
    right: float
    top: float
    bottom: float

    def at(self, height: float) -> np.ndarray:
        """The x, in order, of its points near a height, given as a share of its own; never empty."""
        y = self.bottom + height * (self.top - self.bottom)
        distance = np.abs(self.points[:, 1] - y)
        near = self.points[distance <= max(0.15, float(distance.min()) + 1e-6), 0]
        return np.sort(near)


class Tracing:
    """A line of ink by strokes and characters.

    Args:
        text: U characters, as the model wrote them.
        ink: N points in all, canonical.
        window: phi, (N, U + 1).
    """

    def __init__(self, text: str, ink: Ink, window: np.ndarray) -> None:
        self.text = text
        place = np.minimum(window.argmax(axis=1), len(text) - 1)
        lag = round(_LEAD * len(place) / max(1, len(text)))
        self.strokes: list[Stroke] = []
        first, right = 0, -np.inf
        for points in ink.strokes:
            owners = place[first : first + len(points)]
            first += len(points)
            owners = owners[np.maximum(np.arange(len(points)) - lag, 0)]
            late = bool(points[:, 0].min() < right + _LATE)
            self.strokes.append(Stroke(points.astype(np.float64), self._visible(owners, late)))
            right = max(right, float(points[:, 0].max()))
        self._give_back(2 * lag)
        self.slant = _slant(ink)
        self._dots: dict[int, Stroke] = self._find_dots()

    def _visible(self, owners: np.ndarray, late: bool) -> np.ndarray:
        """Points drawn while the window is on a space belong to what the stroke drew before them.

        At the beginning of a stroke they belong to the letter after the space; if `late`, to the one before it.
        """
        owners = owners.copy()
        step, k = -1 if late else 1, int(owners[0])
        while 0 < k < len(self.text) - 1 and self.text[k] == " ":
            k += step
        owners[0] = k
        for i in range(1, len(owners)):
            if self.text[owners[i]] == " ":
                owners[i] = owners[i - 1]
        return owners

    def _give_back(self, most: int) -> None:
        """The end of a stroke belongs to its last letter but one if the last is drawn in another: the window leads."""
        total = np.bincount(np.concatenate([s.owners for s in self.strokes]), minlength=len(self.text))
        for stroke in self.strokes:
            last = int(stroke.owners[-1])
            run = len(stroke.owners) - 1 - int(np.flatnonzero(np.r_[-1, stroke.owners] != last)[-1]) + 1
            first = len(stroke.owners) - run
            if first > 0 and run <= most and total[last] - run > run and stroke.owners[first - 1] < last:
                stroke.owners[first:] = stroke.owners[first - 1]

    def letter(self, k: int) -> Letter:
        """Where character k was drawn; where a usual letter would stand between its neighbours if it has no ink."""
        dots = set(map(id, self._dots.values()))
        body = [
            s.points[s.owners == k]
            for s in self.strokes
            if not s.added and id(s) not in dots and (s.owners == k).any()
        ]
        points = np.concatenate(body) if body else np.zeros((0, 2))
        if len(points) < 2 or np.ptp(points[:, 1]) < 0.2:
            x = float(np.median(points[:, 0])) if len(points) else self._between(k)
            tall = self.text[k].isupper() or self.text[k].isdigit() or self.text[k] in _TALL
            top = -1.8 if tall else -1.0
            if not len(points) or self.text[k].isalnum():
                points = np.array([[x - 0.3, top], [x - 0.3, 0.0], [x + 0.3, 0.0], [x + 0.3, top]])
        (left, top), (right, bottom) = points.min(axis=0), points.max(axis=0)
        return Letter(points, float(left), float(right), float(top), float(bottom))

    def _between(self, k: int) -> float:
        before = [p for s in self.strokes for p in s.points[s.owners < k, 0]]
        after = [p for s in self.strokes for p in s.points[s.owners > k, 0]]
        ends = ([max(before)] if before else []) + ([min(after)] if after else [])
        return float(np.mean(ends)) + (0.0 if before and after else 0.4 if before else -0.4) if ends else 0.0

    def own(self, k: int) -> list[Stroke]:
        """Strokes of character k alone; those that go on from it or lead to it are cut there.

        A stroke that begins in it and ends in the next one, which has others, is its own: the window leads.
        """
        done: list[Stroke] = []
        result: list[Stroke] = []
        for stroke in self.strokes:
            mine = stroke.owners == k
            if not mine.any() or stroke.added:
                done.append(stroke)
                continue
            following = stroke.owners > k
            if mine[0] and following.mean() > 0.5 and result:
                # The pen was lifted before it; the window followed late.
                stroke.owners = np.where(mine, k + 1, stroke.owners)
                done.append(stroke)
                continue
            if self.text[k] == STAND_IN and self._is_dash(stroke):
                stroke.owners = np.full_like(stroke.owners, k)
                done.append(stroke)
                result.append(stroke)
                continue
            others = any((s.owners == k + 1).any() for s in self.strokes if s is not stroke)
            tail = following.any() and mine[0] and (others or following.mean() < 0.3)
            if mine.all() or tail or mine.mean() > 0.85:
                stroke.owners = np.full_like(stroke.owners, k)
                done.append(stroke)
                result.append(stroke)
                continue
            for part in np.split(np.arange(len(mine)), np.flatnonzero(np.diff(mine)) + 1):
                piece = Stroke(stroke.points[part], stroke.owners[part])
                done.append(piece)
                if mine[part[0]]:
                    result.append(piece)
        self.strokes = done
        return result

    @staticmethod
    def _is_dash(stroke: Stroke) -> bool:
        (left, top), (right, bottom) = stroke.points.min(axis=0), stroke.points.max(axis=0)
        return bool(bottom - top < 0.45 and right - left < 1.8 and -1.2 < (top + bottom) / 2 < 0.1)

    def remove(self, strokes: Iterable[Stroke]) -> None:
        """Take strokes out."""
        gone = set(map(id, strokes))
        self.strokes = [s for s in self.strokes if id(s) not in gone]

    def shift_from(self, x: float, by: float, besides: Iterable[Stroke] = ()) -> None:
        """Move every stroke whose middle is right of x."""
        fixed = set(map(id, besides))
        for stroke in self.strokes:
            if id(stroke) not in fixed and stroke.middle[0] > x:
                stroke.points = stroke.points + np.array((by, 0.0))

    def word_end(self, k: int) -> int:
        """Index just past the word of character k."""
        end = self.text.find(" ", k)
        return len(self.text) if end < 0 else end

    def add_after_word(self, k: int, strokes: Iterable[Stroke]) -> None:
        """Add strokes after the last one of the word of character k, as people do."""
        end = self.word_end(k)
        last = max((i for i, s in enumerate(self.strokes) if np.median(s.owners) < end), default=-1)
        self.strokes[last + 1 : last + 1] = list(strokes)

    def dot_of(self, k: int) -> Stroke | None:
        """The dot of an i or j."""
        dot = self._dots.get(k)
        return dot if dot is not None and any(s is dot for s in self.strokes) else None

    def ink(self) -> Ink:
        """All of it."""
        return Ink(tuple(s.points for s in self.strokes))

    def _find_dots(self) -> dict[int, Stroke]:
        pairs = []
        small = [s for s in self.strokes if s.size < _DOT]
        for k, c in enumerate(self.text):
            if c not in "ij":
                continue
            body = [s.points[s.owners == k] for s in self.strokes if s.size >= _DOT and (s.owners == k).any()]
            if not body:
                continue
            points = np.concatenate(body)
            top = float(points[:, 1].min())
            stem = float(np.median(points[points[:, 1] < top + 0.3, 0]))
            for stroke in small:
                x, y = stroke.middle
                owner = self.text[int(np.median(stroke.owners))]
                word = k - 1 <= np.median(stroke.owners) <= self.word_end(k) + 1
                if y < top + 0.05 and word and owner not in "'\"":
                    away = abs(x - stem - self.slant * (top - y))
                    pairs.append((away, k, stroke))
        found: dict[int, Stroke] = {}
        for away, k, stroke in sorted(pairs, key=lambda pair: pair[:2]):
            if away < _DOT_AWAY and k not in found and not any(s is stroke for s in found.values()):
                found[k] = stroke
                stroke.owners = np.full_like(stroke.owners, k)
        return found


def _slant(ink: Ink) -> float:
    """By how much the writing leans to the right: dx for each unit upwards, of its downstrokes (weighted median)."""
    steps = np.concatenate([np.diff(s.astype(np.float64), axis=0) for s in ink.strokes] or [np.zeros((0, 2))])
    steps = steps[(steps[:, 1] > 0) & (np.abs(steps[:, 0]) < 1.2 * steps[:, 1])]
    if not len(steps):
        return 0.0
    lean = -steps[:, 0] / steps[:, 1]
    order = np.argsort(lean)
    weight = np.cumsum(steps[order, 1])
    return float(np.clip(lean[order][np.searchsorted(weight, weight[-1] / 2)], *_SLANTS))
