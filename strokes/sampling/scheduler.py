"""Which line is drawn next, in which try, and when a line is settled; shared by the threads that draw.

The outcome of a line never depends on the order in which tries are made: it is the first sound try, counted from 0, or
of all its tries the one with the fewest problems.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from .sample import Sample

__all__ = ["Job", "Scheduler"]


# Tries at one line that are drawn side by side. About half of first tries are sound.
_AT_ONCE = 2


class Job(NamedTuple):
    """One try at one line."""

    line: int
    attempt: int


@dataclass
class _Line:
    """What is known of a line."""

    text: str
    ids: np.ndarray
    samples: dict[int, Sample] = field(default_factory=dict)
    next_try: int = 0
    # Tries from this one on need not begin: there are no more, or this one is sound.
    needless: int = 0
    settled: bool = False


class Scheduler:
    """Hands out tries at lines.

    Args:
        texts: what each line says.
        ids: (U,) int64 of each line, what is read for it.
        tries: most tries of a line.
        progress: called with the number of lines settled each time some are; by whichever thread settles them.
    """

    def __init__(
        self,
        texts: list[str],
        ids: list[np.ndarray],
        tries: int,
        progress: Callable[[int], object] | None = None,
    ) -> None:
        self._lines = [_Line(t, i, needless=tries) for t, i in zip(texts, ids, strict=True)]
        self._progress = progress
        self._lock = threading.Condition()
        #: Changes whenever a try ends, so that what is needed may have changed.
        self.version = 0
        self._unsettled = len(self._lines)

    def text(self, job: Job) -> str:
        """What a job's line says."""
        return self._lines[job.line].text

    def ids(self, job: Job) -> np.ndarray:
        """What is read for a job's line."""
        return self._lines[job.line].ids

    def take(self) -> Job | None:
        """The next try that is needed, or None.

        Each line gets its first try before any gets its second. A further try may begin while earlier ones, which may
        turn out sound, are being drawn: rows that stand empty cost nearly as much.
        """
        with self._lock:
            best: Job | None = None
            for i, line in enumerate(self._lines):
                attempt = line.next_try
                waits = attempt - len(line.samples) >= _AT_ONCE
                if line.settled or attempt >= line.needless or waits:
                    continue
                if best is None or attempt < best.attempt:
                    best = Job(i, attempt)
            if best is not None:
                self._lines[best.line].next_try += 1
            return best

    @property
    def finished(self) -> bool:
        """Whether every line is settled."""
        return self._unsettled == 0

    def wait(self, version: int) -> None:
        """Until the version is another than this one, or a while has passed."""
        with self._lock:
            if self.version == version and self._unsettled:
                self._lock.wait(0.05)

    def needed(self, job: Job) -> bool:
        """Whether a try that is being drawn can still matter."""
        line = self._lines[job.line]
        return not line.settled and job.attempt < line.needless

    def done(self, job: Job, sample: Sample, *, cancelled: bool = False) -> None:
        """A try ended."""
        with self._lock:
            line = self._lines[job.line]
            self.version += 1
            line.samples[job.attempt] = sample
            if sample.sound:
                line.needless = min(line.needless, job.attempt)
            newly = not line.settled and (cancelled or all(k in line.samples for k in range(line.needless)))
            line.settled = line.settled or newly
            self._unsettled -= newly
            self._lock.notify_all()
            if newly and self._progress is not None:
                self._progress(1)

    def outcome(self) -> list[Sample]:
        """The sample of each line."""
        return [
            min(
                (s for _, s in sorted(line.samples.items())),
                key=lambda s: (s.quality.problems, not s.finished),
            )
            for line in self._lines
        ]
