"""HPGL and G-code parsed back: every stroke where it belongs, the pen lifted once after each."""

from __future__ import annotations

import re
import sys

import numpy as np
import pytest
import shapely

from strokes.cli import main
from strokes.export import export, export_options
from strokes.files import InputError
from strokes.ink.curves import flatten
from strokes.page import Layer, Page

pytest.importorskip("vpype_gcode", reason="vpype-gcode is not installed: pip install 'strokes[plotter]'")


def page(width=148.0, height=105.0):
    t = np.arange(0, 6 * np.pi, 0.4)
    loops = np.stack([t + 20 + 2 * np.sin(t), 3 * np.cos(t) + 40], axis=1)
    layers = (
        Layer("ruling", (np.array([[1.0, 44], [140, 44]]),), plotted=False),
        Layer("ink", (loops, np.array([[50.0, 35]]), np.array([[60.0, 36], [61, 39]]))),
        Layer("empty", ()),
        Layer("red", (np.array([[15.0, 60], [25, 50], [35, 60]]), np.array([[70.5, 80]])), "red"),
    )
    return Page(width, height, layers, "loops")


def gcode(text, down, up):
    """Polylines (n, 2) that the lowered pen draws, and how often it is lowered and lifted."""
    pen, place, strokes, counts = False, None, [], [0, 0]
    for line in text.splitlines():
        word = line.split()[0]
        if line.startswith((down, up)):
            pen = line.startswith(down)
            counts[not pen] += 1
            if pen:
                strokes.append([place])
        elif word in ("G0", "G1") and "X" in line:
            place = tuple(float(re.search(axis + r"(-?[\d.]+)", line)[1]) for axis in "XY")
            assert (word == "G1") == pen, line
            if pen:
                strokes[-1].append(place)
    return [np.array(stroke) for stroke in strokes], counts


def hpgl(text):
    """Pen -> polylines in units of the plotter."""
    pens, pen, place = {}, None, None
    for command in text.strip().split(";"):
        numbers = [int(n) for n in re.findall(r"-?\d+", command[2:])]
        if command[:2] == "SP":
            pen = numbers[0]
        elif command[:2] == "PU" and numbers:
            place = numbers
        elif command[:2] == "PD":
            pens.setdefault(pen, []).append(np.array([*place, *numbers]).reshape(-1, 2))
    return pens


def same(line, stroke, tolerance=0.03):
    """Whether a polyline follows a stroke's curve from its first to its last point."""
    curve = flatten(stroke, 0.001)
    if len(curve) == 1:
        return np.abs(line.mean(axis=0) - curve[0]).max() < tolerance and np.ptp(line[:, 0]) > 0.05
    ends = np.abs(line[[0, -1]] - curve[[0, -1]]).max()
    return (
        max(ends, shapely.hausdorff_distance(shapely.LineString(line), shapely.LineString(curve))) < tolerance
    )


@pytest.mark.parametrize(
    ("device", "down", "up"),
    [
        ("servo", "M3 S90", "M5"),
        ("servo-a3", "M3 S90", "M5"),
        ("z-axis", "G1 Z-1", "G0 Z3"),
        ("marlin", "M280 P0 S30", "M280 P0 S90"),
    ],
)
def test_gcode_draws_every_stroke_and_lifts_the_pen_after_each(tmp_path, device, down, up):
    export(page(), tmp_path / "a.gcode", device=device)
    text = (tmp_path / "a.gcode").read_text()
    lines, (lowered, lifted) = gcode(text, down, up)
    strokes = page().strokes
    assert lowered == len(lines) == len(strokes) == 5 and lifted == lowered + 1  # once before all
    for line, stroke in zip(lines, strokes, strict=True):
        assert same(line * (1, -1) + (0, 105), stroke)
    assert text.count("M0") == 1  # another pen
    assert "pen 3" in next(line for line in text.splitlines() if line.startswith("M0"))


def test_a_page_that_fits_only_lying_is_turned(tmp_path):
    tall = page(210, 297)
    export(tall, tmp_path / "a.gcode", device="servo")  # 300 x 218 mm
    lines, _ = gcode((tmp_path / "a.gcode").read_text(), "M3", "M5")
    for line, stroke in zip(lines, tall.strokes, strict=True):
        # The paper's left edge lies below: x of the machine is y of the page, y is x.
        assert same(line[:, ::-1], stroke)


