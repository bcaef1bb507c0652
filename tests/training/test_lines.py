from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch

from strokes.corpus import Corpus, CorpusError
from strokes.ink import Ink, Line
from strokes.runs.processes import Group
from strokes.training.batches import chunks
from strokes.training.config import Augmentation, TrainingConfig
from strokes.training.lines import TrainingLines, validation_lines

CONFIG = TrainingConfig(batch=4, rare=0, augmentation=Augmentation(subsample=0.3))


def lines_of(corpus, rank=0, size=1, config=CONFIG) -> TrainingLines:
    return TrainingLines(corpus, config, Group(rank, size, torch.device("cpu")), np.ones(len(corpus)))


def test_an_epoch_reads_each_line_once_and_says_how_many_points(corpus):
    with lines_of(corpus) as lines:
        batches = list(lines.batches(0))
    assert [b.key for b in batches] == [(1, 0, n) for n in range(5)]
    assert sum(len(b.rows) for b in batches) == len(corpus.select("trainset")) == 18
    for batch in batches:
        assert batch.counts and batch.lines.lengths.tolist() == batch.lengths.tolist()
        ends = np.cumsum([0, *(c.inputs.shape[1] for c in chunks(batch.lines, 7))])
        parts = [batch.points_between(a, b) for a, b in pairwise(ends)]
        assert sum(parts) == batch.lines.target_count == batch.points_between(0, 10**6)


def test_going_on_in_the_middle_of_an_epoch_reads_the_same_batches(corpus):
    with lines_of(corpus) as lines:
        whole, rest = list(lines.batches(2)), list(lines.batches(2, first=3))
        assert list(lines.batches(2, first=99)) == []
    assert [b.key for b in rest] == [b.key for b in whole[3:]]
    assert all(torch.equal(a.lines.offsets, b.lines.offsets) for a, b in zip(rest, whole[3:], strict=True))


def test_processes_share_a_batch_and_one_without_a_line_reads_one_that_does_not_count(corpus):
    with lines_of(corpus) as alone:
        whole = list(alone.batches(1))
    parts = []
    for rank in range(3):
        with lines_of(corpus, rank, 3) as lines:
            parts.append(list(lines.batches(1)))
    for batch, *shares in zip(whole, *parts, strict=True):
        rows = [row for share in shares if share.counts for row in share.rows]
        assert sorted(rows) == batch.rows
        for share in shares:
            assert share.key == batch.key and (share.lengths == batch.lengths).all()
            for j, row in enumerate(share.rows):
                n = int(share.lines.lengths[j])
                assert torch.equal(share.lines.offsets[j, :n], batch.lines.offsets[row, :n])
    assert [b.counts for b in parts[2]].count(False) == 1  # one batch has two lines


def test_validation_lines_are_spread_over_the_split(corpus):
    split = corpus.select("testset_v")
    assert validation_lines(corpus, replace(CONFIG, validation_lines=0)).tolist() == split.tolist()
    few = validation_lines(corpus, replace(CONFIG, validation_lines=3))
    assert len(few) == 3 and few[0] == split[0] and few[-1] == split[-1]


def test_splits_that_hold_nothing_to_predict_are_refused(corpus):
    with pytest.raises(CorpusError, match="no line in its training split"):
        lines_of(corpus, config=replace(CONFIG, training_splits=("nowhere",)))
    dots = [Line(Ink((np.zeros((1, 2)),)), "o", split=s) for s in ("testset_f", "testset_v")]
    stroke = Line(Ink((np.array([[0, 0], [1, 2], [3, 1]]),)), "o", split="trainset")
    only = Corpus.build([stroke, *dots])
    with pytest.raises(CorpusError, match="validation split are single points"):
        validation_lines(only, CONFIG)
    with pytest.raises(CorpusError, match="training split are single points"):
        lines_of(only, config=replace(CONFIG, training_splits=("testset_f",)))
