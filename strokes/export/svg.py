"""SVG as plotters like it: millimetres, one path a pen-down stroke, one layer a pen, nothing else."""

from __future__ import annotations

import io
import itertools
from collections.abc import Iterable
from dataclasses import asdict, replace
from importlib.metadata import version

import numpy as np
import svgwrite
from svgwrite.extensions import Inkscape

from ..page import Layer, Page
from .geometry import DOT_MM, curves, ordered, polylines
from .metadata import metadata_element, xml_text
from .options import SvgOptions, parse_color
from .timing import drawn

__all__ = ["DOT_MM", "path_data", "render"]

_KEYFRAMES = (
    "@keyframes write{from{stroke-dasharray:var(--l) var(--g);stroke-dashoffset:var(--o)}"
    "to{stroke-dasharray:var(--l) var(--g);stroke-dashoffset:0}}"
)


def render(page: Page, options: SvgOptions | None = None) -> bytes:
    """A page as SVG in millimetres, ready for a plotter.

    The strokes are paths in writing order on Inkscape layers, one a layer of the page, labelled "1 ink" and so on, the
    number being the pen. The label of a layer that is not plotted begins with "%", by which AxiDraw's software knows,
    and has a number that no pen has, so that vpype keeps it apart. The page's text becomes the title and the
    description, its metadata the JSON that `read_metadata` reads. The same page gives the same bytes.

    Raises:
        InputError: the pen of a layer is out of range or its colour unknown.
    """
    options = options or SvgOptions()
    width, height = _number(page.width), _number(page.height)
    drawing = svgwrite.Drawing(
        size=(f"{width}mm", f"{height}mm"), viewBox=f"0 0 {width} {height}", debug=False
    )
    drawing.elements.remove(drawing.defs)
    if text := xml_text(page.text).strip():
        drawing.set_desc(title=_shortened(text), desc=text)
    if page.metadata:
        known = {**page.metadata, "format": asdict(options), "version": version("strokes")}
        drawing.set_metadata(metadata_element(known))
    pens = itertools.count(1)
    guides = itertools.count(1 + sum(layer.plotted for layer in page.layers))
    for layer in page.layers:
        name = _shortened(xml_text(layer.name))
        label = f"{next(pens)} {name}" if layer.plotted else f"%{next(guides)} {name}"
        drawing.add(_group(drawing, layer, options, label))
    if options.animate:
        _animate(drawing, page, options)
    file = io.StringIO()
    drawing.write(file, pretty=True)
    return file.getvalue().encode("utf-8")


def path_data(points: np.ndarray, tolerance: float = 0.0, *, straight: bool = False) -> str:
    """The `d` of a path along the curve through points (n, 2) in mm, absolute, to 0.001 mm.

    A stroke smaller than `DOT_MM` becomes a level segment of that length around its middle.

    Args:
        points: of one stroke.
        tolerance: millimetres by which the path may leave the curve.
        straight: straight pieces instead of curves.
    """
    if straight:
        (line,) = polylines([points], tolerance)
        return f"M{_pair(line[0])} L" + " ".join(map(_pair, line[1:]))
    (curve,) = curves([points], tolerance)
    if len(curve) == 1:  # through two points it is straight
        return f"M{_pair(curve[0, 0])} L{_pair(curve[0, 3])}"
    return f"M{_pair(curve[0, 0])} C" + " ".join(_pair(point) for segment in curve for point in segment[1:])


def _group(
    drawing: svgwrite.Drawing, layer: Layer, options: SvgOptions, label: str
) -> svgwrite.container.Group:
    pen = options.pen(layer)
    group = Inkscape(drawing).layer(
        label,
        fill="none",
        stroke="#{:02x}{:02x}{:02x}".format(*parse_color(pen.color)),
        stroke_width=_number(pen.pen_width_mm),
        stroke_linecap="round",
        stroke_linejoin="round",
    )
    strokes = ordered(layer.strokes) if options.sort else layer.strokes
    for points in strokes:
        group.add(drawing.path(path_data(points, options.simplify, straight=options.polyline)))
    return group


def _animate(drawing: svgwrite.Drawing, page: Page, options: SvgOptions) -> None:
    """Let every path appear while the pen would write it, where a browser runs animations.

    Elsewhere nothing is hidden: dashes are in key frames alone. Round caps reach half a pen beyond the ends of a dash,
    so that dashes begin two pens away.
    """
    plotted = [layer for layer in page.layers if layer.plotted]
    if options.sort:
        page = replace(page, layers=tuple(replace(x, strokes=tuple(ordered(x.strokes))) for x in plotted))
    groups = [element for element in drawing.elements if element.elementname == "g"]
    paths = (path for group, layer in zip(groups, page.layers) if layer.plotted for path in group.elements)
    for path, stroke in zip(paths, drawn(page, options.speed), strict=True):
        width = options.pen(plotted[stroke.layer]).pen_width_mm
        length = 1.01 * float(np.hypot(*np.diff(stroke.curve, axis=0).T).sum()) + DOT_MM
        begin, seconds = float(stroke.times[0]), max(float(np.ptp(stroke.times)), 0.02)
        lengths = f"--l:{_number(length)};--g:{_number(length + 4 * width)};--o:{_number(length + 2 * width)}"
        path["style"] = f"{lengths};animation:write {seconds:.3f}s linear {begin:.3f}s backwards"
    drawing.elements.insert(0, drawing.style(_KEYFRAMES))


def _pair(point: Iterable[float]) -> str:
    return ",".join(map(_number, point))


def _number(value: float) -> str:
    text = f"{value:.3f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def _shortened(text: str, length: int = 80) -> str:
    line = " ".join(text.split())
    return line if len(line) <= length else line[: length - 1].rstrip() + "…"
