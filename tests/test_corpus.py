"""Corpus: what goes in comes out, and what is no corpus is told in one sentence."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from handwriting import write
from hypothesis import given, settings
from hypothesis import strategies as st

from strokes.alphabet import Alphabet
from strokes.corpus import Corpus, CorpusError
from strokes.ink import Ink, Line
from strokes.ink.metrics import LineMetrics
from strokes.model import Model
from strokes.network import NetworkConfig
from strokes.preprocessing import Preprocessing, Statistics

_POINT = st.tuples(st.integers(-3000, 3000), st.integers(-3000, 3000))
_STROKES = st.lists(st.lists(_POINT, min_size=1, max_size=6), min_size=1, max_size=5)
_TEXT = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=12)
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


# -- what goes in comes out ---------------------------------------------------------------------


@settings(deadline=None)
@given(LINES, st.sampled_from([1.0, 0.5, 1 / 512]))
def test_lines_come_out_as_they_went_in(tmp_path_factory, lines, unit):
    lines = [MOVING, *lines]
    if unit == 1 / 512:  # steps of a 512th reach 64
        lines = [replace(line, ink=line.ink.scaled(0.01)) for line in lines]
    path = tmp_path_factory.mktemp("corpus") / "c.npz"
    preprocessing = Preprocessing(scale="spread", every=2)
    built = Corpus.build(
        lines, unit=unit, preprocessing=preprocessing, options={"every": 2}, rejected={"no text": 3}
    )
    built.save(path)
    corpus = Corpus.load(path)
    assert len(corpus) == len(lines) and corpus.point_count == sum(line.ink.point_count for line in lines)
    for i, line in enumerate(lines):
        got = corpus.line(i)
        assert got == built.line(i)
        assert (got.text, got.name, got.writer, got.split) == (line.text, line.name, line.writer, line.split)
        assert [len(s) for s in got.ink.strokes] == [len(s) for s in line.ink.strokes]
        moved = line.ink.points.astype(float) - line.ink.points[0]
        assert np.abs(got.ink.points - moved).max() <= unit / 2 + 1e-5
        if unit != 1 / 512:
            assert np.array_equal(got.ink.points, moved)
        assert np.allclose(np.cumsum(corpus.offsets(i)[:, :2], axis=0), got.ink.points, atol=1e-2)
    assert (corpus.options, corpus.rejected) == ({"every": 2}, {"no text": 3})
    assert (corpus.preprocessing, corpus.alphabet, corpus.unit) == (built.preprocessing, built.alphabet, unit)
    assert corpus.preprocessing.geometry == preprocessing.geometry


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
    assert corpus.preprocessing.points_per_character == 5 / 4
    assert corpus.select("testset_v").tolist() == [1]
    assert corpus.select("trainset", "testset_f").tolist() == [0, 2]
    assert corpus.lengths().tolist() == [3, 2, 2]
    normalised = np.concatenate([corpus.normalised(i)[1:, :2] for i in (0, 2)])
    assert normalised.mean(axis=0) == pytest.approx([0, 0], abs=1e-6)
    assert normalised.std(axis=0) == pytest.approx([1, 1], rel=1e-5)
    assert corpus.normalised(0)[0].tolist() == [0, 0, 0] and corpus.normalised(0)[:, 2].tolist() == [0, 1, 1]


def hand(*sizes: float, split: str = "trainset") -> list[Line]:
    text = "a usual line of writing"
    return [Line(write(text, size), text, f"line-{size}", "w", split) for size in sizes]


def test_the_usual_x_height_is_the_median_of_training_lines():
    corpus = Corpus.build([*hand(40, 60, 50, 55, 30), *hand(500, 600, 700, split="testset_v")], unit=0.125)
    assert corpus.preprocessing.x_height == pytest.approx(LineMetrics.of(hand(50)[0].ink).x_height, rel=0.01)


def test_other_splits_can_be_those_to_train_on():
    lines = [replace(MOVING, split="mine"), replace(MOVING, text="zz", split="trainset")]
    corpus = Corpus.build(lines, training_splits=["mine"])
    assert corpus.alphabet.characters == "hi"


def test_lines_read_as_a_model_has_its_alphabet_and_statistics(corpus):
    preprocessing = Preprocessing(Statistics((1.0, 2.0), (3.0, 4.0)), x_height=7.0)
    model = Model({}, NetworkConfig(), Alphabet("oi"), preprocessing)
    as_model = corpus.read_as(model)
    assert as_model.alphabet == model.alphabet and as_model.statistics == model.statistics
    assert as_model.line(3) == corpus.line(3)
    assert as_model.preprocessing == replace(corpus.preprocessing, statistics=model.statistics)


def test_what_cannot_be_a_corpus_is_refused():
    dot = Line(Ink((np.array([[1, 1]]),)), "x", "dot", "w", "trainset")
    validation = Line(MOVING.ink, "x", "v", "w", "testset_v")
    far = Line(Ink((np.array([[0, 0], [40_000, 0]]),)), "x", "far", "w", "trainset")
    even = Line(Ink((np.array([[0, 0], [1, 2], [2, 4]]),)), "x", "even", "w", "trainset")
    for lines, why in (
        ([], "no line"),
        ([validation], "training split"),
        ([dot], "no movement"),
        ([even], "no movement"),
        ([far], "'far' has a step"),
        ([replace(MOVING, ink=Ink())], "'first' has no ink"),
        ([replace(MOVING, text="")], "no character occurs"),
    ):
        with pytest.raises(CorpusError, match=why):
            Corpus.build(lines)
    for unit in (0, -1, float("nan"), 1e7):
        with pytest.raises(ValueError, match="unit is"):
            Corpus.build([MOVING], unit=unit)
