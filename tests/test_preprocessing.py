"""Preprocessing: offsets from ink and back, and the canonical ink that pages take."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest
from handwriting import write
from hypothesis import given
from hypothesis import strategies as st

from strokes.ink import Ink
from strokes.ink.cleaning import deskew, subsample
from strokes.ink.curves import flatten
from strokes.ink.metrics import LineMetrics, line_slope
from strokes.page import PageOptions, fit_page
from strokes.preprocessing import Preprocessing, Statistics

_STROKE = st.lists(st.tuples(*[st.integers(0, 4000)] * 2), min_size=1, max_size=9)
INKS = st.lists(_STROKE, min_size=1, max_size=6).map(lambda s: Ink(tuple(map(np.array, s))))
STATISTICS = st.builds(Statistics, st.tuples(*[st.floats(-50, 50)] * 2), st.tuples(*[st.floats(0.1, 90)] * 2))
PANGRAM = "the quick brown fox jumps over the lazy dog"


# -- offsets ------------------------------------------------------------------------------------


@given(st.integers(1, 20), STATISTICS)
def test_restore_undoes_normalise(n, statistics):
    offsets = np.random.default_rng(n).normal(0, 50, (n, 3))
    offsets[0, :2] = 0
    np.testing.assert_allclose(statistics.restore(statistics.normalise(offsets)), offsets, atol=0.01)


def test_offsets_are_standardised_but_for_the_starting_point():
    statistics = Statistics((8.0, -1.0), (40.0, 20.0))
    offsets = np.array([[700.0, 500.0, 1], [48, -1, 0], [-32, 39, 1]])
    expected = np.array([[0, 0, 1], [1, 0, 0], [-1, 2, 1]])
    assert statistics.normalise(offsets).tolist() == expected.tolist()
    assert statistics.normalise(offsets).dtype == np.float32
    assert statistics.restore(expected)[0].tolist() == [0, 0, 1]
    assert statistics.normalise(np.zeros((0, 3))).shape == (0, 3)


@given(INKS, STATISTICS)
def test_ink_comes_back_from_offsets_with_its_dots(ink, statistics):
    preprocessing = Preprocessing(statistics)
    offsets = preprocessing.to_offsets(ink)
    assert offsets.shape == (ink.point_count, 3) and offsets[:, 2].sum() == len(ink)
    back = preprocessing.to_ink(offsets)
    assert [len(s) for s in back.strokes] == [len(s) for s in ink.strokes]
    np.testing.assert_allclose(
        back.points, ink.points - ink.points[0], atol=0.2
    )  # of 4,000; offsets are float32


# -- canonical ink ------------------------------------------------------------------------------


@pytest.mark.parametrize("unit", [0.5, 1.0, 94.0])
@pytest.mark.parametrize("slope", [0.0, 0.1, -0.05])
def test_canonical_ink_is_deskewed_on_its_baseline_and_of_one_size(unit, slope):
    """Whatever the unit of the model is, where its pen starts, and however its lines slope."""
    ink = write(PANGRAM, unit, slope, (0, 40 * unit))
    canonical = Preprocessing(x_height=unit).canonical(ink, PANGRAM)
    metrics = LineMetrics.of(canonical)
    assert metrics.baseline == pytest.approx(0, abs=0.02)
    assert metrics.slope == pytest.approx(0, abs=2e-3)
    assert metrics.x_height == pytest.approx(1, abs=0.25)
    assert [len(s) for s in canonical.strokes] == [len(s) for s in ink.strokes]
    same = Preprocessing(x_height=1.0).canonical(write(PANGRAM), PANGRAM)
    ours, theirs = (i.points - i.points[0] for i in (canonical, same))
    np.testing.assert_allclose(ours, theirs, atol=0.3)  # of 90; slopes are found to a few thousandths


@given(INKS, st.text("ahAH1 ", min_size=1, max_size=9))
def test_any_ink_becomes_canonical_at_one_size(ink, text):
    """Shapes stay: distances between points are divided by one number, that of a line of known text."""
    preprocessing = Preprocessing(x_height=30.0)
    canonical = preprocessing.canonical(ink, text)
    assert [len(s) for s in canonical.strokes] == [len(s) for s in ink.strokes]
    x_height = LineMetrics.of(ink).x_height_of(text, 30.0)
    before, after = (np.hypot(*np.diff(i.points.astype(float), axis=0).T) for i in (ink, canonical))
    np.testing.assert_allclose(after * x_height, before, atol=0.01)


def test_empty_ink_has_no_canonical_form():
    with pytest.raises(ValueError, match="empty ink"):
        Preprocessing().canonical(Ink(), "a")


def bowls(ink: Ink, text: str) -> float:
    """Height on a page of the small letters n and o of a line."""
    letters = [c for c in text if c != " "]
    return float(np.median([np.ptp(s[:, 1]) for s, c in zip(ink.strokes, letters, strict=True) if c in "no"]))


def test_a_page_has_one_scale():
    """Letters that a model draws equally high are equally high on paper, whatever else stands in their line."""
    lines = ["no room on our own", "no hold on Bob had on old oak", "N0 0N 10", "on"]
    usual = LineMetrics.of(write(PANGRAM)).x_height_of(PANGRAM, 1.0)
    preprocessing = Preprocessing(x_height=usual)
    heights = [bowls(preprocessing.canonical(write(t), t), t) for t in (lines[0], lines[1], lines[3])]
    assert max(heights) / min(heights) < 1.2
    # and a page scales all of its lines alike
    inks = [preprocessing.canonical(write(t), t) for t in lines]
    page = fit_page(inks, PageOptions(line_height=12))
    placed = iter(page.strokes)
    for ink in inks:
        ratios = [np.ptp(next(placed)[:, 1]) / np.ptp(s[:, 1]) for s in ink.strokes]
        assert ratios == pytest.approx([PageOptions(line_height=12).x_height_mm] * len(ratios), rel=1e-3)


# -- recorded ink -------------------------------------------------------------------------------


def test_ink_is_deskewed_scaled_and_subsampled_in_this_order():
    raw = write(PANGRAM, 60, slope=0.1, origin=(300, 900))
    assert Preprocessing(deskew=False).apply(raw) == raw
    assert Preprocessing().apply(raw) == deskew(raw)
    half = Preprocessing(scale="spread", every=2).apply(raw)
    whole = Preprocessing(scale="spread").apply(raw)
    assert half == subsample(whole, 2)
    assert Preprocessing(scale="spread", every=2).apply(raw, phase=1) == subsample(whole, 2, 1)
    assert abs(line_slope(whole)) < 1e-3


@given(INKS)
def test_scaling_by_spread_gives_y_a_standard_deviation_of_one_and_keeps_shapes(ink):
    preprocessing = Preprocessing(deskew=False, scale="spread")
    if np.ptp(ink.points[:, 1]) == 0:
        with pytest.raises(ValueError, match="one height"):
            preprocessing.apply(ink)
        return
    scaled = preprocessing.apply(ink)
    assert scaled.points[:, 1].astype(float).std() == pytest.approx(1, rel=1e-4)
    factor = ink.points[:, 1].astype(float).std()
    np.testing.assert_allclose(scaled.points * factor, ink.points, rtol=1e-5, atol=1e-2)
    assert [len(s) for s in scaled.strokes] == [len(s) for s in ink.strokes]


def test_scaling_by_x_height_takes_the_writers_or_measures_the_line():
    raw = write(PANGRAM, 60)
    preprocessing = Preprocessing(scale="x_height")
    assert LineMetrics.of(preprocessing.apply(raw)).x_height == pytest.approx(1, rel=1e-4)
    assert LineMetrics.of(preprocessing.apply(raw, x_height=30.0)).x_height == pytest.approx(2, rel=0.02)
    with pytest.raises(ValueError, match="one height"):
        preprocessing.apply(Ink((np.array([[0, 3], [9, 3]]),)))
    with pytest.raises(ValueError, match="one height"):
        preprocessing.apply(Ink())


def farthest(points: np.ndarray, line: np.ndarray) -> float:
    """The greatest distance of any of the points from a polyline."""
    if len(line) == 1:
        return float(np.hypot(*(points - line).T).max())
    start, along = line[:-1], np.diff(line, axis=0)
    share = ((points[:, None] - start) * along).sum(axis=2) / (along**2).sum(axis=1)
    nearest = start + np.clip(share, 0, 1)[..., None] * along
    return float(np.linalg.norm(points[:, None] - nearest, axis=2).min(axis=1).max())


@pytest.mark.parametrize("scale", ["none", "x_height"])
@pytest.mark.parametrize("longest_step", [0.0, 0.5])
def test_points_are_left_out_where_the_shape_does_not_need_them(scale, longest_step):
    """Tolerance and longest step are in x-heights, whatever the unit of the ink is."""
    raw = Ink((*write(PANGRAM, 60, slope=0.1).strokes, np.array([[30.0, -90.0]])))
    preprocessing = Preprocessing(scale=scale, tolerance=0.02, longest_step=longest_step)
    whole, chosen = replace(preprocessing, tolerance=0.0).apply(raw), preprocessing.apply(raw)
    x_height = LineMetrics.of(whole).x_height
    assert x_height == pytest.approx(1 if scale == "x_height" else 60, rel=0.05)
    assert chosen.point_count < 0.7 * whole.point_count and len(chosen) == len(whole)
    assert len(chosen.strokes[-1]) == 1  # the dot
    for before, after in zip(whole.strokes, chosen.strokes, strict=True):
        np.testing.assert_allclose(after[[0, -1]], before[[0, -1]], rtol=1e-6)
        steps = np.hypot(*np.diff(after, axis=0).T)
        assert not longest_step or (steps <= longest_step * x_height * 1.001).all()
        assert farthest(before, flatten(after, 1e-4 * x_height)) < 0.04 * x_height


def test_flat_ink_cannot_be_simplified():
    for strokes in ([[0, 3], [9, 3]], [[1, 2]]):
        with pytest.raises(ValueError, match="one height"):
            Preprocessing(tolerance=0.02).apply(Ink((np.array(strokes),)))
    assert Preprocessing(tolerance=0.02).apply(Ink()) == Ink()


# -- what it says -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("every", 0),
        ("every", 2.5),
        ("scale", "deviation"),
        ("tolerance", -0.1),
        ("tolerance", float("nan")),
        ("longest_step", float("inf")),
        ("x_height", 0.0),
        ("x_height", float("nan")),
        ("points_per_character", 0.5),
        ("deskew", "yes"),
    ],
)
def test_numbers_out_of_range_are_refused(field, value):
    with pytest.raises(ValueError, match=f"{field} is .*; it must be"):
        Preprocessing(**{field: value})


@pytest.mark.parametrize(
    "wrong",
    [
        {"std": (1.0, 0.0)},
        {"std": (1.0, 1e-10)},
        {"std": (1.0, float("nan"))},
        {"mean": (1e7, 0.0)},
        {"mean": (0.0,)},
        {"mean": (float("inf"), 0.0)},
    ],
)
def test_statistics_out_of_range_are_refused(wrong):
    with pytest.raises(ValueError, match=f"{next(iter(wrong))} is"):
        Statistics(**wrong)


def test_geometry_is_all_that_decides_where_points_lie_but_their_statistics():
    one = Preprocessing()
    for same in (
        {"statistics": Statistics((1, 2), (3, 4))},
        {"x_height": 94.0},
        {"points_per_character": 11.0},
    ):
        assert replace(one, **same).geometry == one.geometry
    for other in (
        {"deskew": False},
        {"scale": "spread"},
        {"every": 2},
        {"tolerance": 0.02},
        {"longest_step": 0.8},
    ):
        assert replace(one, **other).geometry != one.geometry
    with pytest.raises(FrozenInstanceError):
        one.every = 2  # type: ignore[misc]
