"""A picture of one character -> a 28x28 image, scaled and centred as MNIST's are.

A photograph or scan, grey or colour, dark on light or light on dark, comes out as white ink on black.
"""

from __future__ import annotations

import os
import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from ..files import InputError
from .ink_detection import find_ink
from .pixels import LARGEST_SIDE, to_pixels
from .scaling import scale_and_centre

__all__ = ["load_image", "normalise_image"]

# Others run external programs (EPS) or are hardly ever pictures of characters.
_FORMATS = ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM")


def normalise_image(image: Image.Image | np.ndarray) -> np.ndarray:
    """A picture of one character in the format of MNIST.

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
    return scale_and_centre(find_ink(to_pixels(image)))


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
                image.draft(None, (LARGEST_SIDE, LARGEST_SIDE))
            image.load()
            return normalise_image(image)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except UnidentifiedImageError:
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
