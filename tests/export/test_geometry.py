"""Strokes as plotters take them, held against distances computed another way."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from strokes.export.geometry import DOT_MM, curves, ordered, polylines
from strokes.ink.curves import flatten


def handwriting() -> list[np.ndarray]:
    """Loops, a zigzag and a crossbar, in millimetres, as dense as recorded ink."""
    t = np.arange(0, 8 * np.pi, 0.08)
    loops = np.stack([t / 2 + 1.4 * np.sin(t), 3 * np.cos(t) + 5], axis=1)
    zigzag = np.array([[20 + i * 0.7, -2.5 * (i % 2) + 6] for i in range(8)])
    return [loops, zigzag, np.array([[18.0, 4], [27, 3.5]])]


def dense(curve: np.ndarray, count: int = 40) -> np.ndarray:
    """Points (m * count + 1, 2) on Bezier segments (m, 4, 2), by their definition."""
    u = np.linspace(0, 1, count + 1)[1:, None]
    a, b, c, d = (curve[:, None, i] for i in range(4))
    points = a * (1 - u) ** 3 + 3 * b * u * (1 - u) ** 2 + 3 * c * u**2 * (1 - u) + d * u**3
    return np.concatenate([curve[0, :1], points.reshape(-1, 2)])


def test_curves_pass_through_every_point_and_stay_near_the_sampled_ink():
    for stroke, curve in zip(handwriting()[:1], curves(handwriting()[:1]), strict=True):
        np.testing.assert_array_equal(curve[:, 0], stroke[:-1])
        np.testing.assert_array_equal(curve[:, 3], stroke[1:])
        ink = shapely.LineString(stroke)
        assert shapely.distance(ink, shapely.points(dense(curve))).max() < 0.05


@pytest.mark.parametrize("tolerance", [0.02, 0.05, 0.2])
def test_fewer_segments_stay_within_the_tolerance(tolerance):
    for stroke, curve in zip(handwriting(), curves(handwriting(), tolerance), strict=True):
        ink, drawn = shapely.LineString(stroke), shapely.LineString(dense(curve))
        assert shapely.distance(ink, shapely.points(dense(curve))).max() < 1.3 * tolerance
        assert shapely.distance(drawn, shapely.points(stroke)).max() < 1.3 * tolerance
        np.testing.assert_array_equal(curve[[0, -1], [0, 3]], stroke[[0, -1]])
    # Loops of 3 mm need some points at any tolerance.
    (curve,) = curves(handwriting()[:1], tolerance)
    assert len(curve) < 0.7 * len(handwriting()[0])
    assert len(curve) < len(curves(handwriting()[:1], tolerance / 2)[0])


@pytest.mark.parametrize("tolerance", [0.0, 0.05, 0.5])
def test_polylines_follow_the_curves(tolerance):
    allowed = max(tolerance, 0.01) + 0.01
    for stroke, line in zip(handwriting(), polylines(handwriting(), tolerance), strict=True):
        curve = flatten(stroke, 1e-4)
        assert shapely.distance(shapely.LineString(line), shapely.points(curve)).max() <= allowed
        np.testing.assert_allclose(line[[0, -1]], stroke[[0, -1]], atol=1e-9)


@pytest.mark.parametrize("tolerance", [0.0, 1.0])
@pytest.mark.parametrize(
    "tiny", [[[3, 4]], [[6, 4], [6, 4]], [[8, 4], [8.03, 4.04]], [[8, 4], [8.05, 4], [8, 4.05]]]
)
def test_dots_are_a_tenth_of_a_millimetre(tiny, tolerance):
    stroke = np.array(tiny, float)
    (curve,), (line,) = curves([stroke], tolerance), polylines([stroke], tolerance)
    middle = (stroke.min(axis=0) + stroke.max(axis=0)) / 2
    half = np.array([DOT_MM / 2, 0])
    np.testing.assert_allclose(line, [middle - half, middle + half], atol=0.03)
    np.testing.assert_allclose(curve[0, [0, 3]], line, atol=0.03)
    assert np.ptp(line[:, 0]) == pytest.approx(0.1)


def test_small_strokes_do_not_vanish_under_a_large_tolerance():
    comma = np.array([[5.0, 5], [5.2, 5.3], [5.1, 5.8]])
    circle = np.stack([np.cos(np.linspace(0, 2 * np.pi, 20)), np.sin(np.linspace(0, 2 * np.pi, 20))], 1) * 0.2
    for line in polylines([comma, circle], 5.0):
        assert len(line) >= 2 and np.hypot(*np.ptp(line, axis=0)) >= DOT_MM * 0.999


def test_the_order_of_short_ways_holds_every_stroke_and_is_shorter():
    rng = np.random.default_rng(2)
    strokes = [rng.uniform(0, 100, 2) + rng.uniform(-2, 2, (5, 2)) for _ in range(60)]

    def way(of):
        return sum(np.hypot(*(b[0] - a[-1])) for a, b in zip([np.zeros((1, 2)), *of], of, strict=False))

    found = ordered(strokes)
    same = {frozenset((s.tobytes(), s[::-1].tobytes())) for s in strokes}
    assert {frozenset((s.tobytes(), s[::-1].tobytes())) for s in found} == same and len(found) == 60
    assert way(found) < 0.4 * way(strokes)
    line = [np.array([[1.0, 0], [2, 0]]), np.array([[4.0, 0], [3, 0]]), np.array([[5.0, 0]])]
    np.testing.assert_array_equal(np.concatenate(ordered(line[::-1]))[:, 0], [1, 2, 3, 4, 5])
    assert ordered([]) == []
