"""A picture of one character -> a 28x28 image, scaled and centred as MNIST's are.

A photograph or scan, grey or colour, dark on light or light on dark, comes out as white ink on black:
the ink found, cropped, its longer side scaled to 20 pixels, its centre of mass put on pixel (14, 14)
(LeCun et al. 1998, section III.A; the pixel, not the middle of the field, is where MNIST's own lie).
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Sequence
from math import ceil
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageOps
from scipy import ndimage

from ..files import InputError

__all__ = ["BOX", "SIZE", "conform", "draw_strokes", "load_image", "normalise_image", "scale_and_centre"]

#: Pixels of an image's side, and of the ink's longer side within it.
SIZE, BOX = 28, 20

# The pixel that MNIST puts the centre of mass on; it moved its images by whole pixels.
_CENTRE = 14
# Larger pictures are reduced: ink of a 25th of the side still has its 20 pixels.
_LARGEST = 512
# What is fainter, of the full ink, does not stretch the box.
_EDGE = 0.1
# Strokes that would come out thinner, in pixels of 28, come out as thin as this; hardly any of MNIST's is.
_THINNEST = 1.5
# Grey levels of 255 that ink must differ from paper, and how far out of the paper's noise.
_LEAST_CONTRAST, _LEAST_SIGNAL = 12.0, 6.0

# Others start programs of their own (EPS) or are hardly ever pictures of characters.
_FORMATS = ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM")

_BLANK = "it is blank: no ink can be told from the background"


def normalise_image(image: Image.Image | np.ndarray) -> np.ndarray:
    """A picture of one character as MNIST would have it.

    Paper and ink may have any colours; light may fall unevenly, as a slope, a bow
    or a shadow. Specks, and what spans the border beside a character that does not, are left out.

    Args:
        image: any Pillow image, or an array (H, W), (H, W, 3) or (H, W, 4): bool, uint8, uint16, or
            float in 0..1 or 0..255.

    Returns:
        (28, 28) uint8, ink white (255) on black.

    Raises:
        ValueError: no ink can be told from the background, or the array is no picture.
    """
    return scale_and_centre(_find_ink(_pixels(image)))


def load_image(path: str | os.PathLike[str]) -> np.ndarray:
    """Read a picture of one character from a file in any format that Pillow reads.

    Returns:
        (28, 28) uint8, as `normalise_image`.

    Raises:
        InputError: the file is missing, cannot be read as a picture, or shows no character.
    """
    path = Path(path)
    try:
        Image.init()
        with Image.open(path, formats=[f for f in _FORMATS if f in Image.OPEN]) as image:
            if image.format == "JPEG":  # decodes only as much as is needed
                image.draft(None, (_LARGEST, _LARGEST))
            image.load()
            return normalise_image(image)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except Image.UnidentifiedImageError:
        raise InputError(
            f"{path}: not a picture in a format that can be read (PNG, JPEG, BMP, ...)"
        ) from None
    except Image.DecompressionBombError:
        raise InputError(f"{path}: this picture has too many pixels; scale it down") from None
    except (
        OSError,
        SyntaxError,
        EOFError,
        ValueError,
        MemoryError,
        struct.error,
        TypeError,
        LookupError,
        ArithmeticError,
        RuntimeError,
        zlib.error,
    ) as e:  # Pillow raises all of these
        raise InputError(f"{path}: cannot be used as a picture of a character: {e}") from None


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
    low, extent = points.min(axis=0), np.ptp(points, axis=0).max()
    if not np.isfinite(extent):
        raise ValueError("a point is not finite")
    fine = 16  # drawn so much larger; the mean over squares of fine x fine pixels is the antialiasing
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
    return conform(np.rint(out).astype(np.uint8)[None], scale=False)[0]


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
    # The shorter side ends within a pixel, filled up with paper: an I keeps its width exactly.
    small = (ceil(width * scale - 1e-6), ceil(height * scale - 1e-6))
    pad = ceil(1 / scale)
    box = (left + pad, top + pad, left + pad + small[0] / scale, top + pad + small[1] / scale)
    # Pillow's filters widen with the reduction: no pixel of the source is skipped.
    how = Image.Resampling.HAMMING if scale < 1 else Image.Resampling.BICUBIC
    image = Image.fromarray(np.pad(grown, pad)).resize(small, how, box=box)
    pixels = np.clip(np.asarray(image, np.float32), 0, 1)
    # As in MNIST, the middle of a stroke is fully white; resampling took a little from it.
    pixels = np.minimum(pixels * (255 * (1.0 if scale == 1 else 1.1) / pixels.max()), 255)
    out = np.zeros((1, SIZE, SIZE), np.uint8)
    out[0, : small[1], : small[0]] = np.rint(pixels)
    return conform(out, scale=False)[0]


def conform(images: np.ndarray, *, scale: bool = True) -> np.ndarray:
    """Images of other data sets, scaled and centred as MNIST's; MNIST's own come out unchanged.

    EMNIST fills 24 pixels, the Kaggle letters are centred by their box: mixed as they are, a network
    would tell the data sets apart, and read a person's own images, centred by mass, the worse.

    Args:
        images: (N, 28, 28) uint8, white on black.
        scale: whether to scale as well, where the longer side is not 18 to 20 pixels (MNIST has these).

    Returns:
        (N, 28, 28) uint8, a new array; blank images stay blank.
    """
    images = np.asarray(images)
    ink = images > 0
    rows, columns = ink.any(axis=2), ink.any(axis=1)
    if scale:
        strong = images > _EDGE * 255
        longer = np.maximum(_extent(strong.any(axis=2)), _extent(strong.any(axis=1)))
        odd = np.flatnonzero(((longer < BOX - 2) | (longer > BOX)) & (longer > 0))
        if len(odd):
            images = images.copy()
            images[odd] = [scale_and_centre(images[i] / np.float32(255)) for i in odd]
            rows, columns = images.any(axis=2), images.any(axis=1)
    mass = np.maximum(images.sum(axis=(1, 2), dtype=np.int64), 1)
    index = np.arange(SIZE)
    moves = []
    for filled, along in ((rows, 2), (columns, 1)):
        middle = (images.sum(axis=along, dtype=np.int64) @ index) / mass
        first, last = filled.argmax(axis=1), SIZE - 1 - filled[:, ::-1].argmax(axis=1)
        move = _CENTRE - middle
        move = np.where(np.abs(move) < 0.53, 0, np.rint(move))  # half a pixel may be either in MNIST
        move = np.clip(move, -first, SIZE - 1 - last)  # no ink leaves the field
        moves.append(np.where(filled.any(axis=1), move, 0).astype(np.int64))
    # A circular shift: what comes round is empty.
    y = (index - moves[0][:, None]) % SIZE
    x = (index - moves[1][:, None]) % SIZE
    return images[np.arange(len(images))[:, None, None], y[:, :, None], x[:, None, :]]


def _extent(filled: np.ndarray) -> np.ndarray:
    """(N, 28) bool -> pixels from the first to the last that is set, (N,); 0 where none is."""
    size = filled.shape[1]
    return np.where(filled.any(axis=1), size - filled[:, ::-1].argmax(axis=1) - filled.argmax(axis=1), 0)


def _box(mask: np.ndarray) -> tuple[int, int, int, int]:
    """(top, bottom, left, right) around what is set, ends exclusive."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if len(rows) == 0:
        raise ValueError(_BLANK)
    return int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1


