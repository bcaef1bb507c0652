"""The attention window over a text: as numbers, and as a picture above the ink."""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np

from ..files import InputError
from ..ink import Ink
from ..ink.curves import smooth
from .canvas import HUES, Axes, LineCollection, box, new_figure, one_line, save, to_rgb

__all__ = ["attention_columns", "attention_heatmap", "attention_shares", "skipped"]

_END_COLOR = "#555555"
_SKIPPED_COLOR = "#aaaaaa"
_GAP = 0.3  # inches between the heatmap and the ink


def attention_shares(window: np.ndarray) -> np.ndarray:
    """Each point's attention as shares: rows sum to 1, or less where the window had all but faded.

    The window's weights are not normalised, so a tenth of their median total counts as faded.

    Args:
        window: phi, (T, U + 1), not negative.

    Returns:
        (T, U + 1) float64.
    """
    window = np.asarray(window, np.float64)
    total = window.sum(axis=1)
    floor = max(0.1 * float(np.median(total)), np.finfo(np.float64).tiny) if len(total) else 1.0
    return np.asarray(window / np.maximum(total, floor)[:, None])


def attention_columns(weights: np.ndarray, ink: Ink, edges: np.ndarray, spread: float = 0.0) -> np.ndarray:
    """Attention over bins of the ink's own x: in each bin the strongest of what was drawn there.

    Point t stands for the bins that the pen crossed on its way to it, from the point before in its stroke.

    Args:
        weights: (T, C), a row for each point of the ink, not negative.
        ink: T points.
        edges: (B + 1,), ascending and evenly spaced, around the ink.
        spread: half of the pen's width, in units of the ink; widens every mark, so that dots show.

    Returns:
        (B, C) float64, nan in bins without ink.

    Raises:
        ValueError: weights has another number of rows than the ink has points.
    """
    weights = np.asarray(weights, np.float64)
    if weights.ndim != 2 or len(weights) != ink.point_count:
        raise ValueError(f"weights have shape {weights.shape}; the ink has {ink.point_count} points")
    bins = len(edges) - 1
    columns = np.full((bins, weights.shape[1]), np.nan)
    if not len(weights):
        return columns
    x = ink.points[:, 0].astype(np.float64)
    before = np.concatenate([np.concatenate([s[:1, 0], s[:-1, 0]]) for s in ink.strokes]).astype(np.float64)
    reach = np.stack([np.minimum(x, before) - spread, np.maximum(x, before) + spread])
    cell = (reach - edges[0]) / (edges[1] - edges[0])
    low, high = np.clip(np.floor(cell).astype(int), 0, bins - 1)
    count = high - low + 1
    point = np.repeat(np.arange(len(x)), count)
    first = np.cumsum(count) - count
    np.fmax.at(columns, low[point] + np.arange(len(point)) - first[point], weights[point])
    return columns


def skipped(text: str, window: np.ndarray) -> list[int]:
    """Positions of characters that never had the most attention, nor a quarter of it.

    Spaces draw no ink and do not count.
    """
    shares = attention_shares(window)
    attended = shares.max(axis=0, initial=0.0) >= 0.25
    attended[shares.argmax(axis=1)] = True
    return [u for u, character in enumerate(text) if not attended[u] and not character.isspace()]


def attention_heatmap(text: str, window: np.ndarray, ink: Ink, path: str | os.PathLike[str]) -> None:
    """A picture of the window over the text, above the ink that was drawn meanwhile.

    A row is a character, a column is a place along the ink, and the deeper the row's colour, the larger
    its share of the attention. Ink has the colour of the character attended most, which stands above it.
    Late dots and crossbars put a second mark in the columns of the letter that they belong to.
    The row of a character that was skipped is struck out.

    Args:
        text: U characters.
        window: phi, (T, U + 1); the last column is the position past the end of the text.
        ink: T points, in the same order, canonical: deskewed, one x-height = 1.
        path: .png, or another suffix that matplotlib can write.

    Raises:
        InputError: the text or the ink is empty, or the path cannot be written.
        ValueError: the shapes do not go together.
    """
    window = np.asarray(window, np.float64)
    if window.shape != (ink.point_count, len(text) + 1):
        raise ValueError(
            f"window has shape {window.shape}; {ink.point_count} points and {len(text)} characters"
            f" need {(ink.point_count, len(text) + 1)}"
        )
    if not text or not ink.strokes:
        raise InputError("a heatmap needs a text and ink; give a text with something to write in it")

    x0, y0, x1, y1 = ink.bounds
    pad = 0.02 * (x1 - x0) + 0.3
    limits = x0 - pad, x1 + pad
    # Inches. A row is as high as its label needs; the ink is never stretched.
    row, left, right, top, bottom = 0.165, 0.5, 0.75, 0.4, 0.2
    width = float(np.clip(0.21 * len(text), 3.5, 60.0))
    heat_height = row * (len(text) + 1)
    per_unit = width / (limits[1] - limits[0])
    ink_height = float(np.clip((y1 - y0 + 1.2) * per_unit, 0.4, 4.0))
    figure = new_figure(left + width + right, top + heat_height + _GAP + ink_height + bottom)
    heat = figure.add_axes(box(figure, left, bottom + ink_height + _GAP, width, heat_height))
    page = figure.add_axes(box(figure, left, bottom, width, ink_height))

    hues = [HUES[u % len(HUES)] for u in range(len(text))]
    colors = np.array([to_rgb(c) for c in (*hues, _END_COLOR)])
    shares = attention_shares(window)
    missing = skipped(text, window)
    columns = attention_columns(
        shares, ink, np.linspace(*limits, round(width * 120) + 1), spread=0.015 / per_unit
    )
    _draw_heat(heat, text, columns, limits, colors, missing)
    _draw_guides(heat, text, ink.points[:, 0], shares, colors, missing, gap=0.11 / per_unit)

    segments, owner = _curve_segments(ink)
    best = shares.argmax(axis=1)
    page.add_collection(
        LineCollection(segments, colors=colors[best[owner]], linewidths=1.5, capstyle="round")
    )
    page.set(xlim=limits, ylim=(y1 + 0.6, y0 - 0.6))
    page.set_axis_off()
    save(figure, path)


