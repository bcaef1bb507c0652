"""Ink and pen strokes as 28x28 images like MNIST's: the longer side 20 pixels, the centre of mass on pixel (14, 14).

(LeCun et al. 1998, section III.A; the pixel, not the middle of the field, is where MNIST's own lie.)
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

import numpy as np
from PIL import Image, ImageDraw
from scipy import ndimage

__all__ = ["BLANK", "BOX", "SIZE", "conform", "draw_strokes", "scale_and_centre"]

#: Pixels of an image's side, and of the ink's longer side within it.
SIZE, BOX = 28, 20

#: The reason why a picture is refused that has no ink.
BLANK = "it is blank: no ink can be told from the background"

# The pixel that MNIST puts the centre of mass on; it moved its images by whole pixels.
_CENTRE = 14
# Share of full ink below which a pixel does not count for the bounding box.
_EDGE = 0.1
# Least stroke width after scaling, in pixels of 28; hardly any stroke of MNIST is thinner.
_THINNEST = 1.5


def draw_strokes(strokes: Sequence[np.ndarray], pen_width: float = 2.5) -> np.ndarray:
    """Pen strokes as an image: drawn with a round pen, scaled and centred as MNIST.

    Args:
        strokes: each (n, 2), x to the right, y down, in any unit; one point is a dot.
        pen_width: in pixels of the 28, over 0 and at most 10; 2.5 makes as much ink as MNIST has.

    Returns:
        (28, 28) uint8.

    Raises:
        ValueError: no point, one that is not finite, or a pen width out of range.
    """
    if not 0 < pen_width <= BOX / 2:
        raise ValueError(f"the pen's width must be over 0 and at most {BOX // 2} pixels, not {pen_width:g}")
    strokes = [np.asarray(s, np.float64).reshape(-1, 2) for s in strokes if len(s)]
    if not strokes:
        raise ValueError("there is no point to draw")
    points = np.concatenate(strokes)
    low = points.min(axis=0)
    with np.errstate(over="ignore", invalid="ignore"):
        extent = np.ptp(points, axis=0).max()
    if not np.isfinite(extent):
        raise ValueError("a point is not finite, or points are too far apart")
    fine = 16  # supersampling: drawn this many times larger, then averaged over squares
    pen = pen_width * fine
    scale = (BOX * fine - pen) / extent if extent > 0 else 0.0
    canvas = Image.new("L", (BOX * fine, BOX * fine))
    draw = ImageDraw.Draw(canvas)
    for stroke in strokes:
        path = [tuple(p) for p in ((stroke - low) * scale + pen / 2 - 0.5).tolist()]
        if len(path) > 1:
            draw.line(path, fill=255, width=max(1, round(pen)))
        for x, y in path:
            draw.ellipse((x - pen / 2, y - pen / 2, x + pen / 2, y + pen / 2), fill=255)
    out = np.zeros((SIZE, SIZE), np.float32)
    out[:BOX, :BOX] = np.asarray(canvas, np.float32).reshape(BOX, fine, BOX, fine).mean(axis=(1, 3))
    image: np.ndarray = conform(np.rint(out).astype(np.uint8)[None], scale=False)[0]
    return image


def scale_and_centre(ink: np.ndarray) -> np.ndarray:
    """Crop ink, scale its longer side to 20 pixels and put its centre of mass on pixel (14, 14).

    Args:
        ink: (H, W) float, 0 paper to 1 ink.

    Returns:
        (28, 28) uint8; ink never leaves the field, however far its centre of mass is from its middle.

    Raises:
        ValueError: there is no ink.
    """
    ink = np.asarray(ink, np.float32)
    top, bottom, left, right = _box(ink > _EDGE)
    longer = max(bottom - top, right - left)
    grown = _thicken(ink[top:bottom, left:right], BOX / longer)
    top, bottom, left, right = _box(grown > _EDGE)
    height, width = bottom - top, right - left
    scale = BOX / max(height, width)
    # The shorter side may end within a pixel, padded with paper, so that an I keeps its exact width.
    small = (ceil(width * scale - 1e-6), ceil(height * scale - 1e-6))
    pad = ceil(1 / scale)
    box = (left + pad, top + pad, left + pad + small[0] / scale, top + pad + small[1] / scale)
    # Pillow's filters widen with the reduction, so that every source pixel counts.
    how = Image.Resampling.HAMMING if scale < 1 else Image.Resampling.BICUBIC
    image = Image.fromarray(np.pad(grown, pad)).resize(small, how, box=box)
    pixels = np.clip(np.asarray(image, np.float32), 0, 1)
    # Resampling darkens the middle of a stroke, which is fully white in MNIST.
    pixels = np.minimum(pixels * (255 * (1.0 if scale == 1 else 1.1) / pixels.max()), 255)
    out = np.zeros((1, SIZE, SIZE), np.uint8)
    out[0, : small[1], : small[0]] = np.rint(pixels)
    scaled: np.ndarray = conform(out, scale=False)[0]
    return scaled


def conform(images: np.ndarray, *, scale: bool = True) -> np.ndarray:
    """Images of other data sets, scaled and centred as MNIST's; MNIST's own come out unchanged.

    EMNIST fills 24 pixels, and the Kaggle letters are centred by their box. A network trained on the mix as it is
    learns to tell the data sets apart, and reads images centred by mass less well.

    Args:
        images: (N, 28, 28) uint8, white on black.
        scale: whether to scale as well, where the longer side is not 18 to 20 pixels (MNIST has these).

    Returns:
        (N, 28, 28) uint8, a new array; blank images stay blank.
    """
    images = np.asarray(images)
    rows, columns = np.any(images, axis=2), np.any(images, axis=1)
    if scale:
        strong: np.ndarray = images > _EDGE * 255
        longer = np.maximum(_extent(np.any(strong, axis=2)), _extent(np.any(strong, axis=1)))
        odd = np.flatnonzero(((longer < BOX - 2) | (longer > BOX)) & (longer > 0))
        if len(odd):
            images = images.copy()
            images[odd] = [scale_and_centre(images[i] / np.float32(255)) for i in odd]
            rows, columns = np.any(images, axis=2), np.any(images, axis=1)
    mass = np.maximum(images.sum(axis=(1, 2), dtype=np.int64), 1)
    index = np.arange(SIZE)
    moves = []
    for filled, along in ((rows, 2), (columns, 1)):
        middle = (images.sum(axis=along, dtype=np.int64) @ index) / mass
        first, last = filled.argmax(axis=1), SIZE - 1 - filled[:, ::-1].argmax(axis=1)
        move = _CENTRE - middle
        move = np.where(np.abs(move) < 0.53, 0, np.rint(move))  # MNIST rounds half a pixel either way
        move = np.clip(move, -first, SIZE - 1 - last)  # no ink leaves the field
        moves.append(np.where(filled.any(axis=1), move, 0).astype(np.int64))
    # A circular shift: only empty pixels wrap round.
    y = (index - moves[0][:, None]) % SIZE
    x = (index - moves[1][:, None]) % SIZE
    moved: np.ndarray = images[np.arange(len(images))[:, None, None], y[:, :, None], x[:, None, :]]
    return moved


def _extent(filled: np.ndarray) -> np.ndarray:
    """(N, 28) bool -> pixels from the first to the last that is set, (N,); 0 where none is."""
    size = filled.shape[1]
    return np.where(filled.any(axis=1), size - filled[:, ::-1].argmax(axis=1) - filled.argmax(axis=1), 0)


def _box(mask: np.ndarray) -> tuple[int, int, int, int]:
    """(top, bottom, left, right) around what is set, ends exclusive."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if len(rows) == 0:
        raise ValueError(BLANK)
    return int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1


def _thicken(ink: np.ndarray, scale: float) -> np.ndarray:
    """Thicken strokes that would vanish when scaled; the result has a border if it was thickened."""
    mask = ink > 0.5
    if scale >= 1 or not mask.any():
        return ink
    # The distance to paper averages w / 4 + 1 / 2 across a stroke of w pixels.
    depth = ndimage.distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1]
    width = 4 * (depth[mask].mean() - 0.5)
    grow = (_THINNEST / scale - width) / 2
    if grow <= 0:
        return ink
    pad = ceil(grow) + 1
    away = ndimage.distance_transform_edt(np.pad(~mask, pad, constant_values=True))
    grown: np.ndarray = np.maximum(np.pad(ink, pad), np.clip(grow + 1 - away, 0, 1)).astype(np.float32)
    return grown
