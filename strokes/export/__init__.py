"""Pages of ink to files: one module a format, imported when it is asked for."""

from __future__ import annotations

import importlib
import inspect
import math
import os
from pathlib import Path
from typing import TYPE_CHECKING

from ..files import InputError

if TYPE_CHECKING:
    from ..page import Page

__all__ = ["SUFFIXES", "check_pen_width", "export", "parse_color"]

_WRITERS = {
    ".svg": ("svg", "write_svg"),
    ".png": ("raster", "write_png"),
}

#: The suffixes that `export` knows.
SUFFIXES = tuple(_WRITERS)


def export(page: Page, path: str | os.PathLike[str], **options: object) -> None:
    """Write a page in the format that the path's suffix names, whole or not at all.

    Args:
        page: what to write.
        path: ends in one of `SUFFIXES`.
        options: keyword arguments of the format's writer.

    Raises:
        InputError: the suffix is unknown, the format has no such option, or the writer refuses a value.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in _WRITERS:
        known = " or ".join(SUFFIXES)
        raise InputError(f"{path}: no format has the suffix {suffix!r}; end the name in {known}")
    module, name = _WRITERS[suffix]
    writer = getattr(importlib.import_module(f".{module}", __name__), name)
    known = [p.name for p in inspect.signature(writer).parameters.values() if p.kind is p.KEYWORD_ONLY]
    for option in options:
        if option not in known:
            raise InputError(f"{path}: {suffix} has no option {option!r}; it has {', '.join(known)}")
    writer(page, path, **options)


def parse_color(color: str) -> tuple[int, int, int]:
    """Red, green and blue, each 0 to 255, of a CSS colour name, #rgb, #rrggbb, rgb(...) or hsl(...).

    Raises:
        InputError: it is none of these, or has an alpha.
    """
    from PIL import ImageColor

    try:
        red, green, blue = ImageColor.getrgb(color)
    except (ValueError, AttributeError, TypeError):
        raise InputError(
            f"{color!r} is not a colour; give a name like black or a code like #1a2b6d"
        ) from None
    return red, green, blue


def check_pen_width(pen_width_mm: float) -> float:
    """The width itself.

    Raises:
        InputError: it is not a positive number.
    """
    if not (math.isfinite(pen_width_mm) and pen_width_mm > 0):
        raise InputError(f"the pen width is {pen_width_mm} mm; give a positive number of millimetres")
    return pen_width_mm
