"""HPGL through vpype, by the coordinates of a device."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

from ..files import InputError
from ..page import Page
from .devices import HpglDevice, HpglPaper, find_device
from .options import HpglOptions, PlotterOptions
from .plotter import Drawing, import_vpype

__all__ = ["find_profile", "render"]

_NAME = "strokes"
_SLACK_MM = 1.0


@dataclass(frozen=True)
class _Profile:
    device: HpglDevice
    name: str


def find_profile(options: PlotterOptions) -> _Profile:
    """The device of the options.

    Raises:
        InputError: there is none, or vpype is not installed.
    """
    device = find_device(HpglDevice, options.device, options.devices)
    import_vpype()
    return _Profile(device, options.device or "the first device")


def render(page: Page, options: HpglOptions | None = None) -> bytes:
    """A page as HPGL.

    The page lies on the paper of its size, or else at the upper left of what the pen reaches on the first paper that
    holds it, turned by a quarter if need be.

    Raises:
        InputError: as `find_profile`, no paper holds the page, ink lies beyond what the pen reaches, there are more
            pens than the device has, or the pen of a layer is out of range.
    """
    options = options or HpglOptions()
    profile = find_profile(options)
    device = profile.device
    drawing = Drawing.of(page, options)
    if drawing.layers and max(drawing.layers) > device.pens:
        raise InputError(
            f"this page has {max(drawing.layers)} pens, {profile.name} has {device.pens}; use fewer"
        )
    paper, placed = _on_paper(drawing, profile)
    if not placed.layers:
        return b"IN;SP0;\n"
    vpype, _ = import_vpype()
    vpype.config_manager.config["device"][_NAME] = _config(device, paper, placed)
    file = io.StringIO()
    vpype.write_hpgl(
        file,
        placed.document(),
        page_size=paper.name,
        landscape=(paper.width or placed.width) > (paper.height or placed.height),
        center=False,
        device=_NAME,
        velocity=device.speed,
        absolute=True,
        quiet=True,
    )
    return file.getvalue().encode("ascii")


def _on_paper(drawing: Drawing, profile: _Profile) -> tuple[HpglPaper, Drawing]:
    """The paper that holds the drawing, and the drawing as it lies on it.

    Raises:
        InputError: there is none, or ink lies beyond what the pen reaches on it.
    """
    found = [
        (abs(width - way.width) + abs(height - way.height) > _SLACK_MM, n, paper, way)
        for n, paper in enumerate(profile.device.papers)
        for way in (drawing, drawing.turned)
        for width, height in [(paper.width or way.width, paper.height or way.height)]
        if way.width <= width + _SLACK_MM and way.height <= height + _SLACK_MM
    ]
    if not found:
        names = ", ".join(paper.name for paper in profile.device.papers)
        raise InputError(
            f"a page of {drawing.width:g} x {drawing.height:g} mm is larger than the papers of {profile.name}"
            f" ({names}); give a smaller --page or another --device"
        )
    found.sort(key=lambda item: item[:2])
    for smaller, _, paper, way in found:
        if smaller > found[0][0]:
            break  # there is a paper of its size
        area = _area(profile.device, paper, way)
        placed = way.moved(max(area[0], 0), max(area[1], 0)) if smaller else way
        if placed.inside(*area):
            return paper, placed
    _, _, paper, way = found[0]
    ink, reach = (
        f"{left:.0f}, {top:.0f} to {right:.0f}, {bottom:.0f}"
        for left, top, right, bottom in (way.bounds, _area(profile.device, paper, way))
    )
    raise InputError(
        f"the ink of this page lies from {ink} mm of {paper.name} and {profile.name} reaches {reach};"
        " give larger margins or another --device"
    )


def _area(device: HpglDevice, paper: HpglPaper, drawing: Drawing) -> tuple[float, float, float, float]:
    """What the pen reaches, in millimetres of the paper: left, top, right, bottom."""
    x, y = _origin(paper, drawing)
    unit = -device.unit if paper.y_up else device.unit
    top, bottom = sorted((y + paper.y[0] * unit, y + paper.y[1] * unit))
    return x + paper.x[0] * device.unit, top, x + paper.x[1] * device.unit, bottom


def _origin(paper: HpglPaper, drawing: Drawing) -> tuple[float, float]:
    """The point 0, 0 of the plotter, in millimetres from the paper's upper left corner."""
    height = paper.height if paper.height is not None else drawing.height
    return paper.left, paper.top if paper.top is not None else height


def _config(device: HpglDevice, paper: HpglPaper, drawing: Drawing) -> dict[str, Any]:
    """The device as vpype's own files describe one."""
    x, y = _origin(paper, drawing)
    width, height = paper.width or drawing.width, paper.height or drawing.height
    sheet: dict[str, Any] = {
        "name": paper.name,
        "paper_size": (f"{width}mm", f"{height}mm"),
        "y_axis_up": paper.y_up,
        "origin_location": (f"{x}mm", f"{y}mm"),
        "x_range": paper.x,
        "y_range": paper.y,
    }
    if paper.paper_select is not None:
        sheet["set_ps"] = paper.paper_select
    return {
        "name": _NAME,
        "plotter_unit_length": f"{device.unit}mm",
        "pen_count": device.pens,
        "paper": [sheet],
    }
