from __future__ import annotations

import re
import shutil
import subprocess

import numpy as np
import pytest
from lxml import etree
from PIL import Image

from strokes.export import SvgOptions
from strokes.export.raster import draw
from strokes.export.svg import DOT_MM, path_data, render
from strokes.ink import Ink
from strokes.ink.curves import smooth
from strokes.page import Layer, Page, fit_page

SVG = "{http://www.w3.org/2000/svg}"
INKSCAPE = "{http://www.inkscape.org/namespaces/inkscape}"

WHOLE = """\
<?xml version="1.0" encoding="utf-8" ?>
<svg xmlns="http://www.w3.org/2000/svg" xmlns:ev="http://www.w3.org/2001/xml-events" \
xmlns:inkscape="http://www.inkscape.org/namespaces/inkscape" \
xmlns:sodipodi="http://sodipodi.sourceforge.net/DTD/sodipodi-0.dtd" xmlns:xlink="http://www.w3.org/1999/xlink" \
baseProfile="full" height="8mm" version="1.1" viewBox="0 0 12.5 8" width="12.5mm">
  <title>a &lt;b&gt;</title>
  <desc>a &lt;b&gt;</desc>
  <g fill="none" inkscape:groupmode="layer" inkscape:label="1 ink" stroke="#000080" stroke-linecap="round" \
stroke-linejoin="round" stroke-width="0.5">
    <path d="M2,5 C2.667,4 3.333,3.5 4,3.5 4.667,3.5 5.333,4 6,5"/>
    <path d="M4.95,2.25 L5.05,2.25"/>
    <path d="M7,5 L9,5"/>
  </g>
</svg>
"""


def handwriting() -> Ink:
    """Loops, a zigzag, a crossbar and dots."""
    t = np.arange(0, 8 * np.pi, 0.6)
    loops = np.stack([t / 2 + 0.8 * np.sin(t), np.cos(t)], axis=1)
    zigzag = np.array([[14 + i * 0.7, -1.5 * (i % 2) + 1] for i in range(8)])
    repeated = np.array([[20, 1], [20.5, -2], [20.5, -2], [21, 1]])
    crossbar = np.array([[13, 0], [21, -0.5]])
    return Ink((loops, np.array([[16.0, -2.0]]), zigzag, crossbar, repeated, np.array([[22.0, 1.0]])))


@pytest.fixture
def page():
    return fit_page(handwriting(), text="loops & <dots>")


def parsed(page, **options):
    return etree.fromstring(render(page, SvgOptions(**options)))


def numbers(d):
    return np.array(re.findall(r"-?\d+\.?\d*", d), float).reshape(-1, 2)


def test_the_paper_is_in_millimetres(page, tmp_path):
    root = parsed(Page(210, 297, page.layers))
    assert (root.get("width"), root.get("height"), root.get("viewBox")) == ("210mm", "297mm", "0 0 210 297")
    root = parsed(page)
    width, height = float(root.get("width")[:-2]), float(root.get("height")[:-2])
    assert (width, height) == pytest.approx((page.width, page.height), abs=5e-4)
    assert root.get("viewBox").split() == ["0", "0", root.get("width")[:-2], root.get("height")[:-2]]


def test_one_layer_a_pen_and_nothing_that_a_plotter_would_draw_by_mistake(page, tmp_path):
    root = parsed(page, pen_width_mm=0.5, color="Navy")
    assert [child.tag for child in root] == [SVG + "title", SVG + "desc", SVG + "g"]
    layer = root[-1]
    assert layer.get(INKSCAPE + "groupmode") == "layer" and layer.get(INKSCAPE + "label") == "1 ink"
    assert {child.tag for child in layer} == {SVG + "path"}
    assert all(path.keys() == ["d"] for path in layer)
    assert layer.get("fill") == "none"
    assert layer.get("stroke") == "#000080" and layer.get("stroke-width") == "0.5"
    assert layer.get("stroke-linecap") == layer.get("stroke-linejoin") == "round"
    assert "transform" not in etree.tostring(root).decode()


def test_a_layer_is_a_pen_and_guides_are_not_plotted():
    line = (np.array([[2.0, 5], [8, 5]]),)
    layers = (
        Layer("ruling", line, "silver", 0.1, plotted=False),
        Layer("ink", line),
        Layer("red <&\x07\n ink", line * 2, "#f00", 0.7),
        Layer("empty"),
    )
    root = parsed(Page(10, 10, layers), pen_width_mm=0.4, color="navy")
    assert {group.get(INKSCAPE + "groupmode") for group in root} == {"layer"}
    labels = [group.get(INKSCAPE + "label") for group in root]
    assert labels == ["%4 ruling", "1 ink", "2 red <& ink", "3 empty"]
    assert [(g.get("stroke"), g.get("stroke-width"), len(g)) for g in root] == [
        ("#c0c0c0", "0.1", 1),
        ("#000080", "0.4", 1),
        ("#ff0000", "0.7", 2),
        ("#000080", "0.4", 0),
    ]


