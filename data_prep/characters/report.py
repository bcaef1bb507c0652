"""What became of the images, as a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from strokes.characters.data import SPLITS

__all__ = ["Report"]


@dataclass(frozen=True, eq=False)
class Report:
    """What became of the images.

    Attributes:
        sources: the data sets' names.
        counts: of each: images "read", "kept" and left out, by reason.
        classes: one character a class.
        splits: images of each class in each split, (classes, 3).
        merged: data sets whose classes hold lower-case letters as well.
        unusable: a sentence for each picture that could not be used.
    """

    sources: tuple[str, ...]
    counts: tuple[Counter[str], ...]
    classes: str
    splits: np.ndarray
    merged: tuple[str, ...] = ()
    unusable: tuple[str, ...] = ()

    def table(self) -> str:
        """Images read, kept and left out for which reason, per source; images and images a class, per split."""
        total = sum(self.counts, Counter())
        reasons = sorted(set(total) - {"read", "kept"}, key=lambda r: (-total[r], r))
        rows = [["images", *self.sources, "all"]]
        for key in ("read", "kept", *reasons):
            label = key if key in ("read", "kept") else f"left out: {key}"
            rows.append([label, *(f"{c[key]:,}" for c in self.counts), f"{total[key]:,}"])
        if len(self.sources) == 1:
            rows = [row[:-1] for row in rows]
        rows_of_splits = [["split", "images", "fewest", "most a class"]]
        for name, column in zip(SPLITS, self.splits.T, strict=True):
            ends = [f"{column[i]:,} ({self.classes[i]})" for i in (column.argmin(), column.argmax())]
            rows_of_splits.append([name, f"{column.sum():,}", *ends])
        lines = [
            *_aligned(rows),
            "",
            *_aligned(rows_of_splits),
            f"{len(self.classes)} classes  {self.classes}",
        ]
        lines += [f"{name}: some of its classes hold upper and lower case together" for name in self.merged]
        return "\n".join(lines)

    def warnings(self, most: int = 20) -> list[str]:
        """A sentence for each picture that could not be used; of more than `most`, how many more there are."""
        shown = [f"{sentence}; it is left out" for sentence in self.unusable[:most]]
        more = len(self.unusable) - len(shown)
        return [*shown, f"{more:,} more pictures are left out"] if more else shown


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    out = []
    for row in rows:
        cells = [cell.rjust(w) for cell, w in zip(row, widths, strict=True)]
        out.append("  ".join([row[0].ljust(widths[0]), *cells[1:]]))
    return out
