"""What has been drawn in a block of rows: the points, and the window that drew each."""

from __future__ import annotations

import numpy as np

__all__ = ["PAST", "Trace"]

#: Positions past the text whose window weights count as "past the end": the length of the word asked for beyond it.
PAST = 4

# Steps that no row needs are dropped once there are so many.
_KEPT = 4096


class Trace:
    """Points and window weights of every row since its line began; a step costs two small copies for all rows.

    Args:
        rows: rows of the block.
    """

    def __init__(self, rows: int) -> None:
        self._points: list[np.ndarray] = []
        self._windows: list[np.ndarray] = []
        self._begun: list[int | None] = [None] * rows
        self._dropped = 0

    def begin(self, row: int) -> None:
        """A new line begins in a row."""
        self._begun[row] = self._dropped + len(self._points)

    def release(self, row: int) -> None:
        """The line in a row is no longer needed."""
        self._begun[row] = None
        now = self._dropped + len(self._points)
        oldest = min((b for b in self._begun if b is not None), default=now) - self._dropped
        if oldest > _KEPT or oldest == len(self._points):
            del self._points[:oldest], self._windows[:oldest]
            self._dropped += oldest

    def append(self, points: np.ndarray, phi: np.ndarray) -> None:
        """One step of all rows: points (rows, 3), phi (rows, U + 1)."""
        self._points.append(points)
        self._windows.append(phi.copy())

    def take(self, keep: list[int]) -> None:
        """Go on with these rows alone, in this order."""
        self._points = [p[keep] for p in self._points]
        self._windows = [w[keep] for w in self._windows]
        self._begun = [self._begun[row] for row in keep]

    def length(self, row: int) -> int:
        """How many points were drawn in a row."""
        begun = self._begun[row]
        return 0 if begun is None else self._dropped + len(self._points) - begun

    def points(self, row: int, first: int = 0, last: int | None = None) -> np.ndarray:
        """Points drawn in a row, from the `first` to before the `last`, (n, 3) float64."""
        drawn = self._since(self._points, row)[first:last]
        return np.array([p[row] for p in drawn]).reshape(-1, 3)

    def offsets(self, row: int, length: int | None = None) -> np.ndarray:
        """The starting point, zeros, and the points drawn in a row (the first `length` of them), (1 + n, 3)."""
        return np.concatenate([np.zeros((1, 3)), self.points(row, 0, length)])

    def window(self, row: int, characters: int, length: int | None = None) -> np.ndarray:
        """The window of each of `offsets`, (1 + n, U + 1) float32, for a text of U characters.

        The last column adds up the positions past the text. The starting point shares the row of the first point.
        """
        drawn = self._since(self._windows, row)[:length]
        phi = np.array([w[row, : characters + PAST] for w in drawn])
        windows = phi[:, : characters + 1]
        windows[:, characters] = phi[:, characters:].sum(axis=1)
        return np.concatenate([windows[:1], windows])

    def _since(self, steps: list[np.ndarray], row: int) -> list[np.ndarray]:
        begun = self._begun[row]
        if begun is None:
            raise ValueError(f"no line stands in row {row}")
        return steps[begun - self._dropped :]
