"""PDF: pages of their true size, the pen's path as curves."""

from __future__ import annotations

import io
from collections.abc import Sequence

from reportlab.pdfgen.canvas import Canvas

from ..files import InputError
from ..page import Layer, Page
from .geometry import curves
from .options import PdfOptions, PenOptions, parse_color

__all__ = ["render", "render_pages"]

_POINTS_PER_MM = 72 / 25.4
# Readers go no further (ISO 32000-1, annex C).
_LARGEST_POINTS = 14_400
_TITLE_LENGTH = 80


def render(page: Page, options: PdfOptions | None = None) -> bytes:
    """A page as PDF; see `render_pages`."""
    return render_pages([page], options)


def render_pages(pages: Sequence[Page], options: PdfOptions | None = None) -> bytes:
    """Pages as one PDF document, each as large as its paper. The same pages give the same bytes.

    Only what is plotted is drawn, by round pens. The text becomes the title and the subject of the document.

    Raises:
        InputError: a page is larger than PDF allows, or the pen of a layer is out of range.
    """
    options = options or PdfOptions()
    file = io.BytesIO()
    canvas = Canvas(file, pageCompression=1, invariant=1)
    text = "\n".join(page.text for page in pages).encode("utf-8", "ignore").decode()
    canvas.setTitle(" ".join(text.split())[:_TITLE_LENGTH])
    canvas.setSubject(text)
    canvas.setCreator("strokes")
    for page in pages:
        width, height = page.width * _POINTS_PER_MM, page.height * _POINTS_PER_MM
        if max(width, height) > _LARGEST_POINTS:
            raise InputError(
                f"a page of {page.width:g} x {page.height:g} mm is larger than PDF allows, 5080 mm;"
                " give a smaller page, or write SVG"
            )
        canvas.setPageSize((width, height))
        canvas.transform(_POINTS_PER_MM, 0, 0, -_POINTS_PER_MM, 0, height)
        canvas.setLineCap(1)
        canvas.setLineJoin(1)
        for layer in page.layers:
            if layer.plotted:
                _draw(canvas, layer, options.pen(layer))
        canvas.showPage()
    canvas.save()
    return file.getvalue()


def _draw(canvas: Canvas, layer: Layer, pen: PenOptions) -> None:
    canvas.setLineWidth(pen.pen_width_mm)
    red, green, blue = (part / 255 for part in parse_color(pen.color))
    canvas.setStrokeColorRGB(red, green, blue)
    for curve in curves(layer.strokes):
        path = canvas.beginPath()
        path.moveTo(*curve[0, 0].tolist())
        for _, *control in curve.tolist():
            path.curveTo(*(number for point in control for number in point))
        canvas.drawPath(path, stroke=1, fill=0)
