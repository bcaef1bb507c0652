"""Plotters as data: devices.toml of this package, and a user's own file over it."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from msgspec import Meta

from ..documents import convert
from ..files import InputError

__all__ = ["GcodeDevice", "HpglDevice", "HpglPaper", "find_device", "known_devices"]

_Millimetres = Annotated[float, Meta(gt=0, le=100_000)]
_Place = Annotated[float, Meta(ge=-100_000, le=100_000)]
_Speed = Annotated[float, Meta(gt=0, le=1_000_000)]
_Command = Annotated[str, Meta(max_length=2000)]
_Range = tuple[
    Annotated[int, Meta(ge=-1_000_000, le=1_000_000)], Annotated[int, Meta(ge=-1_000_000, le=1_000_000)]
]
_MOST_BYTES = 2**20


@dataclass(frozen=True, kw_only=True)
class GcodeDevice:
    """A plotter that understands G-code.

    Commands are templates of `str.format`: they may name the numbers of the device, x and y in `move` and `draw`, and
    the pen in `change_pen`.

    Args:
        about: what it is, for people.
        width, height: of the area that the pen reaches, in millimetres.
        origin: the corner of the paper at which x and y are 0; y points away from it.
        offset_x, offset_y: millimetres added to every coordinate.
        draw_speed, travel_speed: of the lowered and of the lifted pen, in millimetres a minute.
        down, up: of the pen: an angle, a width of pulses or a height.
        settle: seconds that the pen needs to go up or down.
        start, end: at the beginning and the end of the file.
        move, draw: to a point, the pen lifted or lowered.
        pen_down, pen_up: lower and lift the pen.
        change_pen: between two layers.
    """

    about: str = ""
    width: _Millimetres
    height: _Millimetres
    origin: Literal["bottom left", "top left"] = "bottom left"
    offset_x: _Place = 0.0
    offset_y: _Place = 0.0
    draw_speed: _Speed
    travel_speed: _Speed
    down: _Place
    up: _Place
    settle: Annotated[float, Meta(ge=0, le=60)] = 0.0
    start: _Command = ""
    move: _Command
    pen_down: _Command
    draw: _Command
    pen_up: _Command
    change_pen: _Command = ""
    end: _Command = ""

    @property
    def numbers(self) -> dict[str, float]:
        """What commands may name."""
        return {f.name: v for f in fields(self) if isinstance(v := getattr(self, f.name), int | float)}


@dataclass(frozen=True, kw_only=True)
class HpglPaper:
    """A paper as it lies in a plotter.

    Args:
        name: of the paper.
        width, height: in millimetres, as it lies; any if None.
        left, top: millimetres from its upper left corner to the point 0, 0; the lower left corner if None.
        x, y: the least and the greatest coordinate that the pen reaches, in units of the plotter.
        y_up: whether y points up.
        paper_select: argument of the PS command; none if None.
    """

    name: str
    width: _Millimetres | None = None
    height: _Millimetres | None = None
    left: _Place = 0.0
    top: _Place | None = None
    x: _Range
    y: _Range
    y_up: bool = True
    paper_select: Annotated[int, Meta(ge=0, le=127)] | None = None


@dataclass(frozen=True, kw_only=True)
class HpglDevice:
    """A plotter that understands HPGL.

    Args:
        about: what it is, for people.
        unit: of its coordinates, in millimetres.
        pens: how many it has.
        speed: of the pen in centimetres a second, the argument of VS; its own if None.
        papers: that it takes.
    """

    about: str = ""
    unit: Annotated[float, Meta(gt=0, le=10)]
    pens: Annotated[int, Meta(ge=1, le=1000)] = 1
    speed: Annotated[int, Meta(ge=1, le=1000)] | None = None
    papers: Annotated[tuple[HpglPaper, ...], Meta(min_length=1)]


_KINDS = {"gcode": GcodeDevice, "hpgl": HpglDevice}
_D = TypeVar("_D", GcodeDevice, HpglDevice)


def find_device(kind: type[_D], name: str | None = None, file: str | os.PathLike[str] | None = None) -> _D:
    """A plotter by its name.

    Args:
        kind: `GcodeDevice` or `HpglDevice`.
        name: in the user's file or in this package's; the first of this package's if None.
        file: a user's own TOML file.

    Raises:
        InputError: there is no such device, or the file cannot be read or holds something else.
    """
    tables = known_devices(kind, file)
    where = "devices.toml" if file is None else str(file)
    if name is None:
        name = next(iter(tables))
    if name not in tables:
        raise InputError(
            f"there is no device {name!r}; give one of {', '.join(tables)}, or a file with --devices"
        )
    return _made(kind, tables[name], f"{where}: {name}")


def known_devices(
    kind: type[GcodeDevice] | type[HpglDevice], file: str | os.PathLike[str] | None = None
) -> dict[str, dict[str, Any]]:
    """Name -> values of every device of a kind, a user's over this package's.

    Raises:
        InputError: the file cannot be read, is no TOML, or names something unknown.
    """
    section = next(name for name, made in _KINDS.items() if made is kind)
    out: dict[str, dict[str, Any]] = {}
    for source in (None, file) if file is not None else (None,):
        where = "devices.toml" if source is None else str(source)
        for name, table in _sections(source)[section].items():
            values = dict(table)
            like = values.pop("like", name if name in out else None)
            if like is not None and not (isinstance(like, str) and like in out):
                raise InputError(f"{where}: {name}: like names no device; give one of {', '.join(out)}")
            out[name] = {**(out[like] if like is not None else {}), **values}
    return out


def _made(kind: type[_D], values: dict[str, Any], where: str) -> _D:
    known = [field.name for field in fields(kind)]
    for name in values:
        if name not in known:
            raise InputError(f"{where}: there is no value {name!r}; there are {', '.join(known)}")
    return convert(values, kind, where)


def _sections(file: str | os.PathLike[str] | None) -> Mapping[str, Mapping[str, Mapping[str, Any]]]:
    """The tables of a file, by kind and name.

    Raises:
        InputError: see `known_devices`.
    """
    if file is None:
        return _own()
    try:
        data = Path(file).read_bytes() if Path(file).stat().st_size <= _MOST_BYTES else b"\0"
        document = tomllib.loads(data.decode("utf-8-sig"))
    except OSError as e:
        raise InputError(f"{file}: cannot be read ({e.strerror}); give a TOML file of devices") from None
    except (ValueError, RecursionError) as e:
        reason = " ".join(str(e).split())[:200]
        raise InputError(f"{file}: not a TOML file of devices ({reason})") from None
    for name, section in document.items():
        if name not in _KINDS or not isinstance(section, dict):
            raise InputError(f"{file}: there is no section {name!r}; write [gcode.NAME] or [hpgl.NAME]")
        for device, table in section.items():
            if not isinstance(table, dict):
                raise InputError(f"{file}: {name}.{device} is no table; write [{name}.NAME] above its values")
    return {name: document.get(name, {}) for name in _KINDS}


@cache
def _own() -> Mapping[str, Mapping[str, Mapping[str, Any]]]:
    return tomllib.loads((Path(__file__).parent / "devices.toml").read_text(encoding="utf-8"))
