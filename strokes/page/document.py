"""Pages: paper in millimetres with ink on it, a layer a pen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

__all__ = ["Layer", "Page"]


@dataclass(frozen=True, eq=False)
class Layer:
    """What one pen draws, or a guide that no pen draws.

    Args:
        name: as people see it in an editor.
        strokes: each (n, 2) in millimetres from the paper's top left corner, y down, in writing order.
        color: of its ink, as CSS has it; the exporter's own if None.
        pen_width: in millimetres; the exporter's own if None.
        plotted: whether a plotter draws it.
    """

    name: str
    strokes: tuple[np.ndarray, ...] = ()
    color: str | None = None
    pen_width: float | None = None
    plotted: bool = True


@dataclass(frozen=True, eq=False)
class Page:
    """A sheet of paper with ink on it.

    Args:
        width, height: of the paper, in millimetres.
        layers: in the order in which they are drawn.
        text: what the ink says; exporters keep it as the description.
        metadata: what makes the same page again: text, options, model, version; values are what JSON has.
    """

    width: float
    height: float
    layers: tuple[Layer, ...] = ()
    text: str = ""
    metadata: Mapping[str, object] = field(default_factory=dict)

    @property
    def strokes(self) -> tuple[np.ndarray, ...]:
        """Every stroke that is plotted, in writing order, each (n, 2) in millimetres."""
        return tuple(stroke for layer in self.layers if layer.plotted for stroke in layer.strokes)
