"""Ink: what is legal, and offsets that lose nothing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from strokes.ink import Ink

_NUMBER = st.floats(-1000, 1000, width=32, allow_subnormal=False)
INKS = st.lists(st.lists(st.tuples(_NUMBER, _NUMBER), min_size=1, max_size=8), max_size=6).map(
    lambda strokes: Ink(tuple(map(np.array, strokes)))
)
_UNITS = st.integers(-9999, 9999)
WHOLE = st.lists(st.lists(st.tuples(_UNITS, _UNITS), min_size=1, max_size=8), max_size=6).map(
    lambda strokes: Ink(tuple(map(np.array, strokes)))
)


@given(INKS)
def test_offsets_and_back(ink):
    offsets = ink.to_offsets()
    assert offsets.shape == (ink.point_count, 3)
    assert offsets[:, 2].sum() == len(ink) and set(offsets[:, 2]) <= {0.0, 1.0}
    back = Ink.from_offsets(offsets)
    assert [len(s) for s in back.strokes] == [len(s) for s in ink.strokes]  # one-point strokes too
    assert np.allclose(back.points, ink.points, atol=1e-3)


@given(WHOLE)
def test_whole_units_survive_exactly(ink):
    assert Ink.from_offsets(ink.to_offsets()) == ink


@given(INKS)
def test_offsets_in_float32_stay_within_float32(ink):
    back = Ink.from_offsets(ink.to_offsets().astype(np.float32))
    assert np.allclose(back.points, ink.points, atol=2e-2)


def test_a_stroke_left_open_is_closed():
    ink = Ink.from_offsets([[0, 0, 0], [1, 2, 1], [3, 3, 0]])
    assert [s.tolist() for s in ink.strokes] == [[[0, 0], [1, 2]], [[4, 5]]]


@pytest.mark.parametrize("shape", [(3,), (3, 2), (0,), (2, 3, 1)])
def test_offsets_of_another_shape_are_refused(shape):
    with pytest.raises(ValueError, match="T, 3"):
        Ink.from_offsets(np.zeros(shape))


@pytest.mark.parametrize(
    "stroke", [np.zeros((0, 2)), np.zeros(2), np.zeros((2, 3)), [[0, np.nan]], [[np.inf, 0]], [[1e300, 0]]]
)
@pytest.mark.filterwarnings("ignore:overflow")
def test_what_is_no_stroke_is_refused(stroke):
    with pytest.raises(ValueError, match="stroke 1"):
        Ink((np.zeros((1, 2)), stroke))


def test_ink_is_a_value():
    array = np.array([[1.0, 2.0], [3.0, 4.0]])
    ink = Ink((array,))
    array[0, 0] = 99
    assert ink.strokes[0][0, 0] == 1 and ink.strokes[0].dtype == np.float32
    with pytest.raises(ValueError, match="read-only"):
        ink.strokes[0][0, 0] = 5
    assert ink == Ink((np.array([[1, 2], [3, 4]]),)) and ink != Ink((np.array([[1, 2], [3, 5]]),))
    assert ink != Ink((np.array([[1, 2]]), np.array([[3, 4]])))  # the same points, other strokes


@given(INKS, st.floats(0.1, 10), st.floats(-50, 50), st.floats(-50, 50))
def test_moving_and_scaling(ink, factor, dx, dy):
    moved = ink.transformed(np.eye(2) * factor, (dx, dy))
    assert np.allclose(moved.points, ink.points * factor + [dx, dy], rtol=1e-5, atol=1e-2)
    assert ink.scaled(factor) == ink.transformed(np.eye(2) * factor)
    assert ink.transformed() == ink


def test_bounds():
    ink = Ink((np.array([[5, 1]]), np.array([[-2, 7], [0, 3]])))
    assert ink.bounds == (-2, 1, 5, 7) and ink.point_count == 3 and len(ink) == 2
    with pytest.raises(ValueError, match="empty"):
        _ = Ink().bounds
    assert Ink().points.shape == (0, 2) and Ink().to_offsets().shape == (0, 3)
