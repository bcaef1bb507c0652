"""Sampling: text in, offsets out, with a bias, a seed, and an end that is neither early nor late.

Graves 2013, sections 5.3 (stopping) and 5.4 (bias).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields

import numpy as np

from ..corpus import Statistics
from ..ink import Ink
from ..model import Model
from .engine import BLOCK, Engine, State

__all__ = ["Sample", "Sampler", "SamplingOptions", "false_start", "lost_characters"]

# Stopping. The paper stops as soon as the window is past the text. But a network that has only seen
# lines end there knows nothing of what comes after: held against validation lines that rule cuts the
# last stroke or a late dot in one line of six, and lets one line of six run on. Between words, though,
# it knows well what to do. So a word more is asked for than is wanted, and the line ends where the pen
# sets off for it.
_NEXT_WORD = " and"
# How far to the right, in deviations, the pen sets off for another word: 19 of 20 gaps between words are
# wider, and late dots, bars and full stops are nearer.
_NEXT_WORD_STEP = 1.6
# Late dots and bars there can be once the window has left the text.
_LATE_STROKES = 3
# Characters after which the network is made to begin again, and those it carries over: the data have 29
# characters a line.
_BREATH = 24
_CARRY = 12
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
        lost: how many characters the window skipped or went back to, and whether the line began with
            a stray dot; 0 is a sound line.
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
        lines = [_Line(t, self.model.alphabet.encode(t + _NEXT_WORD)) for t in texts]
        rngs = [np.random.default_rng(s) for s in seeds]
        text = self._one_hot([line.ids for line in lines])
        state = engine.initial_state()
        running = list(range(len(lines)))
        while running:
            x = np.zeros((BLOCK, 3))
            x[running] = [lines[row].points[-1] for row in running]
            outputs, phi = engine.step(x, text, state)
            for row in list(running):
                line = lines[row]
                if not line.add(engine.draw(outputs[row], bias, rngs[row]), phi[row]):
                    running.remove(row)
                elif line.take_breath():
                    text[row] = self._one_hot([line.ids[line.first_character :]], text.shape[1])[0]
                    self._read(line, text[row], state, row)
        return [line.sample(self.model.statistics) for line in lines]

    def _one_hot(self, ids: list[np.ndarray], width: int = 0) -> np.ndarray:
        """Texts in columns of which there is the same number whatever the texts: a line's products have
        one shape, and its ink does not depend on its neighbours."""
        width = width or -(-max(map(len, ids)) // 80) * 80
        out = self._engine.encode([np.pad(i, (0, width - len(i))) for i in ids])
        for row, i in zip(out, ids, strict=False):
            row[len(i) :] = 0
        return out

    def _read(self, line: _Line, text: np.ndarray, state: State, row: int) -> None:
        """Set a row of the state to what it is after reading the line's points but the last (priming)."""
        fresh = self._engine.initial_state()
        texts = np.zeros((BLOCK, *text.shape), np.float32)
        texts[0] = text
        for point in line.since_breath()[:-1]:
            x = np.zeros((BLOCK, 3))
            x[0] = point
            self._engine.step(x, texts, fresh)
        for f in fields(State):
            getattr(state, f.name)[row] = getattr(fresh, f.name)[0]


class _Line:
    """A line while it is written: its points, where words begin, and whether it has ended."""

    def __init__(self, text: str, ids: np.ndarray) -> None:
        self.text, self.ids = text, ids
        self.points: list[tuple[float, float, float]] = [(0.0, 0.0, 0.0)]
        self.windows: list[np.ndarray] = []
        self.finished = False
        self.words = [(0, 0)]  # (point, character) at which words begin
        self.first_point, self.first_character = 0, 0  # of what the network has in its state
        self._late = 0

    def add(self, point: tuple[float, float, float], phi: np.ndarray) -> bool:
        """Add a point drawn under the window phi; False if the line has ended, with or without it."""
        u = len(self.text)
        window = np.zeros(len(self.ids), np.float32)
        seen = len(self.ids) - self.first_character
        window[self.first_character :] = phi[:seen]
        place = int(window.argmax())
        pen_up = bool(self.points[-1][2])
        leap = pen_up and point[0] > _NEXT_WORD_STEP
        if pen_up and place >= u:
            self._late += 1
            self.finished = leap or self._late > _LATE_STROKES
        elif place > u + 1:  # it went on to the next word without lifting the pen
            self.finished = True
            keep = 1 + next((i for i, w in enumerate(self.windows) if w.argmax() == u), len(self.windows))
            self.points, self.windows = self.points[: keep + 1], self.windows[:keep]
        if self.finished:
            return False
        self.points.append(point)
        self.windows.append(np.append(window[:u], window[u:].sum()))
        if leap and place > 0 and " " in self.text[place - 1 : place + 1]:
            character = place if self.text[place - 1] == " " else place + 1
            if character > self.words[-1][1]:
                self.words.append((len(self.points) - 1, character))
        return len(self.points) <= _LONGEST * u + _MARGIN

    def take_breath(self) -> bool:
        """At the beginning of a word, long after the network began to read: make it begin again nearby.

        Writers squeeze the end of a long line, and the window drifts; the network knows both and does
        the same. So it is made to forget all but the last words, and goes on as if the line began there.
        """
        point, character = self.words[-1]
        if point != len(self.points) - 1 or character - self.first_character < _BREATH:
            return False
        for p, c in reversed(self.words):
            if character - c >= _CARRY:
                self.first_point, self.first_character = p, c
                return p > 0
        return False

    def since_breath(self) -> list[tuple[float, float, float]]:
        """Points that the network has read since it last began; the first is where the pen stands."""
        points = self.points[self.first_point :]
        return [(0.0, 0.0, points[0][2]), *points[1:]]

    def sample(self, statistics: Statistics) -> Sample:
        window = np.stack(self.windows[:1] + self.windows)  # the starting point shares the first row
        ink = Ink.from_offsets(statistics.restore(np.array(self.points)))
        lost = lost_characters(self.text, window) + false_start(self.text, ink)
        return Sample(self.text, ink, window, self.finished, lost)


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


def false_start(text: str, ink: Ink) -> bool:
    """Whether a line whose first character is a letter or digit begins with a dot.

    Some recorded lines do, where a pen was tried; what follows is seldom a whole letter.
    """
    height = float(ink.points[:, 1].std())
    return text[0].isalnum() and float(np.ptp(ink.strokes[0], axis=0).max()) < 0.3 * height
