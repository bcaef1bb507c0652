"""Deskewing and temporal subsampling: what they take out, and what they must leave alone."""

from __future__ import annotations

import numpy as np
import pytest
from handwriting import write
from hypothesis import given
from hypothesis import strategies as st

from strokes.ink import Ink
from strokes.ink.cleaning import deskew, every_nth, subsample
from strokes.ink.metrics import line_slope

_STROKE = st.lists(st.tuples(*[st.integers(0, 8000)] * 2), min_size=1, max_size=9)
INKS = st.lists(_STROKE, min_size=1, max_size=6).map(lambda s: Ink(tuple(map(np.array, s))))


@pytest.mark.parametrize("slope", [-0.2, -0.07, 0.01, 0.18])
def test_deskewing_takes_the_slope_out_and_keeps_lengths(slope):
    ink = write("can you read this long line", x_height=50, slope=slope, origin=(1000, 2000))
    straight = deskew(ink)
    assert abs(line_slope(straight)) < 1e-3 < abs(line_slope(ink))
    for before, after in zip(ink.strokes, straight.strokes, strict=True):
        a, b = (np.hypot(*np.diff(s.astype(float), axis=0).T) for s in (before, after))
        np.testing.assert_allclose(a, b, atol=2e-3)
    # and the letters are those of the line as it was written without a slope
    expected, got = (
        i.points - i.points.mean(axis=0) for i in (deskew(write("can you read this long line", 50)), straight)
    )
    assert np.abs(got - expected).max() < 3  # 1,700 wide


def test_what_has_no_slope_is_returned_as_it_is():
    """A tall letter and a low one: too short for a slope."""
    tall, low = [(0, 0), (10, -200), (20, 0)] * 3, [(60, 0), (90, 80), (120, 100)]
    for ink in (Ink((np.array(tall), np.array(low))), Ink((np.array([[4, 5]]),)), Ink()):
        assert deskew(ink) == ink


@given(INKS, st.integers(1, 4), st.data())
def test_subsampling_keeps_ends_dots_order_and_every_nth_point(ink, every, data):
    phase = data.draw(st.integers(0, every - 1))
    out = subsample(ink, every, phase)
    assert len(out) == len(ink)
    for before, after in zip(ink.strokes, out.strokes, strict=True):
        last = len(before) - 1
        keep = sorted({0, last, *range(phase, last, every)})
        assert np.array_equal(after, before[keep])


def test_the_phases_together_keep_every_point():
    ink = write("minimum")
    points = [set(map(tuple, subsample(ink, 3, p).points.tolist())) for p in range(3)]
    assert set.union(*points) == set(map(tuple, ink.points.tolist()))


def test_which_points_are_kept():
    ends = np.array([0, 0, 0, 0, 0, 1, 1, 0, 1], bool)
    assert every_nth(ends, 2).astype(int).tolist() == [1, 0, 1, 0, 1, 1, 1, 1, 1]
    assert every_nth(ends, 3, 2).astype(int).tolist() == [1, 0, 1, 0, 0, 1, 1, 1, 1]
    assert every_nth(ends, 3, 5).tolist() == every_nth(ends, 3, 2).tolist()
    assert every_nth(ends, 1).all() and every_nth(np.zeros(0, bool), 2).tolist() == []
    # a last stroke that was left open
    assert every_nth(np.zeros(5, bool), 4).astype(int).tolist() == [1, 0, 0, 0, 1]
