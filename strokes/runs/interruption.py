"""The end of a run at the first Ctrl-C."""

from __future__ import annotations

import itertools
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

__all__ = ["Interruption", "interruptible"]


class Interruption:
    """Whether the person at the terminal has asked for an end."""

    def __init__(self) -> None:
        self.first: float | None = None

    @property
    def requested(self) -> bool:
        """True from the first Ctrl-C or SIGTERM on."""
        return self.first is not None


@contextmanager
def interruptible(speak: bool = True) -> Iterator[Interruption]:
    """Note the first Ctrl-C (or SIGTERM) instead of raising; a later one raises KeyboardInterrupt.

    Whoever started this process may pass on a Ctrl-C that the terminal sent here too: within a second two are one.
    """
    interruption = Interruption()
    # A handler may be interrupted by the next signal: next() alone tells the first for sure.
    order = itertools.count()

    def handler(number: int, frame: FrameType | None) -> None:
        if interruption.first is not None and time.monotonic() - interruption.first > 1:
            raise KeyboardInterrupt
        if next(order) == 0:
            interruption.first = time.monotonic()
            if speak:  # not by print, which may be under way
                os.write(2, b"\nstrokes: stopping after this batch; again to stop at once\n")

    old = {}
    try:
        for s in (signal.SIGINT, signal.SIGTERM):
            old[s] = signal.signal(s, handler)
    except ValueError:
        pass  # not the main thread: the caller handles signals
    try:
        yield interruption
    finally:
        for s, h in old.items():
            signal.signal(s, h)
