"""Pages as pixels: what a pen of the given width would leave on the paper."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, PngImagePlugin

from ..ink.curves import flatten
from ..page import Page
from .options import PngOptions, parse_color

__all__ = ["draw", "draw_stroke", "render"]

_MM_PER_INCH = 25.4
_OVERSAMPLING = 4
_STRIP_PIXELS = 2**24  # oversampled pixels in memory at a time


def render(page: Page, options: PngOptions | None = None) -> bytes:
    """The image of `draw` as PNG, with its resolution, and the page's text as the description.

    Raises:
        InputError: as `draw`.
    """
    options = options or PngOptions()
    info = PngImagePlugin.PngInfo()
    if page.text:
        info.add_itxt("Description", page.text.encode("utf-8", "ignore").decode())  # no lone surrogates
    file = io.BytesIO()
    draw(page, options).save(file, format="PNG", dpi=(options.dpi, options.dpi), pnginfo=info)
    return file.getvalue()


def draw(page: Page, options: PngOptions | None = None) -> Image.Image:
    """Draw what is plotted of a page with round pens, antialiased, one layer over another.

    Returns:
        An RGB image of round(mm * dpi / 25.4) pixels each way, or an RGBA image where the background is
        "transparent".

    Raises:
        InputError: the image would be huge, or the pen of a layer is out of range.
    """
    options = options or PngOptions()
    size = options.pixels(page.width, page.height)
    transparent = options.background == "transparent"
    paper = (0, 0, 0, 0) if transparent else parse_color(options.background)
    image = Image.new("RGBA" if transparent else "RGB", size, paper)
    for layer in page.layers:
        if layer.plotted:
            pen = options.pen(layer)
            ink = parse_color(pen.color)
            coverage = _coverage(layer.strokes, size, options.dpi / _MM_PER_INCH, pen.pen_width_mm)
            if transparent:
                top = Image.new("RGB", size, ink)
                top.putalpha(coverage)
                image.alpha_composite(top)
            else:
                image.paste(ink, mask=coverage)
    return image


def _coverage(
    strokes: Sequence[np.ndarray], size: tuple[int, int], pixels_per_mm: float, pen_width_mm: float
) -> Image.Image:
    """How much of each pixel the ink covers, 0 to 255, drawn strip by strip to bound the memory."""
    unit = pixels_per_mm * _OVERSAMPLING
    pen = max(1, round(pen_width_mm * unit))
    curves = [flatten(stroke * unit, 0.25) for stroke in strokes]
    tops = np.array([curve[:, 1].min() - pen for curve in curves])
    bottoms = np.array([curve[:, 1].max() + pen for curve in curves])
    coverage = Image.new("L", size)
    rows = max(1, _STRIP_PIXELS // (size[0] * _OVERSAMPLING**2))
    for top in range(0, size[1], rows):
        height = min(rows, size[1] - top)
        low, high = top * _OVERSAMPLING, (top + height) * _OVERSAMPLING
        strip = Image.new("L", (size[0] * _OVERSAMPLING, high - low))
        pencil = ImageDraw.Draw(strip)
        for i in np.flatnonzero((tops < high) & (bottoms > low)):
            draw_stroke(pencil, curves[i] - (0, low), pen)
        coverage.paste(strip.reduce(_OVERSAMPLING), (0, top))
    return coverage


def draw_stroke(pencil: ImageDraw.ImageDraw, curve: np.ndarray, pen: int) -> None:
    """A line along curve (m, 2) in pixels; a disc at every vertex makes round caps and joins."""
    # Pillow names a pixel by its corner and keeps both ends of a box: half a pixel each way.
    centred = curve - 0.5
    if pen > 1:
        r = (pen - 1) / 2
        for x, y in centred.tolist():
            left, top = round(x - r), round(y - r)
            pencil.ellipse((left, top, left + pen - 1, top + pen - 1), fill=255)
    if len(centred) > 1:
        pencil.line([tuple(p) for p in centred.round().tolist()], fill=255, width=pen)
    elif pen == 1:
        pencil.point([tuple(centred[0].round().tolist())], fill=255)
