"""Pages of ink to files: a registry of formats, one module a format, imported when it is asked for."""

from __future__ import annotations

import importlib
import os
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

from ..files import InputError, write_whole
from .options import (
    GcodeOptions,
    GifOptions,
    HpglOptions,
    InkmlOptions,
    JsonOptions,
    PdfOptions,
    PenOptions,
    PngOptions,
    SvgOptions,
    parse_color,
)

if TYPE_CHECKING:
    from ..page import Page

__all__ = [
    "FORMATS",
    "SUFFIXES",
    "Format",
    "GcodeOptions",
    "GifOptions",
    "HpglOptions",
    "InkmlOptions",
    "JsonOptions",
    "PdfOptions",
    "PenOptions",
    "PngOptions",
    "SvgOptions",
    "export",
    "export_options",
    "export_pages",
    "page_paths",
    "parse_color",
]


@dataclass(frozen=True)
class Format:
    """A file format.

    Args:
        module: the module of this package whose `render(page, options) -> bytes` makes the file.
        options: the type of its options.
        many_pages: whether one file holds several pages; the module has `render_pages(pages, options) -> bytes`, too.
    """

    module: str
    options: type[PenOptions]
    many_pages: bool = False


#: suffix -> format. A new format is one line here, one dataclass in options.py and one module.
FORMATS = {
    ".svg": Format("svg", SvgOptions),
    ".png": Format("raster", PngOptions),
    ".pdf": Format("pdf", PdfOptions, many_pages=True),
    ".gif": Format("gif", GifOptions),
    ".json": Format("json_ink", JsonOptions, many_pages=True),
    ".inkml": Format("inkml", InkmlOptions, many_pages=True),
    ".hpgl": Format("hpgl", HpglOptions),
    ".gcode": Format("gcode", GcodeOptions),
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
        made = kind(**options)
    except ValueError as e:
        raise InputError(str(e)) from None
    made.prepare()
    return made


def export_pages(pages: Sequence[Page], path: str | os.PathLike[str], **options: Any) -> list[Path]:
    """Write pages to one file if the format holds them all, else to out-1.svg, out-2.svg and so on.

    Args:
        pages: what to write.
        path: ends in one of `SUFFIXES`.
        options: as for `export`.

    Returns:
        The files that were written, in order.

    Raises:
        InputError: as `export`.
    """
    checked = export_options(path, **options)
    kind = _format(path)
    module = cast(_Renderer, importlib.import_module(f".{kind.module}", __name__))
    if kind.many_pages:
        write_whole(path, module.render_pages(pages, checked))
        return [Path(path)]
    paths = page_paths(path, len(pages))
    for page, file in zip(pages, paths, strict=True):
        write_whole(file, module.render(page, checked))
    return paths


def page_paths(path: str | os.PathLike[str], count: int) -> list[Path]:
    """The files that `export_pages` writes so many pages to.

    Raises:
        InputError: the suffix is unknown.
    """
    whole = Path(path)
    if count == 1 or _format(path).many_pages:
        return [whole]
    return [whole.with_name(f"{whole.stem}-{n}{whole.suffix}") for n in range(1, count + 1)]


class _Renderer(Protocol):
    """A module of a format."""

    def render(self, page: Page, options: PenOptions) -> bytes: ...
    def render_pages(self, pages: Sequence[Page], options: PenOptions) -> bytes: ...


def _format(path: str | os.PathLike[str]) -> Format:
    suffix = Path(path).suffix.lower()
    if suffix not in FORMATS:
        known = " or ".join(SUFFIXES)
        raise InputError(f"{path}: no format has the suffix {suffix!r}; end the name in {known}")
    return FORMATS[suffix]