def _draw_heat(
    axes: Axes,
    text: str,
    columns: np.ndarray,
    limits: tuple[float, float],
    colors: np.ndarray,
    missing: Sequence[int],
) -> None:
    """The image of columns (B, U + 1) with a labelled row for each character; missing ones are struck out."""
    axes.imshow(
        _heat_image(columns, colors),
        aspect="auto",
        interpolation="nearest",
        extent=(*limits, len(text) + 0.5, -0.5),
    )
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    axes.set(xticks=[], yticks=range(len(text) + 1))
    axes.set_yticklabels([*map(_glyph, text), "end"], fontsize=9, parse_math=False)
    axes.set_title(one_line(text), fontsize=10, loc="left", color="#222222", parse_math=False)
    axes.tick_params(labelright=True)
    for u, tick in enumerate(axes.yaxis.get_major_ticks()):
        tick.label1.set_color(_SKIPPED_COLOR if u in missing else colors[u])
        tick.label2.set_color(_SKIPPED_COLOR if u in missing else colors[u])
    for u in missing:
        axes.axhline(u, color=_SKIPPED_COLOR, linewidth=0.8, linestyle=(0, (2, 2)))
        axes.annotate(
            "skipped",
            (1, u),
            xycoords=("axes fraction", "data"),
            xytext=(18, 0),
            textcoords="offset points",
            fontsize=7,
            color="#999999",
            va="center",
        )


def _draw_guides(
    axes: Axes,
    text: str,
    x: np.ndarray,
    shares: np.ndarray,
    colors: np.ndarray,
    missing: Sequence[int],
    gap: float,
) -> None:
    """A line from each character's row to its label above the ink that it drew; labels are `gap` apart."""
    named = [u for u in range(len(text)) if u not in missing]
    places = _ink_places(x, shares, named)
    label_places = _apart(places, gap)
    foot = len(text) + 0.5
    bends = zip(named, places, label_places, strict=True)
    guides = [[(place, u), (place, foot - 0.3), (label, foot)] for u, place, label in bends]
    axes.add_collection(LineCollection(guides, colors=colors[named], linewidths=0.5, alpha=0.3))
    for u, place in zip(named, label_places, strict=True):
        axes.annotate(
            _glyph(text[u]),
            (place, foot),
            xytext=(0, -72 * _GAP / 2),
            textcoords="offset points",
            color=colors[u],
            fontsize=9,
            ha="center",
            va="center",
            parse_math=False,
            annotation_clip=False,
        )


def _heat_image(columns: np.ndarray, colors: np.ndarray) -> np.ndarray:
    """Columns (B, C) as an image (C, B, 3) uint8, each row in its own colour (C, 3), on faint bands."""
    strength = np.nan_to_num(columns)
    most = strength.max(axis=1)
    full = float(np.percentile(most[most > 0], 75)) if (most > 0).any() else 1.0
    strength = np.clip(strength / full, 0, 1).T[..., None] ** 0.8
    bands = np.where(np.arange(len(colors)) % 2, 1.0, 0.965)[:, None, None]
    image = bands * (1 - strength) + colors[:, None, :] * strength
    return np.asarray(255 * image + 0.5, np.uint8)


def _ink_places(x: np.ndarray, shares: np.ndarray, characters: Sequence[int]) -> np.ndarray:
    """The middle of the ink that each character drew, or where it came closest to drawing some."""
    best = shares.argmax(axis=1)
    places = []
    for u in characters:
        drawn = np.sort(x[best == u])
        places.append(drawn[len(drawn) // 2] if len(drawn) else x[shares[:, u].argmax()])
    return np.array(places, np.float64)


def _apart(places: np.ndarray, gap: float) -> np.ndarray:
    """Places moved as little as need be so that no two are nearer than gap, in the same order."""
    order = np.argsort(places, kind="stable")
    steps = gap * np.arange(len(places))
    level = places[order] - steps
    right = np.maximum.accumulate(level)
    left = np.minimum.accumulate(level[::-1])[::-1]
    moved = np.empty_like(places)
    moved[order] = (left + right) / 2 + steps
    return moved


def _curve_segments(ink: Ink, steps: int = 8) -> tuple[list[np.ndarray], np.ndarray]:
    """Polylines along the curve, one that leads to each point, and the points' indices; dots stay dots."""
    u = np.linspace(0, 1, steps + 1)[:, None]
    basis = np.concatenate([(1 - u) ** 3, 3 * u * (1 - u) ** 2, 3 * u**2 * (1 - u), u**3], axis=1)
    segments: list[np.ndarray] = []
    owner: list[int] = []
    start = 0
    for stroke in ink.strokes:
        if len(stroke) == 1:
            segments.append(np.repeat(stroke, 2, axis=0))
            owner.append(start)
        segments.extend(basis @ smooth(stroke))
        owner.extend(range(start + 1, start + len(stroke)))
        start += len(stroke)
    return segments, np.array(owner)


def _glyph(character: str) -> str:
    return "\u2423" if character.isspace() else character
