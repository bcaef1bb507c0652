from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from small_corpus import build_corpus
from training_runs import TINY, assert_same_end, go

from strokes.corpus import CorpusError
from strokes.runs.processes import Group
from strokes.training.batches import epoch_batches
from strokes.training.lines import TrainingLines
from strokes.training.mixing import mixed

SPLITS = ("trainset",)


@pytest.fixture
def other():
    """Lines of the same script by the same pen, of other texts."""
    return build_corpus(lines=12, letters=9, seed=5)


def test_the_lines_of_all_are_there_as_they_were(corpus, other):
    both, times = mixed([corpus, other], (1, 2.5), SPLITS)
    assert len(both) == len(times) == 36 and times.tolist() == [1.0] * 24 + [2.5] * 12
    for i in range(36):
        there = corpus.line(i) if i < 24 else other.line(i - 24)
        assert both.line(i) == there
    assert both.select("testset_v").tolist() == [
        *corpus.select("testset_v"),
        *(other.select("testset_v") + 24),
    ]
    assert both.point_count == corpus.point_count + other.point_count == both.starts[-1]


def test_statistics_are_those_of_the_lines_as_often_as_they_are_read(corpus, other):
    both, _ = mixed([corpus, other], (1, 3), SPLITS)
    moves = [
        np.concatenate([c.offsets(i)[1:, :2].astype(np.float64) for i in c.select(*SPLITS)])
        for c in (corpus, other)
    ]
    read = np.concatenate([moves[0], *[moves[1]] * 3])
    np.testing.assert_allclose(both.statistics.mean, read.mean(axis=0), rtol=1e-9)
    np.testing.assert_allclose(both.statistics.std, read.std(axis=0), rtol=1e-9)
    low, high = sorted(c.preprocessing.x_height for c in (corpus, other))
    assert low < both.preprocessing.x_height < high


def test_one_corpus_is_itself(corpus):
    same, times = mixed([corpus], (), SPLITS)
    assert same is corpus and (times == 1).all()


def test_the_alphabet_is_that_of_all(corpus, other):
    fewer = replace(other, alphabet=type(other.alphabet)("oz"))
    assert mixed([corpus, fewer], (), SPLITS)[0].alphabet.characters == " ioz"


def test_corpora_that_were_prepared_otherwise_are_refused(corpus, other):
    halves = replace(other, preprocessing=replace(other.preprocessing, every=2))
    for odd in (halves, replace(other, unit=0.5)):
        with pytest.raises(CorpusError, match="corpus 2 was not prepared as the first"):
            mixed([corpus, odd], (), SPLITS)
    with pytest.raises(CorpusError, match="1 weights are given for 2 corpora"):
        mixed([corpus, other], (1,), SPLITS)


def test_an_epoch_reads_each_corpus_as_often_as_its_weight_says(corpus, other):
    both, times = mixed([corpus, other], (2, 0.4), SPLITS)
    config = replace(TINY, weights=(2.0, 0.4))
    read = np.zeros(2)
    with TrainingLines(both, config, Group(0, 1, torch.device("cpu")), times) as lines:
        for epoch in range(60):
            places = np.concatenate(epoch_batches(lines.lengths, lines.times, 4, 1, epoch))
            rows = lines.indices[places]
            read += np.bincount((rows >= 24).astype(int), minlength=2)
        expected = lines.points_per_epoch
    assert read[0] == 60 * 2 * 18
    assert 0.3 < read[1] / (60 * 9) < 0.5
    lengths = both.lengths()
    weighed = sum(w * (lengths[i] - 1) for i in both.select("trainset") for w in [2 if i < 24 else 0.4])
    assert expected == int(weighed)


def test_a_run_on_several_corpora_resumes_bit_for_bit(corpus, other, tmp_path):
    config = replace(TINY, epochs=2.0, weights=(1.0, 1.5))
    whole = go([corpus, other], tmp_path / "whole", config)
    assert whole.finished and whole.progress.step > 20
    go([corpus, other], tmp_path / "parts", config, stop_after=11)
    go([corpus, other], tmp_path / "parts", config, resume=True)
    assert_same_end(tmp_path / "whole", tmp_path / "parts")
    with pytest.raises(CorpusError, match="2 weights are given for 1 corpora"):
        go(corpus, tmp_path / "one", config)
