"""The sampler: text in, lines of ink out, with a bias, a seed, and an end that is neither early nor late.

Graves 2013, sections 5.3 (stopping) and 5.4 (bias).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from threadpoolctl import threadpool_limits

from ..ink import Ink
from ..model import Model
from .drawing import draw_offsets
from .engine import Engine, NumpyEngine
from .options import SamplingOptions
from .quality import QualityReport, check_quality
from .stopping import BlockStopper, StoppingRules
from .trace import Trace

__all__ = ["OnPoints", "Sample", "Sampler"]

#: Called with a line's number, the number of the try, and the offsets drawn since (n, 3); False cancels the line.
OnPoints = Callable[[int, int, np.ndarray], bool | None]

# Steps between two calls of it.
_STREAMED = 8


@dataclass(frozen=True)
class Sample:
    """A line as it was drawn.

    Attributes:
        text: what it says.
        ink: canonical: deskewed, baseline at y = 0, the unit is the x-height of a usual line of the model.
        offsets: as the network drew them, (T, 3) float32, normalised; the first row is the starting point.
        window: phi, (T, U + 1) float32: the row that was active while each point was drawn; the last column is the
            position past the end.
        finished: whether the stopping rule ended it.
        quality: what the quality checks found.
    """

    text: str
    ink: Ink
    offsets: np.ndarray
    window: np.ndarray
    finished: bool
    quality: QualityReport

    @property
    def sound(self) -> bool:
        """True if the line finished and passed every quality check."""
        return self.finished and not self.quality.problems


@dataclass
class _Line:
    """A text, its tries, and which of them is next."""

    text: str
    ids: np.ndarray
    samples: dict[int, Sample] = field(default_factory=dict)
    next_try: int = 0
    settled: bool = False

    def settle(self, tries: int) -> bool:
        """Whether the outcome is known: an unbroken run of tries from the first that ends in a sound one, or all."""
        for attempt in range(tries):
            if attempt not in self.samples:
                return False
            if self.samples[attempt].sound:
                return True
        return True

    def best(self) -> Sample:
        """The first sound try, else the one with fewest problems."""
        return min(
            (s for _, s in sorted(self.samples.items())), key=lambda s: (s.quality.problems, not s.finished)
        )


class Sampler:
    """A model, ready to draw lines.

    Args:
        model: where the weights come from.
        engine: what computes the network; `NumpyEngine` if None.
        rules: constants of stopping.
    """

    def __init__(
        self, model: Model, engine: Engine | None = None, rules: StoppingRules | None = None
    ) -> None:
        self.model = model
        self._engine = engine or NumpyEngine(model)
        self._rules = rules or StoppingRules()

    def sample(
        self,
        texts: Sequence[str],
        options: SamplingOptions | None = None,
        *,
        progress: Callable[[int], object] | None = None,
        on_points: OnPoints | None = None,
    ) -> list[Sample]:
        """Draw each text as one line; line i is drawn from (seed, i, try), whatever the other lines are.

        Args:
            texts: characters of the model's alphabet; others are drawn as "some other character".
            options: bias, seed and tries.
            progress: called with the number of lines done each time some are.
            on_points: called as points are drawn, for pages that draw while they are written. A line that it cancels
                is as far as it came.

        Raises:
            ValueError: a text is empty or white space only.
        """
        options = options or SamplingOptions()
        for text in texts:
            if not text.strip():
                raise ValueError("there is nothing to write in an empty line")
        encode = self.model.alphabet.encode
        lines = [_Line(text, encode(text + self._rules.next_word)) for text in texts]
        # Threads of BLAS wait for each other in a loop, for ever where another process is busy, and add up in another
        # order than one does.
        with threadpool_limits(1, user_api="blas"):
            _Block(self.model, self._engine, self._rules, options, lines, progress, on_points).run()
        return [line.best() for line in lines]


class _Block:
    """Lines drawn in the rows of one engine: a row that ends takes the next line, or another try at one."""

    def __init__(
        self,
        model: Model,
        engine: Engine,
        rules: StoppingRules,
        options: SamplingOptions,
        lines: list[_Line],
        progress: Callable[[int], object] | None,
        on_points: OnPoints | None,
    ) -> None:
        self._model, self._engine, self._options, self._lines = model, engine, options, lines
        self._progress, self._on_points = progress, on_points
        self._trace = Trace(engine.rows)
        self._stopper = BlockStopper(self._trace, engine.rows, model.preprocessing, rules)
        self._jobs: dict[int, tuple[int, int]] = {}  # row -> line and try
        self._generators: dict[int, np.random.Generator] = {}
        self._streamed: dict[int, int] = {}
        self._offsets = np.zeros((engine.rows, 3))

    def run(self) -> None:
        """Until every line is settled."""
        for row in range(self._engine.rows):
            self._fill(row)
        uniforms, normals = np.zeros((self._engine.rows, 2)), np.zeros((self._engine.rows, 2))
        bias, floor = self._options.bias, self._model.network.scale_floor
        while self._jobs:
            mixtures = self._engine.step(self._offsets)
            active = np.zeros(self._engine.rows, bool)
            for row in self._jobs:
                active[row] = True
                self._generators[row].random(out=uniforms[row])
                self._generators[row].standard_normal(out=normals[row])
            self._offsets = draw_offsets(mixtures.outputs, bias, floor, uniforms, normals)
            self._trace.append(self._offsets, mixtures.phi)
            self._offsets[~active] = 0.0
            jobs = dict(self._jobs)
            for row, (length, by_rule) in self._stopper.step(self._offsets, mixtures.phi, active).items():
                if self._jobs.get(row) == jobs[row]:  # not freed by another try meanwhile
                    self._end(row, length, by_rule)
            if self._on_points is not None:
                self._stream()

    def _fill(self, row: int) -> None:
        """Give a row the next line, or a further try at one that is not settled."""
        tries = self._options.tries
        waiting = [i for i, line in enumerate(self._lines) if not line.settled and line.next_try < tries]
        if not waiting:
            return
        # Fewest tries first: each line gets its first before any gets its second.
        i = min(waiting, key=lambda i: (self._lines[i].next_try, i))
        line, attempt = self._lines[i], self._lines[i].next_try
        line.next_try += 1
        self._jobs[row] = i, attempt
        self._generators[row] = np.random.default_rng((self._options.seed, i, attempt))
        self._offsets[row] = 0.0
        self._streamed[row] = 0
        self._engine.load(row, line.ids)
        self._trace.begin(row)
        self._stopper.begin(row, line.text)

    def _end(self, row: int, length: int, by_rule: bool, cancelled: bool = False) -> None:
        """The line in a row ended, or was cancelled: keep it, and give the row and needless tries' rows other work."""
        i, attempt = self._jobs[row]
        line = self._lines[i]
        line.samples[attempt] = self._sample(line.text, row, length, by_rule)
        freed = [row]
        if cancelled or line.samples[attempt].sound:  # later tries can no longer matter
            line.next_try = self._options.tries
            freed += [
                r for r, (j, t) in self._jobs.items() if j == i and (t > attempt or (cancelled and r != row))
            ]
        if not line.settled and (cancelled or line.settle(self._options.tries)):
            line.settled = True
            if self._progress is not None:
                self._progress(1)
        for r in freed:
            del self._jobs[r]
            self._trace.release(r)
        for r in freed:
            self._fill(r)

    def _sample(self, text: str, row: int, length: int, by_rule: bool) -> Sample:
        preprocessing = self._model.preprocessing
        offsets = self._trace.offsets(row, length).astype(np.float32)
        window = self._trace.window(row, len(text), length)
        ink = preprocessing.canonical(preprocessing.to_ink(offsets), text)
        quality = check_quality(text, ink, window, preprocessing.points_per_character)
        return Sample(text, ink, offsets, window, by_rule, quality)

    def _stream(self) -> None:
        for row, (i, attempt) in list(self._jobs.items()):
            if self._jobs.get(row) != (i, attempt):  # cancelled with another try at its line
                continue
            new = self._trace.points(row, self._streamed[row])
            if len(new) < _STREAMED or self._on_points is None:
                continue
            self._streamed[row] += len(new)
            if self._on_points(i, attempt, new) is False:
                self._end(row, self._streamed[row], by_rule=False, cancelled=True)
