"""Several corpora as one, with a weight for each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ..alphabet import Alphabet
from ..corpus import Corpus, CorpusError
from ..preprocessing import Preprocessing, Statistics

__all__ = ["mixed"]


def mixed(
    corpora: Sequence[Corpus], weights: Sequence[float], training_splits: Sequence[str]
) -> tuple[Corpus, np.ndarray]:
    """The lines of several corpora as one corpus, and how often an epoch reads each, (lines,) float64.

    The alphabet is that of all together; statistics, x-height and points a character are means over their training
    lines, weighted as these are read.

    Args:
        corpora: prepared alike; one stays as it is.
        weights: one a corpus, at least 0.01; none means 1 each.
        training_splits: the splits that statistics are taken from.

    Raises:
        CorpusError: they were not prepared alike, or there are more or fewer weights than corpora.
    """
    weights = list(weights) or [1.0] * len(corpora)
    if len(weights) != len(corpora):
        raise CorpusError(
            f"{len(weights)} weights are given for {len(corpora)} corpora; give one weight a corpus"
        )
    times = np.repeat(np.array(weights, np.float64), [len(c) for c in corpora])
    first, *others = corpora
    if not others:
        return first, times
    for number, other in enumerate(others, 2):
        if (other.unit, other.preprocessing.geometry) != (first.unit, first.preprocessing.geometry):
            raise CorpusError(
                f"corpus {number} was not prepared as the first one was; prepare them with the same options"
            )
    lines = np.cumsum([0, *(c.point_count for c in corpora)])
    starts = [c.starts[:-1] + begin for c, begin in zip(corpora, lines[:-1], strict=True)]
    return (
        replace(
            first,
            steps=np.concatenate([c.steps for c in corpora]),
            ends=np.concatenate([c.ends for c in corpora]),
            starts=np.concatenate([*starts, lines[-1:]]),
            texts=sum((c.texts for c in corpora), ()),
            names=sum((c.names for c in corpora), ()),
            writers=sum((c.writers for c in corpora), ()),
            splits=sum((c.splits for c in corpora), ()),
            preprocessing=_mean_preprocessing(corpora, weights, training_splits),
            alphabet=Alphabet("".join(sorted({ch for c in corpora for ch in c.alphabet.characters}))),
            options={"corpora": [dict(c.options) for c in corpora]},
            rejected={k: sum(c.rejected.get(k, 0) for c in corpora) for c in corpora for k in c.rejected},
        ),
        times,
    )


def _mean_preprocessing(
    corpora: Sequence[Corpus], weights: Sequence[float], training_splits: Sequence[str]
) -> Preprocessing:
    """The first one's, with weighted means of what was measured."""
    counts, means, squares, measures = [], [], [], []
    for corpus, weight in zip(corpora, weights, strict=True):
        lines = corpus.select(*training_splits)
        counts.append(weight * float((corpus.lengths()[lines] - 1).sum()))
        mean, std = (np.array(values) for values in (corpus.statistics.mean, corpus.statistics.std))
        means.append(mean)
        squares.append(std**2 + mean**2)
        measures.append([corpus.preprocessing.x_height, corpus.preprocessing.points_per_character])
    if not any(counts):
        return corpora[0].preprocessing
    mean, square, measure = (
        np.average(values, axis=0, weights=counts) for values in (means, squares, measures)
    )
    x, y = mean.tolist()
    std_x, std_y = np.sqrt(square - mean**2).tolist()
    x_height, points_per_character = measure.tolist()
    return replace(
        corpora[0].preprocessing,
        statistics=Statistics((x, y), (std_x, std_y)),
        x_height=x_height,
        points_per_character=points_per_character,
    )
