"""Measures of a line: known ones of a made-up hand, and what must not change them."""

from __future__ import annotations

import numpy as np
import pytest
from handwriting import write
from hypothesis import given
from hypothesis import strategies as st

from strokes.ink import Ink
from strokes.ink.metrics import X_HEIGHT_PER_SPREAD, LineMetrics, line_slope, rotated

PANGRAM = "the quick brown fox jumps over the lazy dog"
# Whole numbers, so that powers of two scale them exactly.
INKS = st.lists(
    st.lists(st.tuples(*[st.integers(-900, 900)] * 2), min_size=1, max_size=12), min_size=1, max_size=8
).map(lambda strokes: Ink(tuple(map(np.array, strokes))))


def test_x_height_and_baseline_of_writing_with_ascenders_and_descenders():
    metrics = LineMetrics.of(write(PANGRAM, x_height=40, origin=(500, 300)))
    assert metrics.x_height == pytest.approx(40, rel=0.02)
    assert metrics.baseline == pytest.approx(300, abs=1.5)
    assert metrics.slope == pytest.approx(0, abs=3e-3)


@pytest.mark.parametrize("text", ["minimum", "gum you pay", "my jumpy", "hill bill", PANGRAM])
def test_the_baseline_is_where_most_letters_stand_not_their_tails(text):
    assert LineMetrics.of(write(text)).baseline == pytest.approx(0, abs=0.05)


@pytest.mark.parametrize("slope", [-0.1, 0.03, 0.2])
def test_a_slope_is_found_and_changes_no_other_measure(slope):
    straight, sloping = (LineMetrics.of(write(PANGRAM, slope=s)) for s in (0.0, slope))
    assert sloping.slope == pytest.approx(slope, abs=3e-3)
    assert sloping.x_height == pytest.approx(straight.x_height, rel=0.01)
    assert sloping.spread == pytest.approx(straight.spread, rel=0.01)
    assert sloping.baseline == pytest.approx(straight.baseline, abs=0.03)


def test_the_baseline_is_that_of_the_deskewed_line():
    """A line far from the origin is turned about it, and its baseline with it."""
    ink = write(PANGRAM, slope=0.1, origin=(100.0, 50.0))
    metrics = LineMetrics.of(ink)
    start = rotated(np.array([[100.0, 50.0]]), metrics.slope)[0, 1]
    assert metrics.baseline == pytest.approx(start, abs=0.1)


def test_spread_is_the_standard_deviation_of_y():
    ink = write("a short one")
    assert line_slope(ink) == pytest.approx(0, abs=0.01)
    assert LineMetrics.of(ink).spread == pytest.approx(ink.points[:, 1].std(), rel=1e-3)


@given(INKS, st.integers(-6, 6))
def test_measures_grow_with_the_ink(ink, power):
    k = 2.0**power
    one, other = LineMetrics.of(ink), LineMetrics.of(ink.scaled(k))
    assert other.slope == one.slope
    assert (other.baseline, other.x_height, other.spread) == (
        k * one.baseline,
        k * one.x_height,
        k * one.spread,
    )


@given(INKS)
def test_measures_are_finite_and_lie_within_the_ink(ink):
    metrics = LineMetrics.of(ink)
    y = np.concatenate([rotated(s, metrics.slope)[:, 1] for s in ink.strokes])
    assert np.isfinite(metrics.slope)
    assert y.min() <= metrics.baseline <= y.max()
    assert 0 <= metrics.x_height <= max(np.ptp(y), X_HEIGHT_PER_SPREAD * metrics.spread) + 1e-9
    assert metrics.spread == pytest.approx(y.std(), abs=1e-6)


@given(INKS, st.floats(-0.3, 0.3))
def test_turning_keeps_lengths_and_can_be_undone(ink, slope):
    turned = rotated(ink.points, slope)
    np.testing.assert_allclose(np.hypot(*turned.T), np.hypot(*ink.points.astype(float).T), atol=1e-6)
    np.testing.assert_allclose(rotated(turned, -slope), ink.points, atol=1e-6)


def test_a_line_of_this_slope_becomes_horizontal():
    x = np.linspace(3, 9, 5)
    assert np.ptp(rotated(np.stack([x, 0.25 * x + 2], axis=1), 0.25)[:, 1]) == pytest.approx(0, abs=1e-12)


def test_a_dot_alone_stands_where_it_is_and_has_no_height():
    metrics = LineMetrics.of(Ink((np.array([[5.0, 7.0]]),)))
    assert (metrics.slope, metrics.baseline, metrics.x_height, metrics.spread) == (0, 7, 0, 0)


def test_ink_without_a_turn_above_its_baseline_has_the_height_of_its_spread():
    """Three dots, none of them above the median one."""
    metrics = LineMetrics.of(Ink(tuple(np.array([[0.0, y]]) for y in (0, 1, 0))))
    assert metrics.baseline == 0 and metrics.x_height == pytest.approx(X_HEIGHT_PER_SPREAD * metrics.spread)


