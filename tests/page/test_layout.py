from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from strokes.files import InputError
from strokes.ink import Ink
from strokes.ink.curves import flatten
from strokes.page import MM_PER_UNIT, Page, fit_page

INK = Ink((np.array([[-3, -1], [-1, 2], [1, 2], [2, -1.5]]), np.array([[4.0, -3.0]])))


def test_the_page_is_the_curve_and_a_margin():
    page = fit_page(INK, text="hi", scale=2, margin=7)
    curve = np.concatenate([flatten(s, 1e-4) for s in page.strokes])
    np.testing.assert_allclose(curve.min(axis=0), 7, atol=0.01)
    np.testing.assert_allclose(curve.max(axis=0), np.array([page.width, page.height]) - 7, atol=0.01)
    assert curve.max(axis=0)[1] > np.concatenate(page.strokes).max(axis=0)[1] + 0.01  # it does bulge here
    assert page.text == "hi"


def test_scale_is_millimetres_a_unit_and_keeps_proportions():
    for scale in (MM_PER_UNIT, 0.7):
        placed = fit_page(INK, scale=scale).strokes
        assert [len(s) for s in placed] == [4, 1]
        np.testing.assert_allclose(placed[0][3] - placed[0][0], np.array([5, -0.5]) * scale, rtol=1e-5)
        np.testing.assert_allclose(placed[1][0] - placed[0][0], np.array([7, -2]) * scale, rtol=1e-5)


def test_a_dot_alone_is_a_page_of_margins():
    page = fit_page(Ink((np.array([[100.0, -100.0]]),)), margin=5)
    assert (page.width, page.height) == (10, 10)
    assert page.strokes[0].tolist() == [[5, 5]]


def test_strokes_follow_the_lines_in_writing_order():
    page = Page(100, 50, (INK, INK.scaled(2)))
    assert Ink(page.strokes) == Ink(INK.strokes + INK.scaled(2).strokes)
    assert Page(1, 1).strokes == ()


def test_bad_input_is_refused():
    with pytest.raises(InputError, match="no ink"):
        fit_page(Ink())
    for scale in (0, -1, float("nan"), float("inf")):
        with pytest.raises(InputError, match="scale"):
            fit_page(INK, scale=scale)
    with pytest.raises(InputError, match="m long"):
        fit_page(Ink((np.array([[0, 0], [1e30, 0]]),)))
    for margin in (-0.1, float("nan")):
        with pytest.raises(InputError, match="margin"):
            fit_page(INK, margin=margin)


def test_pages_and_exports_need_neither_torch_nor_matplotlib():
    code = (
        "import sys, strokes.page, strokes.export.svg, strokes.export.raster;"
        "sys.exit(any(m in sys.modules for m in ('torch', 'matplotlib')))"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
