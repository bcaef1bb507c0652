from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from small_corpus import build_corpus

from strokes.corpus import Corpus
from strokes.ink import Ink, Line
from strokes.training.batches import Batch, chunks, epoch_batches, make_batch, read_lengths, repeats
from strokes.training.config import Augmentation


def test_an_epoch_reads_every_line_as_often_as_asked_in_batches_of_the_size():
    rng = np.random.default_rng(0)
    lengths = rng.integers(10, 500, 1000)
    times = rng.integers(1, 5, 1000)
    batches = epoch_batches(lengths, times, 32, seed=3, epoch=2)
    assert (np.bincount(np.concatenate(batches), minlength=1000) == times).all()
    assert sorted(map(len, batches))[1:] == [32] * (len(batches) - 1)


def test_order_is_the_same_for_a_seed_and_epoch_and_another_for_others():
    lengths, times = np.arange(300), np.ones(300, int)

    def order(seed, epoch):
        return np.concatenate(epoch_batches(lengths, times, 8, seed, epoch)).tolist()

    assert order(1, 0) == order(1, 0)
    assert order(1, 0) != order(1, 1) and order(1, 0) != order(2, 0)


def test_little_is_padding():
    """Lengths as of IAM-OnDB: a batch of 64 may waste 6 % at the most."""
    rng = np.random.default_rng(1)
    lengths = np.clip(rng.normal(628, 200, 10_700), 57, 1940).astype(int)
    batches = epoch_batches(lengths, np.ones(len(lengths), int), 64, seed=1, epoch=0)
    padded = sum(len(b) * lengths[b].max() for b in batches)
    assert 1 - lengths.sum() / padded < 0.06
    # yet a batch is not always made of the same lines
    again = epoch_batches(lengths, np.ones(len(lengths), int), 64, seed=1, epoch=1)
    mates = {int(i): set(b.tolist()) for b in batches for i in b}
    shared = [len(mates[int(i)] & set(b.tolist())) - 1 for b in again for i in b]
    assert np.mean(shared) < 0.3 * 63


def test_lines_with_rare_characters_are_read_more_often():
    texts = ["aa"] * 16 + ["ab"] * 4 + ["ac"] + ["a?"]
    inks = [Ink((np.array([[0, 0], [i, 1 + i % 2]]),)) for i in range(len(texts))]
    lines = [Line(ink, t, split="trainset") for ink, t in zip(inks, texts)]
    corpus = Corpus.build(lines)
    corpus = replace(corpus, alphabet=type(corpus.alphabet)("abc"))
    got = repeats(corpus, np.arange(len(corpus)), rare=16, most=4)
    # a: in all 22; b: in 4, log2(16 / 4) = 2 more; c: in one, 4 more but 4 in all; ?: not in the alphabet
    assert got.tolist() == [1] * 16 + [3] * 4 + [4, 1]
    assert repeats(corpus, np.arange(len(corpus)), rare=0, most=4).tolist() == [1] * 22


def numbered(lengths):
    """A batch in which each point says which line and which point it is."""
    offsets = torch.zeros(len(lengths), max(lengths), 3)
    for b, n in enumerate(lengths):
        offsets[b, :n, 0], offsets[b, :n, 1] = b + 1, torch.arange(n) + 1.0
    return Batch(offsets, torch.tensor(lengths), torch.zeros(len(lengths), 1), torch.ones(len(lengths)))


@pytest.mark.parametrize("size", [1, 3, 7, 100])
@pytest.mark.parametrize("longest", [None, 15])
def test_chunks_cover_each_target_once_in_order_with_the_point_before_as_input(size, longest):
    lengths = [12, 5, 1, 8]
    batch = numbered(lengths)
    targets = {b: [] for b in range(4)}
    widths = []
    for chunk in chunks(batch, size, longest):
        widths.append(chunk.inputs.shape[1])
        assert chunk.inputs.shape == chunk.targets.shape and chunk.mask.shape == chunk.inputs.shape[:2]
        for b, t in chunk.mask.nonzero().tolist():
            assert chunk.inputs[b, t, 0] == chunk.targets[b, t, 0] == b + 1
            assert chunk.inputs[b, t, 1] + 1 == chunk.targets[b, t, 1]
            targets[b].append(int(chunk.targets[b, t, 1]))
    assert targets == {b: list(range(2, n + 1)) for b, n in enumerate(lengths)}
    assert batch.target_count == sum(map(len, targets.values()))
    assert sum(widths) == (longest or 12) - 1 and max(widths) <= size
    assert len(set(widths[:-1])) <= 1 and widths[-1] <= widths[0]


@pytest.mark.parametrize(
    ("size", "multiple", "widths"),
    [
        (100, 25, [100, 100, 100, 30]),
        (100, 1, [83, 83, 83, 81]),
        (60, 25, [50] * 6 + [30]),
        (20, 25, [20] * 16 + [10]),
        (400, 25, [330]),
    ],
)
def test_chunks_are_multiples_of_what_a_graph_runs(size, multiple, widths):
    found = [chunk.inputs.shape[1] for chunk in chunks(numbered([331, 200]), size, None, multiple)]
    assert found == widths


def test_lines_of_a_single_point_have_no_chunk():
    assert list(chunks(numbered([1, 1]), 10)) == []


