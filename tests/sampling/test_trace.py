"""What a block has drawn, row by row."""

from __future__ import annotations

import numpy as np
import pytest

from strokes.sampling.trace import PAST, Trace


def step(number: int, rows: int, width: int = 12) -> tuple[np.ndarray, np.ndarray]:
    """Points and window weights that tell their step, row and column."""
    points = np.array([[number, row, 0] for row in range(rows)], np.float64)
    phi = number + np.arange(rows)[:, None] * 100.0 + np.arange(width) / 100
    return points, phi.astype(np.float32)


def test_lines_begin_and_end_at_different_steps():
    drawn = Trace(3)
    drawn.begin(0)
    for number in range(10):
        if number == 4:
            drawn.begin(2)
        drawn.append(*step(number, 3))
    assert (drawn.length(0), drawn.length(1), drawn.length(2)) == (10, 0, 6)
    assert drawn.points(2)[:, :2].tolist() == [[n, 2] for n in range(4, 10)]
    assert drawn.points(2, 4)[:, 0].tolist() == [8, 9] and drawn.points(2, 1, 3)[:, 0].tolist() == [5, 6]
    assert drawn.points(2, 6).shape == (0, 3)
    assert drawn.offsets(2, 2).tolist() == [[0, 0, 0], [4, 2, 0], [5, 2, 0]]
    assert drawn.offsets(0).shape == (11, 3)
    drawn.begin(0)  # another line in the same row
    drawn.append(*step(10, 3))
    assert drawn.points(0)[:, 0].tolist() == [10] and drawn.length(2) == 7


def test_windows_end_in_one_position_past_the_text():
    drawn = Trace(2)
    drawn.begin(1)
    for number in range(3):
        drawn.append(*step(number, 2))
    window = drawn.window(1, 5)
    assert window.shape == (4, 6) and window.dtype == np.float32
    phi = [step(number, 2)[1][1] for number in range(3)]
    np.testing.assert_allclose(window[1:, :5], [p[:5] for p in phi])
    np.testing.assert_allclose(window[1:, 5], [p[5 : 5 + PAST].sum() for p in phi], rtol=1e-6)
    np.testing.assert_array_equal(window[0], window[1])  # the starting point has no window of its own
    assert drawn.window(1, 5, 2).shape == (3, 6)


def test_windows_are_copied_and_may_change_their_width():
    drawn = Trace(1)
    drawn.begin(0)
    points, phi = step(0, 1)
    drawn.append(points, phi)
    phi[:] = 0
    drawn.append(*step(1, 1, width=20))
    assert drawn.window(0, 3)[1:, 1].tolist() == [np.float32(0.01), np.float32(1.01)]


def test_a_row_without_a_line_has_nothing():
    drawn = Trace(2)
    drawn.append(*step(0, 2))
    with pytest.raises(ValueError, match="row 1"):
        drawn.points(1)
    drawn.begin(1)
    drawn.release(1)
    with pytest.raises(ValueError, match="row 1"):
        drawn.window(1, 3)


def test_rows_can_be_taken_over():
    drawn = Trace(4)
    for row in (1, 3):
        drawn.begin(row)
    drawn.append(*step(0, 4))
    drawn.append(*step(1, 4))
    drawn.take([3, 1])
    drawn.append(*step(2, 2))
    assert drawn.points(0).tolist() == [[0, 3, 0], [1, 3, 0], [2, 0, 0]]
    assert drawn.points(1)[:2].tolist() == [[0, 1, 0], [1, 1, 0]]
    np.testing.assert_allclose(drawn.window(0, 4)[1, :4], step(0, 4)[1][3, :4])


def test_a_row_goes_back_and_the_others_do_not():
    drawn = Trace(2)
    for row in (0, 1):
        drawn.begin(row)
    for number in range(6):
        drawn.append(*step(number, 2))
    drawn.rewind(1, 2)
    drawn.append(*step(9, 2))
    assert drawn.points(0)[:, 0].tolist() == [0, 1, 2, 3, 4, 5, 9]
    assert drawn.points(1)[:, 0].tolist() == [0, 1, 9] and drawn.lengths.tolist() == [7, 3]
    assert drawn.part(1, 3, 2)[0, 0] == np.float32(109)
    for wrong in (-1, 4):
        with pytest.raises(ValueError, match="cannot go back"):
            drawn.rewind(1, wrong)


def test_lines_longer_than_the_room_there_is():
    drawn = Trace(2)
    drawn.begin(1)
    for number in range(1500):
        drawn.append(*step(number, 2, width=12 + number // 100))
    assert drawn.points(1)[:, 0].tolist() == list(range(1500)) and drawn.length(0) == 0
    np.testing.assert_allclose(drawn.part(1, 3, 700, 702)[:, 2], [800.02, 801.02])
