"""All images that were read, which of them are kept, and why the others are not."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from .streams import PIXELS

__all__ = ["Collection"]


@dataclass
class Collection:
    """Images of several sources.

    Attributes:
        seed: what digests depend on.
        counts: of each source: images "read", "kept" and left out, by reason.
        unusable: a sentence for each picture that could not be used.
    """

    seed: int
    counts: list[Counter[str]]
    unusable: list[str] = field(default_factory=list)
    _blocks: list[np.ndarray | None] = field(default_factory=list)
    _columns: list[tuple[np.ndarray, ...]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.labels = np.empty(0, np.int64)
        self.origins = np.empty(0, np.uint16)
        self.official = np.empty(0, bool)
        self.digests = np.empty((0, 4), np.uint64)
        self.kept = np.empty(0, bool)

    def add(self, images: np.ndarray, labels: np.ndarray, origin: int, official: bool) -> None:
        """Add images of a source.

        Args:
            images: (n, 28, 28) uint8.
            labels: (n,).
            origin: which source.
            official: whether its authors made them to test on.
        """
        self._blocks.append(np.ascontiguousarray(images))
        count = len(images)
        of = np.full(count, origin, np.uint16), np.full(count, official)
        self._columns.append((labels.astype(np.int64), *of, _digests(images, self.seed)))

    def reject(self, sentence: str, origin: int) -> None:
        """Count a picture that cannot be used, and remember why."""
        self.unusable.append(sentence)
        self.counts[origin] += Counter({"read": 1, "unusable picture": 1})

    def complete(self) -> None:
        """No more is added: labels, origins, official, digests and kept, (n,) each, can be looked at."""
        if self._columns:
            columns = (np.concatenate(c) for c in zip(*self._columns, strict=True))
            self.labels, self.origins, self.official, self.digests = columns
            self._columns.clear()
        self.kept = np.ones(len(self.labels), bool)

    def leave_out(self, rows: np.ndarray, reason: str) -> None:
        """Keep these rows (a mask or indices) no longer, and count them."""
        for origin, count in zip(*np.unique(self.origins[rows], return_counts=True), strict=True):
            self.counts[origin][reason] += int(count)
        self.kept[rows] = False

    def count_kept(self) -> None:
        """Count what is kept of each source."""
        for origin, count in enumerate(np.bincount(self.origins[self.kept], minlength=len(self.counts))):
            self.counts[origin]["kept"] = int(count)

    def take(self, rows: np.ndarray) -> np.ndarray:
        """The images of these rows, in their order, (m, 28, 28); all images are given up on the way."""
        out = np.empty((len(rows), 28, 28), np.uint8)
        order = np.argsort(rows, kind="stable")  # where in `out` the first, second, ... row of all goes
        rows, begin, start = rows[order], 0, 0
        for i, block in enumerate(self._blocks):
            if block is None:
                raise ValueError("the images were taken already")
            end = begin + int(np.searchsorted(rows[begin:], start + len(block)))
            out[order[begin:end]] = block[rows[begin:end] - start]
            begin, start = end, start + len(block)
            self._blocks[i] = None
        return out


def _digests(images: np.ndarray, seed: int) -> np.ndarray:
    """(n, 4) uint64: two words that tell images apart, and two to sort them by, all as `seed` says."""
    key = seed.to_bytes(8, "little")
    rows = np.ascontiguousarray(images).reshape(-1, PIXELS)
    digests = [hashlib.blake2b(row.data, digest_size=32, key=key).digest() for row in rows]
    return np.frombuffer(b"".join(digests), "<u8").astype(np.uint64).reshape(-1, 4)
