"""Which line is drawn next; shared by the threads that draw."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

import numpy as np

from .sample import Sample

__all__ = ["Scheduler"]


class Scheduler:
    """Hands out lines, and takes what came of them.

    Args:
        texts: what each line says.
        ids: (U,) int64 of each line, what is read for it.
        progress: called with the number of lines done each time some are; by whichever thread has done them.
        keys: what each line is seeded by, together with the seed of all; its number if None.
        style: vector of the hand that writes all lines; None for none.
    """

    def __init__(
        self,
        texts: Sequence[str],
        ids: Sequence[np.ndarray],
        progress: Callable[[int], object] | None = None,
        keys: Sequence[tuple[int, ...]] | None = None,
        style: np.ndarray | None = None,
    ) -> None:
        self.style = style
        self.texts, self.ids = tuple(texts), tuple(ids)
        self.keys = tuple(keys) if keys is not None else tuple((line,) for line in range(len(self.texts)))
        self._progress = progress
        self._lock = threading.Lock()
        self._next = 0
        self._samples: dict[int, Sample] = {}

    def take(self) -> int | None:
        """The next line, or None."""
        with self._lock:
            if self._next == len(self.texts):
                return None
            self._next += 1
            return self._next - 1

    def done(self, line: int, sample: Sample) -> None:
        """A line is done."""
        with self._lock:
            self._samples[line] = sample
            if self._progress is not None:
                self._progress(1)

    def outcome(self) -> list[Sample]:
        """The sample of each line, once all are done."""
        return [self._samples[line] for line in range(len(self.texts))]
