"""Training lines, batch by batch, as one process of a run reads them."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from types import TracebackType

import numpy as np

from ..corpus import Corpus, CorpusError
from ..runs.processes import Group
from .batches import Batch, epoch_batches, make_batch, read_lengths, repeats
from .config import TrainingConfig
from .styles import WriterStyles

__all__ = ["SharedBatch", "TrainingLines", "validation_lines"]


@dataclass(frozen=True)
class SharedBatch:
    """One process's part of a batch.

    Attributes:
        key: (seed, epoch, batch), from which all that is drawn for this batch is derived.
        rows: which lines of the batch are this process's.
        lines: these lines.
        lengths: (n,) points of all lines of the batch.
        counts: False if there was no line left for this process; `lines` is another's then, not to be counted.
    """

    key: tuple[int, int, int]
    rows: list[int]
    lines: Batch
    lengths: np.ndarray
    counts: bool

    def points_between(self, start: int, end: int) -> int:
        """Predictions of the targets start + 1 to end, over all lines of the batch."""
        return int(np.clip(self.lengths - 1 - start, 0, end - start).sum())


class TrainingLines:
    """The lines of the training splits.

    While it is entered, a thread makes the next batch as this one is read.

    Args:
        corpus: prepared lines.
        config: the settings.
        group: this process among its like.
        times: how often an epoch reads each line of the corpus, (lines,) float64, rare characters apart.
        styles: of the lines of the corpus, if the network has styles.

    Raises:
        CorpusError: there is nothing to train on.
    """

    def __init__(
        self,
        corpus: Corpus,
        config: TrainingConfig,
        group: Group,
        times: np.ndarray,
        styles: WriterStyles | None = None,
    ) -> None:
        self.corpus, self.config, self.group, self.styles = corpus, config, group, styles
        self.indices = _lines_of(corpus, config.training_splits, "training")
        self.lengths = corpus.lengths()[self.indices]
        self.times = times[self.indices] * repeats(corpus, self.indices, config.rare, config.rare_repeats)
        self._ahead = ThreadPoolExecutor(1)

    def __enter__(self) -> TrainingLines:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ahead.shutdown(cancel_futures=True)

    @property
    def points_per_epoch(self) -> int:
        """Predictions in an epoch; the expected number where lines are subsampled or weights have fractions."""
        points = int((self.times * (self.lengths - 1)).sum())
        share = self.config.augmentation.subsample
        if share:
            all_of_them = replace(self.config.augmentation, subsample=1.0)
            halves = read_lengths(
                self.corpus, self.indices, all_of_them, [(j,) for j in range(len(self.indices))]
            )
            points -= int(share * (self.times * (self.lengths - halves)).sum())
        return max(1, points)

    def batches(self, epoch: int, first: int = 0) -> Iterator[SharedBatch]:
        """The batches of an epoch from number `first` on."""
        chosen = epoch_batches(self.lengths, self.times, self.config.batch, self.config.seed, epoch)
        upcoming: Future[SharedBatch] | None = None
        for n in range(first, len(chosen)):
            batch = upcoming.result() if upcoming else self._make(chosen[n], epoch, n)
            if n + 1 < len(chosen):
                upcoming = self._ahead.submit(self._make, chosen[n + 1], epoch, n + 1)
            yield batch

    def _make(self, chosen: np.ndarray, epoch: int, n: int) -> SharedBatch:
        indices, augmentation = self.indices[chosen], self.config.augmentation
        key = (self.config.seed, epoch, n)
        seeds = [(*key, row) for row in range(len(indices))]
        rows = list(range(len(indices)))[self.group.rank :: self.group.size]
        counts = bool(rows)
        rows = rows or [0]
        lines = make_batch(
            self.corpus,
            indices[rows],
            augmentation,
            [seeds[row] for row in rows],
            self.styles,
            self.config.without_style,
        )
        return SharedBatch(key, rows, lines, read_lengths(self.corpus, indices, augmentation, seeds), counts)


def validation_lines(corpus: Corpus, config: TrainingConfig) -> np.ndarray:
    """Indices of the lines that a validation reads, (n,) int64, evenly spread over the split.

    Raises:
        CorpusError: there is nothing to validate on.
    """
    indices = _lines_of(corpus, (config.validation_split,), "validation")
    if config.validation_lines and len(indices) > config.validation_lines:
        indices = indices[np.linspace(0, len(indices) - 1, config.validation_lines).astype(int)]
    return indices


def _lines_of(corpus: Corpus, splits: tuple[str, ...], what: str) -> np.ndarray:
    indices = corpus.select(*splits)
    if len(indices) == 0:
        raise CorpusError(
            f"the corpus has no line in its {what} split; prepare it again, or name other splits"
        )
    if corpus.lengths()[indices].max() < 2:
        raise CorpusError(
            f"all lines of the {what} split are single points, which predict nothing; name other splits"
        )
    return indices
