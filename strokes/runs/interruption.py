"""The end of a run at the first Ctrl-C."""

from __future__ import annotations

import itertools
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["interruptible"]


@contextmanager
def interruptible(speak: bool = True) -> Iterator[list[float]]:
    """Collects the first Ctrl-C (or SIGTERM) instead of raising; a later one raises.

    Whoever started this process may pass on a Ctrl-C that the terminal sent here too: within a second
    two are one.
    """
    caught: list[float] = []
    # A handler may be interrupted by the next signal: next() alone tells the first for sure.
    order = itertools.count()

    def handler(number: int, frame: object) -> None:
        if caught and time.monotonic() - caught[0] > 1:
            raise KeyboardInterrupt
        if next(order) == 0 and speak:
            os.write(
                2, b"\nstrokes: stopping after this batch; again to stop at once\n"
            )  # print may be under way
        caught.append(time.monotonic())

    old = {}
    try:
        for s in (signal.SIGINT, signal.SIGTERM):
            old[s] = signal.signal(s, handler)
    except ValueError:
        pass  # not the main thread: the caller handles signals
    try:
        yield caught
    finally:
        for s, h in old.items():
            signal.signal(s, h)
