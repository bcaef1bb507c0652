"""Where rows of ink go on paper: line height, alignment, pages, ruling."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..files import InputError
from ..ink import Ink
from ..ink.curves import flatten
from .document import Layer, Page
from .options import PageOptions
from .words import Row, Word

__all__ = ["INK", "Area", "fit_page", "fit_rows", "line_height_for", "page_of", "set_rows"]

#: The name of the layer that text is written on with the first pen.
INK = "ink"

_LONGEST_M = 20.0
# In x-heights: lines are nowhere nearer than this, baselines neither nearer nor further than these by default.
_CLEARANCE, _LEAST_PITCH, _MOST_PITCH = 0.25, 3.4, 7.0
_SLICE = 0.25
# Justified word spaces grow by this many x-heights at most; a row that lacks more stays as it is.
_MOST_STRETCH = 2.5
_GUIDE_COLOR, _GUIDE_WIDTH = "#9db7d5", 0.1

_Strokes = list[tuple[str | None, np.ndarray]]


@dataclass(frozen=True)
class Area:
    """A rectangle of paper for text, in millimetres."""

    left: float
    top: float
    width: float
    height: float


def fit_page(
    lines: Ink | Sequence[Ink | None], options: PageOptions | None = None, *, text: str = ""
) -> Page:
    """A page just large enough for the ink and a margin around it.

    Lines stand one below another, flush left or as the options say, all to one scale.

    Args:
        lines: one line or several, canonical ink (baseline at y = 0, x-height 1); None leaves a line blank.
        options: line height, x-height, margin and alignment.
        text: what the ink says.

    Raises:
        InputError: there is no ink, or it would be longer than 20 m.
    """
    rows = []
    for ink in [lines] if isinstance(lines, Ink) else lines:
        strokes = list(ink.strokes) if ink is not None else []
        word, _ = Word.of("", strokes, [None] * len(strokes))
        rows.append(Row(((word, 0.0),)) if strokes else Row())
    return fit_rows(rows, options or PageOptions(), text=text)


def fit_rows(rows: Sequence[Row], options: PageOptions, *, text: str = "") -> Page:
    """A page just large enough for rows of words and a margin around them.

    Raises:
        InputError: as `fit_page`.
    """
    x_height = options.x_height_mm
    widest = max((row.right for row in rows), default=0.0)
    _refuse_long(max(widest, *_reach(rows)) * x_height)
    height = options.line_height or line_height_for(rows, x_height)
    placed: _Strokes = []
    for n, row in enumerate(rows):
        for pen, stroke in _aligned(row, widest, options).strokes():
            placed.append((pen, stroke * x_height + (0.0, n * height)))
    if not placed:
        raise InputError("there is no ink to fit a page to; give a text with something to write in it")
    points = np.concatenate([stroke for _, stroke in placed])
    _refuse_long(float(np.ptp(points, axis=0).max()))
    # The curve bulges a little beyond the points that it passes through.
    curve = np.concatenate([flatten(stroke, 0.01) for _, stroke in placed])
    low, high = curve.min(axis=0) - options.margin_mm, curve.max(axis=0) + options.margin_mm
    width, tall = (math.ceil(size * 1000) / 1000 for size in (high - low).tolist())
    moved = [(pen, stroke - low) for pen, stroke in placed]
    area = Area(
        options.margin_mm, options.margin_mm, width - 2 * options.margin_mm, tall - 2 * options.margin_mm
    )
    baselines = [n * height - low[1] for n in range(len(rows))] if options.ruled else []
    return Page(width, tall, (*_pens(moved), *_guides(area, baselines, options)), text)


def _refuse_long(mm: float) -> None:
    """Refuse ink that no paper is long enough for.

    Raises:
        InputError: it is.
    """
    if mm > _LONGEST_M * 1000:
        raise InputError(
            f"the ink would be {mm / 1000:.3g} m long; give a smaller line height or a shorter text"
        )


def set_rows(
    rows: Sequence[Row],
    options: PageOptions,
    area: Area,
    height: float,
    seed: int = 0,
) -> list[tuple[_Strokes, list[float], str]]:
    """Rows on as many pages as they need.

    Args:
        rows: with x in x-heights.
        options: alignment and the like.
        area: of the text on each page.
        height: of a line, in millimetres.
        seed: of wandering baselines.

    Returns:
        Of each page its strokes in millimetres with their pens, the baselines of its ruling, and its text.

    Raises:
        InputError: not even one line fits.
    """
    x_height = options.x_height_mm
    rise, fall = _reach(rows)
    stray = 2 * options.baseline_wander
    top, bottom = rise * x_height + stray, fall * x_height + stray
    if top + bottom > area.height:
        raise InputError(
            f"one line needs {top + bottom:.3g} mm of height and there are {area.height:.3g} mm; "
            "give a smaller --x-height or --margin, or a larger --page"
        )
    per_page = int((area.height - top - bottom + 1e-6) // height) + 1
    rng = np.random.default_rng((seed, 6))
    pages = []
    for chunk in _chunks(list(rows), per_page):
        used = top + bottom + (len(chunk) - 1) * height
        free = {"top": 0.0, "center": 0.5, "bottom": 1.0}[options.vertical] * (area.height - used)
        first = area.top + free + top
        strokes: _Strokes = []
        for n, row in enumerate(chunk):
            aligned = _aligned(row, area.width / x_height, options)
            wander = options.baseline_wander * float(np.clip(rng.normal(), -2, 2))
            shift = (area.left, first + n * height + wander)
            strokes += [(pen, stroke * x_height + shift) for pen, stroke in aligned.strokes()]
        ruling = (first + np.arange(-int((first - area.top) // height), per_page) * height).tolist()
        lowest = area.top + area.height + 1e-6
        pages.append((strokes, [y for y in ruling if y <= lowest], "\n".join(row.text for row in chunk)))
    return pages


def page_of(
    strokes: _Strokes,
    baselines: Sequence[float],
    areas: Sequence[Area],
    size: tuple[float, float],
    options: PageOptions,
    text: str,
) -> Page:
    """A page of strokes, each pen on a layer of its own, and guides below them.

    Args:
        strokes: in millimetres, with their pens.
        baselines: of the ruling.
        areas: of text; their edges are the guides.
        size: width and height of the paper.
        options: whether there are guides.
        text: what the page says.
    """
    guides = [layer for area in areas for layer in _guides(area, baselines, options)]
    merged: dict[str, list[np.ndarray]] = {}
    for layer in guides:
        merged.setdefault(layer.name, []).extend(layer.strokes)
    layers = [Layer(name, tuple(lines), _GUIDE_COLOR, _GUIDE_WIDTH, False) for name, lines in merged.items()]
    return Page(*size, (*_pens(strokes), *layers), text)


def line_height_for(rows: Sequence[Row], x_height: float, stray: float = 0.0) -> float:
    """The least distance of baselines in millimetres at which no two rows touch, to 0.1 mm.

    Args:
        rows: flush left.
        x_height: in millimetres.
        stray: by how many millimetres a row may leave its baseline.
    """
    pitch = _LEAST_PITCH
    outlines = [row.outline() for row in rows]
    points = np.concatenate([np.zeros((1, 2)), *outlines])[:, 0]
    first, last = (int(edge // _SLICE) for edge in (points.min(), points.max()))
    before = np.full(last - first + 5, -np.inf)
    for outline in outlines:
        top, bottom = np.full(len(before), np.inf), np.full(len(before), -np.inf)
        at = (outline[:, 0] // _SLICE).astype(np.int64) - first + 2
        np.maximum.at(bottom, at, outline[:, 1])
        for shift in range(-2, 3):
            np.minimum.at(top, at + shift, outline[:, 1])
        pitch = max(pitch, float((before - top).max()) + _CLEARANCE)
        before = bottom
    return math.ceil((min(pitch, _MOST_PITCH) * x_height + 2 * stray) * 10 - 1e-9) / 10


def _aligned(row: Row, room: float, options: PageOptions) -> Row:
    """A row where it stands in a column of `room` x-heights."""
    free = room - row.right
    if not row.words or free <= 0:
        return row
    if options.align == "center":
        return row.shifted(free / 2)
    if options.align == "right":
        return row.shifted(free)
    edge = min(row.edge, free)
    spaces = len(row.words) - 1
    if options.align == "justify" and not row.ends and not row.tabs and spaces:
        stretch = (free - edge) / spaces
        return row.shifted(edge, stretch if stretch <= _MOST_STRETCH else 0.0)
    return row.shifted(edge)


def _reach(rows: Sequence[Row]) -> tuple[float, float]:
    """How far ink rises above the baseline and falls below it, in x-heights."""
    y = np.concatenate([np.zeros(1), *(row.outline()[:, 1] for row in rows)])
    return max(1.0, -float(y.min())), max(0.0, float(y.max()))


def _chunks(rows: list[Row], size: int) -> list[list[Row]]:
    """Rows page by page; no page begins with a blank row but the first."""
    chunks: list[list[Row]] = []
    while rows:
        chunks.append(rows[:size])
        rows = rows[size:]
        while rows and not rows[0].words:
            rows.pop(0)
    return chunks


def _pens(strokes: _Strokes) -> list[Layer]:
    """A layer for each pen, the first pen's first."""
    layers: dict[str | None, list[np.ndarray]] = {}
    for pen, stroke in strokes:
        layers.setdefault(pen, []).append(stroke)
    names = sorted(layers, key=lambda pen: pen is not None)
    return [Layer(INK if pen is None else pen, tuple(layers[pen]), pen) for pen in names]


def _guides(area: Area, baselines: Sequence[float], options: PageOptions) -> list[Layer]:
    """The ruling and the margins, which are not plotted."""
    right, bottom = area.left + area.width, area.top + area.height
    layers = []
    if options.ruled:
        lines = tuple(
            np.array([[area.left, y], [right, y]]) for y in baselines if area.top <= y <= bottom + 1e-6
        )
        layers.append(Layer("ruling", lines, _GUIDE_COLOR, _GUIDE_WIDTH, plotted=False))
    if options.guides:
        corners = [(area.left, area.top), (right, area.top), (right, bottom), (area.left, bottom)]
        edges = tuple(np.array([corners[i], corners[(i + 1) % 4]]) for i in range(4))
        layers.append(Layer("margins", edges, _GUIDE_COLOR, _GUIDE_WIDTH, plotted=False))
    return layers