def test_chunks_of_two_processes_are_those_of_the_whole_batch(corpus):
    indices = np.arange(7)
    longest = int(corpus.lengths()[indices].max())
    augmentation = Augmentation()
    seeds = [(1, 0, 3, j) for j in range(7)]
    whole = list(chunks(make_batch(corpus, indices, augmentation, seeds), 9))
    for rank in range(2):
        mine = indices[rank::2]
        part = make_batch(corpus, mine, augmentation, [seeds[j] for j in mine])
        parts = list(chunks(part, 9, longest))
        assert len(parts) == len(whole)
        for a, b in zip(parts, whole):
            assert torch.equal(a.mask, b.mask[rank::2])
            assert torch.equal(a.inputs, b.inputs[rank::2]) and torch.equal(a.targets, b.targets[rank::2])


def test_a_batch_holds_the_corpus_lines_and_their_texts(corpus):
    batch = make_batch(corpus, [3, 0, 5])
    for row, i in enumerate([3, 0, 5]):
        n, u = len(corpus.normalised(i)), len(corpus.texts[i])
        assert int(batch.lengths[row]) == n and int(batch.text_lengths[row]) == u
        np.testing.assert_array_equal(batch.offsets[row, :n].numpy(), corpus.normalised(i))
        assert (batch.offsets[row, n:] == 0).all()
        assert batch.text[row, :u].tolist() == corpus.alphabet.encode(corpus.texts[i]).tolist()


def test_augmentation_depends_on_a_lines_own_seed_alone(corpus):
    a = make_batch(corpus, [2, 4], Augmentation(), [(1, 2), (3, 4)])
    b = make_batch(corpus, [4, 7, 2], Augmentation(), [(3, 4), (5, 6), (1, 2)])
    n = int(a.lengths[0])
    assert torch.equal(a.offsets[0, :n], b.offsets[2, :n])
    other = make_batch(corpus, [2], Augmentation(), [(1, 3)])
    assert not torch.equal(a.offsets[0, :n], other.offsets[0])


def test_augmentation_scales_and_shears_within_its_bounds(corpus):
    augmentation = Augmentation(scale_x=0.3, scale_y=0.2, shear=0.4)
    raw = corpus.offsets(2).astype(np.float64)
    seen = []
    for seed in range(200):
        batch = make_batch(corpus, [2], augmentation, [(seed,)])
        drawn = corpus.statistics.restore(batch.offsets[0].numpy())
        np.testing.assert_array_equal(drawn[:, 2], raw[:, 2])
        # drawn = raw @ A, A from least squares: [[x, 0], [x shear, y]]
        a, residual, *_ = np.linalg.lstsq(raw[1:, :2], drawn[1:, :2], rcond=None)
        assert (residual < 1e-6).all() and abs(a[0, 1]) < 1e-5
        seen.append((a[0, 0], a[1, 1], a[1, 0] / a[0, 0]))
    x, y, shear = np.transpose(seen)
    for values, low, high in ((x, 1 / 1.3, 1.3), (y, 1 / 1.2, 1.2), (shear, -0.4, 0.4)):
        assert low - 1e-4 <= values.min() < low + 0.1 * (high - low)
        assert high - 0.1 * (high - low) < values.max() <= high + 1e-4
    assert abs(np.corrcoef(x, y)[0, 1]) < 0.3 and abs(np.corrcoef(x, shear)[0, 1]) < 0.3


def test_a_subsampled_line_is_every_second_point_of_each_stroke_with_its_ends(corpus):
    """Against ink taken apart stroke by stroke; points stay where they were."""
    augmentation = Augmentation(0, 0, 0, subsample=1.0)
    seen = set()
    for seed in range(20):
        batch = make_batch(corpus, [2, 5], augmentation, [(seed, 0), (seed, 1)])
        for row, i in enumerate((2, 5)):
            length = int(batch.lengths[row])
            drawn = Ink.from_offsets(corpus.statistics.restore(batch.offsets[row, :length].numpy()))
            whole = corpus.line(i).ink
            both = [
                [s[sorted({0, len(s) - 1, *range(phase, len(s), 2)})] for s in whole.strokes]
                for phase in (0, 1)
            ]
            fits = [
                len(drawn) == len(strokes)
                and all(
                    a.shape == b.shape and np.allclose(a, b, atol=1e-3)
                    for a, b in zip(drawn.strokes, strokes)
                )
                for strokes in both
            ]
            assert any(fits)
            seen.add(fits.index(True))
    assert seen == {0, 1}


def test_lengths_are_known_before_subsampled_lines_are_read(corpus):
    augmentation = Augmentation(subsample=0.5)
    indices, seeds = np.arange(8).repeat(5), [(3, j) for j in range(40)]
    lengths = read_lengths(corpus, indices, augmentation, seeds)
    assert lengths.tolist() == make_batch(corpus, indices, augmentation, seeds).lengths.tolist()
    shorter = lengths < corpus.lengths()[indices]
    assert 10 < shorter.sum() < 30
    assert read_lengths(corpus, indices, Augmentation(), seeds).tolist() == corpus.lengths()[indices].tolist()


def test_no_augmentation_and_one_of_nothing_are_the_same(corpus):
    a = make_batch(corpus, [0, 1])
    b = make_batch(corpus, [0, 1], Augmentation(0, 0, 0), [(1,), (2,)])
    assert torch.equal(a.offsets, b.offsets)


def test_tiny_corpus_is_what_the_other_tests_take_it_for():
    corpus = build_corpus(8)
    assert len(corpus.select("trainset")) == 6 and len(corpus.select("testset_v")) == 2
    assert set(corpus.alphabet.characters) <= set("oi ")