def test_empty_ink_cannot_be_measured():
    with pytest.raises(ValueError, match="empty ink"):
        LineMetrics.of(Ink())


def test_short_or_high_ink_has_no_slope():
    assert line_slope(Ink((np.array([[0, 0], [1, 1], [2, 2.0]]),))) == 0.0
    assert line_slope(write("l")) == 0.0
    assert line_slope(Ink()) == 0.0


def test_a_few_wild_points_do_not_turn_a_line():
    ink = write(PANGRAM, slope=0.05)
    wild = Ink((*ink.strokes, np.array([[52.0, 12.0]] * 8)))
    assert line_slope(wild) == pytest.approx(line_slope(ink), abs=5e-3)


# -- the x-height of a line of known text ---------------------------------------------------------


def test_tall_characters_do_not_make_a_line_look_larger():
    """Lines of one hand differ by far less once the text is known than their spreads do."""
    low, tall = (
        LineMetrics.of(write(t)) for t in ("can we move our room now", "I told Bill that Bob hid it")
    )
    usual = LineMetrics.of(write(PANGRAM)).x_height
    known = [
        m.x_height_of(t, usual)
        for m, t in ((low, "can we move our room now"), (tall, "I told Bill that Bob hid it"))
    ]
    assert tall.spread / low.spread > 1.6
    assert known[1] / known[0] == pytest.approx(1, abs=0.2)


def test_joins_between_letters_and_tremor_are_no_turns():
    """Small movements up and down in the middle of letters move neither the baseline nor the x-height."""
    rng = np.random.default_rng(0)
    ink = write(PANGRAM)
    shaken = Ink(tuple(s + rng.normal(0, 0.03, s.shape) for s in ink.strokes))
    ripples = [
        np.array([[x, -0.5], [x + 0.1, -0.4], [x + 0.2, -0.5], [x + 0.3, -0.4]]) for x in range(0, 50, 1)
    ]
    for other in (shaken, Ink((*ink.strokes, *ripples))):
        one, two = LineMetrics.of(ink), LineMetrics.of(other)
        assert two.baseline == pytest.approx(one.baseline, abs=0.06)
        assert two.x_height == pytest.approx(one.x_height, rel=0.08)


def test_dots_neither_lower_nor_raise_the_baseline():
    ink = write(PANGRAM)
    dots = [np.array([[float(x), -1.6]]) for x in range(0, 50, 1)]
    assert LineMetrics.of(Ink((*ink.strokes, *dots))).baseline == pytest.approx(0, abs=0.05)


@pytest.mark.parametrize("text", ["BILL HALL", "1984 1066", "had held", "can we run", PANGRAM])
def test_the_text_says_which_tops_are_of_small_letters(text):
    """As long as there are any: of capitals and digits alone the measure is their own height."""
    tall_only = not any(c in "acegmnopqrsuvwxyz" for c in text)
    assert LineMetrics.of(write(text), text).x_height == pytest.approx(2 if tall_only else 1, rel=0.05)


def test_digits_alone_are_not_taken_for_small_letters():
    metrics = LineMetrics.of(write("1250 1984 377"))
    assert metrics.x_height == pytest.approx(2, rel=0.02)  # all of its tops are tall
    letters = LineMetrics.of(write("some writing")).x_height_of("some writing", 0.7)
    assert metrics.x_height_of("1250 1984 377", 0.7) < 1.25 * letters


def test_the_shorter_a_text_the_more_the_usual_x_height_counts():
    ratios = []
    for n in (1, 3, 9, 60):
        text = "n" * n
        metrics = LineMetrics(0.0, 0.0, 2.0, 2.0)
        ratios.append(metrics.x_height_of(text, 1.0))
    assert ratios == sorted(ratios) and 1 < ratios[0] < 1.3 < ratios[-1]
    assert LineMetrics(0.0, 0.0, 1.0, 1.0).x_height_of("  ", 3.0) == 3.0


@given(st.floats(1e-3, 1e3), st.floats(1e-3, 1e3), st.text("nhN1 ", max_size=20), st.floats(0.1, 10))
def test_a_known_x_height_is_near_the_usual_and_grows_with_the_ink(spread, x_height, text, usual):
    one = LineMetrics(0.0, 0.0, x_height, spread).x_height_of(text, usual)
    assert 0.4 * usual <= one * (1 + 1e-9) and one <= 2.5 * usual * (1 + 1e-9)
    other = LineMetrics(0.0, 0.0, 8 * x_height, 8 * spread).x_height_of(text, 8 * usual)
    assert other == pytest.approx(8 * one)


def test_flat_ink_has_the_usual_x_height():
    for flat in (
        LineMetrics(0.0, 0.0, 0.0, 0.0),
        LineMetrics(0.0, 0.0, 1.0, 0.0),
        LineMetrics(0.0, 0.0, 0.0, 1.0),
    ):
        assert flat.x_height_of("----", 2.5) == 2.5
