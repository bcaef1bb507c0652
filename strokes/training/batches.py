"""Batches of lines: which are read side by side, and their tensors.

Lines of like length share a batch, so that little is spent on padding: a batch of 64 IAM lines wastes
about 3 %. All chunks of a batch are read before the next batch begins.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..corpus import Corpus
from ..ink.cleaning import every_nth
from .config import Augmentation
from .styles import WriterStyles

__all__ = ["Batch", "Chunk", "chunks", "epoch_batches", "make_batch", "read_lengths", "repeats"]

# Batches whose lines are sorted by length together: enough for little padding, few enough for variety.
_POOL = 64


@dataclass(frozen=True)
class Batch:
    """Lines side by side.

    offsets (B, T, 3) normalised and padded with zeros, lengths (B,) in points, text ids (B, U) and
    text_lengths (B,); style (B, S), or None.
    """

    offsets: Tensor
    lengths: Tensor
    text: Tensor
    text_lengths: Tensor
    style: Tensor | None = None

    @property
    def target_count(self) -> int:
        """Points predicted: all but the first of each line."""
        return int((self.lengths - 1).clamp_min(0).sum())


@dataclass(frozen=True)
class Chunk:
    """A stretch of a batch: inputs (B, T, 3), targets (B, T, 3) one point later, mask (B, T)."""

    inputs: Tensor
    targets: Tensor
    mask: Tensor


def repeats(corpus: Corpus, indices: np.ndarray, rare: int, most: int) -> np.ndarray:
    """How often an epoch reads each line, (n,) int64: more often the rarer its rarest character.

    A character in c < `rare` lines asks for about log2(rare / c) further readings of each, up to
    `most` in all: enough to be learned, too few for its handful of lines to be memorised.
    """
    if rare <= 0:
        return np.ones(len(indices), np.int64)
    counts: Counter[str] = Counter()
    for i in indices:
        counts.update(set(corpus.texts[i]))
    rarest = np.array(
        [min((counts[c] for c in corpus.texts[i] if c in corpus.alphabet), default=rare) for i in indices]
    )
    times: np.ndarray = np.clip(1 + np.floor(np.log2(rare / np.minimum(rarest, rare))), 1, most)
    return times.astype(np.int64)


def epoch_batches(
    lengths: np.ndarray, times: np.ndarray, batch: int, seed: int, epoch: int
) -> list[np.ndarray]:
    """The batches of one epoch: positions into `lengths`, each position i `times[i]` times.

    A fraction of `times` is the chance of one more time. The same for every process and every run with this seed. A
    last batch may be smaller.
    """
    rng = np.random.default_rng([seed, epoch, 1])
    whole = np.floor(times).astype(np.int64)
    whole += np.random.default_rng([seed, epoch, 2]).random(len(times)) < times - whole
    order = rng.permutation(np.repeat(np.arange(len(lengths)), whole))
    out = []
    for start in range(0, len(order), batch * _POOL):
        pool = order[start : start + batch * _POOL]
        # Nearly by length: lines that are read several times an epoch should not meet themselves.
        pool = pool[np.argsort(lengths[pool] * rng.uniform(0.97, 1.03, len(pool)), kind="stable")]
        out += [pool[i : i + batch] for i in range(0, len(pool), batch)]
    return [out[i] for i in rng.permutation(len(out))]


@dataclass(frozen=True)
class _Change:
    """What an augmentation does to one line."""

    scale_x: float
    scale_y: float
    shear: float
    subsample: bool
    phase: int

    @classmethod
    def draw(cls, augmentation: Augmentation, seed: Sequence[int]) -> _Change:
        rng = np.random.default_rng(seed)
        x, y, shear = rng.uniform(-1, 1, 3) * (
            np.log1p(augmentation.scale_x),
            np.log1p(augmentation.scale_y),
            augmentation.shear,
        )
        subsample, phase = rng.random() < augmentation.subsample, int(rng.integers(2))
        return cls(np.exp(x), np.exp(y), shear, subsample, phase)


def read_lengths(
    corpus: Corpus,
    indices: Sequence[int] | np.ndarray,
    augmentation: Augmentation,
    seeds: Sequence[Sequence[int]],
) -> np.ndarray:
    """The points that `make_batch` leaves of each line, (n,) int64."""
    lengths: np.ndarray = corpus.lengths()[np.asarray(indices)]
    for j, i in enumerate(indices if augmentation.subsample else ()):
        change = _Change.draw(augmentation, seeds[j])
        if change.subsample:
            lengths[j] = every_nth(
                corpus.ends[corpus.starts[i] : corpus.starts[i + 1]], 2, change.phase
            ).sum()
    return lengths


def make_batch(
    corpus: Corpus,
    indices: Sequence[int] | np.ndarray,
    augmentation: Augmentation | None = None,
    seeds: Sequence[Sequence[int]] = (),
    styles: WriterStyles | None = None,
    without_style: float = 0.0,
) -> Batch:
    """Normalised, padded tensors of the lines `indices`.

    With an augmentation each line is changed a little, by its own one of `seeds`: what becomes of a
    line does not depend on its neighbours, nor on how many processes share a batch. With `styles` each has the style
    of its writer, zeros in a share `without_style` of cases.
    """
    lines = []
    for j, i in enumerate(indices):
        offsets = corpus.offsets(int(i))
        if augmentation is not None:
            change = _Change.draw(augmentation, seeds[j])
            if change.subsample:
                keep = every_nth(offsets[:, 2] > 0, 2, change.phase)
                points = np.cumsum(offsets[:, :2], axis=0, dtype=np.float64)[keep]
                offsets = offsets[keep]
                offsets[:, :2] = np.diff(points, axis=0, prepend=points[:1])
            offsets[:, 0] = change.scale_x * (offsets[:, 0] + change.shear * offsets[:, 1])
            offsets[:, 1] *= change.scale_y
        lines.append(torch.from_numpy(corpus.statistics.normalise(offsets)))
    texts = [torch.from_numpy(corpus.alphabet.encode(corpus.texts[int(i)])) for i in indices]
    style = None
    if styles is not None:
        keys = seeds or [(0, 0, 0, 0)] * len(indices)
        drawn = [styles.draw(int(i), key, without_style) for i, key in zip(indices, keys, strict=True)]
        style = torch.from_numpy(np.stack(drawn))
    pad = torch.nn.utils.rnn.pad_sequence
    return Batch(
        offsets=pad(lines, batch_first=True),
        lengths=torch.tensor([len(line) for line in lines]),
        text=pad(texts, batch_first=True),
        text_lengths=torch.tensor([len(t) for t in texts]),
        style=style,
    )


def chunks(batch: Batch, size: int, longest: int | None = None, multiple: int = 1) -> Iterator[Chunk]:
    """Equal stretches of at most `size` points, in order.

    `longest` (points) replaces the batch's own longest line, so that several processes with parts
    of one batch take the same steps. All but the last stretch are a multiple of `multiple` long, if
    that is not more than `size`.
    """
    total = (int(batch.lengths.max()) if longest is None else longest) - 1
    offsets = batch.offsets
    if offsets.shape[1] < total + 1:
        offsets = torch.nn.functional.pad(offsets, (0, 0, 0, total + 1 - offsets.shape[1]))
    if total == 0:
        return  # lines of a single point
    step = -(-total // -(-total // size))
    if multiple <= size:
        step = min(-(-step // multiple) * multiple, size // multiple * multiple)
    for start in range(0, total, step):
        end = min(start + step, total)
        mask = torch.arange(start + 1, end + 1) < batch.lengths.unsqueeze(1)
        yield Chunk(offsets[:, start:end], offsets[:, start + 1 : end + 1], mask)