def test_ink_beyond_what_the_pen_reaches_is_refused(tmp_path):
    far = Page(500, 500, (Layer("ink", (np.array([[10.0, 10], [490, 490]]),)),))
    for name, device in (("a.gcode", "servo"), ("a.hpgl", "hp7475a")):
        with pytest.raises(InputError, match=f"{device}.*give a smaller --page or another --device"):
            export(far, tmp_path / name, device=device)
    edge = Page(297, 210, (Layer("ink", (np.array([[2.0, 10], [90, 90]]),)),))
    with pytest.raises(
        InputError, match="from 2, 10 to 90, 90 mm of a4 and hp7475a reaches 10, 14 to 285, 206"
    ):
        export(edge, tmp_path / "a.hpgl", device="hp7475a")
    many = Page(100, 100, tuple(Layer(str(n), (np.array([[50.0, 50]]),)) for n in range(7)))
    with pytest.raises(InputError, match="7 pens, hp7475a has 6"):
        export(many, tmp_path / "a.hpgl", device="hp7475a")
    assert list(tmp_path.iterdir()) == []


def test_hpgl_of_the_generic_device(tmp_path):
    export(page(), tmp_path / "a.hpgl")
    text = (tmp_path / "a.hpgl").read_text()
    found = hpgl(text)
    assert {pen: len(lines) for pen, lines in found.items()} == {1: 3, 3: 2}
    lines = [line * 0.025 * (1, -1) + (0, 105) for pen in found for line in found[pen]]
    assert all(same(line, stroke, 0.05) for line, stroke in zip(lines, page().strokes, strict=True))
    assert len(re.findall(r"PU\d", text)) == 5


@pytest.mark.parametrize("turned", [False, True])
def test_hpgl_of_a_page_of_a4(tmp_path, turned):
    made = page(210, 297) if turned else page(297, 210)
    export(made, tmp_path / "a.hpgl", device="hp7475a")
    found = hpgl((tmp_path / "a.hpgl").read_text())
    for line, stroke in zip([line for pen in found for line in found[pen]], made.strokes, strict=True):
        x, y = line[:, 0] * 0.02488 + 10, 206 - line[:, 1] * 0.02488  # as it lies, from the upper left
        back = np.stack([210 - y, x], axis=1) if turned else np.stack([x, y], axis=1)
        assert same(back, stroke, 0.05)


def test_values_of_a_users_file_and_options_reach_the_file(tmp_path):
    (tmp_path / "mine.toml").write_text(
        '[gcode.mine]\nlike = "servo"\ndown = 61.5\noffset_x = 100\norigin = "top left"\n[hpgl.generic]\nspeed = 12\n'
    )
    mine = {"devices": str(tmp_path / "mine.toml")}
    export(page(), tmp_path / "a.gcode", device="mine", simplify=0.2, **mine)
    lines, _ = gcode((tmp_path / "a.gcode").read_text(), "M3 S61.5", "M5")
    assert all(same(line - (100, 0), stroke, 0.4) for line, stroke in zip(lines, page().strokes, strict=True))
    export(page(), tmp_path / "b.gcode", device="mine", **mine)
    assert sum(map(len, lines)) < 0.7 * (tmp_path / "b.gcode").read_text().count("\nG1")
    export(page(), tmp_path / "a.hpgl", **mine)
    assert "VS12;" in (tmp_path / "a.hpgl").read_text()


def test_a_wrong_template_is_refused_before_anything_is_drawn(tmp_path):
    (tmp_path / "mine.toml").write_text('[gcode.servo]\nmove = "G0 {z}"\n')
    with pytest.raises(InputError, match="servo: move is no template .*it may name x, y, width"):
        export_options("a.gcode", device="servo", devices=str(tmp_path / "mine.toml"))
    with pytest.raises(InputError, match="no device 'none'"):
        export_options("a.gcode", device="none")


def test_an_empty_page_gives_a_file(tmp_path):
    for name in ("a.gcode", "a.hpgl"):
        export(Page(50, 50), tmp_path / name)
        assert (tmp_path / name).stat().st_size > 0


def test_without_the_extra_the_way_to_it_is_said_before_the_writing(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "vpype_gcode.gwrite", None)
    for name in ("a.gcode", "a.hpgl"):
        assert main(["write", "a", "-o", str(tmp_path / name), "--model", "none"]) == 2
        err = capsys.readouterr().err
        assert "pip install 'strokes[plotter]'" in err and err.count("\n") == 1
