"""A prepared corpus and the account of how it came about: a table and a report file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from ..reports import PreparedCorpus

__all__ = ["SPLITS", "Prepared"]

#: A writer belongs to one of them.
SPLITS = ("train", "validation", "test")


class Prepared(PreparedCorpus):
    """A corpus and its account; `counts` are of segments per kind ("texts", "words", "characters")."""

    def table(self) -> str:
        """Segments read, kept and rejected by which rule; lines, characters, points and writers per split."""
        total: Counter[str] = sum(self.counts.values(), Counter())
        rules = sorted(set(total) - {"read", "kept"}, key=lambda rule: (-total[rule], rule))
        rows: list[tuple[str, ...]] = [("segments", *self.counts)]
        for rule in ("read", "kept", *rules):
            label = rule if rule in ("read", "kept") else f"rejected: {rule}"
            rows.append((label, *(f"{c[rule]:,}" for c in self.counts.values())))
        corpus, lengths = self.corpus, self.corpus.lengths()
        chosen = [np.flatnonzero(np.array(corpus.splits) == split) for split in SPLITS]
        chosen.append(np.arange(len(corpus)))
        figures = {
            "lines": [len(rows) for rows in chosen],
            "characters": [sum(len(corpus.texts[i]) for i in rows) for rows in chosen],
            "points": [int(lengths[rows].sum()) for rows in chosen],
            "writers": [len({corpus.writers[i] for i in rows}) for rows in chosen],
        }
        second: list[tuple[str, ...]] = [("corpus", *SPLITS, "all")]
        second += [(name, *(f"{n:,}" for n in values)) for name, values in figures.items()]
        characters = sum(map(len, corpus.texts))
        return "\n".join(
            [
                *_aligned(rows),
                "",
                *_aligned(second),
                "",
                f"{corpus.point_count / characters:.1f} points a character",
                f"alphabet: {len(corpus.alphabet.characters)} characters  {corpus.alphabet.characters}",
            ]
        )


def _aligned(rows: Sequence[tuple[str, ...]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    out = []
    for first, *others in rows:
        cells = [f"{cell:>{width}}" for cell, width in zip(others, widths[1:], strict=True)]
        out.append("  ".join([f"{first:<{widths[0]}}", *cells]).rstrip())
    return out
