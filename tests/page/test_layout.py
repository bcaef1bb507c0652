"""Where lines stand on paper, and what a page is."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from handwriting import write
from hypothesis import given
from hypothesis import strategies as st

from strokes.files import InputError
from strokes.ink import Ink
from strokes.ink.curves import flatten
from strokes.page import Layer, Page, PageOptions, fit_page

INK = Ink((np.array([[-3, -1], [-1, 2], [1, 2], [2, -1.5]]), np.array([[4.0, -3.0]])))
_STROKE = st.lists(st.tuples(*[st.floats(-40, 40, width=32)] * 2), min_size=1, max_size=5)
INKS = st.lists(_STROKE, min_size=1, max_size=4).map(lambda s: Ink(tuple(map(np.array, s))))


def test_the_page_is_the_curve_and_a_margin():
    page = fit_page(INK, PageOptions(line_height=8, margin=7), text="hi")
    curve = np.concatenate([flatten(s, 1e-4) for s in page.strokes])
    np.testing.assert_allclose(curve.min(axis=0), 7, atol=0.01)
    np.testing.assert_allclose(curve.max(axis=0), np.array([page.width, page.height]) - 7, atol=0.012)
    assert curve.max(axis=0)[1] > np.concatenate(page.strokes).max(axis=0)[1] + 0.01  # it does bulge here
    assert page.text == "hi" and [layer.name for layer in page.layers] == ["ink"]


@pytest.mark.parametrize("line_height", [1.0, 10.0, 37.0])
def test_an_x_height_is_a_share_of_the_line_height_and_proportions_are_kept(line_height):
    options = PageOptions(line_height=line_height)
    placed = fit_page(INK, options).strokes
    assert [len(s) for s in placed] == [4, 1]
    assert 0.2 < options.x_height_mm / line_height < 0.4
    np.testing.assert_allclose(
        placed[0][3] - placed[0][0], np.array([5, -0.5]) * options.x_height_mm, rtol=1e-5
    )
    np.testing.assert_allclose(
        placed[1][0] - placed[0][0], np.array([7, -2]) * options.x_height_mm, rtol=1e-5
    )


def test_lines_stand_below_one_another_flush_left():
    """Their baselines a line height apart, blank lines too, whatever reaches above or below them."""
    lines = [write("no gap"), None, write("Ill"), Ink(), write("on", origin=(50, 0))]
    options = PageOptions(line_height=12, margin=3)
    page = fit_page(lines, options)
    strokes = iter(page.strokes)
    first = None
    for row, ink in enumerate(lines):
        if not ink:
            continue
        placed = np.concatenate([next(strokes) for _ in ink.strokes])
        down = placed[:, 1] - ink.points[:, 1] * options.x_height_mm
        assert np.ptp(down) < 1e-3  # where its baseline is
        first = down[0] if first is None else first
        assert down[0] - first == pytest.approx(12 * row, abs=1e-3)
        assert placed[:, 0].min() == pytest.approx(3, abs=0.05)
    assert next(strokes, None) is None


@given(st.lists(st.none() | INKS, min_size=1, max_size=4), st.floats(1, 30), st.floats(0, 20))
def test_all_ink_is_on_the_page_in_writing_order(lines, line_height, margin):
    if not any(lines):
        return
    page = fit_page(lines, PageOptions(line_height=line_height, margin=margin))
    points = np.concatenate(page.strokes)
    low, high = points.min(axis=0), points.max(axis=0)
    assert (low >= margin - 1e-2).all()
    assert (high <= np.array([page.width, page.height]) - margin + 1e-2).all()
    assert [len(s) for s in page.strokes] == [len(s) for ink in lines if ink for s in ink.strokes]


def test_a_dot_alone_is_a_page_of_margins():
    page = fit_page(Ink((np.array([[100.0, -100.0]]),)), PageOptions(margin=5))
    assert (page.width, page.height) == (10, 10)
    assert page.strokes[0].tolist() == [[5, 5]]
    assert fit_page(INK, PageOptions(margin=0)).strokes[0][:, 0].min() == pytest.approx(0, abs=0.05)


def test_what_cannot_be_a_page_is_refused():
    for lines in (Ink(), [], [None], [None, Ink()]):
        with pytest.raises(InputError, match="no ink"):
            fit_page(lines)
    with pytest.raises(InputError, match="m long"):
        fit_page(Ink((np.array([[0, 0], [1e30, 0]]),)))
    with pytest.raises(InputError, match="m long"):
        fit_page([INK, *[None] * 3000, INK])


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("line_height", 0),
        ("line_height", -1.0),
        ("line_height", float("nan")),
        ("line_height", float("inf")),
        ("line_height", "10"),
        ("margin", -0.1),
        ("margin", float("nan")),
        ("margin", 1e6),
    ],
)
def test_options_out_of_range_are_refused(field, value):
    with pytest.raises(ValueError, match=f"{field} is .*; it must be a number"):
        PageOptions(**{field: value})


def test_strokes_of_a_page_are_those_that_are_plotted_in_order():
    a, b, c = (np.array([[n, 0.0], [n, 1.0]]) for n in range(3))
    layers = (Layer("ink", (a,)), Layer("ruling", (b,), plotted=False), Layer("red ink", (c,), color="red"))
    page = Page(100, 50, layers)
    assert page.strokes[0] is a and page.strokes[1] is c and len(page.strokes) == 2
    assert Page(1, 1).strokes == ()


def test_pages_can_be_compared_and_kept_in_sets():
    page, other = fit_page(INK), fit_page(INK)
    assert page == page and page != other and len({page, other}) == 2


def test_pages_and_exports_need_neither_torch_nor_matplotlib():
    code = (
        "import sys, strokes.page, strokes.export.svg, strokes.export.raster;"
        "sys.exit(any(m in sys.modules for m in ('torch', 'matplotlib')))"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
