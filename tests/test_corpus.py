"""Corpus: what goes in comes out, and what is no corpus is told in one sentence."""

from __future__ import annotations

import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from strokes.corpus import Corpus, CorpusError, Statistics
from strokes.files import InputError
from strokes.ink import Ink, Line

_POINT = st.tuples(st.integers(-3000, 3000), st.integers(-3000, 3000))
_STROKES = st.lists(st.lists(_POINT, min_size=1, max_size=6), min_size=1, max_size=5)
_TEXT = st.text(st.characters(blacklist_characters="\x00", blacklist_categories=["Cs"]), max_size=12)
_SPLIT = st.sampled_from(["trainset", "testset_v", "testset_t", "testset_f", ""])
LINES = st.lists(
    st.builds(
        lambda strokes, *rest: Line(Ink(tuple(map(np.array, strokes))), *rest),
        _STROKES,
        _TEXT,
        _TEXT,
        _TEXT,
        _SPLIT,
    ),
    max_size=6,
)
MOVING = Line(Ink((np.array([[3, 4], [8, 1]]), np.array([[9, 9]]))), "hi", "first", "w", "trainset")


@settings(deadline=None)
@given(LINES, st.sampled_from([1.0, 0.5, 1 / 512]))
def test_lines_come_out_as_they_went_in(tmp_path_factory, lines, unit):
    lines = [MOVING, *lines]
    if unit == 1 / 512:  # steps of a 512th reach 64
        lines = [Line(line.ink.scaled(0.01), line.text, line.name, line.writer, line.split) for line in lines]
    path = tmp_path_factory.mktemp("corpus") / "c.npz"
    built = Corpus.build(lines, unit=unit, options={"every": 2}, rejected={"no text": 3})
    built.save(path)
    corpus = Corpus.load(path)
    assert len(corpus) == len(lines)
    for i, line in enumerate(lines):
        got = corpus.line(i)
        assert got == built.line(i)
        assert (got.name, got.writer, got.split) == (line.name, line.writer, line.split)
        assert got.text == line.text
        assert [len(s) for s in got.ink.strokes] == [len(s) for s in line.ink.strokes]
        moved = line.ink.points.astype(float) - line.ink.points[0]
        assert np.abs(got.ink.points - moved).max() <= unit / 2 + 1e-5
        if unit <= 1 and unit != 1 / 512:
            assert np.array_equal(got.ink.points, moved)
        assert np.allclose(np.cumsum(corpus.offsets(i)[:, :2], axis=0), got.ink.points, atol=1e-2)
    assert (corpus.options, corpus.rejected) == ({"every": 2}, {"no text": 3})
    assert (corpus.statistics, corpus.alphabet, corpus.unit) == (built.statistics, built.alphabet, unit)


def test_rounding_does_not_add_up():
    ink = Ink((np.cumsum(np.full((500, 2), 0.301), axis=0),))
    corpus = Corpus.build([Line(ink, "x", split="trainset"), MOVING], unit=0.25)
    assert np.abs(corpus.line(0).ink.points[-1] - (ink.points[-1] - ink.points[0])).max() <= 0.125 + 1e-4


def test_statistics_and_alphabet_are_those_of_the_training_lines():
    other = Line(Ink((np.array([[0, 0], [900, 900]]),)), "zzz", "v", "w", "testset_v")
    late = Line(Ink((np.array([[0, 0], [2, -2]]),)), "hh", "t", "w", "testset_f")
    corpus = Corpus.build([MOVING, other, late], min_count=2)
    steps = np.array([[5, -3], [1, 8], [2, -2]])  # first points are no steps
    assert corpus.statistics.mean == pytest.approx(tuple(steps.mean(axis=0)))
    assert corpus.statistics.std == pytest.approx(tuple(steps.std(axis=0)))
    assert corpus.alphabet.characters == "h"
    assert corpus.select("testset_v").tolist() == [1]
    assert corpus.select("trainset", "testset_f").tolist() == [0, 2]
    normalised = np.concatenate([corpus.normalised(i)[1:, :2] for i in (0, 2)])
    assert normalised.mean(axis=0) == pytest.approx([0, 0], abs=1e-6)
    assert normalised.std(axis=0) == pytest.approx([1, 1], rel=1e-5)
    assert corpus.normalised(0)[0].tolist() == [0, 0, 0] and corpus.normalised(0)[:, 2].tolist() == [0, 1, 1]


@given(st.integers(1, 20), st.tuples(*[st.floats(-5, 5)] * 2), st.tuples(*[st.floats(0.1, 9)] * 2))
def test_restore_undoes_normalise(n, mean, std):
    offsets = np.random.default_rng(n).normal(0, 5, (n, 3))
    offsets[0, :2] = 0
    statistics = Statistics(mean, std)
    assert np.allclose(statistics.restore(statistics.normalise(offsets)), offsets, atol=1e-3)


def test_what_cannot_be_a_corpus_is_refused():
    dot = Line(Ink((np.array([[1, 1]]),)), "x", "dot", "w", "trainset")
    validation = Line(MOVING.ink, "x", "v", "w", "testset_v")
    far = Line(Ink((np.array([[0, 0], [40_000, 0]]),)), "x", "far", "w", "trainset")
    for lines, why in (
        ([], "no line"),
        ([validation], "training split"),
        ([dot], "no movement"),
        ([far], "'far' has a step"),
    ):
        with pytest.raises(CorpusError, match=why):
            Corpus.build(lines)


def _saved(path):
    Corpus.build([MOVING]).save(path)
    return path


def test_a_missing_or_damaged_file_is_told(tmp_path):
    with pytest.raises(CorpusError, match="no such file"):
        Corpus.load(tmp_path / "none.npz")
    good = _saved(tmp_path / "good.npz").read_bytes()
    bad = {
        "empty": b"",
        "text": b"hello",
        "cut": good[: len(good) // 2],
        "flipped": good[:200] + bytes(60) + good[260:],
    }
    for name, content in bad.items():
        path = tmp_path / f"{name}.npz"
        path.write_bytes(content)
        with pytest.raises(CorpusError, match=name):
            Corpus.load(path)
    np.savez(tmp_path / "other.npz", a=np.zeros(3))
    with pytest.raises(CorpusError, match=r"other\.npz: not a corpus"):
        Corpus.load(tmp_path / "other.npz")
    with pytest.raises(CorpusError):
        Corpus.load(tmp_path)


def test_arrays_that_do_not_fit_together_are_told(tmp_path):
    path = _saved(tmp_path / "c.npz")
    with np.load(path) as z:
        arrays = dict(z)
    arrays["texts"] = np.array(["a", "b"])
    np.savez(path, **arrays)
    with pytest.raises(CorpusError, match="do not fit"):
        Corpus.load(path)


def test_no_pickle_is_written_or_read(tmp_path):
    path = _saved(tmp_path / "c.npz")
    with zipfile.ZipFile(path) as z:
        for name in z.namelist():
            assert b"|O" not in z.read(name)[:128]
    np.savez(path, meta=np.array([{"format": "strokes-corpus-1"}], object))
    with pytest.raises(CorpusError):
        Corpus.load(path)


def test_a_failed_save_leaves_the_old_file(tmp_path, monkeypatch):
    path = _saved(tmp_path / "c.npz")
    before = path.read_bytes()

    def fail(file, **_):
        file.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez_compressed", fail)
    with pytest.raises(InputError, match="No space left"):
        Corpus.build([MOVING]).save(path)
    assert path.read_bytes() == before and [p.name for p in tmp_path.iterdir()] == ["c.npz"]
