"""Options of the formats: typed, checked when they are made, known before any ink is drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from msgspec import Meta

from ..documents import check_fields
from ..files import InputError

if TYPE_CHECKING:
    from ..page import Layer

__all__ = [
    "GcodeOptions",
    "GifOptions",
    "HpglOptions",
    "InkmlOptions",
    "JsonOptions",
    "PathOptions",
    "PdfOptions",
    "PenOptions",
    "PlotterOptions",
    "PngOptions",
    "SvgOptions",
    "parse_color",
]

_MM_PER_INCH = 25.4
_MOST_GIF_PIXELS = 4e6
_MOST_PIXELS = 150e6  # A3 at 600 dpi is 70e6


@dataclass(frozen=True)
class PenOptions:
    """The pen, which every format draws with.

    Args:
        pen_width_mm: how broad the pen's line is, in millimetres; layers may have widths of their own.
        color: a CSS colour; layers may have colours of their own.

    Raises:
        ValueError: a value is out of its range.
        InputError: the colour is unknown.
    """

    pen_width_mm: Annotated[float, Meta(ge=0.01, le=100)] = 0.35
    color: str = "black"

    def __post_init__(self) -> None:
        check_fields(self)
        parse_color(self.color)

    def prepare(self) -> None:
        """Look whether the programs and files that the options name are there, before long work.

        Raises:
            InputError: one is not.
        """

    def pen(self, layer: Layer) -> PenOptions:
        """The pen of a layer: its own width and colour where it has them.

        Raises:
            InputError: they are out of range or unknown.
        """
        width = self.pen_width_mm if layer.pen_width is None else layer.pen_width
        color = self.color if layer.color is None else layer.color
        try:
            return PenOptions(width, color)
        except ValueError as e:
            raise InputError(f"layer {layer.name!r}: {e}") from None


@dataclass(frozen=True)
class PathOptions(PenOptions):
    """Options of formats that hold the pen's path.

    Args:
        pen_width_mm: how broad the pen's line is, in millimetres; layers may have widths of their own.
        color: a CSS colour; layers may have colours of their own.
        simplify: millimetres by which a path may leave the ink, with fewer points; 0 keeps them all.
        sort: draw strokes in the order of the shortest ways between them, some backwards, not as they were written.

    Raises:
        ValueError: a value is out of its range.
        InputError: the colour is unknown.
    """

    simplify: Annotated[float, Meta(ge=0, le=10)] = 0.0
    sort: bool = False


@dataclass(frozen=True)
class SvgOptions(PathOptions):
    """Options of SVG.

    Args:
        pen_width_mm: how broad the pen's line is, in millimetres; layers may have widths of their own.
        color: a CSS colour; layers may have colours of their own.
        simplify: millimetres by which a path may leave the ink, with fewer points; 0 keeps them all.
        sort: draw strokes in the order of the shortest ways between them, some backwards, not as they were written.
        polyline: straight pieces instead of curves, for software that knows no curves.
        animate: browsers show the pen writing.
        speed: of the pen in animations, in millimetres a second; the hand's own if not given.

    Raises:
        ValueError: a value is out of its range.
        InputError: the colour is unknown.
    """

    polyline: bool = False
    animate: bool = False
    speed: Annotated[float, Meta(ge=0.1, le=10_000)] | None = None


@dataclass(frozen=True)
class PlotterOptions(PathOptions):
    """Options of HPGL and G-code.

    Args:
        pen_width_mm: how broad the pen's line is, in millimetres; layers may have widths of their own.
        color: a CSS colour; layers may have colours of their own.
        simplify: millimetres by which a path may leave the ink, with fewer points; 0 keeps them all.
        sort: draw strokes in the order of the shortest ways between them, some backwards, not as they were written.
        device: the plotter; servo, servo-a3, z-axis or marlin for G-code, generic or hp7475a for HPGL, or one of the
            file of devices; the first of these if not given.
        devices: a TOML file that changes values of these devices or describes others.

    Raises:
        ValueError: a value is out of its range.
        InputError: the colour is unknown.
    """

    device: str | None = None
    devices: str | None = None


@dataclass(frozen=True)
class GcodeOptions(PlotterOptions):
    __doc__ = PlotterOptions.__doc__

    def prepare(self) -> None:
        """Find the device and what writes for it."""
        from .gcode import find_profile

        find_profile(self)


@dataclass(frozen=True)
class HpglOptions(PlotterOptions):
    __doc__ = PlotterOptions.__doc__

    def prepare(self) -> None:
        """Find the device and what writes for it."""
        from .hpgl import find_profile

        find_profile(self)


@dataclass(frozen=True)
class PdfOptions(PenOptions):
    """Options of PDF: the pen alone.

    Args:
        pen_width_mm: how broad the pen's line is, in millimetres; layers may have widths of their own.
        color: a CSS colour; layers may have colours of their own.
    """


@dataclass(frozen=True)
class JsonOptions(PenOptions):
    """Options of JSON ink: the pen alone.

    Args:
        pen_width_mm: how broad the pen's line is, in millimetres; layers may have widths of their own.
        color: a CSS colour; layers may have colours of their own.
    """


@dataclass(frozen=True)
class InkmlOptions(PenOptions):
    """Options of InkML: the pen alone.

    Args:
        pen_width_mm: how broad the pen's line is, in millimetres; layers may have widths of their own.
        color: a CSS colour; layers may have colours of their own.
    """


@dataclass(frozen=True)
class PngOptions(PenOptions):
    """Options of PNG.

    Args:
        pen_width_mm: how broad the pen's line is, in millimetres; layers may have widths of their own.
        color: a CSS colour; layers may have colours of their own.
        dpi: dots per inch.
        background: the paper's CSS colour, or "transparent".

    Raises:
        ValueError: a value is out of its range.
        InputError: a colour is unknown.
    """

    dpi: Annotated[float, Meta(ge=1, le=10_000)] = 300.0
    background: str = "white"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.background != "transparent":
            parse_color(self.background)

    def pixels(self, width_mm: float, height_mm: float) -> tuple[int, int]:
        """The size of the image of a page, columns and rows.

        Raises:
            InputError: the image would be larger than 150 megapixels.
        """
        columns, rows = (max(mm * self.dpi / _MM_PER_INCH, 1.0) for mm in (width_mm, height_mm))
        if not columns * rows <= _MOST_PIXELS:
            raise InputError(
                f"at {self.dpi:g} dpi the image would have {columns:.4g} x {rows:.4g} pixels, more than"
                f" {_MOST_PIXELS:g} in all; give a smaller resolution or a smaller page"
            )
        return round(columns), round(rows)


@dataclass(frozen=True)
class GifOptions(PngOptions):
    """Options of GIF.

    Args:
        pen_width_mm: how broad the pen's line is, in millimetres; layers may have widths of their own.
        color: a CSS colour; layers may have colours of their own.
        dpi: dots per inch.
        background: the paper's CSS colour.
        speed: of the pen in animations, in millimetres a second; the hand's own if not given.
        fps: frames a second, fewer where the writing is long.

    Raises:
        ValueError: a value is out of its range.
        InputError: a colour is unknown.
    """

    dpi: Annotated[float, Meta(ge=1, le=10_000)] = 96.0
    speed: Annotated[float, Meta(ge=0.1, le=10_000)] | None = None
    fps: Annotated[float, Meta(ge=1, le=50)] = 25.0

    def __post_init__(self) -> None:
        super().__post_init__()
        parse_color(self.background)

    def pixels(self, width_mm: float, height_mm: float) -> tuple[int, int]:
        """The size of the image of a page, columns and rows.

        Raises:
            InputError: the image would be larger than 4 megapixels.
        """
        columns, rows = super().pixels(width_mm, height_mm)
        if columns * rows > _MOST_GIF_PIXELS:
            raise InputError(
                f"at {self.dpi:g} dpi the animation would have {columns} x {rows} pixels, more than"
                f" {_MOST_GIF_PIXELS:g} in all; give a smaller resolution or a smaller page"
            )
        return columns, rows


def parse_color(color: str) -> tuple[int, int, int]:
    """Red, green and blue, each 0 to 255, of a CSS colour name, #rgb, #rrggbb, rgb(...) or hsl(...).

    Raises:
        InputError: it is none of these, has an alpha, or a part is out of its range.
    """
    from PIL import ImageColor

    try:
        red, green, blue, *alpha = ImageColor.getrgb(color)
    except (ValueError, AttributeError, TypeError):
        alpha = [0]
    if alpha:
        raise InputError(f"{color!r} is not a colour; give a name like black or a code like #1a2b6d")
    if not all(0 <= part <= 255 for part in (red, green, blue)):
        raise InputError(f"{color!r} is out of range; parts of rgb() are 0 to 255, percentages 0% to 100%")
    return red, green, blue
