"""The registry of formats and what it refuses."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import fields

import numpy as np
import pytest

from strokes.export import FORMATS, SUFFIXES, PngOptions, SvgOptions, export, export_options, parse_color
from strokes.files import InputError
from strokes.page import Layer, Page


@pytest.fixture
def page():
    return Page(20, 10, (Layer("ink", (np.array([[2.0, 5], [18, 5]]),)),), "a line")


def test_the_suffix_chooses_the_format(page, tmp_path):
    for suffix in SUFFIXES:
        export(page, tmp_path / f"page{suffix.upper()}", color="#123")
    assert (tmp_path / "page.SVG").read_bytes().startswith(b"<?xml")
    assert (tmp_path / "page.PNG").read_bytes().startswith(b"\x89PNG")
    for name in ("page.doc", "page", ".svg"):
        with pytest.raises(InputError, match=r"\.svg or .*\.pdf or"):
            export(page, tmp_path / name)


def test_options_are_those_of_the_format():
    assert export_options("a.svg", pen_width_mm=0.5) == SvgOptions(pen_width_mm=0.5)
    assert export_options("a.png", dpi=150, color="red") == PngOptions(dpi=150, color="red")
    with pytest.raises(
        InputError,
        match=r"a\.svg: \.svg has no option 'dpi'; it has pen_width_mm, color, simplify, ",
    ):
        export_options("a.svg", dpi=300)
    for kind in FORMATS.values():  # the command line takes its help from there
        assert all(f"\n        {field.name}: " in kind.options.__doc__ for field in fields(kind.options))


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"pen_width_mm": 0}, "pen_width_mm is 0; it must be a number from 0.01 to 100"),
        ({"pen_width_mm": -1.0}, "pen_width_mm"),
        ({"pen_width_mm": 1e9}, "pen_width_mm"),
        ({"pen_width_mm": float("nan")}, "pen_width_mm"),
        ({"pen_width_mm": "broad"}, "pen_width_mm"),
        ({"color": "inkish"}, "'inkish' is not a colour"),
        ({"color": "#00000080"}, "is not a colour"),
        ({"color": "rgba(0,0,0,0)"}, "is not a colour"),
        ({"color": 5}, "color is 5"),
        ({"color": "rgb(300,0,0)"}, "is out of range"),
        ({"color": "rgb(0%,101%,0%)"}, "is out of range"),
        ({"color": "hsl(0,100%,900%)"}, "is out of range"),
        ({"color": "hsl(0,300%,10%)"}, "is out of range"),
        ({"dpi": 0}, "dpi"),
        ({"dpi": 1e308}, "dpi"),
        ({"dpi": float("inf")}, "dpi"),
        ({"background": "nope"}, "not a colour|no option"),
        ({"background": "rgb(0,0,256)"}, "out of range|no option"),
    ],
)
def test_values_at_and_beyond_their_limits_give_one_sentence(page, tmp_path, suffix, options, match):
    with pytest.raises(InputError, match=match) as e:
        export(page, tmp_path / f"page{suffix}", **options)
    assert "\n" not in str(e.value) and list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize(
    ("pen", "match"),
    [
        ({"color": "rgb(0,300,0)"}, "layer 'red'.*out of range"),
        ({"pen_width": -1.0}, "layer 'red': pen_width_mm is"),
    ],
)
def test_pens_of_layers_are_checked_too(tmp_path, suffix, pen, match):
    page = Page(20, 10, (Layer("red", (np.zeros((1, 2)),), **pen),))
    with pytest.raises(InputError, match=match):
        export(page, tmp_path / f"page{suffix}")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("width", [0.01, 100])
def test_the_thinnest_and_the_broadest_pen_draw(page, tmp_path, width):
    for suffix in SUFFIXES:
        export(page, tmp_path / f"page{suffix}", pen_width_mm=width)
        assert (tmp_path / f"page{suffix}").stat().st_size > 30


def test_colours_are_those_of_css():
    assert parse_color("black") == (0, 0, 0)
    assert parse_color("#1a2B6d") == (26, 43, 109)
    assert parse_color("rgb(100%, 100%, 0%)") == (255, 255, 0)
    assert parse_color("hsl(120, 100%, 50%)") == (0, 255, 0)
    assert parse_color("hsl(0, 0%, 100%)") == (255, 255, 255)
    for bad in ("", "#12", None):
        with pytest.raises(InputError):
            parse_color(bad)


def test_a_place_that_cannot_be_written_is_named(page, tmp_path):
    with pytest.raises(InputError, match="missing does not exist"):
        export(page, tmp_path / "missing" / "page.svg")


def test_writers_are_imported_when_they_are_needed():
    code = "import sys, strokes.export as e; e.export_options('a.png'); sys.exit('svgwrite' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
