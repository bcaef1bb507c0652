"""Lines drawn side by side in the rows of one engine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from ..preprocessing import Preprocessing
from .corrections import Checkpoint, Draft
from .drawing import RowRandoms, draw_offsets
from .engine import Engine
from .faults import LineFollower, faulty_words
from .options import SamplingOptions
from .quality import check_quality
from .reader import Reader
from .sample import Sample
from .scheduler import Scheduler
from .stopping import BlockStopper, StoppingRules
from .trace import Trace
from .words import WordReading, Words, words_of

__all__ = ["Block", "OnPoints", "Pen"]

#: Called with a line's number, how many of its points stay, and the offsets drawn after these, (n, 3); points given
#: before and beyond those that stay are taken back. What is there in the end are the offsets of the line's sample but
#: for the starting point. False cancels the line.
OnPoints = Callable[[int, int, np.ndarray], bool | None]

# Steps between two calls of it.
_STREAMED = 8
# One row in so many may stand empty: a new engine takes as long as a few steps.
_SPARE = 8
_NEVER = np.iinfo(np.int64).max


@dataclass(frozen=True)
class Pen:
    """What all blocks of a sampler share.

    Args:
        make_engine: an engine of so many rows.
        preprocessing: the model's.
        scale_floor: the model's.
        rules: of stopping.
        reader: reads lines back; None for none.
    """

    make_engine: Callable[[int], Engine]
    preprocessing: Preprocessing
    scale_floor: float
    rules: StoppingRules
    reader: Reader | None = None


class Block:
    """Rows that take one line after another until there are none; a row that ends takes the next.

    Args:
        pen: model and rules.
        rows: rows at first; the block shrinks when there is less to draw.
        options: bias, seed and how often a word may be begun.
        scheduler: hands out the lines.
        on_points: see `OnPoints`.
    """

    def __init__(
        self,
        pen: Pen,
        rows: int,
        options: SamplingOptions,
        scheduler: Scheduler,
        on_points: OnPoints | None = None,
    ) -> None:
        self._pen, self._options, self._scheduler, self._on_points = pen, options, scheduler, on_points
        self._corrects = options.best_of > 1
        self._engine = pen.make_engine(rows)
        self._trace = Trace(rows)
        self._stopper = BlockStopper(self._trace, rows, pen.preprocessing, pen.rules)
        self._randoms = RowRandoms(rows)
        self._drafts: dict[int, Draft] = {}  # by row
        self._active = np.zeros(rows, bool)  # rows with a draft
        self._overdue = np.full(rows, _NEVER)  # points of a line at which its word has derailed
        self._offsets = np.zeros((rows, 3))

    def run(self, stopped: Callable[[], bool] = lambda: False) -> None:
        """Draw until there is no line left, or `stopped` says so."""
        self._fill()
        while self._drafts and not stopped():
            before = len(self._drafts)
            self._step()
            if self._on_points is not None:
                self._stream(self._on_points)
            if len(self._drafts) < before:
                self._fill()
                self._shrink()

    def _step(self) -> None:
        """One point in every row, and what comes of it."""
        mixtures = self._engine.step(self._offsets)
        uniforms, normals = self._randoms.step()
        pen, active = self._pen, self._active
        offsets = draw_offsets(mixtures.outputs, self._options.bias, pen.scale_floor, uniforms, normals)
        if len(self._drafts) < len(active):
            offsets[~active] = 0.0
        self._offsets = offsets
        self._trace.append(offsets, mixtures.phi)
        ended = self._stopper.step(offsets, mixtures.phi, active)
        if self._corrects:
            lifted = active & (offsets[:, 2] > 0.5)
            for row in np.flatnonzero(lifted | (self._trace.lengths >= self._overdue)).tolist():
                if row not in ended:
                    self._look(row, lifted=bool(lifted[row]))
        for row, (length, by_rule) in ended.items():
            self._ended(row, length, by_rule)

    def _fill(self) -> None:
        """Give free rows the next lines."""
        for row in np.flatnonzero(~self._active).tolist():
            line = self._scheduler.take()
            if line is None:
                return
            text, ids = self._scheduler.texts[line], self._scheduler.ids[line]
            self._engine.load(row, ids, self._scheduler.style)
            self._trace.begin(row)
            self._stopper.begin(row, text)
            self._randoms.begin(row, (self._options.seed, *self._scheduler.keys[line], 0, 0))
            self._offsets[row] = 0.0
            follower = None
            if self._corrects:
                follower = LineFollower(Words(text), self._pen.preprocessing, self._stopper.usual_spread)
            start = Checkpoint(0, None, self._stopper.snapshot(row))
            self._drafts[row] = Draft(line, text, ids, self._options.best_of, follower, start)
            self._overdue[row] = follower.longest(0, 0) if follower else _NEVER
            self._active[row] = True

    def _look(self, row: int, *, lifted: bool) -> None:
        """A stroke ended in a row, or its word has become too long."""
        draft, length = self._drafts[row], self._trace.length(row)
        follower = draft.follower
        if follower is None:
            return
        word = None
        if lifted:
            word = follower.stroke_ended(self._trace, row, draft.can_blame, draft.can_doubt)
        if word is None and length >= self._overdue[row]:
            word = self._derailed(row, draft, follower)
        if word is not None:
            self._go_back(row, word)
        elif lifted and (following := follower.next_word) is not None:
            state, counters = self._engine.snapshot(row), self._stopper.snapshot(row)
            draft.may_begin(following, Checkpoint(length, state, counters))
            self._overdue[row] = length + follower.longest(following, following)

    def _derailed(self, row: int, draft: Draft, follower: LineFollower) -> int | None:
        """The word in a row, if it has more points than its characters need. The pen may have gone on to another."""
        length = self._trace.length(row)
        window = self._trace.part(row, len(draft.text), length - 1)
        word = int(follower.words.at[window[0].argmax()])
        begun, checkpoint = draft.latest(word)
        self._overdue[row] = checkpoint.length + follower.longest(begun, word)
        if self._overdue[row] > length:
            return None
        self._overdue[row] = _NEVER
        return word if draft.can_blame(word) else None

    def _go_back(self, row: int, word: int) -> None:
        """A word went wrong: write on from before it, with other random numbers."""
        draft = self._drafts[row]
        draft.drawn += self._trace.length(row)
        checkpoint, entropy = draft.go_back(word)
        length = checkpoint.length
        self._trace.rewind(row, length)
        self._engine.load(row, draft.ids, self._scheduler.style, checkpoint.state)
        self._stopper.restore(row, checkpoint.counters)
        self._randoms.begin(row, (self._options.seed, *self._scheduler.keys[draft.line], *entropy))
        self._offsets[row] = self._trace.points(row, length - 1, length)[0] if length else 0.0
        if draft.follower:
            begun, _ = draft.latest(word)
            self._overdue[row] = length + draft.follower.longest(begun, begun)

    def _ended(self, row: int, length: int, by_rule: bool) -> None:
        """A line ended; if a word of it is wrong and may be begun again, it goes on from there."""
        draft = self._drafts[row]
        sample = self._sample(row, length, by_rule)
        if not self._corrects:
            self._done(row, sample)
            return
        sample = self._judged(sample)
        wrong = draft.first_to_mend(sample)
        if draft.offer(sample) and wrong is not None:
            self._go_back(row, wrong)
        else:
            best, drawn = draft.best, draft.drawn + self._trace.length(row)
            words = tuple(replace(w, tries=n) for w, n in zip(best.words, draft.begun, strict=True))
            self._done(row, replace(best, words=words, points_drawn=drawn))

    def _done(self, row: int, sample: Sample) -> None:
        """A line is as it stays."""
        draft = self._drafts[row]
        if self._on_points is not None:
            points = sample.offsets[1:]
            given = self._trace.points(row, 0, draft.kept)[: len(points)].astype(np.float32)
            differs = (given != points[: len(given)]).any(axis=1)  # an earlier ending may be the best
            same = int(differs.argmax()) if differs.any() else len(given)
            if same < max(draft.streamed, len(points)):
                self._on_points(draft.line, same, points[same:])
        self._scheduler.done(draft.line, sample)
        self._release(row)

    def _release(self, row: int) -> None:
        del self._drafts[row]
        self._active[row] = False
        self._overdue[row] = _NEVER
        self._trace.release(row)

    def _shrink(self) -> None:
        """Go on in a smaller engine where rows stand empty: the time of a step goes by its rows."""
        used = sorted(self._drafts)
        free = self._engine.rows - len(used)
        if not used or free <= self._engine.rows // _SPARE:
            return
        rows = len(used)
        smaller = self._pen.make_engine(rows)
        for new, old in enumerate(used):
            smaller.load(new, self._drafts[old].ids, self._scheduler.style, self._engine.snapshot(old))
        self._engine = smaller
        for part in (self._trace, self._stopper, self._randoms):
            part.take(used)
        self._offsets, self._overdue = self._offsets[used], self._overdue[used]
        self._active = self._active[used]
        self._drafts = {new: self._drafts[old] for new, old in enumerate(used)}

    def _sample(self, row: int, length: int | None, by_rule: bool) -> Sample:
        """The line in a row, the first `length` of its points."""
        draft, preprocessing = self._drafts[row], self._pen.preprocessing
        text = draft.text
        offsets = self._trace.offsets(row, length).astype(np.float32)
        window = self._trace.window(row, len(text), length)
        ink = preprocessing.canonical(preprocessing.to_ink(offsets), text)
        quality = check_quality(text, ink, window, preprocessing.points_per_character)
        drawn = draft.drawn + self._trace.length(row)
        return Sample(text, ink, offsets, window, by_rule, quality, words_of(text, window, ink.ends), drawn)

    def _judged(self, sample: Sample) -> Sample:
        """A sample with what is found and read in each of its words."""
        faults = faulty_words(sample, self._pen.preprocessing.points_per_character)
        readings: list[WordReading | None] = [None] * len(sample.words)
        if self._pen.reader is not None:
            readings = list(self._pen.reader.read_words([sample.ink], [sample.text])[0])
        words = (
            replace(word, reading=readings[i], faults=faults.count(i)) for i, word in enumerate(sample.words)
        )
        return replace(sample, words=tuple(words))

    def _stream(self, on_points: OnPoints) -> None:
        for row, draft in list(self._drafts.items()):
            streamed, certain = draft.streamed, self._stopper.certain(row)
            taken_back = draft.kept < streamed
            first = min(draft.kept, streamed)
            if certain - first < _STREAMED and not taken_back:
                continue
            draft.streamed = draft.kept = certain
            if on_points(draft.line, first, self._trace.points(row, first, certain)) is False:
                self._scheduler.done(draft.line, self._sample(row, certain, False))
                self._release(row)
