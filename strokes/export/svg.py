"""SVG as plotters like it: millimetres, one path a pen-down stroke, one layer a pen, nothing else."""

from __future__ import annotations

import io
import itertools
import re
from collections.abc import Iterable

import numpy as np
import svgwrite
from svgwrite.extensions import Inkscape

from ..ink.curves import smooth
from ..page import Layer, Page
from .options import PenOptions, SvgOptions, parse_color

__all__ = ["DOT_MM", "path_data", "render"]

#: Plotters skip marks that are shorter than a step of their motors; a dot is drawn as long as this.
DOT_MM = 0.1


def render(page: Page, options: SvgOptions | None = None) -> bytes:
    """A page as SVG in millimetres, ready for a plotter.

    The strokes are paths in writing order on Inkscape layers, one a layer of the page, labelled "1 ink" and so on, the
    number being the pen. The label of a layer that is not plotted begins with "%", by which plotters know. The page's
    text becomes the title and the description. The same page gives the same bytes.

    Raises:
        InputError: the pen of a layer is out of range or its colour unknown.
    """
    options = options or SvgOptions()
    width, height = _number(page.width), _number(page.height)
    drawing = svgwrite.Drawing(
        size=(f"{width}mm", f"{height}mm"), viewBox=f"0 0 {width} {height}", debug=False
    )
    drawing.elements.remove(drawing.defs)
    if text := _xml_text(page.text).strip():
        drawing.set_desc(title=_shortened(text), desc=text)
    pens = itertools.count(1)
    for layer in page.layers:
        name = _shortened(_xml_text(layer.name))
        label = f"{next(pens)} {name}" if layer.plotted else f"% {name}"
        drawing.add(_group(drawing, layer, options.pen(layer), label))
    file = io.StringIO()
    drawing.write(file, pretty=True)
    return file.getvalue().encode("utf-8")


def path_data(points: np.ndarray) -> str:
    """The `d` of a path along the curve through points (n, 2) in mm, absolute, to 0.001 mm.

    A stroke smaller than `DOT_MM` becomes a level segment of that length around its middle.
    """
    low, high = points.min(axis=0), points.max(axis=0)
    if np.hypot(*(high - low)) < DOT_MM:
        x, y = (low + high) / 2
        return f"M{_pair((x - DOT_MM / 2, y))} L{_pair((x + DOT_MM / 2, y))}"
    curve = smooth(points)
    curve = curve[(curve[:, 0] != curve[:, 3]).any(axis=1)]  # a repeated point is no movement of the pen
    return f"M{_pair(points[0])} C" + " ".join(_pair(point) for segment in curve for point in segment[1:])


def _group(drawing: svgwrite.Drawing, layer: Layer, pen: PenOptions, label: str) -> svgwrite.container.Group:
    group = Inkscape(drawing).layer(
        label,
        fill="none",
        stroke="#{:02x}{:02x}{:02x}".format(*parse_color(pen.color)),
        stroke_width=_number(pen.pen_width_mm),
        stroke_linecap="round",
        stroke_linejoin="round",
    )
    for points in layer.strokes:
        group.add(drawing.path(path_data(points)))
    return group


def _pair(point: Iterable[float]) -> str:
    return ",".join(map(_number, point))


def _number(value: float) -> str:
    text = f"{value:.3f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def _xml_text(text: str) -> str:
    """The text without the characters that XML cannot hold."""
    return re.sub("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "", text)


def _shortened(text: str, length: int = 80) -> str:
    line = " ".join(text.split())
    return line if len(line) <= length else line[: length - 1].rstrip() + "…"
