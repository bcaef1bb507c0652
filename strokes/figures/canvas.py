"""The one door to matplotlib: figures with a canvas of their own, saved whole.

Other modules take matplotlib's names from here, because matplotlib cannot be imported where MPLBACKEND names a backend
that it does not know, and figures that are written to files need none.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
from pathlib import Path

from ..files import InputError, check_output, write_whole

_backend = None if "matplotlib" in sys.modules else os.environ.pop("MPLBACKEND", None)
try:
    import matplotlib
    from matplotlib.axes import Axes
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.collections import LineCollection
    from matplotlib.colors import to_rgb
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator
finally:
    if _backend is not None:
        os.environ["MPLBACKEND"] = _backend
if _backend is not None:
    with contextlib.suppress(ValueError):
        matplotlib.rcParams["backend"] = _backend

__all__ = [
    "GREY",
    "HUES",
    "Axes",
    "Figure",
    "LineCollection",
    "MaxNLocator",
    "box",
    "check_figure",
    "new_figure",
    "one_line",
    "save",
    "to_rgb",
]

#: Six hues of about equal weight on white; neighbours differ clearly.
HUES = ("#1f5fbf", "#d1491b", "#178a4c", "#a5309a", "#b07b00", "#0b8a9e")

#: For captions and secondary axes.
GREY = "#777777"


def new_figure(width: float, height: float) -> Figure:
    """A white figure of the given size in inches, with an Agg canvas whatever backend is set."""
    figure = Figure(figsize=(width, height), facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def box(
    figure: Figure, left: float, bottom: float, width: float, height: float
) -> tuple[float, float, float, float]:
    """A rectangle in inches as fractions of the figure."""
    w, h = figure.get_size_inches()
    return left / w, bottom / h, width / w, height / h


def save(figure: Figure, path: str | os.PathLike[str], dpi: float = 150) -> None:
    """Write a figure in the format that the path's suffix names.

    Raises:
        InputError: the suffix names no format that matplotlib writes, or the path cannot be written.
    """
    target = check_figure(path)
    file = io.BytesIO()
    figure.savefig(file, dpi=dpi, format=target.suffix.lower().removeprefix("."))
    write_whole(path, file.getvalue())


def check_figure(path: str | os.PathLike[str]) -> Path:
    """The path, if a figure can be written there: to be asked before long work, not after it.

    Raises:
        InputError: the suffix names no format that matplotlib writes, or the path cannot be written.
    """
    target = check_output(path)
    suffix = target.suffix.lower().removeprefix(".")
    if suffix not in FigureCanvasAgg.get_supported_filetypes():
        raise InputError(f"{path}: figures have no format {suffix!r}; end the name in .png, .svg or .pdf")
    return target


def one_line(text: str, length: int = 160) -> str:
    """The text in one line, shortened to `length` characters."""
    line = " ".join(text.split())
    return line if len(line) <= length else line[: length - 1] + "…"
