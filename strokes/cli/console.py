"""What the terminal gets: messages of one line, tables, progress; never a control character of somebody's file."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

__all__ = ["Bars", "Progress", "note", "open_streams", "printable", "progress", "say", "show"]

#: Called with the amount done since the last call.
Progress = Callable[[int], object]

# A bar of a few lines is gone before it can be read.
_FEWEST = 4


def printable(text: object) -> str:
    """A text on one line, with escapes for what a terminal would act on: control characters and the like."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in str(text))


def say(message: object) -> None:
    """A warning or refusal on standard error, one line."""
    note(f"strokes: {message}")


def note(message: object) -> None:
    """News of long work on standard error, one line. Where nobody can read it, it is lost."""
    with suppress(OSError, ValueError):
        print(printable(message), file=sys.stderr, flush=True)


def show(text: str) -> None:
    """Lines on standard output."""
    for line in text.split("\n"):
        print(printable(line))


@contextmanager
def progress(what: str, total: int, unit: str = "", fewest: int = _FEWEST) -> Iterator[Progress]:
    """A progress bar on standard error, if that is a terminal and there is something to wait for.

    Args:
        what: it stands before the bar; may be "".
        total: how much there is to do.
        unit: of `total`.
        fewest: no bar for less than this.
    """
    if total < fewest or not sys.stderr.isatty():
        yield lambda done: None
        return
    from tqdm import tqdm

    with tqdm(desc=printable(what) or None, total=total, unit=unit, leave=not what) as bar:
        yield bar.update


class Bars:
    """One progress bar after the other: called with what begins and its size, gives a `Progress`.

    Args:
        units: of what is counted; all else is in bytes.
    """

    def __init__(self, units: dict[str, str]) -> None:
        self._units = units
        self._close: Callable[[], None] = lambda: None

    def __enter__(self) -> Bars:
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def __call__(self, what: str, total: int | None) -> Progress:
        """Begin another bar."""
        self._close()
        if not sys.stderr.isatty():
            return lambda done: None
        from tqdm import tqdm

        counted = what in self._units
        unit = self._units.get(what, "B")
        bar = tqdm(desc=printable(what), total=total, leave=False, unit=unit, unit_scale=not counted)
        self._close = bar.close
        return bar.update


def open_streams() -> None:
    """Make the standard streams usable whatever the caller made of them.

    A closed one (`2>&-`) becomes /dev/null: else the next file that is opened would take its number, and receive
    what libraries print. An encoding that lacks a character (PYTHONIOENCODING=ascii) gets an escape for it.
    """
    if None in (sys.stdin, sys.stdout, sys.stderr):
        while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
            pass
        os.close(number)
        sys.stdout = sys.stdout or open(1, "w", closefd=False)  # noqa: SIM115  # stands until the end
        sys.stderr = sys.stderr or open(2, "w", closefd=False)  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")
