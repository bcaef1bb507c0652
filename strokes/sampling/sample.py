"""Sampling: text in, offsets out, with a bias, a seed, and an end that is neither early nor late.

Graves 2013, sections 5.3 (stopping) and 5.4 (bias).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ..ink import Ink
from ..model import Model
from .engine import BLOCK, Engine

__all__ = ["Sample", "Sampler", "SamplingOptions", "lost_characters"]

# Stopping. The paper stops as soon as the window is past the text, which cuts the last letter or the late
# dot of an i: in validation lines the window is past the text before the last stroke in one line of six.
# So the pen is asked when it is up: with this share of the window past the text, and the next stroke
# drawn further right than late dots and bars are (in deviations), the line has ended. Held against
# validation lines this ends 80 % at their last point and cuts 7 % too soon; the paper's rule at the
# end of a stroke ends 84 % and cuts 14 %.
_END_SHARE = 0.4
_END_STEP = 0.4
# Strokes that may follow the text (dots, bars), and points past it without lifting the pen: 99 % of real
# lines have 23 or fewer.
_LATE_STROKES = 2
_LATE_POINTS = 24
# Points after which a line that has not ended never will: slow hands take about 25 a character.
_LONGEST = 30
_MARGIN = 60


@dataclass(frozen=True)
class SamplingOptions:
    """How to draw from the network.

    Args:
        bias: 0 draws the hands of the data with all their accidents; towards 1 and above, neater and
            more alike (eqs. 61-62).
        seed: the same seed gives the same ink.
        tries: a line whose window lost its place in the text (a character skipped or gone back to, no
            end) is drawn again up to this often in all, from the next seeds. 1 keeps the first.
    """

    bias: float = 0.75
    seed: int = 0
    tries: int = 4

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
        lost: how many characters the window skipped or went back to; 0 is a sound line.
    """

    text: str
    ink: Ink
    window: np.ndarray
    finished: bool
    lost: int


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
        open_lines = list(range(len(texts)))
        for attempt in range(options.tries):
            seeds = [(options.seed, i, attempt) for i in open_lines]
            drawn = self._draw([texts[i] for i in open_lines], seeds, options.bias)
            for i, line in zip(open_lines, drawn, strict=True):
                if i not in best or (line.lost, not line.finished) < (best[i].lost, not best[i].finished):
                    best[i] = line
            before = len(open_lines)
            open_lines = [i for i in open_lines if best[i].lost or not best[i].finished]
            if progress is not None:
                progress(before - (len(open_lines) if attempt + 1 < options.tries else 0))
            if not open_lines:
                break
        return [best[i] for i in range(len(texts))]

    def _draw(self, texts: list[str], seeds: list[tuple[int, ...]], bias: float) -> list[Sample]:
        """One try at each text, BLOCK lines at a time."""
        out: list[Sample] = []
        for start in range(0, len(texts), BLOCK):
            out += self._draw_block(texts[start : start + BLOCK], seeds[start : start + BLOCK], bias)
        return out

    def _draw_block(self, texts: list[str], seeds: list[tuple[int, ...]], bias: float) -> list[Sample]:
        engine = self._engine
        # Every text stands in the same number of columns, so that a line's products have one shape.
        ids = [self.model.alphabet.encode(t) for t in texts]
        text = engine.encode([np.pad(i, (0, -len(i) % 64)) for i in ids])
        for row, i in zip(text, ids, strict=False):
            row[len(i) :] = 0
        rngs = [np.random.default_rng(s) for s in seeds]
        state = engine.initial_state()
        x = np.zeros((BLOCK, 3))
        points: list[list[tuple[float, float, float]]] = [[(0.0, 0.0, 0.0)] for _ in texts]
        windows: list[list[np.ndarray]] = [[] for _ in texts]
        finished = [False] * len(texts)
        late, past = [0] * len(texts), [0] * len(texts)
        running = list(range(len(texts)))
        while running:
            outputs, phi = engine.step(x, text, state)
            for row in list(running):
                u = len(texts[row])
                weights = phi[row, : u + 1]
                point = engine.draw(outputs[row], bias, rngs[row])
                ended = points[row][-1][2] and weights[u] > _END_SHARE * weights.sum()
                late[row] += bool(ended)
                if ended and (point[0] > _END_STEP or late[row] > _LATE_STROKES):
                    finished[row] = True
                    running.remove(row)
                    continue
                past[row] = past[row] + 1 if weights[u] > weights[:u].max() and not points[row][-1][2] else 0
                points[row].append(point)
                windows[row].append(weights.copy())
                x[row] = point
                if past[row] > _LATE_POINTS:
                    finished[row] = True
                    running.remove(row)
                elif len(points[row]) > _LONGEST * u + _MARGIN:
                    running.remove(row)
        restore = self.model.statistics.restore
        samples = []
        for row, t in enumerate(texts):
            window = np.stack(windows[row][:1] + windows[row])  # the starting point shares the first row
            samples.append(
                Sample(t, Ink.from_offsets(restore(np.array(points[row]))), window, finished[row],
                       lost_characters(t, window))
            )  # fmt: skip
        return samples


def lost_characters(text: str, window: np.ndarray) -> int:
    """How many characters the window never reached or went back to.

    Args:
        window: phi, (N, U + 1).
    """
    place = window.argmax(axis=1)
    steps = np.diff(place)
    back = int(np.maximum(0, -steps - 1).sum())
    weight = window[:, :-1].max(axis=0)
    missed = sum(1 for w, c in zip(weight, text, strict=True) if c != " " and w < 0.15)
    return back + missed
