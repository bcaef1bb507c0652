"""What has been drawn in a block of rows: the points, and the window that drew each."""

from __future__ import annotations

import numpy as np

__all__ = ["PAST", "Trace"]

#: Positions past the text whose window weights count as "past the end": the length of the word asked for beyond it.
PAST = 4

# Points that rows have room for at first; and columns that are added at a time.
_POINTS, _COLUMNS = 512, 16


class Trace:
    """Points and window weights of every row since its line began; a step costs two small copies for all rows.

    Args:
        rows: rows of the block.
    """

    def __init__(self, rows: int) -> None:
        self._points = np.zeros((rows, _POINTS, 3))
        self._windows = np.zeros((rows, _POINTS, 0), np.float32)
        self._lengths = np.zeros(rows, np.int64)
        self._rows = np.zeros(0, np.int64)  # that hold a line
        self._begun = np.zeros(rows, bool)

    def begin(self, row: int) -> None:
        """A new line begins in a row."""
        self._lengths[row] = 0
        self._begun[row] = True
        self._rows = np.flatnonzero(self._begun)

    def release(self, row: int) -> None:
        """The line in a row is no longer needed."""
        self._begun[row] = False
        self._rows = np.flatnonzero(self._begun)

    def rewind(self, row: int, length: int) -> None:
        """Forget all but the first `length` points of a row."""
        if not 0 <= length <= self._lengths[row]:
            raise ValueError(f"row {row} has {self._lengths[row]} points and cannot go back to {length}")
        self._lengths[row] = length

    def append(self, points: np.ndarray, phi: np.ndarray) -> None:
        """One step of all rows: points (rows, 3), phi (rows, U + 1)."""
        rows = self._rows
        lengths = self._lengths[rows]
        self._make_room(int(lengths.max(initial=0)) + 1, phi.shape[1])
        self._points[rows, lengths] = points[rows]
        self._windows[rows, lengths, : phi.shape[1]] = phi[rows]
        self._lengths[rows] += 1

    def take(self, keep: list[int]) -> None:
        """Go on with these rows alone, in this order."""
        self._lengths, self._begun = self._lengths[keep], self._begun[keep]
        drawn = int(self._lengths[self._begun].max(initial=0))
        points, windows = self._points, self._windows
        self._points = np.empty((len(keep), *points.shape[1:]))
        self._windows = np.empty((len(keep), *windows.shape[1:]), np.float32)
        self._points[:, :drawn], self._windows[:, :drawn] = points[keep, :drawn], windows[keep, :drawn]
        self._rows = np.flatnonzero(self._begun)

    @property
    def lengths(self) -> np.ndarray:
        """(rows,) int64: how many points were drawn in each row; not to be changed."""
        return self._lengths

    def length(self, row: int) -> int:
        """How many points were drawn in a row."""
        return int(self._lengths[row]) if self._begun[row] else 0

    def points(self, row: int, first: int = 0, last: int | None = None) -> np.ndarray:
        """Points drawn in a row, from the `first` to before the `last`, (n, 3) float64."""
        self._check(row)
        return self._points[row, : self._lengths[row]][first:last].copy()

    def offsets(self, row: int, length: int | None = None) -> np.ndarray:
        """The starting point, zeros, and the points drawn in a row (the first `length` of them), (1 + n, 3)."""
        return np.concatenate([np.zeros((1, 3)), self.points(row, 0, length)])

    def window(self, row: int, characters: int, length: int | None = None) -> np.ndarray:
        """The window of each of `offsets`, (1 + n, U + 1) float32, for a text of U characters.

        The last column adds up the positions past the text. The starting point shares the row of the first point.
        """
        windows = self.part(row, characters, 0, length)
        return np.concatenate([windows[:1], windows])

    def part(self, row: int, characters: int, first: int, last: int | None = None) -> np.ndarray:
        """The window of points from the `first` to before the `last`, (n, U + 1) float32; see `window`."""
        self._check(row)
        phi = self._windows[row, : self._lengths[row], : characters + PAST][first:last]
        windows = phi[:, : characters + 1].copy()
        windows[:, characters] = phi[:, characters:].sum(axis=1)
        return windows

    def _check(self, row: int) -> None:
        if not self._begun[row]:
            raise ValueError(f"no line stands in row {row}")

    def _make_room(self, points: int, columns: int) -> None:
        rows, room, width = self._windows.shape
        if points > room:
            more = room
            self._points = np.concatenate([self._points, np.zeros((rows, more, 3))], axis=1)
            self._windows = np.concatenate([self._windows, np.zeros((rows, more, width), np.float32)], axis=1)
            room += more
        if columns > width:
            wider = np.zeros((rows, room, -(-columns // _COLUMNS) * _COLUMNS), np.float32)
            wider[:, :, :width] = self._windows
            self._windows = wider
