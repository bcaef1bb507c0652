"""Resampling: bounds on how far it strays, and what it never touches."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from strokes.ink.curves import smooth
from strokes.ink.resampling import _curves, deviation, evened, simplify

COORDINATE = st.integers(-60, 60).map(lambda n: n / 20)
STROKE = st.lists(st.tuples(COORDINATE, COORDINATE), min_size=1, max_size=40).map(
    lambda rows: np.array(rows, np.float64)
)
STROKES = st.lists(STROKE, min_size=1, max_size=5)
# As recorded: turns that a pen makes, read 200 times a second.
WAVE = st.tuples(
    st.floats(0.1, 2.0), st.floats(0.3, 3.0), st.floats(0, 6.3), st.floats(-1, 1), st.integers(20, 200)
).map(
    lambda p: np.column_stack(
        [np.linspace(0, 3, p[4]), p[0] * np.sin(p[1] * np.linspace(0, 3, p[4]) * 2 + p[2]) + p[3]]
    )
)


def distance(points: np.ndarray, line: np.ndarray) -> np.ndarray:
    """Distances of points (n, 2) from a polyline (m, 2), one segment at a time."""
    line = np.repeat(line, 2, axis=0) if len(line) == 1 else line
    best = np.full(len(points), np.inf)
    for a, b in pairwise(line):
        v = b - a
        u = np.clip((points - a) @ v / max(v @ v, 1e-300), 0, 1)[:, None]
        best = np.minimum(best, np.linalg.norm(points - a - u * v, axis=1))
    return best


@settings(max_examples=80, deadline=None)
@given(STROKES, st.sampled_from([0.01, 0.03, 0.2]), st.sampled_from([0.3, 0.8, 5.0]))
def test_ends_and_dots_stay_and_nothing_is_far_from_what_was_recorded(strokes, tolerance, longest):
    out = simplify(strokes, tolerance, longest)
    assert len(out) == len(strokes)
    for before, after in zip(strokes, out, strict=True):
        np.testing.assert_allclose(after[0], before[0], atol=1e-12)
        np.testing.assert_allclose(after[-1] if len(before) > 1 else after[0], before[-1], atol=1e-12)
        if (before == before[0]).all():
            assert len(after) == 1
            continue
        assert distance(before, after).max() <= tolerance + 1e-9  # the new polyline passes by every point
        assert distance(after, before).max() <= 1e-9  # new points lie on the recorded line
        steps = np.linalg.norm(np.diff(after, axis=0), axis=1)
        assert steps.max() <= longest * (1 + 1e-6) and steps.min() > 0


@settings(max_examples=60, deadline=None)
@given(WAVE, st.sampled_from([0.02, 0.05]))
def test_the_curve_of_what_is_left_stays_by_the_stroke(stroke, tolerance):
    chosen = simplify([stroke], tolerance, 0.8)[0]
    assert deviation(stroke, chosen) <= 1.5 * tolerance + 1e-6


def test_a_straight_line_keeps_two_points_and_steps_no_longer_than_asked():
    line = np.column_stack([np.linspace(0, 2, 101), np.zeros(101)])
    assert len(simplify([line], 0.01, 10.0)[0]) == 2
    even = simplify([line], 0.01, 0.5)[0]
    np.testing.assert_allclose(even[:, 0], [0, 0.5, 1.0, 1.5, 2.0], atol=1e-9)


def test_a_corner_without_points_around_it_gets_some_where_the_curve_would_bulge():
    corner = np.array([[0.0, 0.0], [2.0, 0.0], [2.0, 0.1], [4.0, 0.1]])
    bare = deviation(corner, corner)
    chosen = simplify([corner], 0.02, 10.0)[0]
    assert bare > 0.03 >= deviation(corner, chosen)


def test_the_same_ink_from_a_slow_and_a_fast_pen_becomes_nearly_the_same_points():
    t = np.linspace(0, 1, 2000)
    line = np.column_stack([3 * t, np.sin(9 * t)])
    slow = line[np.unique((1999 * t**2).astype(int))]
    fast = line[np.linspace(0, 1999, 101).astype(int)]
    a, b = (simplify(evened([p], 0.04, 2), 0.03, 0.8)[0] for p in (slow, fast))
    assert abs(len(a) - len(b)) <= 2 and len(a) < 30
    assert distance(a, b).max() < 0.06


@settings(max_examples=60, deadline=None)
@given(STROKES, st.integers(0, 5))
def test_even_points_keep_ends_and_dots(strokes, rounds):
    for before, after in zip(strokes, evened(strokes, 0.1, rounds), strict=True):
        np.testing.assert_allclose(after[0], before[0], atol=1e-12)
        np.testing.assert_allclose(after[-1], before[-1] if len(after) > 1 else before[0], atol=1e-12)
        steps = np.linalg.norm(np.diff(after, axis=0), axis=1)
        assert steps.max(initial=0) <= 0.1 + 1e-9  # chords of equal arcs; averaging only shortens them


def test_smoothing_takes_out_the_steps_of_a_grid():
    rough = np.column_stack([np.arange(0, 60) / 10, np.round(np.arange(0, 60) * 0.37) / 10])
    slope = np.polyfit(*rough.T, 1)
    even = evened([rough], 0.05, 12)[0]
    off = np.abs(even[10:-10, 1] - np.polyval(slope, even[10:-10, 0]))
    assert off.max() < 0.6 * np.abs(rough[5:-5, 1] - np.polyval(slope, rough[5:-5, 0])).max()


@settings(max_examples=60, deadline=None)
@given(STROKES)
def test_curves_of_several_strokes_are_those_of_each(strokes):
    strokes = [s[np.concatenate([[True], (np.diff(s, axis=0) != 0).any(axis=1)])] for s in strokes]
    points = np.concatenate(strokes)
    inside = np.ones(len(points) - 1, bool)
    inside[np.cumsum([len(s) for s in strokes])[:-1] - 1] = False
    together = _curves(points, inside)[inside]
    apart = np.concatenate([smooth(s) for s in strokes])
    np.testing.assert_allclose(together, apart, atol=1e-9)


@pytest.mark.parametrize("stroke", [np.zeros((0, 2)), np.zeros((3, 3)), np.zeros(4)])
def test_what_is_no_stroke_is_refused(stroke):
    with pytest.raises(ValueError, match="stroke 0 has shape"):
        simplify([stroke], 0.1, 1.0)


def test_limits_must_be_positive():
    with pytest.raises(ValueError, match="positive"):
        simplify([np.zeros((1, 2))], 0.0, 1.0)
    with pytest.raises(ValueError, match="positive"):
        evened([np.zeros((1, 2))], 0.0, 1)
    assert simplify([], 0.1, 1.0) == [] and evened([], 0.1, 1) == []
