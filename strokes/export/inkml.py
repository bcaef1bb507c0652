"""InkML, the W3C's markup of digital ink (recommendation of 20 September 2011)."""

from __future__ import annotations

import io
from collections.abc import Sequence
from xml.etree import ElementTree

import numpy as np

from ..page import Page
from .metadata import metadata_json, xml_text
from .options import InkmlOptions, PenOptions, parse_color

__all__ = ["render", "render_pages"]

_NAMESPACE = "http://www.w3.org/2003/InkML"
_ID = "{http://www.w3.org/XML/1998/namespace}id"


def render(page: Page, options: InkmlOptions | None = None) -> bytes:
    """A page as InkML; see `render_pages`."""
    return render_pages([page], options)


def render_pages(pages: Sequence[Page], options: InkmlOptions | None = None) -> bytes:
    """Pages as one InkML document: a group of traces a page, in it one a layer, a trace a stroke, in millimetres.

    Only what is plotted is there. Each pen is a brush; the size of the paper, the text and what made the page are
    annotations.

    Raises:
        InputError: the pen of a layer is out of range or its colour unknown.
    """
    options = options or InkmlOptions()
    root = ElementTree.Element("ink", xmlns=_NAMESPACE)
    definitions = _child(root, "definitions")
    context = _child(definitions, "context", **{_ID: "paper"})
    channels = _child(context, "traceFormat")
    for axis in "XY":
        _child(channels, "channel", name=axis, type="decimal", units="mm")
    brushes: dict[PenOptions, str] = {}
    for page in pages:
        group = _child(root, "traceGroup", contextRef="#paper")
        _note(group, "width", f"{page.width:.3f} mm")
        _note(group, "height", f"{page.height:.3f} mm")
        if page.text:
            _note(group, "truth", page.text)
        if page.metadata:
            _note(group, "metadata", metadata_json(page.metadata))
        for layer in page.layers:
            if not layer.plotted:
                continue
            brush = brushes.setdefault(options.pen(layer), f"pen{len(brushes) + 1}")
            part = _child(group, "traceGroup", brushRef=f"#{brush}")
            _note(part, "name", layer.name)
            for stroke in layer.strokes:
                _child(part, "trace").text = _points(stroke)
    for pen, name in brushes.items():
        brush_element = _child(definitions, "brush", **{_ID: name})
        color = "#{:02x}{:02x}{:02x}".format(*parse_color(pen.color))
        _child(brush_element, "brushProperty", name="color", value=color)
        _child(brush_element, "brushProperty", name="width", value=f"{pen.pen_width_mm:g}", units="mm")
    ElementTree.indent(root)
    file = io.BytesIO()
    ElementTree.ElementTree(root).write(file, encoding="UTF-8", xml_declaration=True)
    return file.getvalue() + b"\n"


def _child(parent: ElementTree.Element, tag: str, **attributes: str) -> ElementTree.Element:
    return ElementTree.SubElement(parent, tag, attributes)


def _note(parent: ElementTree.Element, kind: str, text: str) -> None:
    _child(parent, "annotation", type=kind).text = xml_text(text)


def _points(stroke: np.ndarray) -> str:
    """Points as "x y, x y", to 0.001 mm."""
    return ", ".join(f"{x:.3f} {y:.3f}" for x, y in (stroke.astype(float).round(3) + 0.0).tolist())
