from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from strokes.figures import attention_columns, attention_heatmap, attention_shares, skipped
from strokes.files import InputError
from strokes.ink import Ink

TEXT = "a$ib$ c"


def written(text=TEXT, points=8):
    """A zigzag of `points` points a character and the window that attended to it, one stroke a character."""
    n = len(text) * points
    xy = np.stack([np.arange(n) * 0.3, np.arange(n) % 2 * 1.0], axis=1)
    window = np.zeros((n, len(text) + 1))
    window[np.arange(n), np.arange(n) // points] = 0.8
    return Ink(tuple(np.split(xy, len(text)))), window


def test_shares_sum_to_one_unless_the_window_faded():
    window = np.array([[2.0, 2, 0], [0, 1, 3], [0, 0, 0.04], [0, 0, 0]])
    shares = attention_shares(window)  # the median total is 2.02
    np.testing.assert_allclose(shares[:2], [[0.5, 0.5, 0], [0, 0.25, 0.75]])
    np.testing.assert_allclose(shares[2], [0, 0, 0.04 / 0.202])
    np.testing.assert_array_equal(shares[3], 0)
    np.testing.assert_array_equal(attention_shares(np.zeros((2, 3))), 0)


def test_columns_stand_above_the_ink_that_was_drawn_meanwhile():
    ink = Ink((np.array([[0.5, 0], [2.5, 1]]), np.array([[5.5, 0]]), np.array([[2.5, 0], [1.5, 0]])))
    weights = np.array([[9, 0], [1, 0], [4, 0], [0, 2], [0.5, 3]])
    columns = attention_columns(weights, ink, np.arange(8.0))
    nan = np.nan
    np.testing.assert_array_equal(
        columns, [[9, 0], [1, 3], [1, 3], [nan, nan], [nan, nan], [4, 0], [nan, nan]]
    )  # 1, 2: a late stroke to the left adds its mark and takes none away; 3, 4: no ink between strokes


def test_columns_widen_by_the_pen_and_stay_on_the_page():
    ink = Ink((np.array([[3.5, 0]]),))
    columns = attention_columns(np.ones((1, 1)), ink, np.arange(8.0), spread=1.0)
    np.testing.assert_array_equal(np.isfinite(columns[:, 0]), [0, 0, 1, 1, 1, 0, 0])
    edge = attention_columns(np.ones((1, 1)), ink, np.arange(3.0, 5.0), spread=9.0)
    assert edge.tolist() == [[1.0]]
    with pytest.raises(ValueError, match="1 points"):
        attention_columns(np.ones((2, 1)), ink, np.arange(8.0))


def test_skipped_names_characters_that_drew_nothing():
    _, window = written()
    assert skipped(TEXT, window) == []
    window[16:24] = 0
    window[16:24, 1] = 1  # the pen stayed on the '$' while it should have drawn the 'i'
    window[40:48] = 0
    window[40:48, 6] = 1  # and left out the space, which is no fault
    assert skipped(TEXT, window) == [2]


def test_the_heatmap_grows_with_the_text_and_shows_where_attention_was(tmp_path):
    sizes = []
    for text in (TEXT, TEXT * 5):
        ink, window = written(text)
        attention_heatmap(text, window, ink, tmp_path / "heat.png")
        with Image.open(tmp_path / "heat.png") as opened:
            image = opened.convert("RGB")
        sizes.append(image.size)
    assert sizes[1][0] > 1.5 * sizes[0][0] and sizes[1][1] > 2 * sizes[0][1]
    # Saturated colour lies along the diagonal of the heat and nowhere in its other two corners.
    pixels = np.asarray(image, int)
    colour = pixels.max(axis=2) - pixels.min(axis=2) > 100
    height, width = colour.shape
    heat = colour[: int(height * 0.85), int(width * 0.08) : int(width * 0.88)]
    h, w = heat.shape
    corners = heat[: h // 3, w // 2 :].mean(), heat[h // 2 :, : w // 3].mean()
    assert heat[: h // 3, : w // 3].mean() > 0.02 and max(corners) < 0.002


def test_the_heatmap_refuses_what_does_not_go_together(tmp_path):
    ink, window = written()
    for bad in (window[:-1], window[:, :-1], window[0]):
        with pytest.raises(ValueError, match="shape"):
            attention_heatmap(TEXT, bad, ink, tmp_path / "heat.png")
    with pytest.raises(InputError, match="needs a text and ink"):
        attention_heatmap("", np.zeros((0, 1)), Ink(), tmp_path / "heat.png")
    with pytest.raises(InputError, match="no format 'doc'"):
        attention_heatmap(TEXT, window, ink, tmp_path / "heat.doc")
    with pytest.raises(InputError, match="folder"):
        attention_heatmap(TEXT, window, ink, tmp_path / "missing" / "heat.png")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.filterwarnings("error")
def test_a_dot_alone_and_a_window_of_zeros_can_be_drawn(tmp_path):
    attention_heatmap(".", np.zeros((1, 2)), Ink((np.array([[1.0, 1.0]]),)), tmp_path / "heat.png")
    assert (tmp_path / "heat.png").stat().st_size > 1000
