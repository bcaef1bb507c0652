from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from strokes.export import PngOptions, raster
from strokes.export.raster import draw, render
from strokes.files import InputError
from strokes.page import Layer, Page


def page(*strokes, width=20.0, height=10.0, text=""):
    return Page(width, height, (Layer("ink", tuple(np.array(s, float) for s in strokes)),), text)


def darkness(image):
    return 1 - np.asarray(image.convert("L"), float) / 255


def test_the_image_is_the_paper_at_its_resolution():
    ours = page([[2, 5], [18, 5]], width=210, height=29.7, text="caf\u00e9 & <tea>")
    image = Image.open(io.BytesIO(render(ours)))
    assert image.size == (2480, 351) and image.mode == "RGB"
    assert image.info["dpi"] == pytest.approx((300, 300), abs=0.01)
    assert image.text["Description"] == "caf\u00e9 & <tea>"
    assert draw(page(width=210, height=297), PngOptions(dpi=72)).size == (595, 842)
    assert draw(page(width=0.01, height=0.01), PngOptions(dpi=72)).size == (1, 1)


@pytest.mark.parametrize("dpi", [100, 300, 254])
def test_a_line_is_where_it_should_be_and_as_thick_as_the_pen(dpi):
    scale = dpi / 25.4
    ink = darkness(draw(page([[2, 5], [18, 5]]), PngOptions(dpi=dpi, pen_width_mm=1.0)))
    column = ink[:, round(10 * scale)]
    assert column.sum() / scale == pytest.approx(1.0, abs=0.5 / scale)
    middle = (column * (np.arange(len(column)) + 0.5)).sum() / column.sum()
    assert middle / scale == pytest.approx(5, abs=0.3 / scale)
    row = ink[round(5 * scale)]
    assert row.sum() / scale == pytest.approx(17, abs=0.7 / scale)  # 16 mm and half a pen at both ends
    assert ink[round(2 * scale), round(10 * scale)] == 0 and ink[round(5 * scale), round(10 * scale)] == 1


def test_a_dot_is_a_disc():
    ink = darkness(draw(page([[6, 4]]), PngOptions(dpi=508, pen_width_mm=1.0)))  # 20 pixels a millimetre
    assert ink.sum() == pytest.approx(np.pi * 10**2, rel=0.03)
    y, x = np.mgrid[: ink.shape[0], : ink.shape[1]] + 0.5
    assert (ink * x).sum() / ink.sum() == pytest.approx(120, abs=0.2)
    assert (ink * y).sum() / ink.sum() == pytest.approx(80, abs=0.2)
    assert darkness(draw(page([[6, 4]]), PngOptions(dpi=72, pen_width_mm=0.05))).sum() > 0
    assert darkness(draw(page([[6, 4], [6, 4]]), PngOptions(dpi=72, pen_width_mm=0.05))).sum() > 0


def test_sharp_joins_are_round_and_without_gaps():
    corner = [[5, 8], [10, 2], [15, 8]]
    ink = darkness(draw(page(corner, corner[::-1]), PngOptions(dpi=254, pen_width_mm=2.0)))
    y, x = np.mgrid[: ink.shape[0], : ink.shape[1]] / 10 + 0.05
    for px, py in corner:
        distance = np.hypot(x - px, y - py)
        assert ink[distance < 0.9].min() == 1
    assert ink[(np.abs(x - 10) < 3) & (y < 0.8)].max() == 0  # no mitre above the corner


def test_edges_are_antialiased():
    shades = np.unique(np.asarray(draw(page([[2, 2], [18, 7.3]]), PngOptions(dpi=150)).convert("L")))
    assert len(shades) > 8


def test_colours_and_paper():
    ours = page([[2, 5], [18, 5]])
    image = draw(ours, PngOptions(dpi=100, pen_width_mm=1.0, color="#112233", background="ivory"))
    assert image.getpixel((39, 20)) == (0x11, 0x22, 0x33) and image.getpixel((2, 2)) == (255, 255, 240)
    clear = draw(ours, PngOptions(dpi=100, pen_width_mm=1.0, color="red", background="transparent"))
    assert clear.getpixel((39, 20)) == (255, 0, 0, 255) and clear.getpixel((2, 2))[3] == 0


def test_layers_lie_one_over_another_in_their_own_pens():
    line = (np.array([[2.0, 5], [18, 5]]),)
    layers = (
        Layer("a", line, "red", 4.0),
        Layer("guide", line, "blue", 9.0, plotted=False),
        Layer("b", line),
    )
    image = draw(Page(20, 10, layers), PngOptions(dpi=254, pen_width_mm=1.0, color="green"))
    column = [image.getpixel((100, y)) for y in (10, 40, 50, 60, 90)]
    white, red, green = (255, 255, 255), (255, 0, 0), (0, 128, 0)
    assert column == [white, red, green, red, white]
    clear = draw(
        Page(20, 10, layers), PngOptions(dpi=254, pen_width_mm=1.0, color="green", background="transparent")
    )
    assert [clear.getpixel((100, y)) for y in (10, 40, 50)] == [(0, 0, 0, 0), (*red, 255), (*green, 255)]


def test_strips_leave_no_seams(monkeypatch):
    rng = np.random.default_rng(5)
    ours = page(*rng.uniform(0, 10, (6, 5, 2)), [[1, 1]], height=12)
    whole = np.asarray(draw(ours, PngOptions(dpi=200)))
    monkeypatch.setattr(raster, "_STRIP_PIXELS", 1)
    np.testing.assert_array_equal(np.asarray(draw(ours, PngOptions(dpi=200))), whole)


def test_an_empty_page_and_ink_beyond_the_paper_are_no_errors():
    assert darkness(draw(Page(5, 5), PngOptions(dpi=100))).sum() == 0
    ink = darkness(draw(page([[-50, 5], [50, 5]], [[5, 500]]), PngOptions(dpi=100)))
    assert ink.sum() > 0


def test_an_image_too_large_is_refused_before_it_is_drawn():
    options = PngOptions(dpi=600)
    assert options.pixels(297, 420) == (7016, 9921)
    for width, height in ((3000, 3000), (1e300, 1), (1e300, 1e300), (float("nan"), 1)):
        with pytest.raises(InputError, match=r"at 600 dpi.*smaller resolution or a smaller page"):
            options.pixels(width, height)
    with pytest.raises(InputError, match="at 1200 dpi"):
        draw(page([[1, 1]], width=420, height=594), PngOptions(dpi=1200))
