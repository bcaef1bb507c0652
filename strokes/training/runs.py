"""What every training run has: a folder of its own, a log of its numbers, and an end at the first Ctrl-C."""

from __future__ import annotations

import itertools
import json
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..files import InputError, atomic_path

__all__ = ["Log", "fresh_run", "interruptible"]


def fresh_run(run: Path, resume: bool) -> None:
    """Make the folder of a run, or check that there is one to resume.

    Raises:
        InputError: a new run's folder holds another, or a resumed one's does not exist.
    """
    if resume:
        if not run.is_dir():
            raise InputError(f"{run}: there is no run to resume; start without --resume")
        return
    if run.exists() and any(run.iterdir() if run.is_dir() else [run]):
        raise InputError(f"{run}: this is in use; go on with --resume, or choose another folder")
    try:
        run.mkdir(parents=True, exist_ok=True)
    except OSError as e:
        raise InputError(f"{run}: this folder cannot be made ({e.strerror}); choose another place") from None


class Log:
    """Rows of JSON, appended; when resuming, rows later than the checkpoint are taken out first."""

    def __init__(self, path: Path, step: int | None, first: bool = True) -> None:
        self.path = path
        if not first:
            return
        kept = []
        if step is not None and path.exists():
            for row in path.read_text(encoding="utf-8").splitlines():
                try:
                    if json.loads(row)["step"] <= step:
                        kept.append(row + "\n")
                except ValueError:
                    pass  # a row that was cut off by a crash
        with atomic_path(path) as tmp:
            tmp.write_text("".join(kept), encoding="utf-8")

    def write(self, event: str, **values: object) -> None:
        """Append one row; `values` has the step.

        Raises:
            InputError: the disk is full.
        """
        try:
            with open(self.path, "a", encoding="utf-8") as f:
                f.write(json.dumps({"event": event, **values}) + "\n")
        except OSError as e:
            raise InputError(
                f"{self.path}: cannot be written ({e.strerror}); make room and go on from the last checkpoint "
                "with --resume"
            ) from None


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
