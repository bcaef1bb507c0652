"""Sampling: text in, offsets out, with a bias, a seed, and an end that is neither early nor late.

Graves 2013, sections 5.3 (stopping) and 5.4 (bias).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ..ink import Ink
from ..ink.cleaning import deskew
from ..model import Model
from .engine import BLOCK, Engine
from .quality import flaws

__all__ = ["Sample", "Sampler", "SamplingOptions"]

# Stopping. The paper stops as soon as the window is past the text. But a network that has only seen
# lines end there knows nothing of what comes after: held against validation lines that rule cuts the
# last stroke or a late dot in one line of six, and lets one line of six run on. Between words, though,
# it knows well what to do. So a word more is asked for than is wanted, and the line ends where the pen
# sets off for it.
_NEXT_WORD = " and"
# How far to the right, in heights of the line (deviations of y), the pen sets off for another word: of the widest
# moves of validation lines, one a space, 99 in 100 are wider; late dots, bars and full stops are nearer.
_NEXT_WORD_STEP = 1.3
# Late dots and bars there can be once the window has left the text.
_LATE_STROKES = 3
# One of them may begin to the right of where the pen was lifted: the stem of a d, a full stop.
_LATE_RIGHT = 1
# Larger than a dot in no direction, in heights: 8 of 10 full stops that end a line are smaller (of 25).
_DOT = 0.4
# Characters that a line has room for; a longer one widens every line beside it.
_COLUMNS = 80
# Recorded points a character after which a line that has not ended never will: 1 line in 100 has over 41.
_LONGEST = 60
_MARGIN = 60


@dataclass(frozen=True)
class SamplingOptions:
    """How to draw from the network.

    Args:
        bias: 0 draws the hands of the data with all their accidents; towards 1 and above, neater and
            more alike (eqs. 61-62).
        seed: the same seed gives the same ink.
        tries: a line that went wrong (see `strokes.sampling.quality`) is drawn again, up to this often in
            all, and the best is kept. 1 keeps the first.
    """

    bias: float = 1.0
    seed: int = 0
    tries: int = 8

    def __post_init__(self) -> None:
        if not 0 <= self.bias <= 20:
            raise ValueError("bias must be 0 to 20")
        if self.seed < 0:
            raise ValueError("seed must be 0 or more")
        if self.tries < 1:
            raise ValueError("tries must be at least 1")


@dataclass(frozen=True)
class Sample:
    """A line as it was drawn.

    Attributes:
        text: what it says.
        ink: in ink units.
        window: phi, (N, U + 1) float32 for N points: the row that was active while each was drawn; the
            last column is the position past the end.
        finished: whether the stopping rule ended it.
        flaws: signs that something went wrong, see `strokes.sampling.quality`.
    """

    text: str
    ink: Ink
    window: np.ndarray
    finished: bool
    flaws: int

    @property
    def sound(self) -> bool:
        """Whether nothing speaks against the line."""
        return self.finished and not self.flaws


class Sampler:
    """A model, ready to draw lines.

    Args:
        model: where the weights come from.
    """

    def __init__(self, model: Model) -> None:
        self.model = model
        self._engine = Engine(model)

    def sample(
        self,
        texts: Sequence[str],
        options: SamplingOptions | None = None,
        *,
        progress: Callable[[int], None] | None = None,
    ) -> list[Sample]:
        """Draw each text as one line; line i is drawn from (seed, i), whatever the other lines are.

        Args:
            texts: characters of the model's alphabet; others are drawn as "some other character".
            options: bias, seed and tries.
            progress: called with the number of lines done each time some are.

        Raises:
            ValueError: a text is empty or white space only.
        """
        options = options or SamplingOptions()
        for text in texts:
            if not text.strip():
                raise ValueError("there is nothing to write in an empty line")
        best: dict[int, Sample] = {}
        todo = list(range(len(texts)))
        tried = 0
        while todo and tried < options.tries:
            # Rows of a block cost the same whether used or not: few lines are tried several times at once.
            at_once = min(options.tries - tried, max(1, BLOCK // len(todo)))
            jobs = [(i, tried + k) for k in range(at_once) for i in todo]
            tried += at_once
            drawn: dict[tuple[int, int], Sample] = {}

            def done(j: int, line: Sample, jobs: list = jobs, drawn: dict = drawn) -> set[int]:
                drawn[jobs[j]] = line
                i, attempt = jobs[j]
                return {k for k, job in enumerate(jobs) if line.sound and job[0] == i and job[1] > attempt}

            self._draw(
                [texts[i] for i, _ in jobs], [(options.seed, *job) for job in jobs], options.bias, done
            )
            for i, attempt in jobs:
                line = drawn.get((i, attempt))  # none after a sound one
                if line is None:
                    continue
                if i not in best or (line.flaws, not line.finished) < (best[i].flaws, not best[i].finished):
                    best[i] = line
            before = len(todo)
            todo = [i for i in todo if not best[i].sound]
            if progress is not None:
                progress(before - (len(todo) if tried < options.tries else 0))
        return [best[i] for i in range(len(texts))]

    def _draw(
        self,
        texts: list[str],
        seeds: list[tuple[int, ...]],
        bias: float,
        done: Callable[[int, Sample], set[int]],
    ) -> None:
        """One try at each text. A row that ends takes the next text.

        `done(i, sample)` is called as each ends and returns which of the texts need no longer be drawn.
        """
        engine = self._engine
        lines = [_Line(t, self.model) for t in texts]
        # Every text stands in the same number of columns, so that a line's products have one shape.
        width = -(-max(len(line.ids) for line in lines) // _COLUMNS) * _COLUMNS
        text = np.zeros((BLOCK, width, engine.symbols), np.float32)
        state = engine.initial_state()
        x = np.zeros((BLOCK, 3))
        waiting = list(range(len(lines)))[::-1]
        rows: dict[int, int] = {}
        rngs = [np.random.default_rng(s) for s in seeds]
        while rows or waiting:
            for row in set(range(BLOCK)) - rows.keys():
                if waiting:
                    i = rows[row] = waiting.pop()
                    x[row] = text[row] = 0.0
                    text[row, np.arange(len(lines[i].ids)), lines[i].ids] = 1.0
                    for part in vars(state).values():
                        part[row] = 0.0
            outputs, phi = engine.step(x, text, state)
            for row, i in list(rows.items()):
                if rows.get(row) != i:
                    continue
                point = engine.draw(outputs[row], bias, rngs[i])
                if lines[i].add(point, phi[row, : len(lines[i].ids)]):
                    x[row] = point
                else:
                    del rows[row]
                    needless = done(i, lines[i].sample())
                    waiting = [j for j in waiting if j not in needless]
                    rows = {r: j for r, j in rows.items() if j not in needless}


class _Line:
    """A line while it is written: its points, the window that drew each, and whether it has ended."""

    def __init__(self, text: str, model: Model) -> None:
        self.text, self.ids = text, model.alphabet.encode(text + _NEXT_WORD)
        self.points: list[tuple[float, float, float]] = [(0.0, 0.0, 0.0)]
        self.windows: list[np.ndarray] = []
        self.finished = False
        self._statistics, self._usual_height = model.statistics, model.line_height
        self._every = model.every
        self._longest = _LONGEST * len(text) // model.every + _MARGIN
        self._late = self._late_right = 0

    def add(self, point: tuple[float, float, float], window: np.ndarray) -> bool:
        """Add a point drawn under a window over `ids`; False if the line has ended, with or without it."""
        u = len(self.text)
        place = int(window.argmax())
        right = self._moves([point])[0, 0]
        if self.points[-1][2] and right > 0 and self._full_stop():
            self.finished = True
        elif self.points[-1][2] and window[u:].sum() > window[:u].max() and not self._mark_is_due():
            self._late += 1
            self._late_right += right > 0
            self.finished = bool(
                (right > _NEXT_WORD_STEP * self._height() and place >= u)
                or self._late > _LATE_STROKES
                or self._late_right > _LATE_RIGHT
            )
        elif place > u + 1 and self.windows:  # it went on to the next word without lifting the pen
            self.finished = True
            keep = 1 + next((i for i, w in enumerate(self.windows) if w.argmax() == u), len(self.windows) - 1)
            self.points, self.windows = self.points[: keep + 1], self.windows[:keep]
        if self.finished:
            return False
        self.points.append(point)
        self.windows.append(np.append(window[:u], window[u:].sum()))
        return len(self.points) <= self._longest

    def _moves(self, points: Sequence[tuple[float, float, float]]) -> np.ndarray:
        """Steps (n, 2) in ink units."""
        return np.array(points)[:, :2] * self._statistics.std + self._statistics.mean

    def _height(self) -> float:
        """Of what is written so far, in ink units. A hyphen has none of its own: no less than half a usual one."""
        own = deskew(self._ink()).points[:, 1].std()
        return float(np.clip(own, self._usual_height / 2, self._usual_height * 2))

    def _mark_is_due(self) -> bool:
        """Whether the text ends in a mark for which the pen has not been set down yet."""
        if self.text[-1].isalnum():
            return False
        begins = [i for i in range(1, len(self.points)) if self.points[i - 1][2]]
        return not any(self.windows[i - 1].argmax() >= len(self.text) - 1 for i in begins)

    def _full_stop(self) -> bool:
        """Whether the full stop that ends the text is drawn: a dot to the right, the window at it or past it."""
        if self.text[-1] != ".":
            return False
        begins = [i for i in range(1, len(self.points)) if self.points[i - 1][2]]
        size = _DOT * self._height()
        for begin, end in zip(begins, [*begins[1:], len(self.points)], strict=False):
            if self.windows[begin - 1].argmax() >= len(self.text) - 1:
                moves = self._moves(self.points[begin:end])
                if moves[0, 0] > 0 and np.ptp(np.cumsum(moves, axis=0), axis=0).max() < size:
                    return True
        return False

    def _ink(self) -> Ink:
        return Ink.from_offsets(self._statistics.restore(np.array(self.points)))

    def sample(self) -> Sample:
        window = np.stack(self.windows[:1] + self.windows)  # the starting point shares the first row
        ink = self._ink()
        return Sample(self.text, ink, window, self.finished, flaws(self.text, ink, window, self._every))
