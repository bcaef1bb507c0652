from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from strokes.ink.curves import flatten, smooth

coordinate = st.floats(-100, 100, width=32)
strokes = st.integers(1, 12).flatmap(lambda n: arrays(np.float64, (n, 2), elements=coordinate))
# Coordinates on a grid make repeated points, reversals and straight runs likely.
grid_strokes = st.integers(1, 12).flatmap(lambda n: arrays(np.int64, (n, 2), elements=st.integers(0, 2)))


def bezier(segment, u):
    """De Casteljau, so as not to share a formula with the code under test."""
    points = [np.asarray(p) for p in segment]
    while len(points) > 1:
        points = [(1 - u) * a + u * b for a, b in pairwise(points)]
    return points[0]


def distance_to_polyline(point, line):
    a, b = line[:-1], line[1:]
    d = b - a
    length = (d**2).sum(axis=1)
    t = np.clip(((point - a) * d).sum(axis=1) / np.where(length > 0, length, 1), 0, 1)
    return np.hypot(*(a + t[:, None] * d - point).T).min()


@given(strokes | grid_strokes)
@settings(max_examples=60, deadline=None)
def test_the_curve_passes_through_every_point(points):
    segments = smooth(points)
    assert segments.shape == (len(points) - 1, 4, 2)
    np.testing.assert_array_equal(segments[:, 0], points[:-1])
    np.testing.assert_array_equal(segments[:, 3], points[1:])
    assert np.isfinite(segments).all()


def test_neighbours_share_a_tangent_and_in_the_knots_parameter_a_velocity():
    rng = np.random.default_rng(3)
    points = np.cumsum(rng.normal(size=(20, 2)), axis=0)
    b = smooth(points)
    step = np.sqrt(np.linalg.norm(np.diff(points, axis=0), axis=1))[:, None]
    arriving, leaving = 3 * (b[:, 3] - b[:, 2]) / step, 3 * (b[:, 1] - b[:, 0]) / step
    np.testing.assert_allclose(arriving[:-1], leaving[1:], atol=1e-12)
    assert np.linalg.norm(leaving, axis=1).min() > 1e-3


def test_inner_segments_are_the_pyramid_of_barry_and_goldman():
    p = np.array([[0, 0], [1, 2], [4, 2.5], [4.5, -1]], float)
    t = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(p, axis=0), axis=1) ** 0.5)])
    segment = smooth(p)[1]
    for u in np.linspace(0, 1, 9):
        x = t[1] + u * (t[2] - t[1])

        def mix(a, b, i, j, x=x):
            return ((t[j] - x) * a + (x - t[i]) * b) / (t[j] - t[i])

        a = [mix(p[i], p[i + 1], i, i + 1) for i in range(3)]
        b = [mix(a[i], a[i + 1], i, i + 2) for i in range(2)]
        np.testing.assert_allclose(bezier(segment, u), mix(b[0], b[1], 1, 2), atol=1e-12)


def test_a_circle_drawn_by_few_points_comes_back_round():
    angle = np.linspace(0, 4 * np.pi, 25)
    points = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    curve = flatten(points, 1e-4)
    worst = abs(np.hypot(*curve.T) - 1).max()
    chord = 1 - np.cos(np.pi / 12)
    assert worst < chord / 5  # the polyline is 0.034 off


def test_sharp_corners_do_not_overshoot():
    points = np.array([[0, 0], [0, 5], [0, 10], [0.2, 5], [0.4, 0]], float)
    curve = flatten(points, 1e-4)
    assert curve[:, 1].max() < 10.05 and curve[:, 1].min() > -0.05
    assert curve[:, 0].min() > -0.1 and curve[:, 0].max() < 0.5
    uneven = flatten(np.array([[0, 0], [0.01, 0], [0.01, 8], [8, 8]], float), 1e-4)
    assert uneven.min() > -1.01 and uneven.max() < 9.01  # an eighth of the sides of a right angle


def test_repeated_points_do_not_change_the_curve():
    points = np.array([[0, 0], [1, 2], [3, 1], [4, 4]], float)
    repeated = points[[0, 0, 1, 2, 2, 2, 3, 3]]
    segments = smooth(repeated)
    moved = (segments[:, 0] != segments[:, 3]).any(axis=1)
    np.testing.assert_allclose(segments[moved], smooth(points))
    assert (segments[~moved] == segments[~moved][:, :1]).all()
    np.testing.assert_allclose(flatten(repeated), flatten(points))


def test_dots_and_lines():
    assert smooth(np.array([[1, 2]])).shape == (0, 4, 2)
    assert flatten(np.array([[1, 2]])).tolist() == [[1, 2]]
    assert flatten(np.array([[1, 2], [1, 2]])).tolist() == [[1, 2]]
    np.testing.assert_allclose(smooth(np.array([[0, 0], [3, 6]]))[0], [[0, 0], [1, 2], [2, 4], [3, 6]])
    assert flatten(np.array([[0, 0], [3, 6]])).tolist() == [[0, 0], [3, 6]]


@given(strokes, st.sampled_from([0.01, 0.3, 2.0]))
@settings(max_examples=30, deadline=None)
def test_the_polyline_stays_within_the_tolerance(points, tolerance):
    line = flatten(points, tolerance)
    if len(line) == 1:
        return
    for segment in smooth(points):
        for u in np.linspace(0, 1, 40):
            assert distance_to_polyline(bezier(segment, u), line) <= tolerance + 1e-9


def test_a_coarser_tolerance_gives_fewer_points_but_all_the_given_ones():
    points = np.random.default_rng(0).normal(size=(30, 2)) * 10
    fine, coarse = flatten(points, 0.01), flatten(points, 1.0)
    assert len(points) <= len(coarse) < len(fine) / 3
    for p in points:
        assert np.abs(coarse - p).max(axis=1).min() == 0


def test_bad_input_is_refused():
    for bad in (np.zeros((0, 2)), np.zeros((3, 3)), np.zeros(4)):
        with pytest.raises(ValueError, match="shape"):
            smooth(bad)
        with pytest.raises(ValueError, match="shape"):
            flatten(bad)
    for tolerance in (0, -1, float("nan")):
        with pytest.raises(ValueError, match="tolerance"):
            flatten(np.zeros((2, 2)), tolerance)
