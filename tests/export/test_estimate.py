from __future__ import annotations

import numpy as np
import pytest

from strokes.cli import main
from strokes.export import export
from strokes.export.estimate import Estimate, Speeds, estimate
from strokes.page import Layer, Page

SQUARE = np.array([[0.0, 0], [30, 0]]), np.array([[30.0, 40], [0, 40]])


def test_distances_and_time_of_a_page_that_can_be_counted():
    page = Page(50, 50, (Layer("guide", SQUARE, plotted=False), Layer("a", SQUARE), Layer("b", SQUARE[:1])))
    found = estimate(page, Speeds(draw_speed=10, travel_speed=100, lift_time=0.5))
    # 90 mm of ink; 40 mm up between the strokes of a, 40 mm back to the stroke of b; three lifts.
    assert found == Estimate(90.0, 80.0, 3, 2, pytest.approx(9 + 0.8 + 1.5))
    assert estimate([page, page]).pen_down_mm == 180 and estimate([page] * 3).pens == 2
    assert str(found) == "pen down 0.09 m, pen up 0.08 m, 3 lifts, 2 pens: about 0 min 11 s"
    assert str(Estimate(1, 1, 1, 1, 4000.0)).endswith("about 1 h 06 min")
    dot = estimate(Page(5, 5, (Layer("ink", (np.array([[1.0, 1]]),)),)))
    assert (dot.pen_down_mm, dot.pen_up_mm, dot.lifts) == (0.1, 0, 1)
    assert estimate(Page(5, 5)).seconds == 0
    back = Page(50, 50, (Layer("a", (SQUARE[0], SQUARE[1][::-1])),))  # the second begins far away
    assert (estimate(back).pen_up_mm, estimate(back, sort=True).pen_up_mm) == (50, 40)
    with pytest.raises(ValueError, match="draw_speed is 0"):
        Speeds(draw_speed=0)


def test_vpype_measures_the_same(tmp_path):
    vp = pytest.importorskip("vpype", reason="vpype is not installed: pip install 'strokes[plotter]'")
    rng = np.random.default_rng(3)
    strokes = [rng.uniform(20, 100, 2) + rng.uniform(-1, 1, (30, 2)).cumsum(axis=0) for _ in range(40)]
    page = Page(150, 150, (Layer("ink", (*strokes, np.array([[75.0, 75]]))),))
    export(page, tmp_path / "a.svg")
    unit = vp.convert_length("mm")
    document = vp.read_multilayer_svg(str(tmp_path / "a.svg"), quantization=0.01 * unit)
    found = estimate(page)
    assert found.lifts == sum(len(layer) for layer in document.layers.values()) == 41
    assert found.pen_down_mm == pytest.approx(document.length() / unit, rel=2e-3)
    assert found.pen_up_mm == pytest.approx(document.pen_up_length() / unit, rel=2e-3)


def test_the_command_line_reports(scribbler, tmp_path, capsys):
    out = tmp_path / "a.svg"
    call = ["write", "a b", "-o", str(out), "--model", str(scribbler), "--report"]
    assert main(call) == 0
    first = next(line for line in capsys.readouterr().out.splitlines() if "lifts" in line)
    assert main([*call, "--lift-time", "50"]) == 0
    second = next(line for line in capsys.readouterr().out.splitlines() if "lifts" in line)
    assert first.split(":")[0] == second.split(":")[0] and first != second
    assert f"{out.read_text().count('<path')} lifts" in first