def _thicken(ink: np.ndarray, scale: float) -> np.ndarray:
    """Ink whose strokes will not vanish when scaled: grown, with a border to grow into, if too thin."""
    mask = ink > 0.5
    if scale >= 1 or not mask.any():
        return ink
    # Across a stroke of w pixels the distance to paper averages w / 4 + 1 / 2.
    depth = ndimage.distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1]
    width = 4 * (depth[mask].mean() - 0.5)
    grow = (_THINNEST / scale - width) / 2
    if grow <= 0:
        return ink
    pad = ceil(grow) + 1
    away = ndimage.distance_transform_edt(np.pad(~mask, pad, constant_values=True))
    return np.maximum(np.pad(ink, pad), np.clip(grow + 1 - away, 0, 1)).astype(np.float32)


# -- pixels ---------------------------------------------------------------------------------------


def _pixels(image: Image.Image | np.ndarray) -> np.ndarray:
    """(H, W, C) float32 in 0..255, C 1 or 3: upright, nothing transparent, at most 512 a side."""
    if isinstance(image, Image.Image):
        image = ImageOps.exif_transpose(image)
        if image.mode in ("I", "F") or image.mode.startswith("I;16"):
            image = _from_array(np.asarray(image))
        elif image.has_transparency_data:
            image = image.convert("RGBA")
        elif image.mode in ("1", "L"):
            image = image.convert("L")
        else:
            image = image.convert("RGB")
    else:
        image = _from_array(np.asarray(image))
    if max(image.size) > _LARGEST:
        image = image.reduce(ceil(max(image.size) / _LARGEST))
    pixels = np.asarray(image, np.float32)
    if pixels.ndim == 2:
        return pixels[:, :, None]
    if pixels.shape[2] == 3:
        return pixels
    return _opaque(pixels[:, :, :3], pixels[:, :, 3:] / 255)


