"""Ink and pen strokes as 28x28 images: what is scaled, moved and drawn, and what stays as it is."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from strokes.characters.scaling import BOX, SIZE, conform, draw_strokes, scale_and_centre


def box(image: np.ndarray, over: int = 0) -> tuple[int, int]:
    """(height, width) of what is brighter than `over`."""
    rows, columns = np.flatnonzero((image > over).any(axis=1)), np.flatnonzero((image > over).any(axis=0))
    return int(rows[-1] - rows[0] + 1), int(columns[-1] - columns[0] + 1)


def centre(image: np.ndarray) -> tuple[float, float]:
    values = image.astype(float)
    index = np.arange(SIZE)
    return values.sum(axis=1) @ index / values.sum(), values.sum(axis=0) @ index / values.sum()


@settings(max_examples=100, deadline=None)
@given(
    ink=st.lists(st.lists(st.floats(0, 1, width=32), min_size=4, max_size=40), min_size=1, max_size=40).map(
        lambda rows: np.array([(row * 40)[:40] for row in rows], np.float32)
    )
)
def test_ink_never_leaves_its_box_and_never_the_field(ink):
    if ink.max() <= 0.1:
        with pytest.raises(ValueError, match="blank"):
            scale_and_centre(ink)
        return
    image = scale_and_centre(ink)
    assert image.dtype == np.uint8 and image.max() == 255
    assert max(box(image)) <= BOX and image.sum() > 0


# -- images of other data sets ---------------------------------------------------------------------


def test_images_centred_by_their_box_are_moved_and_nothing_else():
    image = np.zeros((1, 28, 28), np.uint8)
    image[0, 4:24, 4:7] = 200
    image[0, 21:24, 4:16] = 130
    out = conform(image)
    y, x = centre(out[0])
    assert abs(y - 14) < 0.55 and abs(x - 14) < 0.55
    assert np.array_equal(np.sort(out.ravel()), np.sort(image.ravel())) and box(out[0]) == box(image[0])


def test_no_ink_is_moved_out_of_the_field():
    image = np.zeros((1, 28, 28), np.uint8)
    image[0, 4:24, 4] = 1  # faint, to the far left of the mass
    image[0, 4:24, 21:24] = 255
    out = conform(image)
    assert out.sum() == image.sum() and out[0, :, 0].any() and not out[0, :, -6:].any()


def test_larger_images_are_scaled_and_blank_ones_stay():
    images = np.zeros((3, 28, 28), np.uint8)
    images[0, 2:26, 10:16] = 255  # as EMNIST fills its field
    images[1, 12:15, 12:18] = 255
    out = conform(images)
    assert [max(box(i)) for i in out[:2]] == [BOX, BOX] and not out[2].any()
    assert box(out[0])[1] in (5, 6)
    assert not np.shares_memory(out, images) and images[0, 2, 10] == 255
    assert np.array_equal(conform(out), out)


# -- pen strokes -----------------------------------------------------------------------------------


def test_strokes_are_drawn_as_wide_as_the_pen_and_20_pixels_long():
    bar = draw_strokes([np.array([[50, 10], [50, 90]])], 3.0)
    assert box(bar)[0] == BOX and 3 <= box(bar)[1] <= 4
    # A bar 17 long and 3 wide with round ends.
    assert bar.sum() / 255 == pytest.approx(17 * 3 + np.pi * 1.5**2, rel=0.05)
    assert bar[:14].sum() == pytest.approx(bar[14:].sum(), rel=0.25)
    flat = draw_strokes([np.array([[0, 0], [1e-3, 0]])], 3.0)
    assert np.abs(flat.astype(int) - bar.T).max() < 40


def test_y_points_down():
    image = draw_strokes([[(0, 0), (0, 100), (60, 100)]])
    assert np.argmax(image.sum(axis=1).astype(int)) > 18


def test_a_dot_has_the_size_of_the_pen():
    dot = draw_strokes([np.array([[3, 4]])], 4.0)
    assert max(box(dot)) <= 5 and dot.sum() / 255 == pytest.approx(np.pi * 4, rel=0.1)


@pytest.mark.parametrize(
    ("strokes", "width", "says"),
    [
        ([], 2, "no point"),
        ([np.zeros((0, 2))], 2, "no point"),
        ([np.array([[0, np.nan]])], 2, "finite"),
        ([np.array([[0, np.inf], [1, 1]])], 2, "finite"),
        ([np.ones((3, 2))], 0, "width"),
        ([np.ones((3, 2))], np.nan, "width"),
        ([np.ones((3, 2))], 11, "width"),
    ],
)
def test_strokes_that_cannot_be_drawn(strokes, width, says):
    with pytest.raises(ValueError, match=says):
        draw_strokes(strokes, width)


def test_pictures_are_read_without_torch():
    code = "import sys, strokes.characters.image; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
