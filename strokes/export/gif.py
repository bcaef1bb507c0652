"""GIF: the pen writing a page."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator

import numpy as np
from PIL import Image, ImageDraw

from ..page import Page
from .options import GifOptions, parse_color
from .raster import draw, draw_stroke
from .timing import Drawn, drawn

__all__ = ["render"]

_MM_PER_INCH = 25.4
_OVERSAMPLING = 4
_COLORS = 64
#: Milliseconds that the whole page stays before it begins again.
_REST = 3000
# Pillow holds all frames until the file is written.
_MOST_PIXELS = 150e6
#: Frames of GIF last whole hundredths of a second, and viewers slow down what is faster than two.
_SHORTEST = 0.02


def render(page: Page, options: GifOptions | None = None) -> bytes:
    """The pen writing a page, again and again, as GIF; the last frame is the whole page.

    Long writing has fewer frames a second than asked for, so that all of them fit in memory.

    Raises:
        InputError: the picture would be too large, or the pen of a layer is out of range.
    """
    options = options or GifOptions()
    size = options.pixels(page.width, page.height)
    strokes = list(drawn(page, options.speed))
    whole = draw(page, options)
    palette = whole.quantize(_COLORS)
    seconds = float(strokes[-1].times[-1]) if strokes else 0.0
    most = max(2, min(3000, int(_MOST_PIXELS / (size[0] * size[1]))))
    step = max(1 / options.fps, _SHORTEST, seconds / most)
    step = math.ceil(step * 100 - 1e-9) / 100
    count = math.ceil(seconds / step)
    paper = Image.new("RGB", size, parse_color(options.background))
    frames = [
        frame.quantize(palette=palette, dither=Image.Dither.NONE)
        for frame in _frames(page, strokes, paper, options, np.arange(1, count) * step)
    ]
    frames.append(palette)
    file = io.BytesIO()
    durations = [round(step * 1000)] * (len(frames) - 1) + [_REST]
    frames[0].save(
        file, "GIF", save_all=True, append_images=frames[1:], duration=durations, loop=0, optimize=False
    )
    return file.getvalue()


def _frames(
    page: Page, strokes: list[Drawn], paper: Image.Image, options: GifOptions, moments: np.ndarray
) -> Iterator[Image.Image]:
    """The page at each of the moments, seconds from the beginning."""
    scale = _OVERSAMPLING
    unit = options.dpi / _MM_PER_INCH * scale
    pens = [options.pen(layer) for layer in page.layers if layer.plotted]
    colors = [parse_color(pen.color) for pen in pens]
    widths = [max(1, round(pen.pen_width_mm * unit)) for pen in pens]
    masks = [Image.new("L", (paper.width * scale, paper.height * scale)) for _ in pens]
    covered = [Image.new("L", paper.size) for _ in pens]
    frame = paper.copy()
    waiting, before = 0, 0.0  # the stroke that is drawn next, and the moment up to which all is drawn
    for moment in moments.tolist():
        dirty: list[tuple[int, np.ndarray]] = []
        while waiting < len(strokes) and strokes[waiting].times[0] <= moment:
            stroke = strokes[waiting]
            piece = stroke.between(before, moment) * unit
            draw_stroke(ImageDraw.Draw(masks[stroke.layer]), piece, widths[stroke.layer])
            dirty.append((stroke.layer, piece))
            if stroke.times[-1] > moment:
                break
            waiting += 1
        before = moment
        for layer, piece in dirty:
            box = _box(piece, widths[layer], paper.size)
            if box[0] >= box[2] or box[1] >= box[3]:
                continue  # beyond the paper
            left, top, right, bottom = (edge * scale for edge in box)
            part = masks[layer].crop((left, top, right, bottom)).reduce(scale)
            covered[layer].paste(part, box)
            frame.paste(paper.crop(box), box)
            for color, mask in zip(colors, covered, strict=True):
                frame.paste(color, box, mask.crop(box))
        yield frame.copy()


def _box(piece: np.ndarray, width: int, size: tuple[int, int]) -> tuple[int, int, int, int]:
    """The pixels that a piece of a stroke may touch: left, top, right, bottom."""
    low = np.floor((piece.min(axis=0) - width) / _OVERSAMPLING).astype(int) - 1
    high = np.ceil((piece.max(axis=0) + width) / _OVERSAMPLING).astype(int) + 1
    left, top = np.maximum(low, 0).tolist()
    right, bottom = np.minimum(high, size).tolist()
    return left, top, right, bottom
