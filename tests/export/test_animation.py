"""The pen writing: GIF frame by frame, and the animation of SVG."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
from itertools import pairwise

import numpy as np
import pytest
from lxml import etree
from PIL import Image

from strokes.export import GifOptions, SvgOptions
from strokes.export.gif import render
from strokes.export.raster import draw
from strokes.export.svg import render as render_svg
from strokes.export.timing import drawn
from strokes.files import InputError
from strokes.page import Layer, Page

LAYERS = (
    Layer("guide", (np.array([[0.0, 9], [40, 9]]),), plotted=False),
    Layer("ink", (np.array([[5.0, 5], [35, 5]]), np.array([[10.0, 8]]))),
    Layer("red", (np.array([[30.0, 2], [30, 8]]),), "red", 1.5),
)
PAGE = Page(40, 10, LAYERS)


def frames(data):
    image = Image.open(io.BytesIO(data))
    found, durations = [], []
    for n in range(image.n_frames):
        image.seek(n)
        found.append(np.asarray(image.convert("RGB"), float))
        durations.append(image.info["duration"])
    return found, durations


def test_times_are_those_of_the_speed():
    found = list(drawn(PAGE, 10.0))
    assert [stroke.layer for stroke in found] == [0, 0, 1]
    begins = [stroke.times[0] for stroke in found]
    up = np.hypot(25, 3), np.hypot(20, 6)
    assert begins == pytest.approx([0, 3 + up[0] / 10, 3.03 + up[0] / 10 + up[1] / 10])
    assert np.ptp(found[0].times) == pytest.approx(3.0) and np.ptp(found[2].times) == pytest.approx(0.6)
    slow = list(drawn(Page(40, 10, (Layer("ink", (np.linspace((5, 5), (35, 5), 121),)),))))
    assert np.ptp(slow[0].times) == pytest.approx(121 / 60)


def test_the_gif_grows_to_the_whole_page():
    options = GifOptions(dpi=100, speed=10, fps=5)
    found, durations = frames(render(PAGE, options))
    seconds = list(drawn(PAGE, 10.0))[-1].times[-1]
    assert sum(durations[:-1]) / 1000 == pytest.approx(seconds, abs=0.25) and durations[-1] >= 3000
    assert found[0].shape == (39, 157, 3)
    dark = [(255 - frame).sum() for frame in found]
    assert all(b >= a * 0.995 for a, b in pairwise(dark)) and dark[0] < 0.1 * dark[-1]
    whole = np.asarray(draw(PAGE, options), float)
    assert np.abs(found[-1] - whole).max() <= 24  # of a palette of 64 colours
    assert np.abs(found[-2] - whole).mean() < 0.25 * (255 - whole).mean()
    # After one second the pen is 10 mm along, at x = 15 mm.
    ink = np.flatnonzero((found[4][20] < 128).any(axis=1)) / 100 * 25.4
    assert ink.max() == pytest.approx(15, abs=0.6) and ink.min() == pytest.approx(4.8, abs=0.4)


def test_long_writing_has_fewer_frames_and_an_empty_page_has_one():
    rng = np.random.default_rng(1)
    long = Page(200, 200, (Layer("ink", tuple(rng.uniform(0, 200, (40, 30, 2)))),))
    found, _ = frames(render(long, GifOptions(dpi=60, speed=3)))
    assert 2 <= len(found) < 800
    assert len(frames(render(Page(10, 10), GifOptions()))[0]) == 1
    with pytest.raises(InputError, match="at 600 dpi the animation would have"):
        render(long, GifOptions(dpi=600))
    with pytest.raises(InputError, match="transparent"):
        GifOptions(background="transparent")


def test_paths_of_an_animated_svg_appear_one_after_another():
    root = etree.fromstring(render_svg(PAGE, SvgOptions(animate=True, speed=10)))
    paths = [p for p in root.iter("{*}path") if p.get("style")]
    assert len(paths) == 3 and len(list(root.iter("{*}path"))) == 4  # the guide stands still
    for path, stroke, width in zip(paths, drawn(PAGE, 10.0), (0.35, 0.35, 1.5), strict=True):
        values = dict(re.findall(r"--(\w):([\d.]+)", path.get("style")))
        length, gap, offset = (float(values[name]) for name in "lgo")
        assert length >= np.hypot(*np.diff(stroke.curve, axis=0).T).sum()
        assert (gap - length, offset - length) == pytest.approx((4 * width, 2 * width), abs=2e-3)
        begin = float(re.search(r"linear ([\d.]+)s", path.get("style"))[1])
        assert begin == pytest.approx(stroke.times[0], abs=1e-3)
    still = etree.fromstring(render_svg(PAGE, SvgOptions()))
    assert [p.get("d") for p in still.iter("{*}path")] == [p.get("d") for p in root.iter("{*}path")]
    assert "keyframes" in root.findtext("{*}style") and still.find("{*}style") is None


@pytest.mark.skipif(not shutil.which("rsvg-convert"), reason="rsvg-convert (librsvg2-bin) is not installed")
def test_what_shows_no_animations_shows_the_whole_page(tmp_path):
    pictures = []
    for name, animate in (("a.svg", True), ("b.svg", False)):
        (tmp_path / name).write_bytes(render_svg(PAGE, SvgOptions(animate=animate)))
        subprocess.run(["rsvg-convert", "-b", "white", tmp_path / name, "-o", tmp_path / "a.png"], check=True)
        pictures.append(np.asarray(Image.open(tmp_path / "a.png").convert("L")))
    np.testing.assert_array_equal(*pictures)
