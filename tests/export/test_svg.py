from __future__ import annotations

import re
import shutil
import subprocess

import numpy as np
import pytest
from lxml import etree
from PIL import Image

from strokes.export import SUFFIXES, export, parse_color
from strokes.export.raster import draw
from strokes.export.svg import DOT_MM, path_data, write_svg
from strokes.files import InputError
from strokes.ink import Ink
from strokes.ink.curves import smooth
from strokes.page import Page, fit_page

SVG = "{http://www.w3.org/2000/svg}"
INKSCAPE = "{http://www.inkscape.org/namespaces/inkscape}"


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


def parsed(page, tmp_path, **options):
    write_svg(page, tmp_path / "page.svg", **options)
    return etree.parse(tmp_path / "page.svg").getroot()


def numbers(d):
    return np.array(re.findall(r"-?\d+\.?\d*", d), float).reshape(-1, 2)


def test_the_paper_is_in_millimetres(page, tmp_path):
    root = parsed(Page(210, 297, page.lines), tmp_path)
    assert (root.get("width"), root.get("height"), root.get("viewBox")) == ("210mm", "297mm", "0 0 210 297")
    root = parsed(page, tmp_path)
    width, height = float(root.get("width")[:-2]), float(root.get("height")[:-2])
    assert (width, height) == pytest.approx((page.width, page.height), abs=5e-4)
    assert root.get("viewBox").split() == ["0", "0", root.get("width")[:-2], root.get("height")[:-2]]


def test_one_layer_a_pen_and_nothing_that_a_plotter_would_draw_by_mistake(page, tmp_path):
    root = parsed(page, tmp_path, pen_width_mm=0.5, color="Navy")
    assert [child.tag for child in root] == [SVG + "title", SVG + "desc", SVG + "g"]
    layer = root[-1]
    assert layer.get(INKSCAPE + "groupmode") == "layer" and layer.get(INKSCAPE + "label") == "1 ink"
    assert {child.tag for child in layer} == {SVG + "path"}
    assert all(path.keys() == ["d"] for path in layer)
    assert layer.get("fill") == "none"
    assert layer.get("stroke") == "#000080" and layer.get("stroke-width") == "0.5"
    assert layer.get("stroke-linecap") == layer.get("stroke-linejoin") == "round"
    assert "transform" not in etree.tostring(root).decode()


def test_each_stroke_is_a_path_along_its_curve_in_writing_order(page, tmp_path):
    paths = parsed(page, tmp_path)[-1]
    assert len(paths) == len(page.strokes) == 6
    for path, stroke in zip(paths, page.strokes, strict=True):
        d = path.get("d")
        assert re.fullmatch(r"M[\d.,-]+ (C[\d., -]+|L[\d.,-]+)", d)
        if len(stroke) == 1:
            continue
        points = numbers(d)
        np.testing.assert_allclose(points[[0, -1]], stroke[[0, -1]], atol=6e-4)
        distinct = stroke[np.r_[True, (np.diff(stroke, axis=0) != 0).any(axis=1)]]
        assert len(points) == 1 + 3 * (len(distinct) - 1)
        np.testing.assert_allclose(points[::3], distinct, atol=6e-4)
        np.testing.assert_allclose(points[1:].reshape(-1, 3, 2), smooth(distinct)[:, 1:], atol=6e-4)


def test_a_dot_survives_as_a_tenth_of_a_millimetre(tmp_path):
    tiny = (np.array([[3, 4]]), np.array([[6, 4], [6, 4]]), np.array([[8, 4], [8.03, 4.04]]))
    paths = parsed(Page(10, 10, (Ink(tiny),)), tmp_path)[-1]
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
    root = parsed(Page(10, 10, page.lines, text), tmp_path)
    assert root.findtext(SVG + "title") == 'a < b & "c" \u2014 caf\u00e9 ]]> end'
    assert root.findtext(SVG + "desc") == text.replace("\x07", "")
    long = "one two three " * 20 + "\nlast line"
    root = parsed(Page(10, 10, page.lines, long), tmp_path)
    assert len(root.findtext(SVG + "title")) <= 80 and root.findtext(SVG + "desc") == long
    assert [child.tag for child in parsed(Page(10, 10, page.lines), tmp_path)] == [SVG + "g"]


def test_the_same_page_gives_the_same_bytes(page, tmp_path):
    for name in "ab":
        write_svg(page, tmp_path / f"{name}.svg")
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


def test_bad_input_leaves_no_file(page, tmp_path):
    for options, match in [
        ({"pen_width_mm": 0}, "pen width"),
        ({"pen_width_mm": float("nan")}, "pen width"),
        ({"color": "inkish"}, "'inkish' is not a colour"),
        ({"color": "#00000080"}, "not a colour"),
    ]:
        with pytest.raises(InputError, match=match):
            write_svg(page, tmp_path / "page.svg", **options)
    with pytest.raises(InputError, match="folder"):
        write_svg(page, tmp_path / "missing" / "page.svg")
    assert list(tmp_path.iterdir()) == []


def test_export_chooses_by_suffix(page, tmp_path):
    for suffix in SUFFIXES:
        export(page, tmp_path / f"page{suffix.upper()}", color="#123")
    assert (tmp_path / "page.SVG").read_bytes().startswith(b"<?xml")
    assert (tmp_path / "page.PNG").read_bytes().startswith(b"\x89PNG")
    for name in ("page.doc", "page", ".svg"):
        with pytest.raises(InputError, match=r"\.svg or \.png"):
            export(page, tmp_path / name)
    with pytest.raises(InputError, match=r"\.svg has no option 'dpi'.*pen_width_mm"):
        export(page, tmp_path / "page.svg", dpi=300)


def test_colours_are_those_of_css():
    assert parse_color("black") == (0, 0, 0)
    assert parse_color("#1a2B6d") == (26, 43, 109)
    assert parse_color("hsl(120, 100%, 50%)") == (0, 255, 0)
    for bad in ("", "#12", None):
        with pytest.raises(InputError):
            parse_color(bad)


@pytest.mark.skipif(not shutil.which("rsvg-convert"), reason="rsvg-convert (librsvg2-bin) is not installed")
def test_another_renderer_sees_what_we_draw(page, tmp_path):
    svg, png = tmp_path / "page.svg", tmp_path / "page.png"
    write_svg(page, svg)
    subprocess.run(["rsvg-convert", "-d", "300", "-p", "300", "-b", "white", svg, "-o", png], check=True)
    theirs = 1 - np.asarray(Image.open(png).convert("L"), float) / 255
    ours = 1 - np.asarray(draw(page, dpi=300).convert("L"), float) / 255
    assert np.abs(np.subtract(theirs.shape, ours.shape)).max() <= 1
    height, width = np.minimum(theirs.shape, ours.shape)
    theirs, ours = theirs[:height, :width], ours[:height, :width]
    assert ours.sum() == pytest.approx(theirs.sum(), rel=0.05)
    assert np.abs(ours - theirs).sum() < 0.08 * theirs.sum()
    assert np.abs(np.roll(ours, 2, axis=1) - theirs).sum() > 0.3 * theirs.sum()  # the measure notices a shift