def _from_array(array: np.ndarray) -> Image.Image:
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    if not (array.ndim == 2 or (array.ndim == 3 and array.shape[2] in (3, 4))) or 0 in array.shape:
        raise ValueError(f"an array of shape {array.shape} is no picture")
    if array.dtype == np.bool_:
        array = array.astype(np.uint8) * 255
    elif array.dtype == np.uint16:
        array = array // 257
    elif array.dtype.kind in "iuf":
        if not np.isfinite(array).all() or array.min() < 0:
            raise ValueError("a pixel is negative or not a number")
        if array.dtype.kind == "f" and array.max() <= 1:
            array = array * 255
        elif array.dtype.kind in "iu" and 255 < array.max() <= 65535:  # 16 bits in a wider type
            array = array // 257
        if array.max() > 255:
            raise ValueError("a pixel is over 255")
        array = np.rint(array)
    else:
        raise ValueError(f"an array of {array.dtype} is no picture")
    return Image.fromarray(np.ascontiguousarray(array, np.uint8))


def _opaque(colours: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Over what lets the ink be seen: the border's colour, or if that is transparent, white or black."""
    border = _border(alpha.shape[:2])
    solid = border & (alpha[:, :, 0] > 0.5)
    if solid.sum() * 2 >= border.sum():
        under = np.median(colours[solid], axis=0)
    else:
        seen = (colours * alpha).sum() / max(3 * float(alpha.sum()), 1e-9)
        under = np.full(3, 255.0 if seen < 128 else 0.0)
    return (colours * alpha + under * (1 - alpha)).astype(np.float32)


def _border(shape: tuple[int, int]) -> np.ndarray:
    """(H, W) bool: a frame of a sixteenth of the shorter side."""
    margin = max(1, round(min(shape) / 16))
    frame = np.ones(shape, bool)
    frame[margin:-margin, margin:-margin] = False
    return frame


# -- ink ------------------------------------------------------------------------------------------


def _find_ink(pixels: np.ndarray) -> np.ndarray:
    """(H, W, C) -> (H, W) float32, 0 paper to 1 ink.

    Raises:
        ValueError: blank.
    """
    if max(pixels.shape[:2]) >= 256 and np.median(np.abs(np.diff(pixels, axis=1))) > 0:
        # The sensor's noise; strokes are wider.
        pixels = ndimage.gaussian_filter(pixels, (1, 1, 0))
    ink, noise, peak = _best_contrast(pixels)
    if peak < max(_LEAST_CONTRAST, _LEAST_SIGNAL * noise):
        raise ValueError(_BLANK)
    full = np.percentile(ink[ink > peak / 2], 90)
    ink = ink * _character(ink, max(0.12 * peak, 3 * noise), peak / 2)
    floor = 2.5 * noise
    return np.clip((ink - floor) / (full - floor), 0, 1).astype(np.float32)


def _best_contrast(pixels: np.ndarray) -> tuple[np.ndarray, float, float]:
    """What `_contrast` gives for the plainest background that leaves the border empty, or as good as any does.

    None does where the character fills its picture, or rules run through it. A background that leaves
    no ink at all is the whole picture.
    """
    small = _reduced(pixels, 64).astype(np.float64)
    colour = _paper_colour(_reduced(pixels, 256))
    found = []
    # Light that falls as a slope or a bow; last, shadows with an edge.
    for background in (_flat, _bowed, _shadowed):
        contrast = _contrast(pixels, background(pixels, small, colour))
        if contrast[1] > 0:  # soft shadows
            contrast = min(contrast, _contrast(pixels, _local_mean(pixels, *contrast)), key=_unclear)
        ink, noise, peak = contrast
        if _is_noise(contrast) or (_marked(ink, peak).mean() < 0.02 and peak >= _LEAST_SIGNAL * noise):
            return contrast
        if (
            not found
            and max(ink.shape) <= 64
            and (np.abs(ink) <= 0.25).sum() > 0.5 * (np.abs(ink) < peak / 2).sum()
        ):
            return contrast  # so small, and paper of one tone to a quarter of a level: no photograph
        found.append(contrast)
    return min(found, key=_unclear)


def _is_noise(contrast: tuple[np.ndarray, float, float]) -> bool:
    """Whether what differs from the background is faint, or without any shape."""
    ink, noise, peak = contrast
    if peak < _LEAST_CONTRAST:
        return True
    return peak < _LEAST_SIGNAL * noise and _reduced(ink[:, :, None], 8).std() < 0.4 * noise


def _marked(ink: np.ndarray, peak: float) -> np.ndarray:
    """Which pixels of the border are not paper."""
    return np.abs(ink[_border(ink.shape)]) > 0.15 * peak


def _unclear(contrast: tuple[np.ndarray, float, float]) -> float:
    """How much of the picture is neither paper nor ink, against the ink, and how much of the border is no paper."""
    ink, _, peak = contrast
    if peak <= 0:
        return np.inf
    middling = (ink > 0.15 * peak) & (ink < 0.6 * peak) | (ink < -0.15 * peak)
    return middling.sum() / max((ink >= 0.6 * peak).sum(), 1) + 4 * _marked(ink, peak).mean()


def _reduced(pixels: np.ndarray, side: int) -> np.ndarray:
    """(H, W, C) -> means over squares, at most `side` a side."""
    factor = ceil(max(pixels.shape[:2]) / side)
    if factor == 1:
        return pixels
    pad = [(0, -n % factor) for n in pixels.shape[:2]]
    pixels = np.pad(pixels, [*pad, (0, 0)], mode="edge")
    height, width = (n // factor for n in pixels.shape[:2])
    return pixels.reshape(height, factor, width, factor, -1).mean(axis=(1, 3))


def _enlarged(small: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """(h, w, C) that `_reduced` made -> (H, W, C), linear between."""
    height, width = shape
    factor = ceil(max(shape) / max(small.shape[:2]))
    box = (0, 0, width / factor, height / factor)
    planes = np.moveaxis(np.asarray(small, np.float32), 2, 0)
    planes = [
        Image.fromarray(np.ascontiguousarray(p)).resize((width, height), Image.BILINEAR, box) for p in planes
    ]
    return np.stack([np.asarray(p) for p in planes], axis=2)


def _paper_colour(pixels: np.ndarray) -> np.ndarray:
    """(C,): the commonest colour of the border, unless the character fills its picture and that is its ink."""
    border = pixels[_border(pixels.shape[:2])]
    order = border[np.argsort(border.mean(axis=1))]
    half = (len(order) + 1) // 2
    tones = order.mean(axis=1)
    at = int(np.argmin(tones[half - 1 :] - tones[: len(tones) - half + 1]))  # the shortest half
    colour = np.median(order[at : at + half], axis=0)
    away = np.abs(pixels - colour).max(axis=2)
    other = away > away.max() / 2
    share = other[_border(pixels.shape[:2])].mean()
    if share < 0.1 or other.all():
        return colour
    between = (away[other].mean() - away[~other].mean()) / max(away.std(), 1e-9)
    if share + 1.5 * other.mean() > 1.25 and between > 1.8:  # two clear tones, more of the other one
        return np.median(pixels[other], axis=0)
    return colour


def _flat(pixels: np.ndarray, small: np.ndarray, colour: np.ndarray) -> np.ndarray:
    """A background (H, W, C) of one colour."""
    return np.broadcast_to(colour, pixels.shape)


def _surface(shape: tuple[int, int], degree: int) -> np.ndarray:
    """The terms of a polynomial over the picture: (H, W, 3 or 6)."""
    y, x = ((np.arange(n) + 0.5) * 2 / n - 1 for n in shape)
    y, x = np.broadcast_arrays(y[:, None], x[None, :])
    one = np.ones(shape)
    terms = [one, y, x] if degree == 1 else [one, y, x, y * y, x * y, x * x]
    return np.stack(terms, axis=-1)


def _bowed(pixels: np.ndarray, small: np.ndarray, colour: np.ndarray) -> np.ndarray:
    """A background (H, W, C) that is quadratic in x and y.

    Begun with the pixels near the paper's colour, fitted to those and widened to all near the fit: ink
    stays out.
    """
    away = np.abs(small - colour).max(axis=2)
    near = away < 0.35 * max(away.max(), 1e-9)
    for step in range(8):
        if near.mean() < 0.25:  # that is no paper
            return _flat(pixels, small, colour)
        terms = _surface(small.shape[:2], 1 if step < 3 else 2)
        weights = np.linalg.lstsq(terms[near], small[near], rcond=None)[0]
        away = np.abs(small - terms @ weights).max(axis=2)
        near = away <= max(3.5 * 1.4826 * np.median(away[near]), 1.0)
    return _surface(pixels.shape[:2], 2) @ weights


def _shadowed(pixels: np.ndarray, small: np.ndarray, colour: np.ndarray) -> np.ndarray:
    """A background (H, W, C) from which everything narrower than 0.3 of the shorter side is taken out."""
    small = _reduced(pixels, 128).astype(np.float64)
    grey = small.mean(axis=2)
    # Strokes are narrower than the gaps between them: what narrow windows take out is the ink.
    dark = 0.0
    for window in (3, 5, 9, 17):
        dark += ((ndimage.grey_closing(grey, window) - grey) ** 2).sum()
        dark -= ((grey - ndimage.grey_opening(grey, window)) ** 2).sum()
    window = max(3, round(0.3 * min(grey.shape)))
    fill = ndimage.grey_closing if dark > 0 else ndimage.grey_opening
    return _enlarged(fill(small, (window, window, 1)), pixels.shape[:2])


def _local_mean(pixels: np.ndarray, ink: np.ndarray, noise: float, peak: float) -> np.ndarray:
    """The background (H, W, C) as the mean of the paper around each place."""
    drawn = ink > max(0.25 * peak, 3 * noise)
    reach = max(1, round(max(ink.shape) / 100))
    paper = ~ndimage.binary_dilation(drawn, iterations=reach)[:, :, None]
    small = _reduced(np.concatenate([pixels * paper, paper], axis=2, dtype=np.float32), 128)
    sigma = max(small.shape[:2]) / 12
    small = ndimage.gaussian_filter(small, (sigma, sigma, 0), mode="nearest", truncate=3)
    return _enlarged(small[:, :, :-1] / np.maximum(small[:, :, -1:], 1e-3), ink.shape)


def _contrast(pixels: np.ndarray, paper: np.ndarray) -> tuple[np.ndarray, float, float]:
    """Pictures and their backgrounds (H, W, C) -> ink (H, W), the paper's noise, the level of full ink,
    all in grey levels.
    """
    away = pixels - paper
    light = paper.mean(axis=2)
    if np.ptp(light) > 0 and light.mean() > pixels.mean():  # dark ink is as much darker as the light allows
        away = away * np.clip(light.max() / np.maximum(light, 1), 1, 4)[:, :, None]
    if away.shape[2] == 1:
        ink = away[:, :, 0].astype(np.float64)
    else:  # along the colour in which most of the ink differs: red ink on green paper has no grey
        flat = away.reshape(-1, 3).astype(np.float64)
        length = np.einsum("ij,ij->i", flat, flat)
        strong = flat[length >= 0.25 * length.max()]
        axis = np.linalg.eigh(strong.T @ strong)[1][:, -1]
        ink = away @ (axis / np.abs(axis).sum())
    if (ink**3).sum() < 0:
        ink = -ink
    rank = max(1, round(0.0005 * ink.size))  # not the very largest: a dead pixel is no ink
    peak = float(np.partition(ink.ravel(), -rank)[-rank])
    # The lowest quarter of the differences: what lies around ink, half paper, half ink, is no noise.
    rest = np.abs(ink[np.abs(ink) < peak / 2])
    noise = float(np.percentile(rest, 25)) / 0.3186 if len(rest) else 0.0
    return ink, noise if noise > 1e-3 else 0.0, peak


def _character(ink: np.ndarray, faint: float, strong: float) -> np.ndarray:
    """(H, W) bool: the connected parts that belong to the character.

    A part is connected by faint ink and has strong ink in it; specks are not, and neither is what
    spans the border (rules, the page's edge) beside a character that touches none.
    """
    labels, count = ndimage.label(ink > faint, np.ones((3, 3)))
    parts = np.arange(1, count + 1)
    mass = np.r_[0.0, ndimage.sum_labels(ink, labels, parts)]
    mass[1:][ndimage.maximum(ink, labels, parts) < strong] = 0
    sides = np.zeros(count + 1, int)
    for edge in (labels[0], labels[-1], labels[:, 0], labels[:, -1]):
        sides[np.unique(edge)] += 1
    if mass[sides == 0].max(initial=0) > 0.05 * mass.max():
        mass[sides >= 2] = 0
    keep = (mass >= 0.03 * mass.max()) & (mass > 0)
    # With the fringe around it, which is fainter still.
    return keep[labels] | ((labels == 0) & ndimage.binary_dilation(keep[labels], np.ones((3, 3))))
