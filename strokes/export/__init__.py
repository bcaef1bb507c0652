"""Pages of ink to files: a registry of formats, one module a format, imported when it is asked for."""

from __future__ import annotations

import importlib
import os
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

from ..files import InputError, write_whole
from .options import PenOptions, PngOptions, SvgOptions, parse_color

if TYPE_CHECKING:
    from ..page import Page

__all__ = [
    "FORMATS",
    "SUFFIXES",
    "Format",
    "PenOptions",
    "PngOptions",
    "SvgOptions",
    "export",
    "export_options",
    "parse_color",
]


@dataclass(frozen=True)
class Format:
    """A file format.

    Args:
        module: the module of this package whose `render(page, options) -> bytes` makes the file.
        options: the type of its options.
    """

    module: str
    options: type[PenOptions]


#: suffix -> format. A new format is one line here, one dataclass in options.py and one module.
FORMATS = {
    ".svg": Format("svg", SvgOptions),
    ".png": Format("raster", PngOptions),
}

#: The suffixes that `export` knows.
SUFFIXES = tuple(FORMATS)


def export(page: Page, path: str | os.PathLike[str], **options: Any) -> None:
    """Write a page in the format that the path's suffix names, whole or not at all.

    Args:
        page: what to write.
        path: ends in one of `SUFFIXES`.
        options: fields of the format's options, such as pen_width_mm, color and dpi.

    Raises:
        InputError: as `export_options`, the format refuses the page, or the path cannot be written.
    """
    checked = export_options(path, **options)
    module = importlib.import_module(f".{_format(path).module}", __name__)
    write_whole(path, cast(_Renderer, module).render(page, checked))


def export_options(path: str | os.PathLike[str], **options: Any) -> PenOptions:
    """The options of the format that the path's suffix names: to be asked for before long work.

    Args:
        path: ends in one of `SUFFIXES`.
        options: fields of the format's options; the others keep their defaults.

    Raises:
        InputError: the suffix is unknown, the format has no such option, or a value is out of its range.
    """
    kind = _format(path).options
    known = [field.name for field in fields(kind)]
    for name in options:
        if name not in known:
            suffix = Path(path).suffix.lower()
            raise InputError(f"{path}: {suffix} has no option {name!r}; it has {', '.join(known)}")
    try:
        return kind(**options)
    except ValueError as e:
        raise InputError(str(e)) from None


class _Renderer(Protocol):
    """A module of a format."""

    def render(self, page: Page, options: PenOptions) -> bytes: ...


def _format(path: str | os.PathLike[str]) -> Format:
    suffix = Path(path).suffix.lower()
    if suffix not in FORMATS:
        known = " or ".join(SUFFIXES)
        raise InputError(f"{path}: no format has the suffix {suffix!r}; end the name in {known}")
    return FORMATS[suffix]
