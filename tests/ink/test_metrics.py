from __future__ import annotations

import numpy as np
import pytest

from strokes.ink import Ink
from strokes.ink.cleaning import deskew
from strokes.ink.metrics import baseline, line_slope


def hills(slope: float = 0.0) -> Ink:
    """Forty 'letters' one unit high that stand on y = 3, some with a tail below, on a slope."""
    strokes = []
    for i in range(40):
        bottom = 4.0 if i % 10 == 0 else 3.0
        x = 0.8 * i + np.array([0.0, 0.2, 0.4, 0.6])
        strokes.append(np.stack([x, np.array([2.0, bottom, 2.0, 1.9]) + slope * x], axis=1))
    return Ink(tuple(strokes))


def test_baseline_is_where_most_letters_stand_not_the_tails():
    assert baseline(hills()) == pytest.approx(3.0)


def test_a_dot_alone_stands_where_it_is():
    assert baseline(Ink((np.array([[5.0, 7.0]]),))) == 7.0


@pytest.mark.parametrize("slope", [-0.1, 0.05, 0.2])
def test_level_takes_the_slope_out_and_keeps_lengths(slope):
    ink = hills(slope)
    assert line_slope(ink) == pytest.approx(slope + line_slope(hills()), abs=5e-3)
    straight = deskew(ink)
    assert line_slope(straight) == pytest.approx(0, abs=5e-3)
    for a, b in zip(ink.strokes, straight.strokes, strict=True):
        before, after = (np.hypot(*np.diff(s, axis=0).T) for s in (a, b))
        np.testing.assert_allclose(before, after, atol=1e-4)


def test_short_ink_has_no_slope():
    assert line_slope(Ink((np.array([[0, 0], [1, 1], [2, 2.0]]),))) == 0.0
