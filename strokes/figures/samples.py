"""Sheets of sample lines."""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np

from ..files import InputError
from ..ink import Ink
from ..ink.curves import flatten
from .canvas import GREY, LineCollection, new_figure, one_line, save

__all__ = ["samples_sheet"]


def samples_sheet(lines: Sequence[tuple[str, Ink]], path: str | os.PathLike[str], title: str = "") -> None:
    """A sheet of lines of ink, all to the same scale, each under its text.

    Args:
        lines: text and ink, in any one unit.
        path: .png, or another suffix that matplotlib can write.
        title: a heading.

    Raises:
        InputError: there are no lines, or the path cannot be written.
    """
    if not lines:
        raise InputError("there are no lines to draw; give at least one")
    bounds = [ink.bounds if ink.strokes else (0.0, 0.0, 1.0, 0.0) for _, ink in lines]
    widest = max(b[2] - b[0] for b in bounds) or 1.0
    tallest = max(b[3] - b[1] for b in bounds)
    # Inches. A unit is never so large that one short line fills the sheet.
    width, edge, caption, gap, head = 10.0, 0.25, 0.2, 0.14, 0.45 if title else 0.15
    unit = min((width - 2 * edge) / widest, 0.25, 3.0 / max(tallest, 1e-9))
    heights = [(b[3] - b[1]) * unit for b in bounds]
    total = head + sum(heights) + len(lines) * (caption + gap) + 0.1
    figure = new_figure(width, total)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, width), ylim=(total, 0))
    axes.set_axis_off()
    if title:
        axes.text(edge, 0.15, title, fontsize=11, color="#222222", va="top", parse_math=False)
    y = head
    curves = []
    for (text, ink), (x0, y0, _, _), height in zip(lines, bounds, heights, strict=True):
        label = one_line(text) if ink.strokes else f"{one_line(text)}  (no ink)"
        axes.text(edge, y, label, fontsize=7.5, color=GREY, va="top", parse_math=False)
        y += caption
        for stroke in ink.strokes:
            curve = (flatten(stroke, 0.005 / unit) - (x0, y0)) * unit + (edge, y)
            curves.append(curve if len(curve) > 1 else np.repeat(curve, 2, axis=0))
        y += height + gap
    axes.add_collection(
        LineCollection(curves, colors="#111111", linewidths=1.1, capstyle="round", joinstyle="round")
    )
    save(figure, path)
