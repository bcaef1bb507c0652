"""JSON ink: pages with everything they hold, in a documented, versioned form. docs/formats.md describes it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from ..page import Page
from .metadata import metadata_json
from .options import JsonOptions, parse_color

__all__ = ["JsonInk", "JsonLayer", "JsonPage", "render", "render_pages"]

_Millimetres = Annotated[float, Meta(ge=0, le=1_000_000)]
_Coordinate = Annotated[float, Meta(ge=-1_000_000, le=1_000_000)]
_Stroke = Annotated[tuple[tuple[_Coordinate, _Coordinate], ...], Meta(min_length=1)]


@dataclass(frozen=True)
class JsonLayer:
    """What one pen draws.

    Args:
        name: of the layer.
        color: of its ink, #rrggbb.
        pen_width: in millimetres.
        plotted: whether a plotter draws it; guides are not plotted.
        strokes: in writing order, each a list of points x, y; a stroke of one point is a dot.
    """

    name: str
    color: str
    pen_width: _Millimetres
    plotted: bool
    strokes: tuple[_Stroke, ...]


@dataclass(frozen=True)
class JsonPage:
    """A sheet of paper. Millimetres from its upper left corner, y down.

    Args:
        width, height: of the paper.
        text: what the ink says.
        layers: in the order in which they are drawn.
        metadata: what makes the page again.
    """

    width: _Millimetres
    height: _Millimetres
    text: str
    layers: tuple[JsonLayer, ...]
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class JsonInk:
    """A whole file.

    Args:
        format: names this form.
        version: of this form; another number is another form.
        unit: of all lengths.
        pages: in order.
    """

    format: Literal["strokes-ink"]
    version: Literal[1]
    unit: Literal["mm"]
    pages: tuple[JsonPage, ...]


def render(page: Page, options: JsonOptions | None = None) -> bytes:
    """A page as JSON ink; see `render_pages`."""
    return render_pages([page], options)


def render_pages(pages: Sequence[Page], options: JsonOptions | None = None) -> bytes:
    """Pages as one document of JSON ink, its points as they were drawn, to 0.001 mm.

    Raises:
        InputError: the pen of a layer is out of range or its colour unknown.
    """
    options = options or JsonOptions()
    made = [
        JsonPage(
            _rounded(page.width),
            _rounded(page.height),
            _encodable(page.text),
            tuple(_layer(page, n, options) for n in range(len(page.layers))),
            json.loads(metadata_json(page.metadata)),
        )
        for page in pages
    ]
    document = JsonInk("strokes-ink", 1, "mm", tuple(made))
    return msgspec.json.encode(document) + b"\n"


def _layer(page: Page, number: int, options: JsonOptions) -> JsonLayer:
    layer = page.layers[number]
    pen = options.pen(layer)
    color = "#{:02x}{:02x}{:02x}".format(*parse_color(pen.color))
    # Adding 0 makes a plain zero of -0.0.
    strokes = tuple((stroke.astype(float).round(3) + 0.0).tolist() for stroke in layer.strokes)
    return JsonLayer(_encodable(layer.name), color, pen.pen_width_mm, layer.plotted, strokes)


def _rounded(length: float) -> float:
    return round(float(length), 3)


def _encodable(text: str) -> str:
    """Without lone surrogates, which UTF-8 cannot hold."""
    return text.encode("utf-8", "ignore").decode()