def test_each_stroke_is_a_path_along_its_curve_in_writing_order(page, tmp_path):
    paths = parsed(page)[-1]
    assert len(paths) == len(page.strokes) == 6
    for path, stroke in zip(paths, page.strokes, strict=True):
        d = path.get("d")
        assert re.fullmatch(r"M[\d.,-]+ (C[\d., -]+|L[\d.,-]+)", d)
        points = numbers(d)
        if len(stroke) <= 2:
            assert len(points) == 2 and (len(stroke) == 1 or np.allclose(points, stroke, atol=6e-4))
            continue
        np.testing.assert_allclose(points[[0, -1]], stroke[[0, -1]], atol=6e-4)
        distinct = stroke[np.r_[True, (np.diff(stroke, axis=0) != 0).any(axis=1)]]
        assert len(points) == 1 + 3 * (len(distinct) - 1)
        np.testing.assert_allclose(points[::3], distinct, atol=6e-4)
        np.testing.assert_allclose(points[1:].reshape(-1, 3, 2), smooth(distinct)[:, 1:], atol=6e-4)


def test_a_dot_survives_as_a_tenth_of_a_millimetre(tmp_path):
    tiny = (np.array([[3, 4]]), np.array([[6, 4], [6, 4]]), np.array([[8, 4], [8.03, 4.04]]))
    paths = parsed(Page(10, 10, (Layer("ink", tiny),)))[-1]
    assert paths[0].get("d") == "M2.95,4 L3.05,4"
    for path, stroke in zip(paths, tiny, strict=True):
        start, end = numbers(path.get("d"))
        assert np.hypot(*(end - start)) == pytest.approx(DOT_MM)
        np.testing.assert_allclose((start + end) / 2, stroke.mean(axis=0), atol=6e-4)


def test_numbers_are_short_and_plain():
    d = path_data(np.array([[1e-9, -1e-9], [1234.56789, 0.1], [2000, 100]]))
    assert d.startswith("M0,0 C") and " 1234.568,0.1 " in d and d.endswith(" 2000,100")
    assert all(len(number.partition(".")[2]) <= 3 for number in re.findall(r"[\d.]+", d)) and "e" not in d


def test_the_text_is_kept_as_title_and_description(page, tmp_path):
    text = 'a < b & "c" \u2014 caf\u00e9 ]]> \x07 end'
    root = parsed(Page(10, 10, page.layers, text))
    assert root.findtext(SVG + "title") == 'a < b & "c" \u2014 caf\u00e9 ]]> end'
    assert root.findtext(SVG + "desc") == text.replace("\x07", "")
    long = "one two three " * 20 + "\nlast line"
    root = parsed(Page(10, 10, page.layers, long))
    assert len(root.findtext(SVG + "title")) <= 80 and root.findtext(SVG + "desc") == long
    assert [child.tag for child in parsed(Page(10, 10, page.layers))] == [SVG + "g"]


def test_the_bytes_of_a_page_do_not_change():
    strokes = (np.array([[2, 5], [4, 3.5], [6, 5]]), np.array([[5, 2.25]]), np.array([[7, 5], [9, 5]]))
    page = Page(12.5, 8, (Layer("ink", strokes),), "a <b>")
    assert render(page, SvgOptions(pen_width_mm=0.5, color="navy")).decode() == WHOLE


@pytest.mark.skipif(not shutil.which("rsvg-convert"), reason="rsvg-convert (librsvg2-bin) is not installed")
def test_another_renderer_sees_what_we_draw(page, tmp_path):
    svg, png = tmp_path / "page.svg", tmp_path / "page.png"
    svg.write_bytes(render(page))
    subprocess.run(["rsvg-convert", "-d", "300", "-p", "300", "-b", "white", svg, "-o", png], check=True)
    theirs = 1 - np.asarray(Image.open(png).convert("L"), float) / 255
    ours = 1 - np.asarray(draw(page).convert("L"), float) / 255
    assert np.abs(np.subtract(theirs.shape, ours.shape)).max() <= 1
    height, width = np.minimum(theirs.shape, ours.shape)
    theirs, ours = theirs[:height, :width], ours[:height, :width]
    assert ours.sum() == pytest.approx(theirs.sum(), rel=0.05)
    assert np.abs(ours - theirs).sum() < 0.08 * theirs.sum()
    assert np.abs(np.roll(ours, 2, axis=1) - theirs).sum() > 0.3 * theirs.sum()  # the measure notices a shift


def test_straight_pieces_fewer_points_and_another_order_on_request(page):
    whole = parsed(page)[-1]
    straight = parsed(page, polyline=True)[-1]
    assert all(re.fullmatch(r"M[\d.,-]+ L[\d., -]+", path.get("d")) for path in straight)
    for path, curve in zip(straight, whole, strict=True):
        np.testing.assert_allclose(
            numbers(path.get("d"))[[0, -1]], numbers(curve.get("d"))[[0, -1]], atol=6e-4
        )
    assert len(numbers(parsed(page, simplify=1.0)[-1][0].get("d"))) < len(numbers(whole[0].get("d")))
    drawn = [path.get("d") for path in whole]
    shuffled = Page(page.width, page.height, (Layer("ink", page.strokes[::-1]),))
    assert [path.get("d") for path in parsed(shuffled)[-1]] == drawn[::-1]
    assert parsed(shuffled, sort=True)[-1][0].get("d") == drawn[0]
