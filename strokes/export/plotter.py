"""Pages as vpype takes them: what HPGL and G-code have in common."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..files import InputError
from ..page import Page
from .geometry import ordered, polylines
from .options import PlotterOptions

__all__ = ["Drawing", "import_vpype"]

#: Millimetres by which ink may pass the area of a device: rounding.
_SLACK_MM = 0.01


@dataclass(frozen=True, eq=False)
class Drawing:
    """Polylines in millimetres, y down, on paper.

    Args:
        layers: number of the pen, from 1 -> its lines, each (n, 2), n >= 2. Pens that draw nothing are left out.
        width, height: of the paper, in millimetres.
    """

    layers: dict[int, list[np.ndarray]]
    width: float
    height: float

    @classmethod
    def of(cls, page: Page, options: PlotterOptions) -> Drawing:
        """What is plotted of a page.

        Raises:
            InputError: the pen of a layer is out of range or its colour unknown.
        """
        layers = {}
        for number, layer in enumerate((layer for layer in page.layers if layer.plotted), 1):
            options.pen(layer)
            if layer.strokes:
                strokes = ordered(layer.strokes) if options.sort else layer.strokes
                layers[number] = polylines(strokes, options.simplify)
        return cls(layers, page.width, page.height)

    @property
    def turned(self) -> Drawing:
        """Turned by a quarter, anticlockwise."""
        turn = np.array([[0.0, -1.0], [1.0, 0.0]])
        moved = {n: [line @ turn + (0, self.width) for line in lines] for n, lines in self.layers.items()}
        return Drawing(moved, self.height, self.width)

    def moved(self, x: float, y: float) -> Drawing:
        """Moved on the same paper, in millimetres."""
        moved = {n: [line + np.array([x, y]) for line in lines] for n, lines in self.layers.items()}
        return Drawing(moved, self.width, self.height)

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """(x_min, y_min, x_max, y_max); the paper's corner if nothing is drawn."""
        if not self.layers:
            return (0.0, 0.0, 0.0, 0.0)
        points = np.concatenate([line for lines in self.layers.values() for line in lines])
        (left, top), (right, bottom) = points.min(axis=0).tolist(), points.max(axis=0).tolist()
        return left, top, right, bottom

    def inside(self, left: float, top: float, right: float, bottom: float) -> bool:
        """Whether all of it lies within an area of the paper."""
        x0, y0, x1, y1 = self.bounds
        slack = _SLACK_MM
        return (
            x0 >= left - slack and y0 >= top - slack and x1 <= right + slack and y1 <= bottom + slack
        ) or not self.layers

    def document(self) -> Any:
        """A `vpype.Document`, a layer a pen; the property "pen" of a layer is the number of the next pen."""
        vpype, _ = import_vpype()
        unit = vpype.convert_length("mm")
        document = vpype.Document(page_size=(self.width * unit, self.height * unit))
        numbers = sorted(self.layers)
        for number, following in zip(numbers, [*numbers[1:], 0], strict=False):
            lines = [(line[:, 0] + 1j * line[:, 1]) * unit for line in self.layers[number]]
            document.add(vpype.LineCollection(lines), number)
            document.layers[number].set_property("pen", following)
        return document


def import_vpype() -> tuple[Any, Any]:
    """The modules vpype and vpype_cli, with the command of vpype-gcode.

    Raises:
        InputError: they are not installed.
    """
    try:
        importlib.import_module("vpype_gcode.gwrite")
        return importlib.import_module("vpype"), importlib.import_module("vpype_cli")
    except ImportError as e:
        raise InputError(
            f"HPGL and G-code need vpype and vpype-gcode ({e}); install them: pip install 'strokes[plotter]'"
        ) from None
