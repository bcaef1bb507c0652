"""Pillow images and arrays of any kind -> pixels of one kind."""

from __future__ import annotations

from math import ceil

import numpy as np
from PIL import Image, ImageOps

__all__ = ["LARGEST_SIDE", "border_of", "to_pixels"]

#: Larger pictures are downsampled; ink of a 25th of the side still has 20 pixels.
LARGEST_SIDE = 512


def to_pixels(image: Image.Image | np.ndarray) -> np.ndarray:
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
    if max(image.size) > LARGEST_SIDE:
        image = image.reduce(ceil(max(image.size) / LARGEST_SIDE))
    pixels = np.asarray(image, np.float32)
    if pixels.ndim == 2:
        return pixels[:, :, None]
    if pixels.shape[2] == 3:
        return pixels
    return _opaque(pixels[:, :, :3], pixels[:, :, 3:] / 255)


def border_of(shape: tuple[int, int]) -> np.ndarray:
    """(H, W) bool: a frame of a sixteenth of the shorter side."""
    margin = max(1, round(min(shape) / 16))
    frame = np.ones(shape, bool)
    frame[margin:-margin, margin:-margin] = False
    return frame


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
    """Composite on a background that leaves the ink visible.

    That is the border's colour, or if the border is transparent, white or black.
    """
    border = border_of(alpha.shape[:2])
    solid = border & (alpha[:, :, 0] > 0.5)
    if solid.sum() * 2 >= border.sum():
        under = np.median(colours[solid], axis=0)
    else:
        seen = (colours * alpha).sum() / max(3 * float(alpha.sum()), 1e-9)
        under = np.full(3, 255.0 if seen < 128 else 0.0)
    opaque: np.ndarray = (colours * alpha + under * (1 - alpha)).astype(np.float32)
    return opaque
