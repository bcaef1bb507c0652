"""A prepared corpus and the account of how it came about: a table and a report file."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from strokes.corpus import Corpus
from strokes.files import atomic_path

from .segments import Remark

__all__ = ["SPLITS", "Prepared"]

#: A writer belongs to one of them.
SPLITS = ("train", "validation", "test")


@dataclass(frozen=True)
class Prepared:
    """A corpus and the account of how it came about.

    Attributes:
        corpus: its lines.
        counts: per kind ("texts", "words", "characters"), segments "read", "kept" and rejected by each rule.
        remarks: one for each broken archive, rejected segment, and file that was refused.
        broken: the first of these.
    """

    corpus: Corpus
    counts: Mapping[str, Counter[str]]
    remarks: Sequence[Remark]
    broken: Sequence[Remark]

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the corpus, and beside it CORPUS.report.tsv (name, rule, detail; a row a remark); its path.

        Raises:
            InputError: the folder does not exist or cannot be written to.
        """
        self.corpus.save(path)
        report = Path(path).with_suffix(".report.tsv")
        rows = [("name", "rule", "detail"), *((r.name, r.rule, r.detail) for r in self.remarks)]
        with atomic_path(report) as tmp:
            tmp.write_text("".join("\t".join(map(_printable, row)) + "\n" for row in rows), "utf-8")
        return report

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


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text)
