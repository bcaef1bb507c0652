"""What was not used of a data set, and why: remarks, and the report beside a corpus."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from strokes.corpus import Corpus
from strokes.files import write_whole

__all__ = ["PreparedCorpus", "RejectedError", "Remark"]


@dataclass(frozen=True)
class Remark:
    """Why a line, a segment or a file is not used: one row of the report.

    Attributes:
        name: of the line, segment, form, archive member or file.
        rule: a short name to count by.
        detail: one sentence.
    """

    name: str
    rule: str
    detail: str


class RejectedError(ValueError):
    """A file cannot be used; has the `rule` and `detail` of a `Remark`."""

    def __init__(self, rule: str, detail: str) -> None:
        super().__init__(f"{rule}: {detail}")
        self.rule, self.detail = rule, detail

    def remark(self, name: str) -> Remark:
        """As a row of the report."""
        return Remark(name, self.rule, self.detail)


@dataclass(frozen=True)
class PreparedCorpus:
    """A corpus and the account of how it came about.

    Attributes:
        corpus: its lines.
        counts: per group, what was "read", "kept" and rejected by each rule.
        remarks: one for each broken archive, for whatever was rejected, and for each file that was refused.
        broken: the first of these.
    """

    corpus: Corpus
    counts: Mapping[str, Counter[str]]
    remarks: Sequence[Remark]
    broken: Sequence[Remark]

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the corpus, and beside it CORPUS.report.tsv (name, rule, detail; a row a remark).

        Returns:
            The report's path.

        Raises:
            InputError: the folder does not exist or cannot be written to.
        """
        self.corpus.save(path)
        report = Path(path).with_suffix(".report.tsv")
        rows = [("name", "rule", "detail"), *((r.name, r.rule, r.detail) for r in self.remarks)]
        text = "".join("\t".join(map(_printable, row)) + "\n" for row in rows)
        write_whole(report, text.encode("utf-8"))
        return report


def _printable(text: str) -> str:
    """One cell: names come from archives and may hold anything."""
    return "".join(c if c.isprintable() else " " for c in text)
