"""How a line that goes wrong is mended: back to the start of a word, and on from there with other random numbers.

What came before that word stays. Each word may be begun so often, and each line be finished so often; if none of its
endings is clean, the best of them is kept.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .engine import RowState
from .faults import LineFollower
from .sample import Sample

__all__ = ["Checkpoint", "Draft"]

# A word that nothing but its reading speaks against is begun so often: some a reader never reads.
_MISREAD = 3
# A word is begun so often for a dot that a sound line may have.
_DOUBTED = 3
# A word is gone back to so often before the pen goes back to the word before it, too.
_BEFORE_FURTHER_BACK = 2


@dataclass(frozen=True)
class Checkpoint:
    """Where a word may begin: all that is needed to go on from there.

    Attributes:
        length: points drawn.
        state: the network's; None at the beginning of the line.
        counters: the stopper's.
    """

    length: int
    state: RowState | None
    counters: tuple[int, ...]


class Draft:
    """A line that is being drawn.

    Args:
        line: its number.
        text: what it says.
        ids: what is read for it.
        best_of: most times that a word is begun, and the line is finished.
        follower: looks for faults; None if nothing is mended.
        start: its beginning.
    """

    def __init__(
        self,
        line: int,
        text: str,
        ids: np.ndarray,
        best_of: int,
        follower: LineFollower | None,
        start: Checkpoint,
    ) -> None:
        self.line, self.text, self.ids, self.follower = line, text, ids, follower
        #: Points of it that were streamed, and how many of these still hold.
        self.streamed = self.kept = 0
        #: Points drawn, those that were taken back included.
        self.drawn = 0
        self._best_of = best_of
        self._checkpoints: dict[int, Checkpoint] = {0: start}
        words = len(follower.words) if follower else 1
        self._tries, self._begun = [1] * words, [1] * words
        self._endings = 0
        self._best: tuple[tuple[float, ...], Sample] | None = None

    @property
    def begun(self) -> list[int]:
        """How often each word was begun."""
        return self._begun

    def can_blame(self, word: int) -> bool:
        """Whether a word may be begun once more."""
        return self._tries[word] < self._best_of

    def can_doubt(self, word: int) -> bool:
        """Whether a word may be begun once more for what a sound line may have."""
        return self._tries[word] < min(self._best_of, _DOUBTED)

    def first_to_mend(self, sample: Sample) -> int | None:
        """The first doubtful word of a finished line that may be begun once more; None if there is none."""
        for i, word in enumerate(sample.words):
            if word.doubtful and self._tries[i] < (
                self._best_of if word.faults else min(self._best_of, _MISREAD)
            ):
                return i
        return None

    def may_begin(self, word: int, checkpoint: Checkpoint) -> None:
        """The pen is up, and what is drawn next may be this word."""
        self._checkpoints[word] = checkpoint

    def latest(self, word: int) -> tuple[int, Checkpoint]:
        """The last word up to this one whose beginning is known, and its beginning."""
        begun = max(k for k in self._checkpoints if k <= word)
        return begun, self._checkpoints[begun]

    def go_back(self, word: int) -> tuple[Checkpoint, tuple[int, int]]:
        """A word went wrong: where to go on from, and which random numbers to take, as (word, its try)."""
        attempt = self._tries[word]
        self._tries[word] += 1
        start, checkpoint = self.latest(max(0, word - attempt // (_BEFORE_FURTHER_BACK + 1)))
        self._checkpoints = {k: c for k, c in self._checkpoints.items() if k <= start}
        for k in range(start, word + 1):
            self._begun[k] += 1
        if self.follower:
            self.follower.rewind(checkpoint.length)
        self.drawn -= checkpoint.length
        self.kept = min(self.kept, checkpoint.length)
        return checkpoint, (word, attempt)

    def offer(self, sample: Sample) -> bool:
        """The line was finished, but not cleanly; whether it may be finished once more."""
        self._endings += 1
        misread = sum(word.misread for word in sample.words)
        sure = [word.reading.confidence for word in sample.words if word.reading]
        faults = sample.quality.problems + (not sample.finished)
        cost = (faults + misread, misread, -float(np.mean(sure or [0.0])))
        if self._best is None or cost < self._best[0]:
            self._best = cost, sample
        return self._endings < self._best_of

    @property
    def best(self) -> Sample:
        """The best of what was offered.

        Raises:
            ValueError: nothing was.
        """
        if self._best is None:
            raise ValueError("no ending of this line was offered")
        return self._best[1]
