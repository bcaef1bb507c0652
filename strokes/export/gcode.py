"""G-code through vpype-gcode, by the commands of a device."""

from __future__ import annotations

import shlex
import tempfile
from dataclasses import dataclass
from pathlib import Path

from ..files import InputError
from ..page import Page
from .devices import GcodeDevice, find_device
from .options import GcodeOptions, PlotterOptions
from .plotter import Drawing, import_vpype

__all__ = ["find_profile", "render"]

_NAME = "strokes"
#: Commands and what else than the numbers of the device they may name.
_COMMANDS = {
    "start": (),
    "move": ("x", "y"),
    "pen_down": (),
    "draw": ("x", "y"),
    "pen_up": (),
    "change_pen": ("pen",),
    "end": (),
}


@dataclass(frozen=True)
class _Profile:
    device: GcodeDevice
    name: str


def find_profile(options: PlotterOptions) -> _Profile:
    """The device of the options.

    Raises:
        InputError: there is none, a command of it names something unknown, or vpype-gcode is not installed.
    """
    device = find_device(GcodeDevice, options.device, options.devices)
    name = options.device or "the first device"
    for command, names in _COMMANDS.items():
        try:
            getattr(device, command).format_map({**device.numbers, **dict.fromkeys(names, 1)})
        except (KeyError, ValueError, IndexError, AttributeError, TypeError) as e:
            known = ", ".join([*names, *device.numbers])
            raise InputError(
                f"{name}: {command} is no template ({type(e).__name__}: {e}); between braces it may name {known}"
            ) from None
    import_vpype()
    return _Profile(device, name)


def render(page: Page, options: GcodeOptions | None = None) -> bytes:
    """A page as G-code.

    The paper's corner lies at the origin of the device. A page that does not fit its area as it stands is turned by a
    quarter if it fits then. The pen is lifted once after each stroke.

    Raises:
        InputError: as `find_profile`, ink lies beyond the device's area, or the pen of a layer is out of range.
    """
    options = options or GcodeOptions()
    profile = find_profile(options)
    device = profile.device
    vpype, vpype_cli = import_vpype()
    document = _placed(Drawing.of(page, options), profile).document()
    templates = {
        "document_start": _lines(device.start),
        "segment_first": _lines(device.move) + _lines(device.pen_down),
        "segment": _lines(device.draw),
        "line_end": _lines(device.pen_up),
        "layer_join": _lines(device.change_pen),
        "document_end": _lines(device.end),
    }
    values = {"unit": "mm", "offset_x": device.offset_x, "offset_y": device.offset_y}
    vpype.config_manager.config["gwrite"][_NAME] = {**templates, **values, "default_values": device.numbers}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "page.gcode"
        vpype_cli.execute(f"gwrite --profile {_NAME} {shlex.quote(str(file))}", document)
        return file.read_bytes()


def _placed(drawing: Drawing, profile: _Profile) -> Drawing:
    """The drawing in the coordinates of the device, but for its offset.

    Raises:
        InputError: ink lies beyond the area.
    """
    device = profile.device
    fits = (drawing.width <= device.width and drawing.height <= device.height) or (
        drawing.height > device.width or drawing.width > device.height
    )
    for way in (drawing, drawing.turned) if fits else (drawing.turned, drawing):
        top = way.height - device.height if device.origin == "bottom left" else 0.0
        if way.inside(0, top, device.width, top + device.height):
            return _upwards(way) if device.origin == "bottom left" else way
    left, top, right, bottom = drawing.bounds
    raise InputError(
        f"the ink of this page lies from {left:.0f}, {top:.0f} to {right:.0f}, {bottom:.0f} mm of the paper and"
        f" {profile.name} reaches {device.width:g} x {device.height:g} mm; give a smaller --page or another --device"
    )


def _upwards(drawing: Drawing) -> Drawing:
    """With y up, from the lower edge of the paper."""
    up = {n: [line * (1, -1) + (0, drawing.height) for line in lines] for n, lines in drawing.layers.items()}
    return Drawing(up, drawing.width, drawing.height)


def _lines(command: str) -> str:
    """A command with a line break at its end; "" stays."""
    return command.rstrip("\n") + "\n" if command.strip() else ""
