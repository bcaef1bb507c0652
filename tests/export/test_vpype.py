"""What we write, read by vpype, which most plotters are driven with."""

from __future__ import annotations

import numpy as np
import pytest

from strokes.export import SvgOptions
from strokes.export.svg import render
from strokes.page import Layer, Page

vp = pytest.importorskip("vpype", reason="vpype is not installed: pip install 'strokes[plotter]'")
MM = vp.convert_length("mm")


def page() -> Page:
    """Two pens, a guide, curves and dots."""
    t = np.arange(0, 6 * np.pi, 0.4)
    loops = np.stack([t + 20 + 2 * np.sin(t), 3 * np.cos(t) + 40], axis=1)
    layers = (
        Layer("ruling", (np.array([[10.0, 44], [138, 44]]),), "silver", 0.1, plotted=False),
        Layer("ink", (loops, np.array([[50.0, 35]]), np.array([[60.0, 36], [60.02, 36]]))),
        Layer("red & <bold>", (np.array([[15.0, 60], [25, 50], [35, 60]]), np.array([[70.5, 61]])), "red"),
    )
    return Page(148, 105.5, layers, "loops")


@pytest.mark.parametrize(
    "options", [{}, {"polyline": True}, {"simplify": 0.05}, {"sort": True}, {"animate": True}]
)
def test_vpype_reads_the_same_page(tmp_path, options):
    made = page()
    (tmp_path / "a.svg").write_bytes(render(made, SvgOptions(**options)))
    read = vp.read_multilayer_svg(str(tmp_path / "a.svg"), quantization=0.01 * MM)
    np.testing.assert_allclose(np.array(read.page_size) / MM, (148, 105.5), atol=0.01)
    plotted = [layer for layer in made.layers if layer.plotted]
    assert [len(read.layers[i + 1]) for i in range(2)] == [len(layer.strokes) for layer in plotted]
    assert [read.layers[i + 1].metadata["vp_name"] for i in range(2)] == ["1 ink", "2 red & <bold>"]
    assert [str(read.layers[i + 1].metadata["vp_color"]) for i in range(2)] == ["#000000", "#ff0000"]
    for i, layer in enumerate(plotted):
        points = np.concatenate(layer.strokes)
        lines = [line / MM for line in read.layers[i + 1]]
        low = min(line.real.min() for line in lines), min(line.imag.min() for line in lines)
        high = max(line.real.max() for line in lines), max(line.imag.max() for line in lines)
        np.testing.assert_allclose([low, high], [points.min(axis=0), points.max(axis=0)], atol=0.1)
        if not options.get("sort"):
            ends = [(line[0].real, line[0].imag) for line in lines]
            np.testing.assert_allclose(ends, [stroke[0] for stroke in layer.strokes], atol=0.06)
