"""Where a line ends: neither early nor late.

Graves 2013, section 5.3, stops as soon as the window is past the text. But a network that has only seen lines end there
knows nothing of what comes after: held against validation lines that rule cuts the last stroke or a late dot in one
line of six, and lets one line of six run on. Between words, though, it knows well what to do. So a word more is asked
for than is wanted, and the line ends where the pen sets off for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from msgspec import Meta

from ..documents import check_fields
from ..ink.metrics import X_HEIGHT_PER_SPREAD, line_spread
from ..preprocessing import Preprocessing
from .trace import PAST, Trace

__all__ = ["BlockStopper", "StoppingRules"]


@dataclass(frozen=True)
class StoppingRules:
    """The constants of stopping; lengths are in spreads of the line (standard deviations of its y).

    Args:
        next_word: what is asked for beyond the text.
        next_word_step: how far to the right the pen sets off for another word: of the widest moves of validation
            lines, one a space, 99 in 100 are wider; late dots, bars and full stops are nearer.
        late_strokes: late dots and bars there can be once the window has left the text.
        late_right: how many of them may begin to the right of where the pen was lifted: the stem of a d, a full stop.
        dot: larger than a dot in no direction: 8 of 10 full stops that end a line are smaller (of 25).
        longest: times a model's points a character after which a line that has not ended never will; 1 line in 100
            of IAM-OnDB is longer than 1.9 times.
        margin: points allowed on top of that.
    """

    next_word: str = " and"
    next_word_step: Annotated[float, Meta(gt=0)] = 1.3
    late_strokes: Annotated[int, Meta(ge=0)] = 3
    late_right: Annotated[int, Meta(ge=0)] = 1
    dot: Annotated[float, Meta(gt=0)] = 0.4
    longest: Annotated[float, Meta(gt=1)] = 2.8
    margin: Annotated[int, Meta(ge=0)] = 60

    def __post_init__(self) -> None:
        check_fields(self)
        if len(self.next_word) != PAST:
            raise ValueError(f"next_word is {self.next_word!r}; it must have {PAST} characters")


# What `BlockStopper` keeps in an array over the rows; the second ones change as points are drawn.
_COUNTED = ("_drawn", "_pen_up", "_at_last", "_first_past", "_late", "_late_right")
_BY_ROW = ("_characters", "_limit", *_COUNTED)


class BlockStopper:
    """Follows the lines of a block of rows and says where each ends.

    Conditions that concern every point are arrays over the rows; what needs the ink so far is looked at only where a
    stroke ended near the end of a text, a few times a line.

    Args:
        trace: what is drawn; it has the points of this step before `step` is called.
        rows: rows of the block.
        preprocessing: the model's.
        rules: constants.
    """

    def __init__(
        self, trace: Trace, rows: int, preprocessing: Preprocessing, rules: StoppingRules | None = None
    ) -> None:
        self.rules = rules or StoppingRules()
        self._trace, self._preprocessing = trace, preprocessing
        #: The spread of a usual line, in ink units: a hyphen has none of its own.
        self.usual_spread = preprocessing.x_height / X_HEIGHT_PER_SPREAD
        self._texts = [""] * rows
        self._characters = np.zeros(rows, np.int64)
        self._limit = np.zeros(rows, np.int64)
        self._drawn = np.zeros(rows, np.int64)
        self._pen_up = np.zeros(rows, bool)  # the point before ended a stroke
        self._at_last = np.zeros(
            rows, bool
        )  # a later stroke began with the window at the last character or past it
        self._first_past = np.full(rows, -1, np.int64)  # first point drawn with the window past the text
        self._late = np.zeros(rows, np.int64)
        self._late_right = np.zeros(rows, np.int64)
        self._changed, self._width, self._longest = True, 0, 1

    def begin(self, row: int, text: str) -> None:
        """A new line begins in a row."""
        self._changed = True
        self._texts[row] = text
        self._characters[row] = len(text)
        points = self.rules.longest * self._preprocessing.points_per_character * len(text)
        self._limit[row] = int(points) + self.rules.margin
        for counter in (self._drawn, self._pen_up, self._at_last, self._late, self._late_right):
            counter[row] = 0
        self._first_past[row] = -1

    def snapshot(self, row: int) -> tuple[int, ...]:
        """What is counted in a row."""
        return tuple(int(getattr(self, name)[row]) for name in _COUNTED)

    def restore(self, row: int, counters: tuple[int, ...]) -> None:
        """Put back what `snapshot` gave; the trace has gone back as well."""
        for name, value in zip(_COUNTED, counters, strict=True):
            getattr(self, name)[row] = value

    def take(self, keep: list[int]) -> None:
        """Go on with these rows alone, in this order."""
        self._changed = True
        self._texts = [self._texts[row] for row in keep]
        for name in _BY_ROW:
            setattr(self, name, getattr(self, name)[keep])

    def certain(self, row: int) -> int:
        """How many of the points drawn in a row belong to its line, whatever comes after them."""
        first = int(self._first_past[row])
        return int(self._drawn[row]) if first < 0 else first + 1

    def spread(self, row: int) -> float:
        """Of the line so far, in ink units; at least half and at most twice a usual one."""
        offsets = self._trace.offsets(row, int(self._drawn[row]))
        points = self._preprocessing.statistics.restore(offsets)[:, :2].cumsum(axis=0)
        return float(np.clip(line_spread(points), self.usual_spread / 2, self.usual_spread * 2))

    def step(self, points: np.ndarray, phi: np.ndarray, active: np.ndarray) -> dict[int, tuple[int, bool]]:
        """Which lines end with this step.

        Args:
            points: (rows, 3), just drawn and appended to the trace.
            phi: (rows, U + 1), the window that drew them.
            active: (rows,) bool, rows with a line.

        Returns:
            row -> how many of its points belong to the line, and whether it ended by a rule and not by its length.
        """
        if self._changed or phi.shape[1] != self._width:
            self._index(phi.shape[1])
        head = phi[:, : self._longest] + self._beyond
        tail = phi[self._rows, self._tail]
        head_most = head.max(axis=1)
        past = tail.sum(axis=1) > head_most  # more weight past the text than on any character
        near = past | self._at_last
        ended = self._near_end(points, tail, past, head_most, active) if near.any() else {}
        if self._pen_up.any():
            self._at_last |= self._pen_up & (past | (head.argmax(axis=1) == self._characters - 1))
        self._first_past[(self._first_past < 0) & past] = self._drawn[(self._first_past < 0) & past]
        self._drawn += 1
        self._pen_up = points[:, 2] > 0.5
        over = active & (self._drawn >= self._limit)
        for row in np.flatnonzero(over).tolist() if over.any() else ():
            ended.setdefault(row, (int(self._drawn[row]), False))
        return ended

    def _near_end(
        self,
        points: np.ndarray,
        tail: np.ndarray,
        past: np.ndarray,
        head_most: np.ndarray,
        active: np.ndarray,
    ) -> dict[int, tuple[int, bool]]:
        """Which lines end with this step, of those whose last character the window has reached."""
        statistics = self._preprocessing.statistics
        right = points[:, 0] * statistics.std[0] + statistics.mean[0] > 0
        ended: dict[int, tuple[int, bool]] = {}
        at_end = active & self._pen_up & (past | (self._at_last & right))
        looked_at = np.zeros(len(active), bool)
        for row in np.flatnonzero(at_end).tolist():
            stop = right[row] and self._full_stop_is_drawn(row)
            if not stop and past[row] and not self._mark_is_due(row):
                looked_at[row] = True
                stop = self._sets_off(row, points[row], bool(tail[row].max() > head_most[row]))
            if stop:
                ended[row] = int(self._drawn[row]), True
        # It went on to the next word without lifting the pen.
        gone_on = active & (tail[:, 2:].max(axis=1) > np.maximum(head_most, tail[:, :2].max(axis=1)))
        for row in np.flatnonzero(gone_on & ~looked_at & (self._drawn > 0)).tolist():
            if row not in ended:
                first = int(self._first_past[row])
                ended[row] = (first + 1 if first >= 0 else int(self._drawn[row])), True
        return ended

    def _index(self, width: int) -> None:
        """Where each row's text and what is past it stand in the window weights."""
        self._changed, self._width = False, width
        self._rows = np.arange(len(self._characters))[:, None]
        self._longest = min(int(self._characters.max(initial=1)), width)
        # Window weights are at most a few tens.
        beyond = np.arange(self._longest) >= self._characters[:, None]
        self._beyond = np.where(beyond, np.float32(-1e6), np.float32(0))
        self._tail = np.minimum(self._characters[:, None] + np.arange(PAST), width - 1)

    def _sets_off(self, row: int, point: np.ndarray, past_text: bool) -> bool:
        """Whether a stroke that begins past the text is the next word's, or one late stroke too many."""
        statistics = self._preprocessing.statistics
        right = float(point[0]) * statistics.std[0] + statistics.mean[0]
        self._late[row] += 1
        self._late_right[row] += right > 0
        return bool(
            (past_text and right > self.rules.next_word_step * self.spread(row))
            or self._late[row] > self.rules.late_strokes
            or self._late_right[row] > self.rules.late_right
        )

    def _mark_is_due(self, row: int) -> bool:
        """Whether the text ends in a mark for which the pen has not been set down yet."""
        return not self._texts[row][-1].isalnum() and not self._at_last[row]

    def _full_stop_is_drawn(self, row: int) -> bool:
        """Whether the full stop that ends the text is there: a dot to the right, the window at it or past it."""
        text, drawn = self._texts[row], int(self._drawn[row])
        if text[-1] != "." or not self._at_last[row]:
            return False
        offsets = self._trace.offsets(row, drawn)
        places = self._trace.window(row, len(text), drawn).argmax(axis=1)
        moves = offsets[:, :2] * self._preprocessing.statistics.std + self._preprocessing.statistics.mean
        begins = np.flatnonzero(offsets[:-1, 2] > 0.5) + 1
        size = self.rules.dot * self.spread(row)
        for begin, end in zip(begins, [*begins[1:], len(offsets)], strict=True):
            if places[begin] >= len(text) - 1 and moves[begin, 0] > 0:
                extent = np.ptp(np.cumsum(moves[begin:end], axis=0), axis=0).max()
                if extent < size:
                    return True
        return False
