"""Lines drawn side by side in the rows of one engine."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..preprocessing import Preprocessing
from .drawing import draw_offsets
from .engine import Engine
from .options import SamplingOptions
from .quality import check_quality
from .sample import Sample
from .scheduler import Job, Scheduler
from .stopping import BlockStopper, StoppingRules
from .trace import Trace

__all__ = ["Block", "OnPoints"]

#: Called with a line's number, the number of the try, and the offsets drawn since, (n, 3); False cancels the line.
#: Together they are the offsets of the try's sample but for the starting point.
OnPoints = Callable[[int, int, np.ndarray], bool | None]

# Steps between two calls of it.
_STREAMED = 8


class Block:
    """Rows that take one try after another until there are none; a row that ends takes the next.

    Args:
        make_engine: an engine of so many rows.
        rows: rows at first; the block shrinks when there is less to draw.
        preprocessing: the model's.
        scale_floor: the model's.
        rules: of stopping.
        options: bias and seed.
        scheduler: hands out the tries.
        on_points: see `OnPoints`.
    """

    def __init__(
        self,
        make_engine: Callable[[int], Engine],
        rows: int,
        preprocessing: Preprocessing,
        scale_floor: float,
        rules: StoppingRules,
        options: SamplingOptions,
        scheduler: Scheduler,
        on_points: OnPoints | None = None,
    ) -> None:
        self._make_engine, self._engine = make_engine, make_engine(rows)
        self._preprocessing, self._scale_floor = preprocessing, scale_floor
        self._options, self._scheduler, self._on_points = options, scheduler, on_points
        self._trace = Trace(rows)
        self._stopper = BlockStopper(self._trace, rows, preprocessing, rules)
        self._jobs: dict[int, Job] = {}  # by row
        self._generators: dict[int, np.random.Generator] = {}
        self._streamed: dict[int, int] = {}
        self._offsets = np.zeros((rows, 3))

    def run(self, stopped: Callable[[], bool] = lambda: False) -> None:
        """Draw until the scheduler has nothing left, or `stopped` says so."""
        seen = self._scheduler.version
        self._fill()
        while not stopped() and not self._scheduler.finished:
            if self._jobs:
                self._step()
                if self._on_points is not None:
                    self._stream(self._on_points)
            else:  # another block draws what may need a further try
                self._scheduler.wait(seen)
            if seen != self._scheduler.version:  # some line ended, here or in another block
                seen = self._scheduler.version
                for row in [row for row, job in self._jobs.items() if not self._scheduler.needed(job)]:
                    self._release(row)
                self._fill()
                self._shrink()

    def _step(self) -> None:
        """One point in every row, and the ends of lines that came with it."""
        mixtures = self._engine.step(self._offsets)
        rows = self._engine.rows
        uniforms, normals, active = np.zeros((rows, 2)), np.zeros((rows, 2)), np.zeros(rows, bool)
        for row in self._jobs:
            active[row] = True
            self._generators[row].random(out=uniforms[row])
            self._generators[row].standard_normal(out=normals[row])
        offsets = draw_offsets(mixtures.outputs, self._options.bias, self._scale_floor, uniforms, normals)
        offsets[~active] = 0.0
        self._offsets = offsets
        self._trace.append(offsets, mixtures.phi)
        for row, (length, by_rule) in self._stopper.step(offsets, mixtures.phi, active).items():
            job = self._jobs[row]
            if self._on_points is not None and length > self._streamed[row]:
                self._on_points(*job, self._trace.points(row, self._streamed[row], length))
            self._scheduler.done(job, self._sample(row, length, by_rule))
            self._release(row)

    def _fill(self) -> None:
        """Give free rows the next tries."""
        for row in range(self._engine.rows):
            if row in self._jobs:
                continue
            job = self._scheduler.take()
            if job is None:
                return
            self._jobs[row] = job
            self._generators[row] = np.random.default_rng((self._options.seed, *job))
            self._streamed[row] = 0
            self._offsets[row] = 0.0
            self._engine.load(row, self._scheduler.ids(job))
            self._trace.begin(row)
            self._stopper.begin(row, self._scheduler.text(job))

    def _release(self, row: int) -> None:
        del self._jobs[row]
        self._trace.release(row)

    def _shrink(self) -> None:
        """Go on in an engine of half the rows where that is enough."""
        used = sorted(self._jobs)
        rows = self._engine.rows
        while rows > 1 and len(used) <= rows // 2:
            rows //= 2
        if rows == self._engine.rows or not used:
            return
        keep = used + [row for row in range(self._engine.rows) if row not in self._jobs][: rows - len(used)]
        smaller = self._make_engine(rows)
        for new, old in enumerate(used):
            smaller.load(new, self._scheduler.ids(self._jobs[old]), state=self._engine.snapshot(old))
        self._engine = smaller
        self._trace.take(keep)
        self._stopper.take(keep)
        self._offsets = self._offsets[keep]
        self._jobs = {new: self._jobs[old] for new, old in enumerate(used)}
        self._generators = {new: self._generators[old] for new, old in enumerate(used)}
        self._streamed = {new: self._streamed[old] for new, old in enumerate(used)}

    def _sample(self, row: int, length: int | None, by_rule: bool) -> Sample:
        """The line in a row, the first `length` of its points."""
        text = self._scheduler.text(self._jobs[row])
        offsets = self._trace.offsets(row, length).astype(np.float32)
        window = self._trace.window(row, len(text), length)
        ink = self._preprocessing.canonical(self._preprocessing.to_ink(offsets), text)
        quality = check_quality(text, ink, window, self._preprocessing.points_per_character)
        return Sample(text, ink, offsets, window, by_rule, quality)

    def _stream(self, on_points: OnPoints) -> None:
        for row, job in self._jobs.items():
            streamed, certain = self._streamed[row], self._stopper.certain(row)
            if certain - streamed < _STREAMED:
                continue
            self._streamed[row] = certain
            if on_points(*job, self._trace.points(row, streamed, certain)) is False:
                self._scheduler.done(job, self._sample(row, certain, False), cancelled=True)
